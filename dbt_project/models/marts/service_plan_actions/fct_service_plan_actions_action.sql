with told as (
    select
        plan_action.*,
        cover.financial_year,
        cover.quarter,
        cover.as_of,
        coalesce(plan_action.revised_due_date, plan_action.due_date) as due_now_date,
        first_value(plan_action.due_date) over (partition by plan_action.action_id order by cover.as_of) as due_first_date,
        plan_action.status_code not in ('COMPLETED', 'CANCELLED') as is_open
    from {{ ref('stg_service_plan_actions__action') }} as plan_action
    inner join {{ ref('stg_service_plan_actions__cover') }} as cover -- exactly one
        on plan_action.submission_id = cover.submission_id
    where cover.is_current
)

select
    {{ surrogate_key(['told.submission_id', 'told.action_id']) }} as service_plan_action_key,
    own_authority.setting_value as la_code,
    {{ financial_quarter_key('told.financial_year', 'told.quarter') }} as period_key,
    told.financial_year,
    told.quarter,
    told.as_of as as_of_date,
    told.action_id,
    told.action_title,
    told.source_code,
    source_label.code_label as source_name,
    told.owner_role,
    told.start_date,
    told.due_date,
    told.revised_due_date,
    told.due_now_date,
    told.due_first_date,
    told.status_code,
    told.completed_date,
    told.evidence_reference,
    told.kpi_id,
    told.is_open,
    told.is_open and told.due_now_date < told.as_of as is_overdue,
    told.is_open and told.due_now_date > told.due_first_date as is_slipping,
    told.submission_id
from told
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
inner join {{ ref('stg_control__code') }} as source_label -- exactly one
    on
        source_label.return_id = 'service_plan_actions'
        and source_label.code_set = 'service_plan_source'
        and told.source_code = source_label.code
