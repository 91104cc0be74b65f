-- The counts themselves, each once, whatever number of KPIs stand on it.
select distinct
    cell_key,
    la_code,
    series_code,
    measure_code,
    time_identifier,
    time_period,
    cell_topic,
    cell_breakdown,
    cell_count,
    people_count,
    submission_id
from {{ ref('int_kpi__therapy_component') }}
