{%- set carried = [
    'value_basis', 'kpi_id', 'calculation', 'area_key', 'comparator_role', 'time_identifier', 'time_period', 'kpi_topic',
    'kpi_breakdown', 'is_derived', 'is_published_percentage', 'is_sum_of_percentages', 'publisher', 'release_name',
    'coverage_note', 'submission_id'
] -%}
-- One row a KPI, area, period, breakdown and basis, by the one recipe of kpi_source for published and local cells alike.
with recipes as (
    select
        row_number() over (
            order by
                kpi_id, source_rank, breakdown_topic, breakdown, part, series_code, measure_code, age_from, weight
        ) as component_id,
        count(*) over (
            partition by kpi_id, source_rank, breakdown_topic, breakdown, part
        ) as component_count,
        *
    from {{ ref('kpi_source') }}
),

cells as (
    select
        'published' as value_basis,
        area_key,
        comparator_role,
        series_code,
        measure_code,
        time_identifier,
        time_period,
        cell_topic,
        cell_breakdown,
        age_from,
        age_to,
        value,
        value_status,
        fault_rule_id,
        is_derived,
        publisher,
        release_name,
        release_year,
        release_revision,
        submission_id,
        null as coverage_note
    from {{ ref('int_kpi__published_cell') }}

    union all

    select
        'local' as value_basis,
        {{ surrogate_key(["'local_authority'", 'la_code']) }} as area_key,
        'own_authority' as comparator_role,
        series_code,
        measure_code,
        time_identifier,
        time_period,
        cell_topic,
        if(cell_topic = 'Age range', null, cell_breakdown) as cell_breakdown,
        age_from,
        age_to,
        cell_count as value,
        'reported' as value_status,
        null as fault_rule_id,
        true as is_derived,
        'Local calculation' as publisher,
        null as release_name,
        null as release_year,
        null as release_revision,
        submission_id,
        coverage_note
    from {{ ref('int_kpi__local_cell') }}
),

component_cells as (
    {{ kpi_component_cells('recipes', 'cells', 'area_key') }}
),

parts as (
    select
        value_basis,
        kpi_id,
        source_rank,
        calculation,
        area_key,
        comparator_role,
        time_identifier,
        time_period,
        kpi_topic,
        kpi_breakdown,
        part,
        sum(weight * value) as part_value,
        bool_and(value_status = 'reported' and fault_rule_id is null) as is_complete,
        max(fault_rule_id) as fault_rule_id,
        min(value_status) filter (where value_status <> 'reported') as marker,
        bool_or(is_derived) or count(*) > 1 as is_derived,
        count(distinct component_id) = max(component_count) as has_every_component,
        max(publisher) as publisher,
        {{ last_known('release_name', '(release_year, release_revision, release_name)') }} as release_name,
        {{ last_known('submission_id', '(release_year, release_revision, release_name, submission_id)') }} as submission_id,
        max(coverage_note) as coverage_note
    from component_cells
    group by all
),

measured as (
    select
        value_basis,
        kpi_id,
        source_rank,
        calculation,
        area_key,
        comparator_role,
        time_identifier,
        time_period,
        kpi_topic,
        kpi_breakdown,
        max(part_value) filter (where part = 'numerator' and is_complete) as numerator,
        max(part_value) filter (where part = 'denominator' and is_complete) as denominator,
        max(part_value) filter (where part = 'published' and is_complete) as published,
        count(distinct part) filter (where part <> 'published') = 2 as has_both_counts,
        bool_or(part = 'published') as has_published,
        max(fault_rule_id) filter (where part <> 'published') as fault_rule_id,
        -- The numerator's marker speaks first: it is what the KPI is about.
        coalesce(
            max(marker) filter (where part = 'numerator'),
            max(marker) filter (where part = 'denominator'),
            max(marker)
        ) as marker,
        bool_or(is_derived) as is_derived,
        bool_or(is_derived and part = 'published') as is_sum_of_percentages,
        max(publisher) as publisher,
        max(release_name) as release_name,
        max(submission_id) as submission_id,
        -- The base of a share is covered as its numerator is: the note of a rate speaks of both.
        coalesce(
            max(coverage_note) filter (where part = 'numerator'),
            max(coverage_note) filter (where part = 'denominator')
        ) as coverage_note
    from parts
    where has_every_component
    group by all
),

