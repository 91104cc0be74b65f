-- Plans in force on census day, by residential placement.
select
    la_code,
    submission_id,
    ehc_plan_key,
    'Academic year' as time_identifier,
    {{ academic_year_of_january('cast(census_year as string)') }} as time_period,
    sex_code,
    ethnicity_code,
    age_at_31_august as age,
    placement_line_code,
    coalesce(residential_code = 'A', false) as is_shorter_residential,
    coalesce(residential_code = 'B', false) as is_longer_residential,
    residential_code is not null as is_residential
from {{ ref('fct_ehc_plan_census') }}
where view_code = 'own_return'
