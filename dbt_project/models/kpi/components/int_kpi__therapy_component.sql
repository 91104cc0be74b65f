-- The counts behind each therapy KPI of the authority, as int_kpi__local_component has them for other KPIs. A percentile
-- stands on the number of waits; one that is the longest wait has none, nor have crossed breakdowns, so that the open tables
-- withhold them. The only trust of a figure stands on the authority's own count, and has none where others add to it.
with own_values as (
    select
        *,
        {{ surrogate_key([
            'kpi_id', 'area_level', 'area_code', 'time_identifier', 'time_period', 'breakdown_topic', 'breakdown', "'local'"
        ]) }} as kpi_value_key,
        -- What the difference from the national workbook tells is the number waiting.
        if(kpi_id = 'therapy_sitrep_difference_pct', 'therapy_waiting_total', kpi_id) as counted_kpi_id
    from {{ ref('int_kpi__therapy_value') }}
),

counted as (
    select
        *,
        -- A total of one line is that line's count.
        if(therapy_line_name is null, breakdown_topic, 'Service line') as cell_topic,
        coalesce(therapy_line_name, breakdown) as cell_breakdown
    from own_values
    where area_level = 'local_authority' and breakdown_topic in ('Total', 'Service line') and not is_extreme
),

shown as (
    select counted.*
    from counted

    union all

    select counted.* replace (trust_value.kpi_value_key as kpi_value_key)
    from counted
    inner join own_values as trust_value -- one count to its KPI values of the trust
        on
            counted.kpi_id = trust_value.counted_kpi_id
            and counted.time_identifier = trust_value.time_identifier
            and counted.time_period = trust_value.time_period
            and counted.breakdown_topic = trust_value.breakdown_topic
            and counted.breakdown = trust_value.breakdown
    where trust_value.area_level = 'provider' and counted.trust_count = 1
),

parts as (
    select
        *,
        'numerator' as part,
        numerator_measure as measure_code,
        numerator as cell_count,
        numerator_people as people_count
    from shown
    where numerator is not null

    union all

    select
        *,
        'denominator' as part,
        denominator_measure as measure_code,
        denominator as cell_count,
        denominator_people as people_count
    from shown
    where denominator is not null
)

select
    kpi_value_key,
    part,
    1 as weight,
    {{ surrogate_key([
        'la_code', "'therapy_wait'", 'measure_code', 'time_identifier', 'time_period', 'cell_topic', 'cell_breakdown'
    ]) }} as cell_key,
    la_code,
    'therapy_wait' as series_code,
    measure_code,
    time_identifier,
    time_period,
    cell_topic,
    cell_breakdown,
    cast(cell_count as bigint) as cell_count,
    people_count,
    submission_id
from parts
