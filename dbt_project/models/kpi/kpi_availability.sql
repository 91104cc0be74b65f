select
    kpi_id,
    family,
    source_return,
    is_available,
    value_count,
    published_value_count,
    local_value_count,
    latest_time_identifier,
    latest_time_period,
    latest_period_end,
    reason
from {{ ref('int_kpi__availability') }}
