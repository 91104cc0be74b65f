select
    landed.submission_id,
    landed.source_row,
    landed.line_code,
    landed.line_label,
    landed.hn_group,
    landed.agreement_gbp,
    landed.plan_gbp,
    landed.budget_gbp,
    landed.q1_actual_gbp,
    landed.q1_forecast_gbp,
    landed.q2_actual_gbp,
    landed.q2_forecast_gbp,
    landed.q3_actual_gbp,
    landed.q3_forecast_gbp,
    landed.q4_actual_gbp,
    landed.q4_forecast_gbp,
    landed.outturn_gbp,
    landed.recoupment_gbp
from {{ source('safety_valve', 'sv_high_needs') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
