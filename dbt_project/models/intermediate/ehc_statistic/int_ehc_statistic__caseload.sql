-- Plans in force on census day, by where the child is placed: every plan counts.
select
    la_code,
    submission_id,
    ehc_plan_key,
    'Academic year' as time_identifier,
    {{ academic_year_of_january('cast(census_year as string)') }} as time_period,
    sex_code,
    ethnicity_code,
    age_at_31_august as age,
    age_at_start,
    calendar_age_at_start,
    years_in_place as years_held,
    placement_line_code
from {{ ref('fct_ehc_plan_census') }}
where view_code = 'own_return'
