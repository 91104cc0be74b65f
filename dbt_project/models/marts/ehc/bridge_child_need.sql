select
    {{ surrogate_key(['held.plan_key', 'need.need_code']) }} as child_need_key,
    held.la_code,
    cast(held.census_year as integer) as census_year,
    {{ surrogate_key(['held.la_code', 'held.census_year', 'held.view_code', 'held.child_key']) }} as ehc_plan_census_key,
    held.child_key,
    need.need_code,
    need.need_rank,
    need.is_primary,
    held.submission_id
from {{ ref('int_ehc_plan__held') }} as held
inner join {{ ref('int_ehc_need__ranked') }} as need
    on held.active_plan_key = need.active_plan_key
where held.view_code = 'own_return'
