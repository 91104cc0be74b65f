select
    landed.submission_id,
    landed.source_row,
    landed.provision_type,
    landed.academic_year,
    landed.scenario,
    landed.demand_places,
    landed.funded_capacity,
    landed.gap_places
from {{ source('safety_valve', 'sv_demand') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
