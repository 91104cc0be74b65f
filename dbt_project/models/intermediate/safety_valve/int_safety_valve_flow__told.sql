with cells as (
    select
        submission_id,
        source_row,
        flow_code,
        {{ unpivoted_periods(
            [
                ('actual', 1, 'q1'),
                ('actual', 2, 'q2'),
                ('actual', 3, 'q3'),
                ('actual', 4, 'q4'),
                ('year_forecast', none, 'year_forecast')
            ],
            'flow_count'
        ) }}
    from {{ ref('stg_safety_valve__flow') }}
    where flow_code is not null
)

select
    cells.submission_id,
    cells.source_row,
    counted.la_code,
    counted.financial_year,
    cells.flow_code,
    cells.measure,
    coalesce(cells.quarter, counted.quarter) as quarter,
    cells.flow_count
from cells
inner join {{ ref('int_safety_valve_return__counted') }} as counted
    on cells.submission_id = counted.submission_id
where cells.flow_count is not null
