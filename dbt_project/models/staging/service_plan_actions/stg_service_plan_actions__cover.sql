select
    landed.submission_id,
    submission.is_current,
    landed.financial_year,
    landed.quarter,
    landed.as_of
from {{ source('service_plan_actions', 'service_plan_cover') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
