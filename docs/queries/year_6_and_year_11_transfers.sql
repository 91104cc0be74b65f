-- Question: How many children with a plan move on from year 6 and from year 11 next, and from which kinds of placement?
-- Asked by: Commissioners of places, cabinet (sufficiency)
-- Answer: One row for each kind of placement held on the latest January census day: children in year 6 and year 11 by age, each
--   beside the January before.
-- Caveats: Year groups are by age (10 and 15 on 31 August): a child taught out of year is counted with its age. It is where
--   they come from, not where they will go.
with held as (
    select
        placement.placement_group_name,
        placement.group_order,
        held.age_at_31_august,
        held.census_year = max(held.census_year) over () as is_latest,
        held.census_year = max(held.census_year) over () - 1 as is_year_before
    from marts.fct_ehc_plan_census as held
    inner join marts.dim_placement_group as placement
        on held.placement_line_code = placement.placement_line_code
    where held.view_code = 'own_return'
)

select
    placement_group_name as placement,
    count(*) filter (where is_latest and age_at_31_august = 10) as year_6_count,
    count(*) filter (where is_year_before and age_at_31_august = 10) as year_6_count_year_before,
    count(*) filter (where is_latest and age_at_31_august = 15) as year_11_count,
    count(*) filter (where is_year_before and age_at_31_august = 15) as year_11_count_year_before
from held
where
    age_at_31_august in (10, 15)
    and (is_latest or is_year_before)
group by placement_group_name, group_order
order by group_order
