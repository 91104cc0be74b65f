select
    reason_code,
    reason_order,
    reason_class,
    reason_name,
    definition,
    action
from {{ ref('census_plan_reason') }}
