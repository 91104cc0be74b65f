-- The first visit that is known to each school, the twelve months before it and the twelve that begin with it; and of requests
-- and of suspensions whether all of both are known.
with visited as (
    select
        la_code,
        site_key,
        min(visit_date) as first_visit_date,
        min(academic_year) as academic_year,
        cast(min(visit_date) - to_months(12) as date) as before_from,
        cast(min(visit_date) + to_months(12) - to_days(1) as date) as after_to
    from {{ ref('fct_outreach_activity_visit') }}
    group by la_code, site_key
),

-- With the return of the year before, twelve months before the first visit known are known to have had none.
years_before as (
    select {{ academic_year_of_january('cast(year_ending + 1 as varchar)') }} as academic_year
    from {{ ref('stg_outreach_activity__cover') }}
    where is_current
),

standing as (
    select
        site_key,
        max(coalesce(close_date, if(is_open, date '9999-12-31', null))) as stands_to
    from {{ ref('dim_setting') }}
    group by site_key
),

returned as (
    select distinct
        census.la_code,
        setting.site_key,
        census.census_day,
        census.term_number,
        census.tells_events
    from {{ ref('int_census_return__described') }} as census
    inner join {{ ref('dim_setting') }} as setting -- exactly one
        on census.setting_key = setting.setting_key
),

first_census as (
    select
        la_code,
        site_key,
        min(census_day) as first_census_day
    from returned
    group by la_code, site_key
),

-- The second census after a term tells the last of its suspensions.
terms as (
    select
        visited.la_code,
        visited.site_key,
        count(distinct returned.term_number)
        = {{ term_number_of_day('visited.first_visit_date') }} - {{ term_number_of_day('visited.before_from') }} + 1
            as is_told_before,
        count(distinct later.term_number)
        = {{ term_number_of_day('visited.after_to') }} - {{ term_number_of_day('visited.first_visit_date') }} + 1
            as is_told_after
    from visited
    left join returned
        on
            visited.la_code = returned.la_code
            and visited.site_key = returned.site_key
            and returned.tells_events
            and returned.term_number - 2
            between {{ term_number_of_day('visited.before_from') }} and {{ term_number_of_day('visited.first_visit_date') }}
    left join returned as later
        on
            visited.la_code = later.la_code
            and visited.site_key = later.site_key
            and later.tells_events
            and later.term_number - 2
            between {{ term_number_of_day('visited.first_visit_date') }} and {{ term_number_of_day('visited.after_to') }}
    group by visited.la_code, visited.site_key, visited.first_visit_date, visited.before_from, visited.after_to
)

select
    visited.la_code,
    visited.site_key,
    visited.academic_year,
    visited.first_visit_date,
    visited.before_from,
    visited.after_to,
    -- Where a child is at school is asked of the censuses; requests are told of by calendar years.
    case
        when years_before.academic_year is null then 'earlier_visits_not_known'
        when
            not coalesce(
                first_census.first_census_day <= visited.before_from and held.first_day <= visited.before_from, false
            )
            then 'before_not_known'
        when not coalesce(standing.stands_to >= visited.after_to, false) then 'closed'
        when visited.after_to >= date_trunc('year', held.last_day) then 'not_over'
        else 'whole'
    end as request_window_code,
    case
        when years_before.academic_year is null then 'earlier_visits_not_known'
        when not terms.is_told_before then 'before_not_known'
        when not coalesce(standing.stands_to >= visited.after_to, false) then 'closed'
        when not terms.is_told_after then 'not_over'
        else 'whole'
    end as suspension_window_code
from visited
inner join terms -- exactly one
    on
        visited.la_code = terms.la_code
        and visited.site_key = terms.site_key
left join years_before -- at most one
    on visited.academic_year = years_before.academic_year
left join standing -- at most one
    on visited.site_key = standing.site_key
left join first_census -- at most one
    on
        visited.la_code = first_census.la_code
        and visited.site_key = first_census.site_key
left join {{ ref('int_journey_source__held') }} as held -- at most one
    on
        visited.la_code = held.la_code
        and held.source_code = 'ehc'
