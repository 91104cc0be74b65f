-- Plans in force on census day, by when a phase transfer falls due and when the plan for it is final. The dates are
-- collected from the return of 2025 and are blank before. The published table puts the stock under the year before.
select
    la_code,
    submission_id,
    ehc_plan_key,
    'Calendar year' as time_identifier,
    cast(census_year - 1 as string) as time_period,
    true as is_in_force,
    if(census_year >= 2025, coalesce(year(phase_transfer_due_date) = census_year - 1, false), null) as is_due_in_activity_year,
    if(census_year >= 2025, coalesce(year(phase_transfer_due_date) = census_year, false), null) as is_due_in_census_year,
    if(census_year >= 2025, coalesce(year(phase_transfer_final_date) = census_year - 1, false), null)
        as is_final_in_activity_year,
    if(census_year >= 2025, coalesce(year(phase_transfer_final_date) = census_year, false), null) as is_final_in_census_year
from {{ ref('fct_ehc_plan_census') }}
where view_code = 'own_return'
