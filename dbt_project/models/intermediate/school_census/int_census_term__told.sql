-- The term of a census, the term before whose attendance it tells of, and the terms of its suspensions.
with numbers as (
    select unnest([term_number, term_number - 1]) as term_number
    from {{ ref('int_census_return__described') }}

    union

    select term_number
    from {{ ref('int_census_suspension__told') }}
)

select
    term_number,
    {{ term_of_number('term_number') }} as term_code,
    {{ academic_year_of_number('term_number') }} as academic_year
from numbers
