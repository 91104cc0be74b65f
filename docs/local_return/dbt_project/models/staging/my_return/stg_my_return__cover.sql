-- The control table of submissions holds those that were accepted, and says which of them counts.
select
    landed.submission_id,
    submission.is_current,
    landed.return_year
from {{ source('my_return', 'my_return_cover') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
