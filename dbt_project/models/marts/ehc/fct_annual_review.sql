-- The published tables expect a review of every plan that began before the year of the return, and of no other.
with reviewed as (
    select
        *,
        start_date < make_date(activity_year, 1, 1) as is_review_expected,
        review_meeting_date + 28 as decision_due_date,
        last_review_date >= review_meeting_date as is_decision_of_the_meeting
    from {{ ref('int_ehc_plan__held') }}
    where view_code = 'own_return'
),

clocked as (
    select
        *,
        case when is_decision_of_the_meeting then last_review_date end as decision_date,
        -- Meetings are collected from the return of 2024.
        case when return_year >= 2024 then is_review_expected and review_meeting_date is not null end as is_review_held
    from reviewed
)

select
    {{ surrogate_key(['clocked.plan_key', "'review'"]) }} as annual_review_key,
    clocked.la_code,
    {{ calendar_year_key('clocked.activity_year') }} as period_key,
    cast(clocked.activity_year as integer) as activity_year,
    clocked.census_day,
    {{ surrogate_key(['clocked.plan_key']) }} as ehc_plan_key,
    clocked.child_key,
    cast(clocked.census_year - year(clocked.start_date) as integer) as years_in_place,
    cast(clocked.age_at_31_august_of_census as integer) as age_at_31_august,
    clocked.sex_code,
    clocked.ethnicity_code,
    coalesce(placement.placement_line_code, 'placement_unknown') as placement_line_code,
    clocked.is_review_expected,
    clocked.is_review_held,
    clocked.review_meeting_date,
    case
        when not coalesce(clocked.is_review_held, false) then null
        when year(clocked.review_meeting_date) > clocked.activity_year then 'census_year'
        when year(clocked.review_meeting_date) = clocked.activity_year then 'activity_year'
        else 'earlier'
    end as review_meeting_period,
    clocked.review_outcome_code,
    clocked.last_review_date,
    clocked.decision_date,
    clocked.decision_due_date,
    cast({{ clock_days('clocked.review_meeting_date', 'clocked.decision_date') }} as integer) as days_to_decision,
    clocked.decision_date <= clocked.decision_due_date as is_decided_within_4_weeks,
    coalesce(clocked.is_review_held and clocked.decision_due_date > clocked.census_day, false) as is_decision_not_due,
    coalesce(
        clocked.is_review_held and clocked.decision_date is null and clocked.decision_due_date <= clocked.census_day,
        false
    ) as is_decision_outstanding,
    clocked.review_draft_date,
    clocked.submission_id
from clocked
left join {{ ref('int_ehc_placement__counted') }} as placement
    on
        clocked.active_plan_key = placement.active_plan_key
        and clocked.view_code = placement.view_code
