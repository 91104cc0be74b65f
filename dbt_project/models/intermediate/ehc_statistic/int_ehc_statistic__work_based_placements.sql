-- Plans in force on census day, by work-based placement.
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
    coalesce(work_based_code = 'S', false) as is_supported_internship,
    coalesce(work_based_code = 'A', false) as is_apprenticeship,
    coalesce(work_based_code = 'T', false) as is_traineeship,
    work_based_code is not null as is_work_based
from {{ ref('fct_ehc_plan_census') }}
where view_code = 'own_return'
