select
    landed.submission_id,
    submission.is_current,
    landed.year_ending
from {{ source('outreach_activity', 'outreach_cover') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
