-- A request leads to one assessment and one plan at most; where a file holds more, the first counts.
with assessments as (
    select *
    from {{ ref('stg_sen2__assessment') }}
    where is_current
    qualify row_number() over (partition by request_key order by source_row, assessment_key) = 1
),

plans as (
    select *
    from {{ ref('stg_sen2__plan') }}
    where is_current
    qualify row_number() over (partition by assessment_key order by start_date asc nulls last, source_row asc, plan_key asc) = 1
),

active_plans as (
    select *
    from {{ ref('stg_sen2__active_plan') }}
    where is_current
    qualify row_number() over (partition by request_key order by source_row, active_plan_key) = 1
)

select
    request.submission_id,
    person.la_code,
    person.return_year,
    person.return_year - 1 as activity_year,
    census_view.census_day,
    request.request_key,
    person.child_key,
    person.sex_code,
    person.ethnicity_code,
    person.ward_code,
    person.imd_decile,
    request.age_at_received,
    request.received_date,
    request.request_source_code,
    request.is_in_youth_accommodation,
    request.request_outcome_code,
    request.request_outcome_date,
    request.has_request_mediation,
    request.has_request_tribunal,
    request.exported_la_code,
    assessments.assessment_key,
    assessments.assessment_outcome_code,
    assessments.assessment_outcome_date,
    assessments.has_assessment_mediation,
    assessments.has_assessment_tribunal,
    assessments.has_other_mediation,
    assessments.has_other_tribunal,
    assessments.has_20_week_exception,
    plans.plan_key,
    plans.start_date as plan_start_date,
    plans.cease_date as plan_cease_date,
    active_plans.active_plan_key,
    active_plans.transfer_la_code,
    need.need_code as primary_need_code
from {{ ref('stg_sen2__request') }} as request
inner join {{ ref('int_ehc_person__returned') }} as person
    on
        request.submission_id = person.submission_id
        and request.row_person_ref = person.row_person_ref
left join {{ ref('int_ehc_census_view__described') }} as census_view
    on
        request.submission_id = census_view.submission_id
        and census_view.view_code = 'own_return'
left join assessments
    on request.request_key = assessments.request_key
left join plans
    on assessments.assessment_key = plans.assessment_key
left join active_plans
    on request.request_key = active_plans.request_key
left join {{ ref('int_ehc_need__ranked') }} as need
    on
        active_plans.active_plan_key = need.active_plan_key
        and need.is_primary
where request.is_current
