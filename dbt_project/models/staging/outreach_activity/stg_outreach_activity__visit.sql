select
    landed.submission_id,
    landed.visit_key,
    landed.urn,
    landed.team as team_code,
    landed.activity as activity_code,
    landed.need as need_code,
    landed.requested_on,
    landed.visited_on,
    landed.pupil_count,
    landed.outcome as outcome_code
from {{ source('outreach_activity', 'outreach_visit') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
