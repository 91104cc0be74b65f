-- Returns that count, with the school found in the register by its URN, or by authority and number: the version that stood
-- on the census day, else the one that is open.
with phases as (
    select
        return_key,
        min(phase_code) as phase_code
    from {{ ref('stg_school_census__school') }}
    where is_current
    group by return_key
),

found as (
    select
        census.submission_id,
        census.return_key,
        census.collection is not null as tells_events,
        census.la_code,
        census.la_estab,
        census.urn,
        coalesce(by_urn.urn, by_number.urn) as register_urn,
        census.census_period,
        cast(census.census_year as integer) as census_year,
        census.term_code,
        census.academic_year,
        {{ term_number('census.term_code', 'census.academic_year') }} as term_number,
        -- The calendar decides; a header can state another day by mistake.
        coalesce(calendar.census_day, census.reference_date) as census_day
    from {{ ref('stg_school_census__return') }} as census
    left join {{ ref('census_calendar') }} as calendar
        on census.census_period = calendar.census_period
    left join {{ ref('int_setting__versioned') }} as by_urn
        on census.urn = by_urn.urn
    left join {{ ref('int_setting__versioned') }} as by_number
        on
            by_urn.urn is null
            and census.la_code = by_number.la_code
            and right(census.la_estab, 4) = by_number.establishment_number
    where census.is_current
    qualify row_number() over (
        partition by census.submission_id, census.return_key
        order by
            {{ stood_on('by_number', 'coalesce(calendar.census_day, census.reference_date)') }} desc,
            by_number.is_open desc nulls last,
            by_number.urn desc
    ) = 1
)

select
    found.submission_id,
    found.return_key,
    found.tells_events,
    found.la_code,
    found.la_estab,
    coalesce(site.site_estab, found.la_estab) as site_estab,
    coalesce(found.urn, found.register_urn) as urn,
    found.register_urn,
    case when found.register_urn is not null then {{ surrogate_key(['found.register_urn']) }} end as setting_key,
    phases.phase_code,
    -- The register's type decides; a school it lacks is grouped by the phase it states.
    coalesce(
        line.placement_group_code,
        case phases.phase_code
            when 'SP' then 'special_total'
            when 'PR' then 'ap_pru_total'
            when 'NO' then null
            else if(phases.phase_code is not null, 'mainstream_total', null)
        end
    ) as placement_group_code,
    found.census_period,
    found.census_year,
    found.term_code,
    found.academic_year,
    found.term_number,
    found.census_day
from found
left join phases
    on found.return_key = phases.return_key
left join {{ ref('int_census_school__site') }} as site -- at most one
    on found.la_estab = site.la_estab
left join {{ ref('int_setting__versioned') }} as establishment
    on found.register_urn = establishment.urn
left join {{ ref('placement_line_mapping') }} as line_mapping
    on
        line_mapping.input_kind = 'establishment_type'
        and lpad(establishment.type_code, 2, '0') = line_mapping.input_code
left join {{ ref('placement_line') }} as line
    on line_mapping.placement_line_code = line.placement_line_code
