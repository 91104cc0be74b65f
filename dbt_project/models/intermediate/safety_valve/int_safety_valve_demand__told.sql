select
    landed.submission_id,
    landed.source_row,
    counted.la_code,
    counted.financial_year,
    counted.quarter,
    landed.provision_type,
    landed.academic_year,
    landed.scenario,
    landed.demand_places,
    landed.funded_capacity,
    landed.gap_places
from {{ ref('stg_safety_valve__demand') }} as landed
inner join {{ ref('int_safety_valve_return__counted') }} as counted
    on landed.submission_id = counted.submission_id
where
    landed.provision_type is not null
    and landed.academic_year is not null
    and landed.scenario is not null
    and coalesce(landed.demand_places, landed.funded_capacity, landed.gap_places) is not null
