-- The periods whose attendance, and whose suspensions, the returns tell of, with the terms they are made of: a term; autumn
-- and spring together; the academic year. A period of several terms is one only where each of them is told.
with landed as (
    select distinct
        la_code,
        term_number
    from {{ ref('int_census_return__described') }}
    where tells_events
),

told as (
    select
        la_code,
        'census_attendance' as series_code,
        term_number - 1 as term_number
    from landed

    union

    select
        la_code,
        'census_suspension' as series_code,
        unnest([term_number - 1, term_number - 2]) as term_number
    from landed
),

placed as (
    select
        la_code,
        series_code,
        term_number,
        {{ academic_year_of_number('term_number') }} as time_period,
        unnest([
            {{ term_identifier(term_of_number('term_number')) }},
            if(term_number % 3 < 2, 'Autumn and spring term', null),
            'Academic year'
        ]) as time_identifier
    from told
)

select
    la_code,
    series_code,
    time_identifier,
    time_period,
    term_number
from placed
where time_identifier is not null
qualify
    count(*) over (partition by la_code, series_code, time_identifier, time_period)
    = case time_identifier when 'Academic year' then 3 when 'Autumn and spring term' then 2 else 1 end
