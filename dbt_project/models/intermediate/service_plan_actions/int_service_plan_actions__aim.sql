-- Which KPI each action is meant to move, as the latest return said that has the action. It began on its start date, unless it has not
-- begun yet.
select
    plan_action.action_id as aim_id,
    'action' as aim_kind,
    plan_action.action_title as aim_label,
    case when plan_action.status_code <> 'NOT_STARTED' and plan_action.start_date <= cover.as_of then plan_action.start_date end as begun_on,
    case when plan_action.status_code = 'COMPLETED' then plan_action.completed_date end as ended_on,
    plan_action.kpi_id,
    plan_action.kpi_breakdown_topic as breakdown_topic,
    plan_action.kpi_breakdown as breakdown,
    plan_action.submission_id
from {{ ref('stg_service_plan_actions__action') }} as plan_action
inner join {{ ref('stg_service_plan_actions__cover') }} as cover -- exactly one
    on plan_action.submission_id = cover.submission_id
where cover.is_current
qualify
    row_number() over (partition by plan_action.action_id order by cover.as_of desc) = 1
    and plan_action.kpi_id is not null
