select
    landed.submission_id,
    landed.setting_id,
    landed.setting_kind as setting_kind_code
from {{ source('early_years_funding', 'early_years_setting') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
