select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.session_key,
    landed.attendance_period_code,
    landed.attendance_code,
    landed.sessions as session_count
from {{ source('school_census', 'census_session') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
