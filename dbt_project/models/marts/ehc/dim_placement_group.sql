select
    placement_line_code,
    placement_line_name,
    line_order,
    comparable_line_code,
    placement_group_code,
    placement_group_name,
    group_order
from {{ ref('placement_line') }}
