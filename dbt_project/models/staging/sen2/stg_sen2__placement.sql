select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.active_plan_key,
    landed.placement_key,
    landed.urn,
    landed.ukprn,
    landed.sen_setting_code,
    landed.has_sen_setting_other,
    cast(landed.placement_rank_code as integer) as placement_rank,
    landed.sen_unit_code = '1' as is_in_sen_unit,
    landed.resourced_provision_code = '1' as is_in_resourced_provision,
    landed.entry_date,
    landed.leaving_date,
    landed.attendance_pattern_code,
    landed.residential_code,
    landed.work_based_code
from {{ source('sen2', 'sen2_placement') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
