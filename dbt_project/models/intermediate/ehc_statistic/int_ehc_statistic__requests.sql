-- Requests received in the year, and decisions made in it whenever the request came: two populations in one table.
-- A refusal that is changed later stays a refusal.
select
    la_code,
    submission_id,
    ehc_request_key,
    'Calendar year' as time_identifier,
    cast(activity_year as string) as time_period,
    sex_code,
    ethnicity_code,
    age_at_received as age,
    is_received_in_year as is_received,
    is_received_in_year and is_in_youth_accommodation as is_received_in_youth_accommodation,
    is_received_in_year and coalesce(request_outcome_code = 'Y', false) as is_decided_to_assess,
    is_received_in_year and coalesce(request_outcome_code = 'N', false) as is_decided_not_to_assess,
    is_received_in_year and coalesce(request_outcome_code = 'A', false) as is_decision_not_made,
    is_received_in_year and coalesce(request_outcome_code = 'W', false) as is_withdrawn,
    is_received_in_year and has_request_mediation as is_with_mediation,
    is_received_in_year and has_request_tribunal as is_with_tribunal,
    is_received_in_year and has_request_mediation and has_request_tribunal as is_with_tribunal_after_mediation,
    is_decided_in_year and coalesce(is_decided_within_6_weeks, false) as is_decided_in_time,
    is_decided_in_year and coalesce(not is_decided_within_6_weeks, false) as is_decided_late
from {{ ref('fct_ehc_request') }}
where is_received_in_year or is_decided_in_year
