with own_authority as (
    select
        max(setting_value) filter (where setting_name = 'la_code') as la_code,
        max(setting_value) filter (where setting_name = 'la_ons_code') as la_ons_code
    from {{ ref('stg_control__setting') }}
),

neighbours as (
    select neighbour.neighbour_la_code as la_code
    from {{ ref('statistical_neighbour') }} as neighbour
    inner join own_authority
        on neighbour.la_code = own_authority.la_code
),

-- Names, ONS codes and regions as the latest release has them; Inner and Outer London count as London.
published_authorities as (
    select
        published_row.area_key,
        max(published_row.la_code) as la_code,
        arg_max(
            published_row.la_ons_code, (published_row.release_year, published_row.time_period, published_row.la_ons_code)
        ) as la_ons_code,
        arg_max(
            published_row.la_name, (published_row.release_year, published_row.time_period, published_row.la_name)
        ) as la_name,
        arg_max(
            coalesce(region.parent_region_code, region.region_code),
            (published_row.release_year, published_row.time_period, region.region_code)
        ) as region_code
    from {{ ref('int_published_statistic__row') }} as published_row
    left join {{ ref('english_region') }} as region -- at most one
        on published_row.region_code = region.region_code
    where published_row.area_level = 'local_authority'
    group by published_row.area_key
),

returned as (
    select
        la_code,
        la_ons_code
    from own_authority

    union all

    select
        other_sender.la_code,
        null as la_ons_code
    from (
        select la_code
        from {{ ref('stg_sen2__return') }}
        where is_current

        union

        select la_code
        from {{ ref('stg_school_census__return') }}
        where is_current
    ) as other_sender
    anti join own_authority
        on other_sender.la_code = own_authority.la_code
    where other_sender.la_code is not null
),

-- The authority itself and one that made a return are there whether or not anything is published of them.
authorities as (
    select *
    from published_authorities

    union all

    select
        {{ surrogate_key(["'local_authority'", 'returned.la_code']) }} as area_key,
        returned.la_code,
        returned.la_ons_code,
        null as la_name,
        null as region_code
    from returned
    anti join published_authorities
        on returned.la_code = published_authorities.la_code
),

own_region as (
    select authorities.region_code
    from authorities
    inner join own_authority
        on authorities.la_code = own_authority.la_code
),

-- One authority an ONS code; Inner London and the like have none.
coded_authorities as (
    select
        la_ons_code,
        max(la_code) as la_code,
        arg_max(region_code, la_code) as region_code
    from authorities
    where la_ons_code is not null
    group by la_ons_code
),

-- Wards and neighbourhoods lie in one authority each. A code that ends in 99999999 says that a postcode has none.
small_areas as (
    select
        'ward' as area_level,
        ward_code as area_code,
        min(ward_name) as area_name,
        min(la_ons_code) as la_ons_code,
        cast(null as integer) as imd_decile
    from {{ ref('stg_postcode_directory__postcode') }}
    where ward_code not like '_99999999'
    group by ward_code

    union all

    select
        'lsoa' as area_level,
        coalesce(located.lsoa_code, deprivation.lsoa_code) as area_code,
        deprivation.lsoa_name as area_name,
        located.la_ons_code,
        deprivation.imd_decile
    from (
        select
            lsoa_code,
            min(la_ons_code) as la_ons_code
        from {{ ref('stg_postcode_directory__postcode') }}
        where lsoa_code not like '_99999999'
        group by lsoa_code
    ) as located
    full outer join {{ ref('stg_deprivation__lsoa') }} as deprivation -- at most one either way
        on located.lsoa_code = deprivation.lsoa_code
),

areas as (
    select
        {{ surrogate_key(["'england'", "'E92000001'"]) }} as area_key,
        'england' as area_level,
        'E92000001' as area_code,
        'England' as area_name,
        cast(null as varchar) as la_code,
        cast(null as varchar) as la_ons_code,
        cast(null as varchar) as region_code,
        cast(null as integer) as imd_decile,
        'england' as comparator_role

    union all

    select
        {{ surrogate_key(["'region'", 'region.region_code']) }} as area_key,
        'region' as area_level,
        region.region_code as area_code,
        region.region_name as area_name,
        cast(null as varchar) as la_code,
        cast(null as varchar) as la_ons_code,
        region.parent_region_code as region_code,
        cast(null as integer) as imd_decile,
        case when own_region.region_code is not null then 'region' end as comparator_role
    from {{ ref('english_region') }} as region
    left join own_region -- at most one
        on region.region_code = own_region.region_code

    union all

    select
        authorities.area_key,
        'local_authority' as area_level,
        -- x is what open data write for a place without a code.
        coalesce(authorities.la_ons_code, authorities.la_code, 'x') as area_code,
        coalesce(authorities.la_name, authorities.la_code, 'Not available') as area_name,
        authorities.la_code,
        authorities.la_ons_code,
        authorities.region_code,
        cast(null as integer) as imd_decile,
        case
            when own_authority.la_code is not null then 'own_authority'
            when neighbours.la_code is not null then 'statistical_neighbour'
        end as comparator_role
    from authorities
    left join own_authority -- at most one
        on authorities.la_code = own_authority.la_code
    left join neighbours -- at most one
        on authorities.la_code = neighbours.la_code

    union all

    select
        {{ surrogate_key(['small_areas.area_level', 'small_areas.area_code']) }} as area_key,
        small_areas.area_level,
        small_areas.area_code,
        coalesce(small_areas.area_name, small_areas.area_code) as area_name,
        coded_authorities.la_code,
        small_areas.la_ons_code,
        coded_authorities.region_code,
        small_areas.imd_decile,
        null as comparator_role
    from small_areas
    left join coded_authorities -- at most one
        on small_areas.la_ons_code = coded_authorities.la_ons_code
)

select
    areas.area_key,
    areas.area_level,
    areas.area_code,
    areas.area_name,
    areas.la_code,
    areas.la_ons_code,
    areas.region_code,
    region.region_name,
    areas.imd_decile,
    areas.comparator_role
from areas
left join {{ ref('english_region') }} as region -- at most one
    on areas.region_code = region.region_code
