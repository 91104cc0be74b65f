-- Plans by their first day, which stays when a plan moves or is amended. A live plan is told of by every return: one that
-- stands with another first day in a later return of the child was corrected, and counts no more.
with reports as (
    select
        plan.la_code,
        plan.child_key,
        plan.start_date,
        plan.activity_year,
        plan.cease_date,
        plan.cease_reason_code,
        plan.transfer_la_code,
        coalesce(plan.assessment_outcome_code = 'H', false) as is_historical,
        max(plan.activity_year) over (partition by plan.la_code, plan.child_key) as last_activity_year
    from {{ ref('fct_ehc_plan') }} as plan
    where plan.start_date is not null
),

plans as (
    select
        la_code,
        child_key,
        start_date,
        -- As the latest return has it, blank or not: a plan that was said to have ended can be live again.
        max(struct_pack(
            activity_year := activity_year, cease_date := cease_date, cease_reason_code := cease_reason_code
        )) as latest,
        max(last_activity_year) as last_activity_year,
        arg_max(transfer_la_code, (activity_year, transfer_la_code)) as transfer_la_code,
        bool_and(is_historical) as is_always_historical
    from reports
    group by la_code, child_key, start_date
),

requests as (
    select
        la_code,
        child_key,
        plan_start_date,
        max(received_date) as received_date
    from {{ ref('int_journey_request__told') }}
    where plan_start_date is not null
    group by la_code, child_key, plan_start_date
),

returns as (
    select
        la_code,
        max(return_year) - 1 as last_activity_year
    from {{ ref('int_ehc_person__returned') }}
    group by la_code
)

select
    plans.la_code,
    plans.child_key,
    plans.start_date,
    requests.received_date,
    plans.transfer_la_code,
    case
        when plans.transfer_la_code is not null then 'transferred_in'
        when plans.is_always_historical then 'historical'
        else 'new'
    end as origin_code,
    plans.latest['cease_date'] as cease_date,
    plans.latest['cease_reason_code'] as cease_reason_code,
    case
        when plans.latest['cease_date'] is not null then 'ceased'
        when plans.latest['activity_year'] = returns.last_activity_year then 'held'
        else 'not_told_since'
    end as state_code,
    row_number() over (partition by plans.la_code, plans.child_key order by plans.start_date) as plan_number
from plans
inner join returns -- exactly one
    on plans.la_code = returns.la_code
left join requests -- at most one
    on
        plans.la_code = requests.la_code
        and plans.child_key = requests.child_key
        and plans.start_date = requests.plan_start_date
where
    plans.latest['cease_date'] is not null
    or plans.latest['activity_year'] = plans.last_activity_year
