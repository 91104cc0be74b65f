select
    name as setting_name,
    value as setting_value
from {{ source('control', 'setting') }}
