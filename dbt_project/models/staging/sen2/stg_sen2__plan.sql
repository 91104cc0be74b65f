select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.assessment_key,
    landed.plan_key,
    landed.start_date,
    landed.plan_residential_code,
    landed.plan_work_based_code,
    landed.personal_budget_code = '1' as has_personal_budget,
    landed.organised_arrangements_code = '1' as has_organised_arrangements,
    landed.direct_payment_code,
    landed.cease_date,
    landed.cease_reason_code,
    landed.age_at_start,
    landed.age_at_cease
from {{ source('sen2', 'sen2_plan') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
