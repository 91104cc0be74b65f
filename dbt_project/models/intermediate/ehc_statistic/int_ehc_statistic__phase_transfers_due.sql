-- Plans in force on census day whose phase transfer fell due in the year before, when the date has passed for every one of
-- them, by whether the final plan was out in time. Not a published table. Due dates are collected from the return of 2025.
select
    la_code,
    submission_id,
    ehc_plan_key,
    'Calendar year' as time_identifier,
    cast(census_year - 1 as string) as time_period,
    sex_code,
    ethnicity_code,
    placement_line_code,
    primary_need_code,
    true as is_due,
    coalesce(phase_transfer_final_date <= phase_transfer_due_date, false) as is_final_in_time
from {{ ref('fct_ehc_plan_census') }}
where
    view_code = 'own_return'
    and census_year >= 2025
    and year(phase_transfer_due_date) = census_year - 1
