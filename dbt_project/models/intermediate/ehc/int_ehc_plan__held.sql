-- A person holds one plan: of several in force on the day, the one that started last counts, once.
with in_force as (
    select
        plan.*,
        census_view.view_code,
        census_view.census_year,
        census_view.census_day,
        plan.age_at_31_august - (census_view.return_year - census_view.census_year) as age_at_31_august_of_census
    from {{ ref('int_ehc_plan__traced') }} as plan
    inner join {{ ref('int_ehc_census_view__described') }} as census_view
        on plan.submission_id = census_view.submission_id
    where
        plan.start_date <= census_view.census_day
        and {{ not_ended_on('plan.cease_date', 'census_view.census_day') }}
        -- A plan keeps its own start date when it moves: going back, those transferred in were with another authority.
        and (census_view.view_code = 'own_return' or plan.transfer_la_code is null)
)

select
    *,
    count(*) over (partition by la_code, view_code, census_year, child_key) as plan_count
from in_force
qualify row_number() over (
    partition by la_code, view_code, census_year, child_key
    order by start_date desc, source_row desc, plan_key asc
) = 1
