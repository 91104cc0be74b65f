select
    landed.submission_id,
    landed.source_row,
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
from {{ source('safety_valve', 'sv_place') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
