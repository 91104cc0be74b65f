-- Plans in force on census day whose placement is at a setting of the schools register, by where that setting is. Not a
-- published table. Home education, arrangements of the authority and providers outside the register have no location.
select
    plan.la_code,
    plan.submission_id,
    plan.ehc_plan_key,
    'Academic year' as time_identifier,
    {{ academic_year_of_january('cast(plan.census_year as string)') }} as time_period,
    plan.sex_code,
    plan.ethnicity_code,
    plan.age_at_31_august as age,
    plan.placement_line_code,
    plan.primary_need_code,
    true as is_located,
    setting.la_code <> plan.la_code as is_in_another_authority
from {{ ref('fct_ehc_plan_census') }} as plan
inner join {{ ref('dim_setting') }} as setting -- exactly one
    on plan.setting_key = setting.setting_key
where
    plan.view_code = 'own_return'
    and setting.la_code is not null
