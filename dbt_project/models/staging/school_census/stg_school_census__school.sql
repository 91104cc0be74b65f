select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.return_key,
    landed.school_key,
    landed.school_name,
    landed.phase_code,
    landed.school_type_code,
    landed.governance_code,
    landed.lowest_year_group_code,
    landed.highest_year_group_code
from {{ source('school_census', 'census_school') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
