-- Plans issued in the year without mediation or tribunal, by the days since the request. A case without a clock is in no band.
select
    la_code,
    submission_id,
    ehc_request_key,
    'Calendar year' as time_identifier,
    cast(activity_year as string) as time_period,
    sex_code,
    ethnicity_code,
    age_at_received as age,
    primary_need_code,
    is_in_20_week_population as is_issued,
    is_in_20_week_population_without_exceptions as is_issued_without_exception,
    coalesce(issue_band = 'within_20_weeks', false) as is_in_time,
    is_in_20_week_population_without_exceptions and coalesce(issue_band = 'within_20_weeks', false)
        as is_in_time_without_exception,
    coalesce(issue_band = '20_to_52_weeks', false) as is_late,
    is_in_20_week_population_without_exceptions and coalesce(issue_band = '20_to_52_weeks', false)
        as is_late_without_exception,
    coalesce(issue_band = 'over_52_weeks', false) as is_over_a_year,
    is_in_20_week_population_without_exceptions and coalesce(issue_band = 'over_52_weeks', false)
        as is_over_a_year_without_exception
from {{ ref('fct_ehc_request') }}
where is_in_20_week_population
