select
    landed.submission_id,
    landed.request_kind as request_kind_code,
    landed.made_count,
    landed.met_count
from {{ source('my_return', 'my_return_line') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
