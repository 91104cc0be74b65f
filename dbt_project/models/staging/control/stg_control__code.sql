select
    return_id,
    code_set,
    code,
    label as code_label
from {{ source('control', 'code') }}
