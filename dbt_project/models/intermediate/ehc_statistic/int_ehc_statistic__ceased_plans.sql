-- Plans ceased in the year, by the reason given.
select
    la_code,
    submission_id,
    ehc_plan_key,
    'Calendar year' as time_identifier,
    cast(activity_year as string) as time_period,
    sex_code,
    ethnicity_code,
    age_at_cease as age,
    whole_years_held as years_held,
    ceased_placement_line_code as placement_line_code,
    true as is_ceased,
    cease_reason_code is null as is_without_reason,
    coalesce(cease_reason_code = '1', false) as is_at_maximum_age,
    coalesce(cease_reason_code = '2', false) as is_with_needs_met,
    coalesce(cease_reason_code = '3', false) as is_in_higher_education,
    coalesce(cease_reason_code = '4', false) as is_in_paid_employment,
    coalesce(cease_reason_code = '5', false) as is_transferred,
    coalesce(cease_reason_code = '6', false) as is_no_longer_engaging,
    coalesce(cease_reason_code = '7', false) as is_outside_england,
    coalesce(cease_reason_code = '8', false) as is_deceased,
    coalesce(cease_reason_code = '9', false) as is_other
from {{ ref('fct_ehc_plan') }}
where is_ceased_in_year
