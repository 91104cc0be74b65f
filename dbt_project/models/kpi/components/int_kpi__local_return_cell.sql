-- The counts of every local return: those of its model int_<return>__kpi_cell, with the authority and the return.
with cells as (
    -- Without any local return there are none.
    select
        cast(null as varchar) as series_code,
        cast(null as varchar) as measure_code,
        cast(null as varchar) as time_identifier,
        cast(null as varchar) as time_period,
        cast(null as varchar) as cell_topic,
        cast(null as varchar) as cell_breakdown,
        cast(null as bigint) as cell_count,
        cast(null as bigint) as people_count,
        cast(null as varchar) as coverage_note,
        cast(null as varchar) as submission_id
    where false

    {%- for return_id in local_returns() %}

        union all by name

        select
            '{{ return_id }}' as series_code,
            measure_code,
            time_identifier,
            time_period,
            cell_topic,
            cell_breakdown,
            cell_count,
            people_count,
            coverage_note,
            submission_id
        from {{ ref('int_' ~ return_id ~ '__kpi_cell') }}
    {%- endfor %}
)

select
    own_authority.setting_value as la_code,
    cells.series_code,
    cells.measure_code,
    cells.time_identifier,
    cells.time_period,
    cells.cell_topic,
    cells.cell_breakdown,
    cells.cell_count,
    cells.people_count,
    cells.coverage_note,
    cells.submission_id
from cells
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
