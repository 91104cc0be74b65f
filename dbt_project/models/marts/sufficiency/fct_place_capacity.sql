-- The latest return of each authority tells of the places of the January it falls under, and of those planned for the September
-- after; a provision has none before it opens.
with latest as (
    select
        la_code,
        max(period_end) as period_end
    from {{ ref('fct_capital_place') }}
    where is_current
    group by la_code
),

named as (
    select
        place.*,
        {{ january_of('place.period_end') }} as first_january,
        coalesce(place.opening_actual, place.opening_planned) as opening_date
    from {{ ref('fct_capital_place') }} as place
    semi join latest
        on
            place.la_code = latest.la_code
            and place.period_end = latest.period_end
    where place.is_current
),

januaries as (
    select unnest(generate_series(2015, {{ last_january() }})) as census_year
),

commissioned as (
    select
        named.la_code,
        'commissioned' as basis_code,
        januaries.census_year,
        named.provision_type,
        named.provision_id,
        named.provision_name,
        named.setting_key,
        coalesce(named.phase, 'ALL') as phase_code,
        named.primary_need as need_code,
        case
            when januaries.census_year = named.first_january then named.places_commissioned
            when named.opening_date >= make_date(januaries.census_year, 1, 15) then 0
            -- How many places it will have is told only of what is open by the next September.
            when named.opening_actual is null and named.opening_planned > make_date(named.first_january, 9, 30) then null
            else coalesce(named.places_planned_next_september, named.places_commissioned)
        end as capacity_count,
        if(januaries.census_year = named.first_january, named.places_occupied, null) as occupied_count,
        named.opening_date,
        named.period_end as told_date,
        named.submission_id
    from named
    inner join januaries -- one provision to many Januaries
        on named.first_january <= januaries.census_year
),

-- What the return expects to fund of each type, if nothing changes and if its plan is carried out.
expected as (
    select
        la_code,
        if(scenario = 'PLAN', 'planned', 'funded') as basis_code,
        {{ january_of_academic_year('academic_year') }} as census_year,
        provision_type,
        provision_type as provision_id,
        'ALL' as phase_code,
        cast(funded_capacity as decimal(9, 1)) as capacity_count,
        period_end as told_date,
        submission_id
    from {{ ref('fct_place_demand') }}
    where is_current
    qualify rank() over (partition by la_code order by period_end desc) = 1
),

expected_januaries as (
    select distinct
        la_code,
        basis_code,
        census_year
    from expected
),

-- Types that the return expects nothing of, SEN units among them, keep the places of its provisions.
not_expected as (
    select
        commissioned.* replace (
            expected_januaries.basis_code as basis_code,
            null as occupied_count
        )
    from commissioned
    inner join expected_januaries -- one place to both expectations
        on
            commissioned.la_code = expected_januaries.la_code
            and commissioned.census_year = expected_januaries.census_year
    anti join expected as listed
        on
            commissioned.la_code = listed.la_code
            and commissioned.provision_type = listed.provision_type
),

-- What the schools register tells of schools in the area, as if it stayed.
registered as (
    select
        la_code,
        setting_key,
        setting_name,
        urn,
        case phase_name when 'Primary' then 'PRIMARY' when 'Secondary' then 'SECONDARY' else 'ALL' end as phase_code,
        unnest([
            { 'provision_type': 'RP', 'places': resourced_provision_capacity_count },
            { 'provision_type': 'SEN_UNIT', 'places': sen_unit_capacity_count }
        ]) as offered,
        submission_id
    from {{ ref('dim_setting') }}
    where
        is_in_own_authority
        and is_open
        and is_current
),

forecast_januaries as (
    select distinct
        la_code,
        census_year
    from {{ ref('fct_plan_forecast') }}
    where is_latest_version
),

capacities as (
    select * from commissioned
    union all by name
    select * from expected
    union all by name
    select * from not_expected
    union all by name
    select
        registered.la_code,
        'register' as basis_code,
        forecast_januaries.census_year,
        registered.offered['provision_type'] as provision_type,
        registered.urn as provision_id,
        registered.setting_name as provision_name,
        registered.setting_key,
        registered.phase_code,
        cast(registered.offered['places'] as decimal(9, 1)) as capacity_count,
        registered.submission_id
    from registered
    inner join forecast_januaries -- one school to every January of a forecast
        on registered.la_code = forecast_januaries.la_code
    where registered.offered['places'] > 0
),

-- The ward that most postcodes of a neighbourhood are in.
located as (
    select
        lsoa_code,
        mode(ward_code order by ward_code) as ward_code
    from {{ ref('stg_postcode_directory__postcode') }}
    where ward_code is not null
    group by lsoa_code
)

select
    {{ surrogate_key([
        'capacities.la_code', 'capacities.basis_code', 'capacities.census_year', 'capacities.provision_type',
        'capacities.provision_id'
    ]) }} as place_capacity_key,
    capacities.la_code,
    capacities.basis_code,
    cast(capacities.census_year as integer) as census_year,
    capacities.provision_type,
    place_type.place_type_name,
    place_type.reform_provision_code as provision_code,
    capacities.provision_id,
    capacities.provision_name,
    capacities.setting_key,
    located.ward_code,
    capacities.phase_code,
    capacities.need_code,
    cast(capacities.capacity_count as decimal(9, 1)) as capacity_count,
    cast(capacities.occupied_count as integer) as occupied_count,
    capacities.opening_date,
    capacities.told_date,
    capacities.submission_id
from capacities
inner join {{ ref('place_type') }} as place_type -- exactly one
    on capacities.provision_type = place_type.provision_type
left join {{ ref('dim_setting') }} as setting -- at most one
    on capacities.setting_key = setting.setting_key
left join located -- at most one
    on setting.lsoa_code = located.lsoa_code
