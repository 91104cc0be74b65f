select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.birth_month,
    landed.sex_code,
    landed.ethnicity_code,
    landed.postcode_sector,
    landed.lsoa_code,
    landed.ward_code,
    landed.imd_decile,
    landed.upn_ref,
    landed.uln_ref,
    landed.upn_unknown_code,
    landed.age_at_31_august
from {{ source('sen2', 'sen2_person') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
