select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.request_key,
    landed.received_date,
    landed.request_source_code,
    landed.is_rya_code = '1' as is_in_youth_accommodation,
    landed.request_outcome_date,
    landed.request_outcome_code,
    landed.request_mediation_code = '1' as has_request_mediation,
    landed.request_tribunal_code = '1' as has_request_tribunal,
    landed.exported_la_code,
    landed.age_at_received
from {{ source('sen2', 'sen2_request') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
