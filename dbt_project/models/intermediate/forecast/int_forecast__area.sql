select
    la_code,
    cast(census_year as integer) as census_year,
    coalesce({{ age_group('age_at_31_august', 'age_at_31_august') }}, '20 to 25') as age_group,
    coalesce(ward_code, 'Not recorded') as ward_code,
    cast(count(*) as integer) as plan_count
from {{ ref('fct_ehc_plan_census') }}
where
    view_code = 'own_return'
    and age_at_31_august is not null
group by all
order by all
