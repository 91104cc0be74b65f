-- A return describes its own census day, and through start and cease dates the one before.
with returns as (
    select
        submission_id,
        la_code,
        return_year,
        reference_date
    from {{ ref('stg_sen2__return') }}
    where is_current
),

views as (
    select
        submission_id,
        la_code,
        return_year,
        'own_return' as view_code,
        return_year as census_year,
        reference_date as stated_census_day
    from returns

    union all

    select
        submission_id,
        la_code,
        return_year,
        'next_return' as view_code,
        return_year - 1 as census_year,
        null as stated_census_day
    from returns
)

select
    views.submission_id,
    views.la_code,
    views.return_year,
    views.view_code,
    views.census_year,
    -- The calendar decides; a header can state another day by mistake.
    coalesce(calendar.census_day, views.stated_census_day) as census_day
from views
left join {{ ref('census_day') }} as calendar
    on views.census_year = calendar.census_year
where coalesce(calendar.census_day, views.stated_census_day) is not null
