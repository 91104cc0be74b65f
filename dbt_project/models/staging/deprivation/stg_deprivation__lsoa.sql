select
    landed.submission_id,
    landed.lsoa_code,
    landed.lsoa_name,
    try_cast(landed.imd_rank as integer) as imd_rank,
    cast(landed.imd_decile as integer) as imd_decile,
    try_cast(landed.idaci_decile as integer) as idaci_decile
from {{ source('deprivation', 'lsoa_deprivation') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
where submission.is_latest
