select
    landed.submission_id,
    landed.source_row,
    landed.measure_group,
    landed.category_code,
    landed.category_label,
    landed.agreement_count,
    landed.plan_count,
    landed.q1_actual,
    landed.q1_forecast,
    landed.q2_actual,
    landed.q2_forecast,
    landed.q3_actual,
    landed.q3_forecast,
    landed.q4_actual,
    landed.q4_forecast,
    landed.sen2_january
from {{ source('safety_valve', 'sv_ehcp') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
