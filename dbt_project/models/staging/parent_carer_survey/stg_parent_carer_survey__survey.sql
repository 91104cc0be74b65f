select
    landed.submission_id,
    submission.is_current,
    landed.la_code,
    landed.survey_year,
    landed.opened_on,
    landed.closed_on,
    landed.member_count,
    landed.response_count
from {{ source('parent_carer_survey', 'survey') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
