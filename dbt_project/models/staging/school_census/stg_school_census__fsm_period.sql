select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.fsm_period_key,
    landed.start_date,
    landed.end_date
from {{ source('school_census', 'census_fsm_period') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
