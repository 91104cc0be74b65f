{#- The middle of a financial year, 1 October, on the way from one middle of January to the next. -#}
{%- set share_of_way = '(8.5 / 12)' -%}
-- What the returns told of each placement category and year: the outturn, else the last forecast of the year.
with told as (
    select
        la_code,
        financial_year,
        cast(left(financial_year, 4) as integer) as first_year,
        placement_code as dsg_category_code,
        cost_basis,
        coalesce(average_places_outturn, average_places_forecast) as places,
        coalesce(cost_outturn_gbp, cost_forecast_gbp) as cost_gbp,
        submission_id
    from {{ ref('fct_placement_activity') }}
    where is_current
    qualify row_number() over (
        partition by la_code, financial_year, placement_code, cost_basis order by period_end desc
    ) = 1
),

-- The last year that anything is told of; a category of which it tells nothing goes on having no places.
last_told as (
    select
        la_code,
        max(first_year) as first_year,
        -- Prices are compared with those of three years before, or of the first year told.
        greatest(max(first_year) - 3, min(first_year)) as price_year
    from told
    group by la_code
),

january as (
    select
        forecast.la_code,
        forecast.scenario_code,
        forecast.census_year,
        coalesce(line.dsg_category_code, 'Total') as dsg_category_code,
        forecast.forecast_version,
        sum(forecast.plan_count) as plan_count,
        -- Ends are added up over provisions: at least as wide as an interval of their sum.
        sum(forecast.low_count) as low_count,
        sum(forecast.high_count) as high_count
    from {{ ref('fct_plan_forecast') }} as forecast
    left join {{ ref('reform_plan_provision') }} as line -- exactly one, but for the total
        on forecast.provision_code = line.reform_provision_code
    where
        forecast.is_latest_version
        and forecast.measure_code = 'plans'
        and forecast.age_group = 'Total'
        and forecast.year_group = 'Total'
        and forecast.need_code = 'Total'
        and forecast.placement_group_code = 'Total'
        and forecast.need_table_no = 'Total'
        and forecast.ward_code = 'Total'
    group by all
),

scenarios as (
    select
        la_code,
        scenario_code,
        forecast_version,
        min(census_year) as origin_year
    from january
    group by all
),

-- Januaries before the one the forecast goes out from, as counted.
counted as (
    select
        area.la_code,
        scenarios.scenario_code,
        area.census_year,
        unnest([line.dsg_category_code, 'Total']) as dsg_category_code,
        scenarios.forecast_version,
        area.plan_count
    from {{ ref('int_forecast__area') }} as area
    inner join {{ ref('reform_plan_provision') }} as line -- exactly one
        on area.provision_code = line.reform_provision_code
    inner join scenarios -- one January to every scenario
        on
            area.la_code = scenarios.la_code
            and area.census_year < scenarios.origin_year
),

januaries as (
    select * from january
    union all by name
    select
        * exclude (plan_count),
        sum(plan_count) as plan_count,
        sum(plan_count) as low_count,
        sum(plan_count) as high_count
    from counted
    group by all
),

-- Plans in the middle of a financial year, by its first calendar year.
yearly as (
    select
        earlier.la_code,
        earlier.scenario_code,
        earlier.forecast_version,
        earlier.dsg_category_code,
        earlier.census_year as first_year,
        earlier.plan_count + {{ share_of_way }} * (later.plan_count - earlier.plan_count) as plan_count,
        earlier.low_count + {{ share_of_way }} * (later.low_count - earlier.low_count) as low_count,
        earlier.high_count + {{ share_of_way }} * (later.high_count - earlier.high_count) as high_count
    from januaries as earlier
    inner join januaries as later -- at most one
        on
            earlier.la_code = later.la_code
            and earlier.scenario_code = later.scenario_code
            and earlier.dsg_category_code = later.dsg_category_code
            and earlier.census_year + 1 = later.census_year
),

-- How much dearer the places of the last year told would have been than at the prices of up to three years before it, a year.
price as (
    select
        now.la_code,
        (
            sum(now.cost_gbp) / sum(now.places * earlier.cost_gbp / earlier.places)
        ) ** (1.0 / max(now.first_year - earlier.first_year)) as yearly_factor
    from told as now
    inner join last_told
        on
            now.la_code = last_told.la_code
            and now.first_year = last_told.first_year
    inner join told as earlier -- at most one
        on
            now.la_code = earlier.la_code
            and now.dsg_category_code = earlier.dsg_category_code
            and now.cost_basis = earlier.cost_basis
            and last_told.price_year = earlier.first_year
            and now.first_year > earlier.first_year
            and now.places > 0
            and earlier.places > 0
    group by now.la_code
),

-- Places move with the plans from the last year told on, so that it does not matter that a return counts them otherwise; of a
-- category that nobody with a plan is in it is not known what it will cost.
expected as (
    select
        ahead.la_code,
        ahead.scenario_code,
        ahead.forecast_version,
        ahead.first_year,
        told.dsg_category_code,
        told.cost_basis,
        'FORECAST' as value_type,
        told.places * yearly.plan_count / nullif(base.plan_count, 0) as places,
        told.places * yearly.low_count / nullif(base.plan_count, 0) as low_places,
        told.places * yearly.high_count / nullif(base.plan_count, 0) as high_places,
        told.cost_gbp / nullif(told.places, 0)
        * coalesce(price.yearly_factor, 1) ** (ahead.first_year - told.first_year) as unit_cost_gbp,
        told.cost_gbp / nullif(told.places, 0) as base_unit_cost_gbp,
        told.submission_id
    from told
    inner join last_told
        on
            told.la_code = last_told.la_code
            and told.first_year = last_told.first_year
    inner join yearly as all_base -- one a scenario
        on
            told.la_code = all_base.la_code
            and told.first_year = all_base.first_year
            and all_base.dsg_category_code = 'Total'
    inner join yearly as ahead -- one category to many years
        on
            all_base.la_code = ahead.la_code
            and all_base.scenario_code = ahead.scenario_code
            and all_base.dsg_category_code = ahead.dsg_category_code
            and all_base.first_year < ahead.first_year
    left join yearly as base -- at most one
        on
            ahead.la_code = base.la_code
            and ahead.scenario_code = base.scenario_code
            and told.dsg_category_code = base.dsg_category_code
            and told.first_year = base.first_year
    left join yearly -- at most one
        on
            ahead.la_code = yearly.la_code
            and ahead.scenario_code = yearly.scenario_code
            and told.dsg_category_code = yearly.dsg_category_code
            and ahead.first_year = yearly.first_year
    left join price -- at most one
        on told.la_code = price.la_code
),

expected_scenarios as (
    select distinct
        la_code,
        scenario_code,
        forecast_version
    from expected
),

category_years as (
    select
        told.la_code,
        expected_scenarios.scenario_code,
        expected_scenarios.forecast_version,
        told.first_year,
        told.dsg_category_code,
        told.cost_basis,
        'TOLD' as value_type,
        told.places,
        told.places as low_places,
        told.places as high_places,
        told.cost_gbp / nullif(told.places, 0) as unit_cost_gbp,
        told.cost_gbp,
        told.cost_gbp as low_cost_gbp,
        told.cost_gbp as high_cost_gbp,
        told.submission_id
    from told
    inner join expected_scenarios -- one year to every scenario
        on told.la_code = expected_scenarios.la_code

    union all by name

    select
        *,
        places * unit_cost_gbp as cost_gbp,
        low_places * unit_cost_gbp as low_cost_gbp,
        high_places * unit_cost_gbp as high_cost_gbp,
        places * base_unit_cost_gbp as cost_at_told_prices_gbp
    from expected
),

years as (
    select
        la_code,
        scenario_code,
        first_year,
        max(submission_id) as submission_id,
        value_type
    from category_years
    group by all
),

-- A category that a year tells nothing of after one that did has no places: what it cost is part of the change.
with_ended as (
    select * from category_years

    union all by name

    select
        earlier.la_code,
        earlier.scenario_code,
        earlier.forecast_version,
        years.first_year,
        earlier.dsg_category_code,
        earlier.cost_basis,
        years.value_type,
        0 as places,
        0 as low_places,
        0 as high_places,
        0 as cost_gbp,
        0 as low_cost_gbp,
        0 as high_cost_gbp,
        years.submission_id
    from category_years as earlier
    inner join years -- at most one: the year after
        on
            earlier.la_code = years.la_code
            and earlier.scenario_code = years.scenario_code
            and earlier.first_year + 1 = years.first_year
    anti join category_years as same
        on
            earlier.la_code = same.la_code
            and earlier.scenario_code = same.scenario_code
            and earlier.dsg_category_code = same.dsg_category_code
            and earlier.cost_basis = same.cost_basis
            and earlier.first_year + 1 = same.first_year
),

-- Beside the year before: how many places there are in all, whether they are in dearer categories, and what a place costs.
beside_before as (
    select
        now.*,
        case
            when years.first_year is null then null -- nothing is told of the year before
            when earlier.first_year is null then 0 -- the category is new
            else earlier.places
        end as places_before,
        coalesce(earlier.cost_gbp, 0) as cost_before_gbp,
        coalesce(earlier.unit_cost_gbp, now.unit_cost_gbp) as unit_cost_before,
        coalesce(now.unit_cost_gbp, earlier.unit_cost_gbp) as unit_cost_now
    from with_ended as now
    left join years -- at most one: the year before
        on
            now.la_code = years.la_code
            and now.scenario_code = years.scenario_code
            and now.first_year = years.first_year + 1
    left join with_ended as earlier -- at most one
        on
            now.la_code = earlier.la_code
            and now.scenario_code = earlier.scenario_code
            and now.dsg_category_code = earlier.dsg_category_code
            and now.cost_basis = earlier.cost_basis
            and now.first_year = earlier.first_year + 1
),

effects as (
    select
        *,
        if(
            count(*) over in_the_year = count(places + places_before) over in_the_year,
            sum(places) over in_the_year / nullif(sum(places_before) over in_the_year, 0),
            null
        ) as growth,
        -- Places of the year before, had each category grown as all together.
        if(places_before = 0, 0, places_before * growth) as places_grown,
        (places_grown - places_before) * unit_cost_before as volume_gbp,
        (places - places_grown) * unit_cost_before as mix_gbp,
        case
            when places_before is null then null
            -- What is paid in a year for no place at all is neither volume nor mix.
            when (places = 0 and cost_gbp <> 0) or (places_before = 0 and cost_before_gbp <> 0)
                then cost_gbp - cost_before_gbp - volume_gbp - mix_gbp
            else places * (unit_cost_now - unit_cost_before)
        end as price_gbp
    from beside_before
    window in_the_year as (partition by la_code, scenario_code, first_year)
),

-- Whole pounds of each category first, so that the total is their sum.
in_pounds as (
    select
        la_code,
        scenario_code,
        forecast_version,
        first_year,
        dsg_category_code,
        cost_basis,
        value_type,
        submission_id,
        cast(places as decimal(18, 1)) as places,
        cast(low_places as decimal(18, 1)) as low_places,
        cast(high_places as decimal(18, 1)) as high_places,
        cast(round(unit_cost_gbp) as bigint) as unit_cost_gbp,
        cast(round(cost_gbp) as bigint) as cost_gbp,
        cast(round(low_cost_gbp) as bigint) as low_cost_gbp,
        cast(round(high_cost_gbp) as bigint) as high_cost_gbp,
        cast(round(cost_at_told_prices_gbp) as bigint) as cost_at_told_prices_gbp,
        cast(round(volume_gbp) as bigint) as volume_gbp,
        cast(round(mix_gbp) as bigint) as mix_gbp,
        cast(round(price_gbp) as bigint) as price_gbp
    from effects
),

totals as (
    select
        la_code,
        scenario_code,
        forecast_version,
        first_year,
        'Total' as dsg_category_code,
        'MIXED' as cost_basis,
        value_type,
        max(submission_id) as submission_id,
        if(count(*) = count(places), sum(places), null) as places,
        if(count(*) = count(cost_gbp), sum(cost_gbp), null) as cost_gbp,
        if(count(*) = count(cost_at_told_prices_gbp), sum(cost_at_told_prices_gbp), null) as cost_at_told_prices_gbp,
        if(count(*) = count(volume_gbp), sum(volume_gbp), null) as volume_gbp,
        if(count(*) = count(mix_gbp), sum(mix_gbp), null) as mix_gbp,
        if(count(*) = count(price_gbp), sum(price_gbp), null) as price_gbp
    from in_pounds
    group by all
),

grant_lines as (
    select *
    from {{ ref('fct_dsg_position') }}
    where
        is_current
        and measure in ('outturn', 'forecast')
        and (block = 'HNB' or (block = 'ALL' and line_code in ('CLOSING', 'AGREED_CLOSING')))
    qualify row_number() over (
        partition by la_code, financial_year, block, line_code order by measure = 'outturn' desc, quarter desc
    ) = 1
),

-- The high needs block and what else it pays for, of the last year told; later allocations are not known.
block as (
    select
        line.la_code,
        max(line.value_gbp) filter (where line.line_code = 'INCOME')
        + coalesce(max(line.value_gbp) filter (where line.line_code = 'TRANSFER_IN'), 0)
        - coalesce(max(line.value_gbp) filter (where line.line_code = 'TRANSFER_OUT'), 0) as block_gbp,
        max(line.value_gbp) filter (where line.line_code = 'EXPENDITURE') as expenditure_gbp,
        max(line.value_gbp) filter (where line.line_code = 'CLOSING') as closing_gbp,
        max(line.value_gbp) filter (where line.line_code = 'AGREED_CLOSING') as agreed_closing_gbp
    from grant_lines as line
    inner join last_told
        on
            line.la_code = last_told.la_code
            and cast(left(line.financial_year, 4) as integer) = last_told.first_year
    group by line.la_code
),

-- The interval of the total is that of all plans, which is tested, with the mix as forecast.
total_intervals as (
    select
        totals.*,
        totals.places * coalesce(yearly.low_count / nullif(yearly.plan_count, 0), 1) as low_places,
        totals.places * coalesce(yearly.high_count / nullif(yearly.plan_count, 0), 1) as high_places,
        round(totals.cost_gbp * coalesce(yearly.low_count / nullif(yearly.plan_count, 0), 1)) as low_cost_gbp,
        round(totals.cost_gbp * coalesce(yearly.high_count / nullif(yearly.plan_count, 0), 1)) as high_cost_gbp
    from totals
    left join yearly -- at most one
        on
            totals.la_code = yearly.la_code
            and totals.scenario_code = yearly.scenario_code
            and totals.first_year = yearly.first_year
            and totals.value_type = 'FORECAST'
            and yearly.dsg_category_code = 'Total'
),

beside_block as (
    select
        totals.*,
        block.block_gbp,
        block.expenditure_gbp - base.cost_gbp as other_spending_gbp,
        block.block_gbp - (block.expenditure_gbp - base.cost_gbp) - totals.cost_gbp as in_year_gbp,
        block.block_gbp - (block.expenditure_gbp - base.cost_gbp) - totals.high_cost_gbp as low_in_year_gbp,
        block.block_gbp - (block.expenditure_gbp - base.cost_gbp) - totals.low_cost_gbp as high_in_year_gbp,
        block.closing_gbp,
        block.agreed_closing_gbp
    from total_intervals as totals
    inner join last_told
        on totals.la_code = last_told.la_code
    inner join totals as base -- exactly one: the last year told
        on
            totals.la_code = base.la_code
            and totals.scenario_code = base.scenario_code
            and last_told.first_year = base.first_year
    left join block -- at most one
        on totals.la_code = block.la_code
    where totals.value_type = 'FORECAST'
),

figures as (
    select * from in_pounds
    union all by name
    select *
    from total_intervals
    where value_type = 'TOLD'
    union all by name
    select
        *,
        closing_gbp + sum(in_year_gbp) over (
            partition by la_code, scenario_code order by first_year
        ) as balance_gbp
    from beside_block
)

select
    {{ surrogate_key([
        'la_code', 'scenario_code', 'first_year', 'dsg_category_code', 'cost_basis'
    ]) }} as placement_cost_forecast_key,
    la_code,
    forecast_version,
    scenario_code,
    first_year || lpad(cast((first_year + 1) % 100 as varchar), 2, '0') as financial_year,
    dsg_category_code,
    cost_basis,
    value_type,
    cast(places as decimal(9, 1)) as average_places,
    cast(low_places as decimal(9, 1)) as low_average_places,
    cast(high_places as decimal(9, 1)) as high_average_places,
    unit_cost_gbp,
    cast(cost_gbp as bigint) as cost_gbp,
    cast(low_cost_gbp as bigint) as low_cost_gbp,
    cast(high_cost_gbp as bigint) as high_cost_gbp,
    cast(cost_at_told_prices_gbp as bigint) as cost_at_told_prices_gbp,
    cast(volume_gbp as bigint) as volume_gbp,
    cast(mix_gbp as bigint) as mix_gbp,
    cast(price_gbp as bigint) as price_gbp,
    cast(block_gbp as bigint) as high_needs_block_gbp,
    cast(other_spending_gbp as bigint) as other_spending_gbp,
    cast(in_year_gbp as bigint) as in_year_gbp,
    cast(low_in_year_gbp as bigint) as low_in_year_gbp,
    cast(high_in_year_gbp as bigint) as high_in_year_gbp,
    cast(balance_gbp as bigint) as balance_gbp,
    cast(agreed_closing_gbp as bigint) as agreed_closing_gbp,
    submission_id
from figures
