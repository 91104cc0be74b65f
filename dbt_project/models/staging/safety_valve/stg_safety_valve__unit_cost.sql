select
    landed.submission_id,
    landed.source_row,
    landed.placement_code,
    landed.cost_basis,
    landed.avg_places_plan,
    landed.avg_places_forecast,
    landed.avg_places_outturn,
    landed.cost_plan_gbp,
    landed.cost_forecast_gbp,
    landed.cost_outturn_gbp
from {{ source('safety_valve', 'sv_unit_cost') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
