select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.ap_detail_key,
    landed.previous_urn,
    landed.ap_reason_code,
    landed.sen_provision_entry_code
from {{ source('school_census', 'census_ap_detail') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
