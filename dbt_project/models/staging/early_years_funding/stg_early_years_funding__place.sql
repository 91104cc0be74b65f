select
    landed.submission_id,
    landed.setting_id,
    landed.birth_month,
    landed.entitlement as entitlement_code,
    landed.inclusion_level as inclusion_level_code,
    landed.child_count,
    landed.funded_hours,
    landed.senif_gbp,
    landed.daf_child_count,
    landed.daf_gbp
from {{ source('early_years_funding', 'early_years_place') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
