select
    landed.submission_id,
    landed.source_row,
    landed.provider_code,
    landed.service_line_code as therapy_line,
    landed.waiting_band_code as band_code,
    landed.declared_child_count,
    landed.is_reportable
from {{ source('therapy_waiting_list', 'therapy_declared_wait') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
