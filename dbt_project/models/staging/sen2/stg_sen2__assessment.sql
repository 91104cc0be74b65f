select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.request_key,
    landed.assessment_key,
    landed.assessment_outcome_code,
    landed.assessment_outcome_date,
    landed.assessment_mediation_code = '1' as has_assessment_mediation,
    landed.assessment_tribunal_code = '1' as has_assessment_tribunal,
    landed.other_mediation_code = '1' as has_other_mediation,
    landed.other_tribunal_code = '1' as has_other_tribunal,
    landed.week20_exception_code = '1' as has_20_week_exception
from {{ source('sen2', 'sen2_assessment') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
