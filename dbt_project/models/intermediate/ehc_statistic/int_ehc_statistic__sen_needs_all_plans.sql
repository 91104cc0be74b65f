-- Plans in force on census day, by primary need. This table counts the years to the end of the year before the census.
select
    la_code,
    submission_id,
    ehc_plan_key,
    'Academic year' as time_identifier,
    {{ academic_year_of_january('cast(census_year as string)') }} as time_period,
    sex_code,
    ethnicity_code,
    age_at_31_august as age,
    greatest(years_in_place - 1, 0) as years_held,
    placement_line_code,
    primary_need_code
from {{ ref('fct_ehc_plan_census') }}
where view_code = 'own_return'
