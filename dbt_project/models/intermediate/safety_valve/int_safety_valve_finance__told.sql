with cells as (
    select
        submission_id,
        source_row,
        block,
        line_code,
        line_label,
        {{ money_periods() }}
    from {{ ref('stg_safety_valve__finance') }}
    where block is not null and line_code is not null
)

select
    cells.submission_id,
    cells.source_row,
    counted.la_code,
    counted.financial_year,
    cells.block,
    cells.line_code,
    cells.line_label,
    cells.measure,
    cells.quarter,
    cells.value_gbp
from cells
inner join {{ ref('int_safety_valve_return__counted') }} as counted
    on cells.submission_id = counted.submission_id
where cells.value_gbp is not null
