select
    landed.submission_id,
    landed.action_id,
    landed.source as source_code,
    landed.title as action_title,
    landed.owner_role,
    landed.start_date,
    landed.due_date,
    landed.revised_due_date,
    landed.status as status_code,
    landed.completed_date,
    landed.evidence_ref as evidence_reference,
    landed.kpi_id,
    landed.kpi_breakdown_topic,
    landed.kpi_breakdown
from {{ source('service_plan_actions', 'service_plan_action') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
