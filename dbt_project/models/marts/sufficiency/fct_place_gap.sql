-- Plans that are forecast, of a provision as a whole, of a phase in it, or of a planning area's children in it; what is both
-- phase and area is told by nothing. A ward that the council puts in no area is one by itself.
with forecasts as (
    select
        plan.la_code,
        plan.origin_year,
        plan.forecast_version,
        plan.scenario_code,
        plan.census_year,
        plan.horizon,
        plan.provision_code,
        coalesce({{ phase_of_age_group('plan.age_group') }}, 'Total') as phase_code,
        coalesce(area.planning_area_code, plan.ward_code) as planning_area_code,
        sum(plan.plan_count) as plan_count,
        -- The ends of two age groups, and of the wards of an area, are added up: at least as wide as an interval of all.
        sum(plan.low_count) as low_count,
        sum(plan.high_count) as high_count
    from {{ ref('fct_plan_forecast') }} as plan
    left join {{ ref('planning_area') }} as area -- at most one
        on
            plan.la_code = area.la_code
            and plan.ward_code = area.ward_code
    where
        plan.is_latest_version
        and plan.measure_code = 'plans'
        and plan.provision_code <> 'Total'
        and plan.year_group = 'Total'
        and plan.need_code = 'Total'
    group by all
),

places as (
    select
        place.la_code,
        place.basis_code,
        place.census_year,
        place.provision_code,
        place.phase_code,
        coalesce(area.planning_area_code, place.ward_code) as planning_area_code,
        place.provision_type,
        place.capacity_count,
        place.occupied_count
    from {{ ref('fct_place_capacity') }} as place
    left join {{ ref('planning_area') }} as area -- at most one
        on
            place.la_code = area.la_code
            and place.ward_code = area.ward_code
),

phases as (
    select unnest(['EARLY_YEARS', 'PRIMARY', 'SECONDARY', 'POST16']) as phase_code
),

areas as (
    select distinct
        la_code,
        planning_area_code
    from forecasts
    where planning_area_code <> 'Total'
),

-- Of a phase or an area only what is told of all places of the provision: one without its phase leaves every phase open.
capacities as (
    select
        la_code,
        basis_code,
        census_year,
        provision_code,
        'Total' as phase_code,
        'Total' as planning_area_code,
        if(count(*) = count(capacity_count), sum(capacity_count), null) as capacity_count,
        if(count(*) = count(occupied_count), sum(occupied_count), null) as occupied_count
    from places
    group by all

    union all by name

    select
        phased.la_code,
        phased.basis_code,
        phased.census_year,
        phased.provision_code,
        phases.phase_code,
        'Total' as planning_area_code,
        if(
            count(*) = count(phased.capacity_count),
            coalesce(sum(phased.capacity_count) filter (where phased.phase_code = phases.phase_code), 0),
            null
        ) as capacity_count,
        if(
            count(*) = count(phased.occupied_count),
            coalesce(sum(phased.occupied_count) filter (where phased.phase_code = phases.phase_code), 0),
            null
        ) as occupied_count
    from places as phased
    cross join phases
    group by all
    having count(*) filter (where phased.phase_code = 'ALL') = 0

    union all by name

    select
        sited.la_code,
        sited.basis_code,
        sited.census_year,
        sited.provision_code,
        'Total' as phase_code,
        areas.planning_area_code,
        if(
            count(*) = count(sited.capacity_count),
            coalesce(sum(sited.capacity_count) filter (where sited.planning_area_code = areas.planning_area_code), 0),
            null
        ) as capacity_count,
        if(
            count(*) = count(sited.occupied_count),
            coalesce(sum(sited.occupied_count) filter (where sited.planning_area_code = areas.planning_area_code), 0),
            null
        ) as occupied_count
    from places as sited
    inner join areas -- many to many: every planning area of the authority
        on sited.la_code = areas.la_code
    group by all
    having count(*) = count(sited.planning_area_code)
),

provisions as (
    select
        reform_provision_code as provision_code,
        bool_and(is_within_borough) as is_within_borough,
        min(place_type_order) as provision_order
    from {{ ref('place_type') }}
    group by reform_provision_code
),

-- Children with a plan at a setting of another authority on the last census day counted.
outside as (
    select
        plan.la_code,
        plan.census_year,
        line.reform_provision_code as provision_code,
        coalesce({{ phase_of_age_group(age_group('plan.age_at_31_august', 'plan.age_at_31_august')) }}, 'POST16') as phase_code,
        coalesce(area.planning_area_code, plan.ward_code, 'Not recorded') as planning_area_code,
        count(*) as outside_count
    from {{ ref('fct_ehc_plan_census') }} as plan
    inner join {{ ref('dim_placement_group') }} as line -- exactly one
        on plan.placement_line_code = line.placement_line_code
    inner join {{ ref('dim_setting') }} as setting -- exactly one
        on plan.setting_key = setting.setting_key
    left join {{ ref('planning_area') }} as area -- at most one
        on
            plan.la_code = area.la_code
            and plan.ward_code = area.ward_code
    where
        plan.view_code = 'own_return'
        and plan.age_at_31_august is not null
        and setting.la_code <> plan.la_code
    group by all
),

