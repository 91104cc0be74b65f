select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.return_key,
    landed.return_year,
    landed.return_year - 1 as activity_year,
    landed.reference_date,
    landed.lea_code as la_code,
    landed.software_code,
    landed.created_at,
    landed.dmo_code,
    landed.dco_code,
    landed.dsco_code
from {{ source('sen2', 'sen2_return') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
