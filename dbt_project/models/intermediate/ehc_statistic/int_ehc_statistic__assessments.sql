-- Assessments of the year, by how they ended. A refusal that is changed later stays a refusal.
select
    la_code,
    submission_id,
    ehc_request_key,
    'Calendar year' as time_identifier,
    cast(activity_year as string) as time_period,
    sex_code,
    ethnicity_code,
    age_at_received as age,
    true as is_assessed,
    assessment_outcome_code = 'Y' as is_issued,
    assessment_outcome_code = 'N' as is_not_issued,
    assessment_outcome_code = 'A' as is_not_decided,
    assessment_outcome_code = 'W' as is_withdrawn,
    coalesce(is_refused_to_issue_within_16_weeks, false) as is_not_issued_in_time,
    coalesce(not is_refused_to_issue_within_16_weeks, false) as is_not_issued_late,
    has_assessment_mediation as is_with_mediation,
    has_assessment_tribunal as is_with_tribunal,
    has_assessment_mediation and has_assessment_tribunal as is_with_mediation_and_tribunal,
    has_other_mediation as is_with_other_mediation,
    has_other_tribunal as is_with_other_tribunal,
    has_other_mediation and has_other_tribunal as is_with_other_mediation_and_tribunal
from {{ ref('fct_ehc_request') }}
where is_assessment_in_year
