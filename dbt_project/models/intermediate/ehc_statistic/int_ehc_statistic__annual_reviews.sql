-- Plans in force on census day, by the state of their review. Reviews are expected of plans begun before the year of the
-- return; meetings, and so whatever follows one, are collected from the return of 2024 and are blank before.
select
    la_code,
    submission_id,
    ehc_plan_key,
    'Calendar year' as time_identifier,
    cast(activity_year as string) as time_period,
    sex_code,
    ethnicity_code,
    age_at_31_august as age,
    years_in_place as years_held,
    placement_line_code,
    true as is_in_force,
    is_review_expected,
    not is_review_expected as is_review_not_expected,
    is_review_held,
    case when is_review_held is not null then coalesce(is_review_expected and not is_review_held, false) end
        as is_review_not_held,
    case when is_review_held is not null then coalesce(review_meeting_period = 'earlier', false) end as is_met_earlier,
    case when is_review_held is not null then coalesce(review_meeting_period = 'activity_year', false) end
        as is_met_in_activity_year,
    case when is_review_held is not null then coalesce(review_meeting_period = 'census_year', false) end
        as is_met_in_census_year,
    case when is_review_held is not null then coalesce(is_review_held and year(decision_date) < activity_year, false) end
        as is_decided_earlier,
    case when is_review_held is not null then coalesce(is_review_held and year(decision_date) = activity_year, false) end
        as is_decided_in_activity_year,
    case when is_review_held is not null then coalesce(is_review_held and year(decision_date) > activity_year, false) end
        as is_decided_in_census_year,
    case when is_review_held is not null then coalesce(is_decision_not_due, false) end as is_decision_not_due,
    case when is_review_held is not null then coalesce(is_decision_outstanding, false) end as is_decision_outstanding,
    case when is_review_held is not null then coalesce(is_review_held and review_outcome_code = 'A', false) end
        as is_amended,
    case when is_review_held is not null then coalesce(is_review_held and review_outcome_code = 'C', false) end
        as is_ceased,
    case when is_review_held is not null then coalesce(is_review_held and review_outcome_code = 'M', false) end
        as is_maintained,
    case when is_review_held is not null then coalesce(is_review_held and review_outcome_code is null, false) end
        as is_without_outcome,
    case when is_review_held is not null then coalesce(is_review_held and is_decided_within_4_weeks, false) end
        as is_decided_in_time,
    case when is_review_held is not null then coalesce(is_review_held and not is_decided_within_4_weeks, false) end
        as is_decided_late
from {{ ref('fct_annual_review') }}
