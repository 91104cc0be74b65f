-- Question: What will placements cost, what drives it, and how much of it does the high needs block of today not pay for?
-- Asked by: The section 151 officer, the schools forum, and DfE (deficit)
-- Answer: One row for each financial year and placement category, and one for all of them: cost as told or forecast, with the 80%
--   interval, the change since the year before by number of places (volume), kind of place (mix) and price, and of all of them
--   what is left of the block.
-- Caveats: The block and other spending stay as last told, because later allocations are not known: the balance says what would
--   have to be found, not what will be owed. Prices of all categories rise alike, as they did on average in up to three years;
--   fees of independent schools have risen faster. Top-up and full costs are added up as the returns tell them; place funding
--   is in other spending. The interval is of the number of plans alone.
select
    financial_year,
    dsg_category_code,
    cost_basis,
    value_type,
    average_places,
    unit_cost_gbp,
    cost_gbp,
    low_cost_gbp,
    high_cost_gbp,
    volume_gbp,
    mix_gbp,
    price_gbp,
    in_year_gbp,
    balance_gbp
from marts.fct_placement_cost_forecast
where scenario_code = 'baseline'
order by
    dsg_category_code = 'Total' desc,
    dsg_category_code asc,
    cost_basis asc,
    financial_year asc