-- A published percentage wins where counts cannot reproduce it to its one decimal (unknowns left out of its base).
valued as (
    select
        *,
        case calculation
            when 'count' then numerator
            when 'growth' then numerator
            when 'published' then published
            else
                case
                    when published is null then {{ percentage('numerator', 'denominator') }}
                    when abs({{ percentage('numerator', 'denominator') }} - published) <= 0.051
                        then {{ percentage('numerator', 'denominator') }}
                    else published
                end
        end as value,
        calculation = 'published'
        or (
            calculation in ('share', 'gap')
            and published is not null
            and coalesce(abs({{ percentage('numerator', 'denominator') }} - published) > 0.051, true)
        ) as is_published_percentage
    from measured
    where calculation in ('count', 'growth') or has_both_counts or has_published
),

-- The preferred source that has a number; a marker only where no source has one.
chosen as (
    select *
    from valued
    qualify row_number() over (
        partition by value_basis, kpi_id, area_key, time_identifier, time_period, kpi_topic, kpi_breakdown
        order by value is null, source_rank
    ) = 1
),

dated as (
    select
        *,
        {{ period_start('time_identifier', 'time_period') }} as period_start
    from chosen
),

grown as (
    select
        this_year.{{ carried | join(',\n        this_year.') }},
        this_year.numerator - year_before.numerator as numerator,
        year_before.numerator as denominator,
        {{ percentage('this_year.numerator - year_before.numerator', 'year_before.numerator') }} as value,
        coalesce(this_year.fault_rule_id, year_before.fault_rule_id) as fault_rule_id,
        coalesce(this_year.marker, year_before.marker) as marker
    from dated as this_year
    inner join dated as year_before -- at most one
        on
            this_year.value_basis = year_before.value_basis
            and this_year.kpi_id = year_before.kpi_id
            and this_year.area_key = year_before.area_key
            and this_year.time_identifier = year_before.time_identifier
            and this_year.kpi_topic = year_before.kpi_topic
            and this_year.kpi_breakdown = year_before.kpi_breakdown
            and this_year.period_start = {{ months_later('year_before.period_start', 12) }}
    where this_year.calculation = 'growth'
),

gaps as (
    select
        area.{{ carried | join(',\n        area.') }},
        area.value as numerator,
        england.value as denominator,
        area.value - england.value as value,
        coalesce(area.fault_rule_id, england.fault_rule_id) as fault_rule_id,
        coalesce(area.marker, england.marker) as marker
    from dated as area
    inner join dated as england -- at most one
        on
            area.kpi_id = england.kpi_id
            and area.period_start = england.period_start
            and area.time_identifier = england.time_identifier
            and area.kpi_topic = england.kpi_topic
            and area.kpi_breakdown = england.kpi_breakdown
    where
        area.calculation = 'gap'
        and area.comparator_role <> 'england'
        -- England is published, whatever it is set beside.
        and england.comparator_role = 'england'
),

alike as (
    select
        {{ carried | join(',\n        ') }},
        numerator,
        denominator,
        value,
        fault_rule_id,
        marker
    from dated
    where calculation in ('count', 'share', 'published')

    union all

    select *
    from grown

    union all

    select *
    from gaps
),

computed as (
    select
        *,
        case
            when value_basis = 'local' then 'computed from local counts'
            when calculation = 'count' then if(is_derived, 'computed from published counts', 'published figure')
            when calculation = 'growth' then 'computed from published counts'
            when calculation = 'gap' then 'computed from published percentages'
            when is_published_percentage and is_sum_of_percentages then 'computed from published percentages'
            when is_published_percentage then 'published figure'
            else 'computed from published counts'
        end as method
    from alike
)

select
    value_basis,
    kpi_id,
    area_key,
    comparator_role,
    time_identifier,
    time_period,
    kpi_topic as breakdown_topic,
    kpi_breakdown as breakdown,
    cast(
        case when not is_published_percentage or calculation = 'gap' then numerator end as decimal(18, 4)
    ) as numerator,
    cast(
        case when not is_published_percentage or calculation = 'gap' then denominator end as decimal(18, 4)
    ) as denominator,
    cast(case when fault_rule_id is null then value end as decimal(18, 4)) as value,
    case
        when fault_rule_id is not null then 'fault'
        when value is not null then 'reported'
        -- A share of nobody does not exist.
        when numerator is not null and denominator = 0 then 'not_applicable'
        when marker in ('blank', 'text') then 'not_available'
        else coalesce(marker, 'not_available')
    end as value_status,
    method,
    fault_rule_id,
    publisher,
    release_name,
    coverage_note,
    submission_id
from computed
