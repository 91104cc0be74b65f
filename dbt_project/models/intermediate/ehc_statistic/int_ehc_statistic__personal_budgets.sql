-- Plans in force on census day, by the personal budget taken up.
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
    has_personal_budget,
    has_organised_arrangements,
    coalesce(direct_payment_code = 'H', false) as has_health_payment,
    coalesce(direct_payment_code = 'E', false) as has_education_payment,
    coalesce(direct_payment_code = 'S', false) as has_social_care_payment,
    coalesce(direct_payment_code = 'I', false) as has_integrated_payment
from {{ ref('fct_ehc_plan_census') }}
where view_code = 'own_return'
