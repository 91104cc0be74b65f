-- Schools whose return is expected of a census, and those that sent one: state-funded schools of the latest register that
-- were open on the day. Non-maintained special schools make the return too; colleges and 16 to 19 schools do not.
with censuses as (
    select
        census.la_code,
        census.census_period,
        max(census.census_day) as census_day
    from {{ ref('int_census_return__described') }} as census
    inner join {{ ref('stg_control__setting') }} as own_authority
        on
            own_authority.setting_name = 'la_code'
            and census.la_code = own_authority.setting_value
    group by census.la_code, census.census_period
),

schools as (
    select
        establishment.urn,
        establishment.la_code,
        establishment.establishment_name as school_name,
        establishment.pupil_count,
        establishment.open_date,
        establishment.close_date,
        coalesce(establishment.status_code in ('1', '3'), false) as is_open
    from {{ ref('stg_establishment_register__establishment') }} as establishment
    inner join {{ ref('placement_line_mapping') }} as line_mapping
        on
            line_mapping.input_kind = 'establishment_type'
            and lpad(establishment.type_code, 2, '0') = line_mapping.input_code
    inner join {{ ref('placement_line') }} as line
        on line_mapping.placement_line_code = line.placement_line_code
    where
        line.placement_group_code in ('mainstream_total', 'special_total', 'ap_pru_total')
        and line.placement_line_code not in ('mainstream_independent', 'special_independent')
),

expected as (
    select
        censuses.la_code,
        censuses.census_period,
        censuses.census_day,
        schools.urn,
        schools.pupil_count
    from censuses
    inner join schools
        on censuses.la_code = schools.la_code
    where
        -- Without a first day, a school that is open or has closed had begun.
        coalesce(schools.open_date <= censuses.census_day, schools.is_open or schools.close_date is not null)
        and coalesce(schools.close_date > censuses.census_day, schools.is_open)
),

landed as (
    select
        census.la_code,
        census.census_period,
        census.census_day,
        coalesce(census.register_urn, census.la_estab) as school_code,
        min(census.register_urn) as urn,
        bool_or(census.tells_events) as tells_events
    from {{ ref('int_census_return__described') }} as census
    inner join censuses
        on
            census.la_code = censuses.la_code
            and census.census_period = censuses.census_period
    group by all
)

select
    coalesce(expected.la_code, landed.la_code) as la_code,
    coalesce(expected.census_period, landed.census_period) as census_period,
    coalesce(expected.census_day, landed.census_day) as census_day,
    coalesce(expected.urn, landed.school_code) as school_code,
    coalesce(expected.urn, landed.urn) as urn,
    expected.pupil_count,
    expected.urn is not null as is_expected,
    landed.school_code is not null as is_landed,
    coalesce(landed.tells_events, false) as tells_events
from expected
full join landed
    on
        expected.la_code = landed.la_code
        and expected.census_period = landed.census_period
        and expected.urn = landed.urn
