-- Plan dates hang from the assessment, needs, placements and reviews from the request: they meet in the request.
with active_plans as (
    select *
    from {{ ref('stg_sen2__active_plan') }}
    where is_current
    qualify row_number() over (partition by request_key order by source_row, active_plan_key) = 1
)

select
    plan.submission_id,
    person.la_code,
    person.return_year,
    person.return_year - 1 as activity_year,
    plan.plan_key,
    plan.source_row,
    request.request_key,
    active_plans.active_plan_key,
    person.child_key,
    person.sex_code,
    person.ethnicity_code,
    person.ward_code,
    person.imd_decile,
    person.age_at_31_august,
    request.received_date,
    assessment.assessment_outcome_code,
    plan.start_date,
    plan.age_at_start,
    cast(year(plan.start_date) - cast(left(person.birth_month, 4) as integer) as integer) as calendar_age_at_start,
    plan.cease_date,
    plan.age_at_cease,
    plan.cease_reason_code,
    plan.plan_residential_code,
    plan.plan_work_based_code,
    plan.has_personal_budget,
    plan.has_organised_arrangements,
    plan.direct_payment_code,
    active_plans.transfer_la_code,
    active_plans.last_review_date,
    active_plans.review_meeting_date,
    active_plans.review_outcome_code,
    active_plans.review_draft_date,
    active_plans.phase_transfer_due_date,
    active_plans.phase_transfer_final_date
from {{ ref('stg_sen2__plan') }} as plan
inner join {{ ref('int_ehc_person__returned') }} as person
    on
        plan.submission_id = person.submission_id
        and plan.row_person_ref = person.row_person_ref
inner join {{ ref('stg_sen2__assessment') }} as assessment
    on
        plan.submission_id = assessment.submission_id -- an earlier submission of the return holds the same keys
        and plan.assessment_key = assessment.assessment_key
inner join {{ ref('stg_sen2__request') }} as request
    on
        assessment.submission_id = request.submission_id
        and assessment.request_key = request.request_key
left join active_plans
    on request.request_key = active_plans.request_key
where plan.is_current
