-- Question: Will there be enough places for children with EHC plans, and what does the council expect itself?
-- Asked by: Cabinet, and commissioners of places (sufficiency)
-- Answer: One row for each provision, basis of places and January to come: plans that are forecast there, places needed (without
--   children placed outside, where the places are in the borough), places there will be, the gap with its 80% interval, what
--   bringing those children back would make of it, and the gap that the safety valve return itself expects.
-- Caveats: Bases tell of the same places and are never added up. Places are those the authority funds; children of other
--   authorities take some of them. SEN2 has no type of its own for independent specialist provision after 16: specialist post-16
--   institutions stand for it. Beyond four years the forecast is not tested; how earlier ones did is in fct_plan_forecast
--   (is_within), and as they were published in fct_plan_forecast_published.
select
    census_year as january,
    provision_code,
    basis_code,
    plan_count,
    demand_count,
    capacity_count,
    gap_count,
    low_gap_count,
    high_gap_count,
    gap_with_return_count,
    returned_gap_count
from marts.fct_place_gap
where
    scenario_code = 'baseline'
    and phase_code = 'Total'
    and planning_area_code = 'Total'
    and horizon > 0
order by
    provision_code,
    basis_code,
    census_year
