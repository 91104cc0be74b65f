with own_authority as (
    select setting_value as la_code
    from {{ ref('stg_control__setting') }}
    where setting_name = 'la_code'
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
    select distinct la_code
    from {{ ref('stg_sen2__return') }}
    where is_current and la_code is not null
),

-- An authority that made a return is there whether or not anything is published of it.
authorities as (
    select *
    from published_authorities

    union all

    select
        {{ surrogate_key(["'local_authority'", 'returned.la_code']) }} as area_key,
        returned.la_code,
        null as la_ons_code,
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

areas as (
    select
        {{ surrogate_key(["'england'", "'E92000001'"]) }} as area_key,
        'england' as area_level,
        'E92000001' as area_code,
        'England' as area_name,
        cast(null as varchar) as la_code,
        cast(null as varchar) as region_code,
        'england' as comparator_role

    union all

    select
        {{ surrogate_key(["'region'", 'region.region_code']) }} as area_key,
        'region' as area_level,
        region.region_code as area_code,
        region.region_name as area_name,
        cast(null as varchar) as la_code,
        region.parent_region_code as region_code,
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
        authorities.region_code,
        case
            when own_authority.la_code is not null then 'own_authority'
            when neighbours.la_code is not null then 'statistical_neighbour'
        end as comparator_role
    from authorities
    left join own_authority -- at most one
        on authorities.la_code = own_authority.la_code
    left join neighbours -- at most one
        on authorities.la_code = neighbours.la_code
)

select
    areas.area_key,
    areas.area_level,
    areas.area_code,
    areas.area_name,
    areas.la_code,
    areas.region_code,
    region.region_name,
    areas.comparator_role
from areas
left join {{ ref('english_region') }} as region -- at most one
    on areas.region_code = region.region_code
