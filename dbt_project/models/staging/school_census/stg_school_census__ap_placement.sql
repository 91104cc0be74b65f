select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.ap_placement_key,
    landed.urn,
    landed.ukprn,
    landed.setting_type_code,
    landed.placement_reason_code,
    landed.entry_date,
    landed.leaving_date,
    landed.sessions_per_week as sessions_per_week_count,
    landed.attendance_pattern_code,
    landed.sen_provision_entry_code,
    landed.sen_provision_leaving_code
from {{ source('school_census', 'census_ap_placement') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
