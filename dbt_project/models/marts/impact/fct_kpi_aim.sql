-- What local returns say that an action or a service is meant to move: those of the models int_<return>__aim, with the authority. A
-- model has those of the columns here that its return can fill.
with aims as (
    -- Without any such return there are none.
    select
        cast(null as varchar) as return_id,
        cast(null as varchar) as aim_id,
        cast(null as varchar) as aim_kind,
        cast(null as varchar) as aim_label,
        cast(null as date) as begun_on,
        cast(null as date) as ended_on,
        cast(null as varchar) as status_label,
        cast(null as date) as due_on,
        cast(null as boolean) as is_overdue,
        cast(null as boolean) as is_slipping,
        cast(null as varchar) as owner_role,
        cast(null as varchar) as kpi_id,
        cast(null as varchar) as breakdown_topic,
        cast(null as varchar) as breakdown,
        cast(null as varchar) as submission_id
    where false

    {%- for return_id in aiming_returns() %}

        union all by name

        select
            '{{ return_id }}' as return_id,
            *
        from {{ ref('int_' ~ return_id ~ '__aim') }}
    {%- endfor %}
)

select
    {{ surrogate_key(['own_authority.setting_value', 'aims.return_id', 'aims.aim_id', 'aims.kpi_id']) }} as kpi_aim_key,
    own_authority.setting_value as la_code,
    aims.return_id,
    aims.aim_id,
    aims.aim_kind,
    aims.aim_label,
    aims.begun_on,
    aims.ended_on,
    aims.status_label,
    aims.due_on,
    aims.is_overdue,
    aims.is_slipping,
    aims.owner_role,
    aims.kpi_id,
    coalesce(aims.breakdown_topic, 'Total') as breakdown_topic,
    coalesce(aims.breakdown, 'Total') as breakdown,
    known.kpi_id is not null as is_known_kpi,
    aims.submission_id
from aims
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
left join {{ ref('kpi_definition') }} as known -- at most one
    on aims.kpi_id = known.kpi_id
