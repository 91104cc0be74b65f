select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.address_key,
    landed.postcode_sector,
    landed.lsoa_code,
    landed.ward_code,
    landed.imd_decile
from {{ source('school_census', 'census_address') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
