select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.suspension_key,
    landed.start_date,
    landed.sessions as session_count,
    landed.category_code,
    landed.sen_provision_code,
    landed.reason_1_code,
    landed.reason_2_code,
    landed.reason_3_code
from {{ source('school_census', 'census_suspension') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
