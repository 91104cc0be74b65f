-- The events of the waiting lists counted: each once for every place it counts in, which is whose area, which breakdown and
-- which period.
with placed as (
    select
        *,
        unnest(['local_authority', 'provider']) as area_level
    from {{ ref('int_kpi__therapy_event') }}
),

split as (
    select
        *,
        unnest({{ therapy_places() }}) as place
    from placed
),

counted as (
    select
        area_level,
        if(area_level = 'provider', provider_code, null) as provider_code,
        time_identifier,
        time_period,
        place['topic'] as breakdown_topic,
        place['item'] as breakdown,
        -- Of children with a plan and of advice, all lines make one total; every other total is of one line.
        place['topic'] = 'Total' and event_kind in ('waiting', 'advice_due') as is_of_all_lines,
        if(is_of_all_lines, null, therapy_line) as therapy_line,
        if(is_of_all_lines, null, therapy_line_name) as therapy_line_name,
        event_kind,
        count(distinct provider_code) as trust_count,
        count(*) filter (where is_counted) as event_count,
        count(distinct person_key) as event_people,
        count(*) filter (where is_within_18_weeks) as within_18_count,
        count(distinct person_key) filter (where is_within_18_weeks) as within_18_people,
        count(*) filter (where is_over_52_weeks) as over_52_count,
        count(distinct person_key) filter (where is_over_52_weeks) as over_52_people,
        count(*) filter (where is_over_104_weeks) as over_104_count,
        count(distinct person_key) filter (where is_over_104_weeks) as over_104_people,
        {%- for name, condition in [
            ('accepted', 'is_counted and is_accepted'),
            ('in_time', 'is_in_time'),
            ('missed', 'is_missed'),
            ('without_warning', 'is_missed_without_warning'),
            ('too_late', 'is_too_late_to_be_seen')
        ] %}
            count(*) filter (where {{ condition }}) as {{ name }}_count,
            count(distinct person_key) filter (where {{ condition }}) as {{ name }}_people,
        {%- endfor %}
        case when count(has_ehc_plan) > 0 then count(distinct person_key) filter (where has_ehc_plan) end as plan_people,
        count(*) filter (where is_known_child) as known_count,
        {{ nearest_rank(50, 'wait_days') }} as median_days,
        {{ nearest_rank(92, 'wait_days') }} as percentile_92_days,
        count(distinct month_start) as month_count,
        max(if(area_level = 'local_authority', missing_provider_codes, null)) as missing_provider_codes,
        max(submission_id) as submission_id
    from split
    where place['item'] is not null
    group by all
)

-- How far the events of a service line, or of all together, are linked to children: of a hundred or more, in steps of five and
-- never all, since an exact share would give away how few are not. A breakdown has the share of its line: an item's own would
-- tell how many it has, and items by EHC plan and need hold nobody else than children who are linked.
select
    *,
    max(if(event_count >= 100, least(95, 5 * (20 * known_count // event_count)), null)) filter (
        where breakdown_topic = 'Service line' or is_of_all_lines
    ) over (
        partition by area_level, provider_code, time_identifier, time_period, event_kind, therapy_line
    ) as linked_at_least_pct
from counted
