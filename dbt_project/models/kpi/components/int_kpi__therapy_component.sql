-- The counts behind each therapy KPI of the authority, as int_kpi__local_component has them for other KPIs. A percentile
-- stands on the number of waits; one that is the longest wait has none, nor have crossed breakdowns, so that the open tables
-- withhold them.
with shown as (
    select
        {{ surrogate_key([
            'kpi_id', 'area_level', 'area_code', 'time_identifier', 'time_period', 'breakdown_topic', 'breakdown', "'local'"
        ]) }} as kpi_value_key,
        *
    from {{ ref('int_kpi__therapy_value') }}
    where area_level = 'local_authority' and breakdown_topic in ('Total', 'Service line') and not is_extreme
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
        'la_code', "'therapy_wait'", 'measure_code', 'time_identifier', 'time_period', 'breakdown_topic', 'breakdown'
    ]) }} as cell_key,
    la_code,
    'therapy_wait' as series_code,
    measure_code,
    time_identifier,
    time_period,
    breakdown_topic as cell_topic,
    breakdown as cell_breakdown,
    cast(cell_count as bigint) as cell_count,
    people_count,
    submission_id
from parts
