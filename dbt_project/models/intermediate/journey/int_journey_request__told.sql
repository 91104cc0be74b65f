-- A request is told of by every return until it is decided, and by later ones as a historical record, whose dates need not
-- be kept and are not always the same. What led to one plan is one request, of the day that the latest return has that
-- tells of it otherwise than as historical; without a plan, what was received on one day.
with reports as (
    select
        *,
        coalesce(request_outcome_code = 'H', false) as is_historical
    from {{ ref('fct_ehc_request') }}
    where received_date is not null
),

dated as (
    select
        * replace (
            case
                when plan_start_date is null then received_date
                else first_value(received_date) over (
                    partition by la_code, child_key, plan_start_date
                    order by is_historical asc, activity_year desc, received_date asc
                )
            end as received_date
        )
    from reports
    where plan_start_date is not null or not is_historical
)

select
    la_code,
    child_key,
    received_date,
    {%- for code in ['request_outcome_code', 'assessment_outcome_code'] %}
        arg_max({{ code }}, (activity_year, {{ code }})) filter (where {{ code }} <> 'H') as {{ code }},
    {%- endfor %}
    arg_max(request_outcome_date, (activity_year, request_outcome_date)) as decision_date,
    arg_max(assessment_outcome_date, (activity_year, assessment_outcome_date)) as assessment_outcome_date,
    arg_max(plan_start_date, (activity_year, plan_start_date)) as plan_start_date
from dated
group by la_code, child_key, received_date
