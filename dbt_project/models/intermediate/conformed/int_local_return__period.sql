-- The periods that local returns count: marts of theirs join them, whatever other return has arrived.
with periods as (
    -- Without any local return there are none.
    select
        cast(null as varchar) as time_identifier,
        cast(null as varchar) as time_period
    where false

    {%- for return_id in local_returns() %}

        union

        select
            time_identifier,
            time_period
        from {{ ref('int_' ~ return_id ~ '__kpi_cell') }}
    {%- endfor %}
)

select
    {{ surrogate_key(['lower(time_identifier)', 'time_period']) }} as period_key,
    time_identifier,
    time_period
from periods
