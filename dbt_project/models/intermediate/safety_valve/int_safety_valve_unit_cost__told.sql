select
    landed.submission_id,
    landed.source_row,
    counted.la_code,
    counted.financial_year,
    counted.quarter,
    landed.placement_code,
    landed.cost_basis,
    landed.avg_places_plan as average_places_plan,
    landed.avg_places_forecast as average_places_forecast,
    landed.avg_places_outturn as average_places_outturn,
    landed.cost_plan_gbp,
    landed.cost_forecast_gbp,
    landed.cost_outturn_gbp
from {{ ref('stg_safety_valve__unit_cost') }} as landed
inner join {{ ref('int_safety_valve_return__counted') }} as counted
    on landed.submission_id = counted.submission_id
where
    landed.placement_code is not null
    and landed.cost_basis is not null
    and coalesce(
        landed.avg_places_plan,
        landed.avg_places_forecast,
        landed.avg_places_outturn,
        landed.cost_plan_gbp,
        landed.cost_forecast_gbp,
        landed.cost_outturn_gbp
    ) is not null
