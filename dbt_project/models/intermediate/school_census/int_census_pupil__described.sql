-- Pupils of the returns that count, on roll and no longer on roll. Several addresses and free school meal periods of a
-- pupil are brought to one row each before they meet the pupil.
with addresses as (
    select
        row_person_ref,
        lsoa_code,
        ward_code,
        imd_decile
    from {{ ref('stg_school_census__address') }}
    where is_current
    -- The first address whose area is known.
    qualify row_number() over (
        partition by row_person_ref order by lsoa_code is null asc, source_row asc, address_key asc
    ) = 1
),

pupils as (
    select
        pupil.*,
        census.la_code,
        census.la_estab,
        census.site_estab,
        census.urn,
        census.setting_key,
        census.phase_code,
        census.placement_group_code,
        census.census_period,
        census.census_year,
        census.term_code,
        census.academic_year,
        census.term_number,
        census.census_day
    from {{ ref('stg_school_census__pupil') }} as pupil
    inner join {{ ref('int_census_return__described') }} as census
        on
            pupil.submission_id = census.submission_id
            and pupil.return_key = census.return_key
    where pupil.is_current
),

eligible as (
    select distinct pupils.row_person_ref
    from pupils
    inner join {{ ref('stg_school_census__fsm_period') }} as fsm_period
        on
            pupils.submission_id = fsm_period.submission_id
            and pupils.row_person_ref = fsm_period.row_person_ref
    where
        fsm_period.start_date <= pupils.census_day
        and coalesce(fsm_period.end_date >= pupils.census_day, true)
),

linked as (
    select
        pupils.*,
        link.child_key,
        provision.sen_provision_group,
        addresses.lsoa_code,
        addresses.ward_code,
        addresses.imd_decile,
        eligible.row_person_ref is not null as is_fsm_eligible
    from pupils
    left join {{ ref('stg_control__child_key') }} as link
        on
            pupils.submission_id = link.submission_id
            and pupils.row_person_ref = link.row_person_ref
    left join {{ ref('sen_provision') }} as provision
        on pupils.sen_provision_code = provision.sen_provision_code
    left join addresses
        on pupils.row_person_ref = addresses.row_person_ref
    left join eligible
        on pupils.row_person_ref = eligible.row_person_ref
)

select
    *,
    -- A child is counted once, where it is registered alone or mainly; of two such schools the one joined last.
    coalesce(is_on_roll and enrolment_status_code in ('C', 'M'), false)
    and row_number() over (
        partition by la_code, census_period, child_key
        order by
            coalesce(is_on_roll and enrolment_status_code in ('C', 'M'), false) desc,
            entry_date desc nulls last,
            la_estab asc,
            row_person_ref asc
    ) = 1 as is_counted
from linked
