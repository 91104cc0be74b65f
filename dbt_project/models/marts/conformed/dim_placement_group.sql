select
    placement_line_code,
    placement_line_name,
    line_order,
    comparable_line_code,
    placement_group_code,
    placement_group_name,
    group_order,
    dsg_category_code,
    reform_provision_code
from {{ ref('placement_line') }}
