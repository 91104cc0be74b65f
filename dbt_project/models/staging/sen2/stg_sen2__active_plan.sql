select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.request_key,
    landed.active_plan_key,
    landed.transfer_la_code,
    landed.last_review_date,
    landed.review_meeting_date,
    landed.review_outcome_code,
    landed.review_draft_date,
    landed.phase_transfer_due_date,
    landed.phase_transfer_final_date
from {{ source('sen2', 'sen2_active_plan') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
