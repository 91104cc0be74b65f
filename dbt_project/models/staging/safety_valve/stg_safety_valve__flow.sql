select
    landed.submission_id,
    landed.source_row,
    landed.flow_code,
    landed.q1,
    landed.q2,
    landed.q3,
    landed.q4,
    landed.year_forecast
from {{ source('safety_valve', 'sv_flow') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
