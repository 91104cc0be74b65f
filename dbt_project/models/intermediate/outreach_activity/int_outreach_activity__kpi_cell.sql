-- What the KPIs of the visits count, by academic year: visits by team, kind, need and outcome; those that were asked for and made
-- within four weeks, and repeat visits, by team; schools visited of those that are open, by phase.
{% set labelled = {
    'outreach_team': ('team_code', 'Outreach team'),
    'outreach_kind': ('activity_code', 'Kind of outreach'),
    'outreach_need': ('need_code', 'Need of the visit'),
    'outreach_outcome': ('outcome_code', 'Outcome of the visit'),
} %}

with visit as (
    select
        visit.*,
        cover.year_ending,
        visit.requested_on between visit.visited_on - 365 and visit.visited_on as is_wait_known,
        row_number() over (
            partition by visit.submission_id, visit.team_code, visit.urn
            order by visit.visited_on, visit.visit_key
        ) > 1 as is_repeat
    from {{ ref('stg_outreach_activity__visit') }} as visit
    inner join {{ ref('stg_outreach_activity__cover') }} as cover -- exactly one
        on visit.submission_id = cover.submission_id
    where cover.is_current
),

visited_school as (
    select distinct
        submission_id,
        urn
    from visit
),

school as (
    select
        establishment.urn,
        establishment.phase_name
    from {{ ref('stg_establishment_register__establishment') }} as establishment
    inner join {{ ref('stg_control__setting') }} as own_authority
        on
            own_authority.setting_name = 'la_code'
            and establishment.la_code = own_authority.setting_value
    where
        establishment.status_code in ('1', '3') -- open, or open and to be closed
        and establishment.phase_name in ('Nursery', 'Primary', 'Secondary')
),

item as (
    select
        visit.submission_id,
        visit.visit_key,
        'Total' as cell_topic,
        'Total' as cell_breakdown
    from visit
    {%- for code_set, (column, topic) in labelled.items() %}

        union all

        select
            visit.submission_id,
            visit.visit_key,
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

counted as (
    select
        visit.submission_id,
        visit.year_ending,
        item.cell_topic,
        item.cell_breakdown,
        measure.measure_code,
        count(*) filter (
            where
            case measure.measure_code
                when 'visits' then true
                when 'visits_requested' then visit.is_wait_known
                when 'visits_within_four_weeks' then visit.is_wait_known and visit.visited_on - visit.requested_on <= 28
                when 'repeat_visits' then visit.is_repeat
            end
        ) as cell_count
    from visit
    inner join item -- one for each breakdown, and the whole
        on
            visit.submission_id = item.submission_id
            and visit.visit_key = item.visit_key
    cross join (
        values ('visits'), ('visits_requested'), ('visits_within_four_weeks'), ('repeat_visits')
    ) as measure (measure_code)
    where measure.measure_code = 'visits' or item.cell_topic in ('Total', 'Outreach team')
    group by visit.submission_id, visit.year_ending, item.cell_topic, item.cell_breakdown, measure.measure_code

    union all

    select
        cover.submission_id,
        cover.year_ending,
        case when grouping(school.phase_name) = 1 then 'Total' else 'Phase of the school' end as cell_topic,
        case when grouping(school.phase_name) = 1 then 'Total' else school.phase_name end as cell_breakdown,
        measure.measure_code,
        count(*) filter (where measure.measure_code = 'schools' or visited.urn is not null) as cell_count
    from {{ ref('stg_outreach_activity__cover') }} as cover
    cross join school
    left join visited_school as visited -- at most one
        on
            cover.submission_id = visited.submission_id
            and school.urn = visited.urn
    cross join (values ('schools'), ('schools_visited')) as measure (measure_code)
    where cover.is_current
    group by
        grouping sets (
            (cover.submission_id, cover.year_ending, measure.measure_code),
            (cover.submission_id, cover.year_ending, measure.measure_code, school.phase_name)
        )
)

select
    measure_code,
    'Academic year' as time_identifier,
    cast(year_ending - 1 as varchar) || right(cast(year_ending as varchar), 2) as time_period,
    cell_topic,
    cell_breakdown,
    cell_count,
    -- A visit is about a pupil or more: of few visits few pupils can be behind the count.
    cell_count as people_count,
    cast(null as varchar) as coverage_note,
    submission_id
from counted
