-- The records of each series counted by topic. Where pupils of January are at risk of a suspension and none is told, the
-- count is zero. Not by school: the return of one can be missing.
{%- set roll, attendance, suspension, plan_difference = {}, {}, {}, {} -%}
{%- for suffix, provision in sen_provision_filters().items() -%}
    {%- set people = 'count(*) filter (where ' ~ provision ~ ')' -%}
    {%- do roll.update({'pupils' ~ suffix: (people, people)}) -%}
    {%- do attendance.update({
        'sessions_possible' ~ suffix: ('coalesce(sum(possible_count) filter (where ' ~ provision ~ '), 0)', people),
        'sessions_missed' ~ suffix: ('coalesce(sum(missed_count) filter (where ' ~ provision ~ '), 0)', people),
        'enrolments' ~ suffix: (people, people),
        'persistent_absentees' ~ suffix: ('count(*) filter (where is_persistent and ' ~ provision ~ ')',) * 2
    }) -%}
    {%- for measure, category in [('suspensions', 'SUSP'), ('permanent_exclusions', 'PERM')] -%}
        {%- set filter = "filter (where category_code = '" ~ category ~ "' and " ~ provision ~ ")" -%}
        {%- do suspension.update({measure ~ suffix: ('count(*) ' ~ filter, 'count(distinct child_key) ' ~ filter)}) -%}
    {%- endfor -%}
{%- endfor -%}
{%- for side in ['census', 'sen2'] -%}
    {%- for kind in ['', 'agrees', 'legitimate', 'to_follow_up'] -%}
        {%- set people -%}
            count(*) filter (where side = '{{ side }}'{{ " and reason_class_item = '" ~ kind ~ "'" if kind }})
        {%- endset -%}
        {%- do plan_difference.update({side ~ '_plans' ~ ('_' ~ kind if kind): (people, people)}) -%}
    {%- endfor -%}
{%- endfor %}
with roll as (
    {{ census_statistic_counts(
        'census_roll',
        ['phase', 'year_group', 'sex', 'need', 'fsm', 'ethnicity', 'deprivation', 'ward', 'school'],
        roll
    ) }}
),

attendance as (
    {{ census_statistic_counts(
        'census_attendance', ['phase', 'year_group', 'sex', 'need', 'ward', 'school'], attendance
    ) }}
),

suspension as (
    {{ census_statistic_counts(
        'census_suspension', ['phase', 'year_group', 'sex', 'need', 'ward', 'school'], suspension
    ) }}
),

plan_difference as (
    {{ census_statistic_counts('census_plan_difference', ['phase', 'year_group', 'school', 'reason'], plan_difference) }}
),

nobody as (
    select distinct
        'census_suspension' as series_code,
        period.la_code,
        period.time_identifier,
        period.time_period,
        roll.topic_code,
        roll.item_code,
        roll.submission_id,
        unnest(['{{ suspension.keys() | join("', '") }}']) as measure_code,
        0 as statistic_count,
        0 as people_count
    from {{ ref('int_census_told__period') }} as period
    inner join roll -- one period to the items of its January
        on
            period.la_code = roll.la_code
            and period.time_period = roll.time_period
            and roll.time_identifier = 'Spring term'
            and roll.measure_code = 'pupils'
            and roll.topic_code in ('total', 'phase', 'year_group', 'sex', 'need', 'ward')
    where period.series_code = 'census_suspension'
),

counted as (
    select * from roll

    union all by name

    select * from attendance

    union all by name

    select * from suspension

    union all by name

    select * from plan_difference

    union all by name

    select * from nobody
)

select
    series_code,
    la_code,
    time_identifier,
    time_period,
    topic_code,
    item_code,
    measure_code,
    max(submission_id) as submission_id,
    cast(sum(statistic_count) as bigint) as statistic_count,
    cast(sum(people_count) as bigint) as people_count
from counted
-- A need is that of a pupil with SEN: it parts no other pupils.
where not (topic_code = 'need' and not regexp_matches(measure_code, '_(any_sen|sen_support|ehc_plan)$'))
group by all
