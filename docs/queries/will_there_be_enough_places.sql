-- Question: Will there be enough places for children with EHC plans, and what does the council expect itself?
-- Asked by: Cabinet, and commissioners of places (sufficiency)
-- Answer: One row for each type of provision and January to come: plans that are forecast there (with the 80% interval) and how
--   many more that is than at the last January counted, the places funded by the latest safety valve return, the gap between
--   the two with its interval, and demand and gap as that return expects them if nothing changes.
-- Caveats: Plans are of children this authority answers for, wherever they go to school; places are those it funds. SEN2 has no
--   type of its own for independent specialist provision (ISP): specialist post-16 institutions stand for it, and other
--   further education for POST16. The back-test is of the total: intervals of parts have so far held less often than
--   they say (is_within of fct_plan_forecast). Beyond four years nothing is tested.
with provisions as (
    select
        unnest(['MAINSTREAM', 'RP', 'SPECIAL', 'INM', 'ISP', 'POST16']) as provision_type,
        unnest([
            'MAINSTREAM', 'SPECIALIST_BASE', 'MAINTAINED_SPECIAL', 'NMISS_LA', 'POST16_SPECIALIST_INSTITUTION',
            'POST16_MAINSTREAM'
        ]) as provision_code
),

forecasts as (
    select
        la_code,
        origin_year,
        census_year,
        provision_code,
        plan_count,
        low_count,
        high_count,
        plan_count - first_value(plan_count) over (partition by la_code, provision_code order by census_year)
            as growth_count
    from marts.fct_plan_forecast
    where
        is_latest_version
        and scenario_code = 'baseline'
        and measure_code = 'plans'
        and provision_code <> 'Total'
        and age_group = 'Total'
        and year_group = 'Total'
        and need_code = 'Total'
),

expected as (
    select
        la_code,
        2000 + cast(right(academic_year, 2) as integer) as census_year,
        provision_type,
        demand_places,
        funded_capacity,
        gap_places
    from marts.fct_place_demand
    where
        is_current
        and scenario = 'NO_ACTION'
    qualify rank() over (partition by la_code order by period_end desc) = 1
)

select
    forecasts.census_year as january,
    provisions.provision_type,
    forecasts.plan_count as forecast_count,
    forecasts.low_count,
    forecasts.high_count,
    forecasts.growth_count as growth_since_last_count,
    expected.funded_capacity,
    forecasts.plan_count - expected.funded_capacity as gap_count,
    forecasts.low_count - expected.funded_capacity as low_gap_count,
    forecasts.high_count - expected.funded_capacity as high_gap_count,
    expected.demand_places as demand_expected_by_return,
    expected.gap_places as gap_expected_by_return
from forecasts
inner join provisions
    on forecasts.provision_code = provisions.provision_code
left join expected
    on
        forecasts.la_code = expected.la_code
        and forecasts.census_year = expected.census_year
        and provisions.provision_type = expected.provision_type
where forecasts.census_year > forecasts.origin_year
order by
    provisions.provision_type,
    forecasts.census_year
