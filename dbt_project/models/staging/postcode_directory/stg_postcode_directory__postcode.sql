select
    landed.submission_id,
    landed.postcode,
    landed.la_code as la_ons_code,
    landed.ward_code,
    landed.ward_name,
    landed.lsoa_code,
    landed.termination_month is null as is_in_use
from {{ source('postcode_directory', 'postcode') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
where submission.is_latest
