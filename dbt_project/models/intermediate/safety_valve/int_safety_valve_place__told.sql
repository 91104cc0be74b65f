select
    landed.submission_id,
    landed.source_row,
    counted.la_code,
    counted.financial_year,
    counted.quarter,
    landed.provision_id,
    landed.provision_name,
    landed.urn,
    landed.provision_type,
    landed.phase,
    landed.primary_need,
    landed.places_commissioned,
    landed.places_occupied,
    landed.places_planned_next_september,
    landed.opening_planned,
    landed.opening_actual,
    landed.capital_project_id,
    landed.capital_source,
    landed.capital_budget_gbp,
    landed.capital_spend_to_date_gbp,
    landed.capital_forecast_gbp,
    landed.rag
from {{ ref('stg_safety_valve__place') }} as landed
inner join {{ ref('int_safety_valve_return__counted') }} as counted
    on landed.submission_id = counted.submission_id
where landed.provision_id is not null
