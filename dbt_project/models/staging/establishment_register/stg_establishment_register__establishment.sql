-- The register that counts; dates are dd-mm-yyyy as published, and blank stays null.
select
    landed.submission_id,
    landed.urn,
    landed.la_code,
    landed.la_name,
    landed.establishment_number,
    landed.establishment_name,
    landed.type_code,
    landed.type_name,
    landed.type_group_code,
    landed.type_group_name,
    landed.status_code,
    landed.status_name,
    {{ british_date('landed.open_date') }} as open_date,
    {{ british_date('landed.close_date') }} as close_date,
    landed.phase_code,
    landed.phase_name,
    try_cast(landed.statutory_low_age as integer) as statutory_low_age,
    try_cast(landed.statutory_high_age as integer) as statutory_high_age,
    try_cast(landed.school_capacity as integer) as school_capacity,
    try_cast(landed.pupil_count as integer) as pupil_count,
    landed.resourced_provision_name,
    try_cast(landed.resourced_provision_capacity as integer) as resourced_provision_capacity,
    try_cast(landed.sen_unit_capacity as integer) as sen_unit_capacity,
    landed.trust_name,
    landed.ukprn,
    landed.postcode,
    landed.lsoa_code
from {{ source('establishment_register', 'establishment') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
where submission.is_latest
