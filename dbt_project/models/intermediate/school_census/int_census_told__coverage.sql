-- Which of the schools expected have told of a period, and what is to be said where not all have. The roll of a term is in
-- its own census, attendance in the next, a suspension in the next two, beside the January roll it is set against. An extract tells of the
-- roll alone.
with landed as (
    select
        la_code,
        census_period,
        max(term_number) as term_number,
        bool_or(tells_events) as tells_events
    from {{ ref('int_census_return__described') }}
    group by la_code, census_period
),

-- Each thing needed, and a census that gives it; one of several is enough.
needed as (
    select
        la_code,
        'census_roll' as series_code,
        false as needs_events,
        {{ term_identifier(term_of_number('term_number')) }} as time_identifier,
        {{ academic_year_of_number('term_number') }} as time_period,
        term_number as need_number,
        term_number as census_number
    from landed

    union all

    select
        la_code,
        'census_plan_difference' as series_code,
        false as needs_events,
        'Spring term' as time_identifier,
        {{ academic_year_of_number('term_number') }} as time_period,
        term_number as need_number,
        term_number as census_number
    from landed
    where term_number % 3 = 1

    union all

    select
        la_code,
        series_code,
        true as needs_events,
        time_identifier,
        time_period,
        term_number as need_number,
        term_number + 1 as census_number
    from {{ ref('int_census_told__period') }}

    union all

    select
        la_code,
        series_code,
        true as needs_events,
        time_identifier,
        time_period,
        term_number as need_number,
        term_number + 2 as census_number
    from {{ ref('int_census_told__period') }}
    where series_code = 'census_suspension'

    union all

    select distinct
        la_code,
        series_code,
        false as needs_events,
        time_identifier,
        time_period,
        -1 as need_number,
        3 * cast(left(time_period, 4) as integer) + 1 as census_number
    from {{ ref('int_census_told__period') }}
    where series_code = 'census_suspension'
),

newest as (
    select
        la_code,
        max(term_number) as term_number,
        max(term_number) filter (where tells_events) as event_term_number
    from landed
    group by la_code
),

-- Suspensions of a term are all told once the second census after it has come.
finality as (
    select
        needed.la_code,
        needed.series_code,
        needed.time_identifier,
        needed.time_period,
        bool_and(
            needed.census_number <= if(needed.needs_events, newest.event_term_number, newest.term_number)
        ) as is_final
    from needed
    inner join newest -- exactly one
        on needed.la_code = newest.la_code
    group by all
),

schools_by_need as (
    select
        needed.la_code,
        needed.series_code,
        needed.time_identifier,
        needed.time_period,
        needed.need_number,
        school.school_code,
        max(school.pupil_count) as pupil_count,
        bool_or(school.is_expected) as is_expected,
        bool_or(if(needed.needs_events, school.tells_events, school.is_landed)) as is_told
    from needed
    inner join landed
        on
            needed.la_code = landed.la_code
            and needed.census_number = landed.term_number
    inner join {{ ref('int_census_school__expected') }} as school
        on
            landed.la_code = school.la_code
            and landed.census_period = school.census_period
    group by all
),

schools as (
    select
        la_code,
        series_code,
        time_identifier,
        time_period,
        school_code,
        max(pupil_count) as pupil_count,
        bool_and(is_told) as is_told
    from schools_by_need
    where is_expected
    group by all
),

counted as (
    select
        finality.la_code,
        finality.series_code,
        finality.time_identifier,
        finality.time_period,
        finality.is_final,
        count(schools.school_code) as expected_school_count,
        count(schools.school_code) filter (where schools.is_told) as told_school_count,
        100.0 * sum(schools.pupil_count) filter (where not schools.is_told) / nullif(sum(schools.pupil_count), 0)
            as missing_pupil_pct
    from finality
    left join schools
        on
            finality.la_code = schools.la_code
            and finality.series_code = schools.series_code
            and finality.time_identifier = schools.time_identifier
            and finality.time_period = schools.time_period
    group by all
)

select
    la_code,
    series_code,
    time_identifier,
    time_period,
    is_final,
    cast(expected_school_count as integer) as expected_school_count,
    cast(told_school_count as integer) as told_school_count,
    nullif(concat_ws(
        ' ',
        case
            when expected_school_count = 0
                then 'Without a schools register it is not known whether schools are missing.'
            when told_school_count < expected_school_count
                then format(
                    '{} of {} expected schools are missing',
                    expected_school_count - told_school_count,
                    expected_school_count
                )
                || coalesce(format(' ({:.1f} per cent of pupils by the register).', cast(missing_pupil_pct as double)), '.')
        end,
        case when not is_final then 'The next school census can add to it.' end
    ), '') as coverage_note
from counted
