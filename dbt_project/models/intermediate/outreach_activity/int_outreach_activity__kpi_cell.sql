-- What the KPIs of the visits count, by academic year: visits by team, kind, need and outcome; those that were asked for and made
-- within four weeks, and repeat visits, by team; schools visited of those that stood in the year, by phase and by the share of
-- their pupils who have SEN; visits beside pupils with SEN; requests and suspensions of the schools first visited in the year.
{% set labelled = {
    'outreach_team': ('team_code', 'Outreach team'),
    'outreach_kind': ('activity_code', 'Kind of outreach'),
    'outreach_need': ('need_code', 'Need of the visit'),
    'outreach_outcome': ('outcome_code', 'Outcome of the visit'),
} %}
{% set few_schools = 5 %}

with visit as (
    select
        * replace (coalesce(need_code, 'SEVERAL') as need_code),
        coalesce(days_waited <= 28, false) as is_within_four_weeks
    from {{ ref('fct_outreach_activity_visit') }}
),

item as (
    select
        visit.outreach_visit_key,
        'Total' as cell_topic,
        'Total' as cell_breakdown
    from visit
    {%- for code_set, (column, topic) in labelled.items() %}

        union all

        select
            visit.outreach_visit_key,
            '{{ topic }}' as cell_topic,
            coalesce(item_code.code_label, 'Not recorded') as cell_breakdown
        from visit
        left join {{ ref('stg_control__code') }} as item_code -- at most one
            on
                item_code.return_id = 'outreach_activity'
                and item_code.code_set = '{{ code_set }}'
                and visit.{{ column }} = item_code.code
    {%- endfor %}
),

visits_counted as (
    select
        visit.submission_id,
        visit.academic_year,
        item.cell_topic,
        item.cell_breakdown,
        measure.measure_code,
        count_if(
            case measure.measure_code
                when 'visits' then true
                when 'visits_requested' then visit.days_waited is not null
                when 'visits_within_four_weeks' then visit.is_within_four_weeks
                when 'repeat_visits' then visit.is_repeat
            end
        ) as cell_count
    from visit
    inner join item -- one for each breakdown, and the whole
        on visit.outreach_visit_key = item.outreach_visit_key
    cross join (
        values ('visits'), ('visits_requested'), ('visits_within_four_weeks'), ('repeat_visits')
    ) as measure (measure_code)
    where measure.measure_code = 'visits' or item.cell_topic in ('Total', 'Outreach team')
    group by visit.submission_id, visit.academic_year, item.cell_topic, item.cell_breakdown, measure.measure_code
),

school as (
    select
        *,
        case sen_third_code
            when 'lowest' then 'Lowest third of schools'
            when 'middle' then 'Middle third of schools'
            when 'highest' then 'Highest third of schools'
            else 'Not known'
        end as sen_third,
        coalesce(phase_name in ('Primary', 'Secondary') and roll_count is not null, false) as has_known_sen
    from {{ ref('fct_outreach_activity_school') }}
),

schools_counted as (
    {%- for topic, column in [('Total', "'Total'"), ('Phase of the school', 'phase_name'), ('Share of pupils with SEN', 'sen_third')] %}
        select
            submission_id,
            academic_year,
            '{{ topic }}' as cell_topic,
            {{ column }} as cell_breakdown,
            unnest(['schools', 'schools_visited']) as measure_code,
            unnest([count(*), count_if(visit_count > 0)]) as cell_count,
            unnest([count(*), count_if(visit_count > 0)]) as people_count
        from school
        where is_expected
        group by submission_id, academic_year, cell_breakdown

        union all
    {% endfor %}
    -- Nursery schools are left out: their few pupils with SEN would be the rest of a sum. Of few schools the counts are about these
    -- schools, however many pupils and visits they have: disclosure control judges them by the schools.
    {%- for topic, column in [('Total', "'Total'"), ('Phase of the school', 'phase_name')] %}
        select
            submission_id,
            academic_year,
            '{{ topic }}' as cell_topic,
            {{ column }} as cell_breakdown,
            unnest(['visits_beside_pupils', 'pupils_with_sen']) as measure_code,
            unnest([sum(visit_count), sum(sen_support_count + ehc_plan_count)]) as cell_count,
            unnest(
                if(
                    count(*) < {{ few_schools }},
                    [count(*), count(*)],
                    [sum(visit_count), sum(sen_support_count + ehc_plan_count)]
                )
            ) as people_count
        from school
        where is_expected and has_known_sen
        group by submission_id, academic_year, cell_breakdown
        {%- if not loop.last %}

            union all
        {% endif %}
    {%- endfor %}
),

-- Of schools whose twelve months before and after are whole.
compared as (
    select
        academic_year,
        la_code,
        site_key,
        unnest(['request', 'suspension']) as event_code,
        unnest([request_window_code, suspension_window_code]) as window_code
    from school
    where is_year_of_first_visit
),

compared_years as (
    select
        academic_year,
        event_code,
        count_if(window_code = 'whole') as whole_count,
        count(*) as school_count
    from compared
    group by academic_year, event_code
    having count_if(window_code = 'whole') > 0
),

events_counted as (
    select
        compared.academic_year,
        compared.event_code,
        count(*) filter (where not told.is_after) as before_count,
        count(*) filter (where told.is_after) as after_count,
        count(distinct told.child_key) filter (where not told.is_after) as before_people_count,
        count(distinct told.child_key) filter (where told.is_after) as after_people_count
    from compared
    inner join {{ ref('int_outreach_activity__event') }} as told
        on
            compared.la_code = told.la_code
            and compared.site_key = told.site_key
            and compared.event_code = told.event_code
    where compared.window_code = 'whole'
    group by compared.academic_year, compared.event_code
),

submission as (
    select distinct
        submission_id,
        academic_year
    from school
),

counted as (
    select
        submission_id,
        academic_year,
        cell_topic,
        cell_breakdown,
        measure_code,
        cell_count,
        -- Which pupils a visit is about is not told: each is judged as if it were about one more.
        cell_count as people_count,
        null as coverage_note
    from visits_counted

    union all

    select
        submission_id,
        academic_year,
        cell_topic,
        cell_breakdown,
        measure_code,
        cell_count,
        people_count,
        null as coverage_note
    from schools_counted
    {%- for side in ['before', 'after'] %}

        union all

        select
            submission.submission_id,
            compared_years.academic_year,
            'Total' as cell_topic,
            'Total' as cell_breakdown,
            compared_years.event_code || 's_{{ side }}' as measure_code,
            coalesce(events_counted.{{ side }}_count, 0) as cell_count,
            -- Of few schools it is these schools that the count is about.
            if(
                compared_years.whole_count < {{ few_schools }},
                compared_years.whole_count,
                coalesce(events_counted.{{ side }}_people_count, 0)
            ) as people_count,
            if(
                compared_years.whole_count < compared_years.school_count,
                'Some schools first visited in the year are left out: the twelve months before or after are not wholly known.',
                null
            ) as coverage_note
        from compared_years
        inner join submission -- exactly one
            on compared_years.academic_year = submission.academic_year
        left join events_counted -- at most one
            on
                compared_years.academic_year = events_counted.academic_year
                and compared_years.event_code = events_counted.event_code
    {%- endfor %}
)

select
    measure_code,
    'Academic year' as time_identifier,
    academic_year as time_period,
    cell_topic,
    cell_breakdown,
    cast(cell_count as bigint) as cell_count,
    cast(people_count as bigint) as people_count,
    coverage_note,
    submission_id
from counted
