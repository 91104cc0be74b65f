-- The counts themselves, each once, whatever number of KPIs stand on it. A cell that two of them give differently is taken as
-- the smaller.
select
    cell_key,
    la_code,
    series_code,
    measure_code,
    time_identifier,
    time_period,
    cell_topic,
    cell_breakdown,
    min(cell_count) as cell_count,
    min(people_count) as people_count,
    max(submission_id) as submission_id
from {{ ref('int_kpi__safety_valve_component') }}
group by all