outside_split as (
    select
        la_code,
        census_year,
        provision_code,
        coalesce(phase_code, 'Total') as phase_code,
        coalesce(planning_area_code, 'Total') as planning_area_code,
        sum(outside_count) as outside_count
    from outside
    group by grouping sets (
        (la_code, census_year, provision_code),
        (la_code, census_year, provision_code, phase_code),
        (la_code, census_year, provision_code, planning_area_code)
    )
),

returned as (
    select
        demand.la_code,
        if(demand.scenario = 'PLAN', 'planned', 'funded') as basis_code,
        {{ january_of_academic_year('demand.academic_year') }} as census_year,
        place_type.reform_provision_code as provision_code,
        sum(demand.demand_places) as returned_demand_count,
        sum(demand.gap_places) as returned_gap_count
    from {{ ref('fct_place_demand') }} as demand
    inner join {{ ref('place_type') }} as place_type -- exactly one
        on demand.provision_type = place_type.provision_type
    where demand.is_current
    group by
        demand.la_code,
        demand.period_end,
        demand.scenario,
        demand.academic_year,
        place_type.reform_provision_code
    qualify rank() over (partition by demand.la_code order by demand.period_end desc) = 1
),

beside as (
    select
        forecasts.*,
        coalesce(capacities.basis_code, 'none') as basis_code,
        capacities.capacity_count,
        capacities.occupied_count,
        coalesce(outside_split.outside_count, 0) as outside_count,
        if(provisions.is_within_borough, coalesce(outside_split.outside_count, 0), 0) as taken_outside_count,
        provisions.is_within_borough
    from forecasts
    inner join provisions -- exactly one; provisions without places of their own are left out
        on forecasts.provision_code = provisions.provision_code
    left join capacities -- one a basis
        on
            forecasts.la_code = capacities.la_code
            and forecasts.census_year = capacities.census_year
            and forecasts.provision_code = capacities.provision_code
            and forecasts.phase_code = capacities.phase_code
            and forecasts.planning_area_code = capacities.planning_area_code
    left join outside_split -- at most one: as at the origin
        on
            forecasts.la_code = outside_split.la_code
            and forecasts.origin_year = outside_split.census_year
            and forecasts.provision_code = outside_split.provision_code
            and forecasts.phase_code = outside_split.phase_code
            and forecasts.planning_area_code = outside_split.planning_area_code
)

select
    {{ surrogate_key([
        'beside.la_code', 'beside.scenario_code', 'beside.census_year', 'beside.provision_code', 'beside.phase_code',
        'beside.planning_area_code', 'beside.basis_code'
    ]) }} as place_gap_key,
    beside.la_code,
    beside.forecast_version,
    beside.origin_year,
    beside.scenario_code,
    beside.census_year,
    beside.horizon,
    beside.provision_code,
    beside.phase_code,
    beside.planning_area_code,
    beside.basis_code,
    beside.is_within_borough,
    cast(beside.plan_count as decimal(9, 2)) as plan_count,
    cast(beside.low_count as decimal(9, 2)) as low_count,
    cast(beside.high_count as decimal(9, 2)) as high_count,
    cast(beside.outside_count as integer) as outside_count,
    cast(beside.plan_count - beside.taken_outside_count as decimal(9, 2)) as demand_count,
    cast(beside.capacity_count as decimal(9, 1)) as capacity_count,
    cast(beside.occupied_count as integer) as occupied_count,
    cast(beside.plan_count - beside.taken_outside_count - beside.capacity_count as decimal(9, 2)) as gap_count,
    cast(beside.low_count - beside.taken_outside_count - beside.capacity_count as decimal(9, 2)) as low_gap_count,
    cast(beside.high_count - beside.taken_outside_count - beside.capacity_count as decimal(9, 2)) as high_gap_count,
    -- With those placed outside back in the borough, in places of the same kind.
    if(
        beside.is_within_borough, cast(beside.plan_count - beside.capacity_count as decimal(9, 2)), null
    ) as gap_with_return_count,
    cast(returned.returned_demand_count as integer) as returned_demand_count,
    cast(returned.returned_gap_count as integer) as returned_gap_count
from beside
left join returned -- at most one
    on
        beside.la_code = returned.la_code
        and beside.basis_code = returned.basis_code
        and beside.census_year = returned.census_year
        and beside.provision_code = returned.provision_code
        and beside.phase_code = 'Total'
        and beside.planning_area_code = 'Total'
