with terms as (
    select
        la_code,
        census_period,
        min(term_code) as term_code,
        min(academic_year) as academic_year
    from {{ ref('int_census_return__described') }}
    group by la_code, census_period
)

select
    {{ surrogate_key(['school.la_code', 'school.census_period', 'school.school_code']) }} as census_completeness_key,
    school.la_code,
    {{ term_key('terms.term_code', 'terms.academic_year') }} as period_key,
    school.census_period,
    school.census_day,
    school.school_code,
    school.urn,
    case when school.urn is not null then {{ surrogate_key(['school.urn']) }} end as setting_key,
    school.is_expected,
    school.is_landed,
    cast(school.pupil_count as integer) as register_pupil_count
from {{ ref('int_census_school__expected') }} as school
inner join terms
    on
        school.la_code = terms.la_code
        and school.census_period = terms.census_period
