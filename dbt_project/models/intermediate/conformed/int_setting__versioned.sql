-- Establishments of the register as versions of their sites. A conversion or any other change of URN closes one record and
-- opens another of the same site (int_census_school__site); who is open, or closed last, is the site today. A record whose
-- place in the order cannot be told (closed without a day, or on the same day as another) is a site of its own.
with establishments as (
    select
        establishment.urn,
        establishment.la_code,
        establishment.establishment_number,
        establishment.ukprn,
        establishment.type_code,
        establishment.close_date,
        coalesce(establishment.status_code in ('1', '3'), false) as is_open,
        -- A record that closed before it opened says nothing of when it opened.
        case
            when establishment.open_date > establishment.close_date then null
            else establishment.open_date
        end as open_date,
        site.site_estab
    from {{ ref('stg_establishment_register__establishment') }} as establishment
    left join {{ ref('int_census_school__site') }} as site -- at most one
        on establishment.la_code || establishment.establishment_number = site.la_estab
),

ranked as (
    select
        *,
        row_number() over (
            partition by site_estab order by is_open desc, close_date desc nulls last, urn desc
        ) as site_order,
        row_number() over (partition by site_estab, close_date order by is_open desc, urn desc) as day_order
    from establishments
),

placed as (
    select
        *,
        site_estab is not null
        and (site_order = 1 or (not is_open and close_date is not null and day_order = 1)) as is_in_order
    from ranked
),

followed as (
    select
        *,
        {{ surrogate_key(["if(is_in_order, site_estab, 'URN ' || urn)"]) }} as site_key,
        lag(close_date) over site as earlier_close_date,
        lag(urn) over site as predecessor_urn,
        lead(urn) over site as successor_urn
    from placed
    window site as (
        partition by if(is_in_order, site_estab, 'URN ' || urn) order by site_order desc
    )
)

select
    urn,
    la_code,
    establishment_number,
    ukprn,
    type_code,
    is_open,
    site_key,
    if(is_in_order, site_estab, null) as site_estab,
    greatest(open_date, earlier_close_date + 1) as valid_from,
    if(coalesce(close_date > earlier_close_date, true), close_date, null) as valid_to,
    successor_urn is null as is_current,
    predecessor_urn,
    successor_urn
from followed
