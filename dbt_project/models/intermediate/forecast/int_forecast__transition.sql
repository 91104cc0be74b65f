-- Two returns a year apart, child by child, counted: who stayed, changed, came and left.
with held as (
    select
        plan.la_code,
        plan.census_year,
        plan.child_key,
        least(greatest(plan.age_at_31_august, 0), 25) as age,
        if(plan.primary_need_code = 'UNKNOWN', 'UKN', plan.primary_need_code) as need_code,
        line.placement_group_code || '/' || line.reform_provision_code as placement_code
    from {{ ref('fct_ehc_plan_census') }} as plan
    inner join {{ ref('dim_placement_group') }} as line -- exactly one
        on plan.placement_line_code = line.placement_line_code
    where
        plan.view_code = 'own_return'
        and plan.age_at_31_august is not null
),

years as (
    select distinct
        la_code,
        census_year
    from held
),

pairs as (
    select
        later.la_code,
        later.census_year
    from years as later
    inner join years as earlier -- at most one
        on
            later.la_code = earlier.la_code
            and later.census_year - 1 = earlier.census_year
),

before as (
    select
        pairs.la_code,
        pairs.census_year,
        held.child_key,
        held.age,
        held.need_code,
        held.placement_code
    from pairs
    inner join held
        on
            pairs.la_code = held.la_code
            and pairs.census_year - 1 = held.census_year
),

after as (
    select
        pairs.la_code,
        pairs.census_year,
        held.child_key,
        held.age,
        held.need_code,
        held.placement_code
    from pairs
    inner join held
        on
            pairs.la_code = held.la_code
            and pairs.census_year = held.census_year
)

select
    coalesce(after.la_code, before.la_code) as la_code,
    coalesce(after.census_year, before.census_year) as census_year,
    cast(coalesce(after.age, least(before.age + 1, 25)) as integer) as age,
    before.need_code as need_before,
    before.placement_code as placement_before,
    after.need_code as need_after,
    after.placement_code as placement_after,
    cast(count(*) as integer) as plan_count
from before
full outer join after -- at most one: the child in the other return
    on
        before.la_code = after.la_code
        and before.census_year = after.census_year
        and before.child_key = after.child_key
group by all
order by all
