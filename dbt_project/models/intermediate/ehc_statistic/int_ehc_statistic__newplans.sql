-- Plans begun in the year and not transferred in, by where the child is placed on census day.
select
    la_code,
    submission_id,
    ehc_plan_key,
    'Calendar year' as time_identifier,
    cast(activity_year as string) as time_period,
    sex_code,
    ethnicity_code,
    age_at_start,
    calendar_age_at_start,
    placement_line_code
from {{ ref('fct_ehc_plan') }}
where is_new_in_year
