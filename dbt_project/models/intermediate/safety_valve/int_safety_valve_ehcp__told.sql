with cells as (
    select
        submission_id,
        source_row,
        measure_group,
        category_code,
        category_label,
        {{ unpivoted_periods(
            [
                ('agreement', none, 'agreement_count'),
                ('plan', none, 'plan_count'),
                ('actual', 1, 'q1_actual'),
                ('forecast', 1, 'q1_forecast'),
                ('actual', 2, 'q2_actual'),
                ('forecast', 2, 'q2_forecast'),
                ('actual', 3, 'q3_actual'),
                ('forecast', 3, 'q3_forecast'),
                ('actual', 4, 'q4_actual'),
                ('forecast', 4, 'q4_forecast'),
                ('sen2_january', none, 'sen2_january')
            ],
            'plan_count'
        ) }}
    from {{ ref('stg_safety_valve__ehcp') }}
    where measure_group is not null and category_code is not null
)

select
    cells.submission_id,
    cells.source_row,
    counted.la_code,
    counted.financial_year,
    cells.measure_group,
    cells.category_code,
    cells.category_label,
    cells.measure,
    cells.quarter,
    cells.plan_count
from cells
inner join {{ ref('int_safety_valve_return__counted') }} as counted
    on cells.submission_id = counted.submission_id
where cells.plan_count is not null
