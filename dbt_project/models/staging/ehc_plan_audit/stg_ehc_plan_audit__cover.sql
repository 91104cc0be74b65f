select
    landed.submission_id,
    submission.is_current,
    landed.audit_year
from {{ source('ehc_plan_audit', 'plan_audit_cover') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
