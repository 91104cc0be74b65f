select
    line_code,
    line_label,
    hn_group,
    line_order,
    is_in_total_high_needs,
    is_in_benchmark_total,
    is_memo,
    is_top_up,
    is_send_transport,
    source
from {{ ref('s251_line') }}
