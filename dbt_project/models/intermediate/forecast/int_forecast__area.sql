select
    plan.la_code,
    cast(plan.census_year as integer) as census_year,
    coalesce({{ age_group('plan.age_at_31_august', 'plan.age_at_31_august') }}, '20 to 25') as age_group,
    coalesce(plan.ward_code, 'Not recorded') as ward_code,
    line.reform_provision_code as provision_code,
    cast(count(*) as integer) as plan_count
from {{ ref('fct_ehc_plan_census') }} as plan
inner join {{ ref('dim_placement_group') }} as line -- exactly one
    on plan.placement_line_code = line.placement_line_code
where
    plan.view_code = 'own_return'
    and plan.age_at_31_august is not null
group by all
order by all
