-- Question: What does a place cost in each kind of placement, and how much school do the children there miss?
-- Asked by: Cabinet, and the schools forum
-- Answer: One row for each kind of placement, of the latest January whose school year is told whole: children with a plan, cost of
--   a place (top-up alone, or the full cost: never compare one with the other), sessions missed, and suspensions for each 100
--   children on roll; beside them, of how many children in a hundred each is known.
-- Caveats: Where absence_told_pct or on_roll_pct is low the figure is of some children, not of the kind of placement; independent
--   schools and colleges send no census. Children of different placements differ in need: the one does not explain the other.
select
    census_year,
    dsg_category_name as placement,
    child_count,
    topup_unit_cost_gbp,
    full_unit_cost_gbp,
    absence_pct,
    absence_told_pct,
    round(100.0 * suspension_count / nullif(on_roll_count, 0), 1) as suspensions_per_100_on_roll,
    on_roll_pct
from marts.fct_placement_outcome
where absence_term_count = 3
qualify census_year = max(census_year) over ()
order by category_order
