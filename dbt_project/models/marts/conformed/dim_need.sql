select
    need_code,
    need_name,
    need_order,
    comparable_need_code,
    first_return_year
from {{ ref('need_type') }}
