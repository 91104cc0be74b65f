-- What each action is meant to move, as the latest return said that has the action. It began on its start date if some return tells of it
-- as under way or done. It ended on the day it was done; an action that is given up, or that a later return leaves out while it was still
-- to be done, on the day of the plan that was the first to give it up, or the last to tell of it.
with told as (
    select
        plan_action.*,
        cover.as_of,
        plan_action.status_code in ('COMPLETED', 'CANCELLED') as is_closed,
        coalesce(plan_action.revised_due_date, plan_action.due_date) as due_now,
        first_value(plan_action.due_date) over in_order as due_first,
        max(cover.as_of) over () as latest_as_of,
        bool_or(
            plan_action.status_code in ('IN_PROGRESS', 'COMPLETED') and plan_action.start_date <= cover.as_of
        ) over of_action as has_begun,
        min(cover.as_of) filter (where plan_action.status_code = 'CANCELLED') over of_action as given_up_on
    from {{ ref('stg_service_plan_actions__action') }} as plan_action
    inner join {{ ref('stg_service_plan_actions__cover') }} as cover -- exactly one
        on plan_action.submission_id = cover.submission_id
    where cover.is_current
    window
        of_action as (partition by plan_action.action_id),
        in_order as (partition by plan_action.action_id order by cover.as_of)
    qualify row_number() over (partition by plan_action.action_id order by cover.as_of desc) = 1
)

select
    told.action_id as aim_id,
    'action' as aim_kind,
    told.action_title as aim_label,
    case
        when told.has_begun and told.status_code <> 'NOT_STARTED' and told.start_date <= told.as_of then told.start_date
    end as begun_on,
    case
        when told.status_code = 'COMPLETED' then told.completed_date
        when told.status_code = 'CANCELLED' then told.given_up_on
        when told.as_of < told.latest_as_of then told.as_of
    end as ended_on,
    if(
        told.is_closed or told.as_of = told.latest_as_of,
        status_label.code_label,
        status_label.code_label || ' when last told of; no longer in the plan'
    ) as status_label,
    told.due_now as due_on,
    not told.is_closed and told.as_of = told.latest_as_of and told.due_now < told.as_of as is_overdue,
    not told.is_closed and told.as_of = told.latest_as_of and told.due_now > told.due_first as is_slipping,
    told.owner_role,
    told.kpi_id,
    told.kpi_breakdown_topic as breakdown_topic,
    told.kpi_breakdown as breakdown,
    told.submission_id
from told
inner join {{ ref('stg_control__code') }} as status_label -- exactly one
    on
        status_label.return_id = 'service_plan_actions'
        and status_label.code_set = 'service_plan_status'
        and told.status_code = status_label.code
