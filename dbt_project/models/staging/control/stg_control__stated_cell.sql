select
    la_code,
    release_name,
    series_code,
    time_period,
    breakdown_topic,
    breakdown,
    measure_code,
    stated_value,
    reason
from {{ source('control', 'stated_cell') }}
