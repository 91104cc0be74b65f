-- The cells behind each local KPI value, so that whatever is withheld of a cell can be withheld of the value. Growth is this
-- year less the year before over the year before; a gap is the authority's share less England's.
with component_cells as (
    {{ kpi_component_cells(ref('kpi_source'), ref('int_kpi__local_cell'), 'la_code') }}
),

dated as (
    select
        *,
        {{ period_start('time_identifier', 'time_period') }} as period_start
    from component_cells
),

used as (
    select
        kpi_id,
        kpi_topic,
        kpi_breakdown,
        time_identifier,
        period_start,
        part,
        weight,
        cell_key
    from dated

    union all

    select
        kpi_id,
        kpi_topic,
        kpi_breakdown,
        time_identifier,
        {{ months_later('period_start', 12) }} as period_start,
        'numerator' as part,
        -weight as weight,
        cell_key
    from dated
    where calculation = 'growth'

    union all

    select
        kpi_id,
        kpi_topic,
        kpi_breakdown,
        time_identifier,
        {{ months_later('period_start', 12) }} as period_start,
        'denominator' as part,
        weight,
        cell_key
    from dated
    where calculation = 'growth'
)

select distinct
    kpi_value.kpi_value_key,
    used.part,
    used.weight,
    used.cell_key
from used
inner join {{ ref('kpi_value') }} as kpi_value -- exactly one, where the value exists
    on
        used.kpi_id = kpi_value.kpi_id
        and used.kpi_topic = kpi_value.breakdown_topic
        and used.kpi_breakdown = kpi_value.breakdown
        and used.time_identifier = kpi_value.time_identifier
        and used.period_start = kpi_value.period_start
        and kpi_value.value_basis = 'local'

union all

select
    kpi_value_key,
    part,
    weight,
    cell_key
from {{ ref('int_kpi__therapy_component') }}

union all

select
    kpi_value_key,
    part,
    weight,
    cell_key
from {{ ref('int_kpi__safety_valve_component') }}
