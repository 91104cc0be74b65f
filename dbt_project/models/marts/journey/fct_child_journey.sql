{%- set milestones = {
    'sen_support': 'first_sen_support_census_day',
    'plan_in_census': 'first_plan_census_day',
    'request': 'first_request_date',
    'decision': 'first_decision_date',
    'assessment': 'first_assessment_outcome_date',
    'plan': 'first_plan_start_date',
    'placement': 'first_placement_date',
    'ceased': 'first_plan_cease_date',
    'therapy_referral': 'first_therapy_referral_date',
    'therapy_contact': 'first_therapy_contact_date'
} -%}
-- The milestones of a child side by side, with what lies between them. Children that have none are in no row: most pupils
-- of a school census.
with pivoted as (
    select
        la_code,
        child_key,
        {%- for milestone, column in milestones.items() %}
            max(milestone_date) filter (where milestone_code = '{{ milestone }}') as {{ column }},
        {%- endfor %}
        max(precision_code) filter (where milestone_code = 'placement') as placement_precision_code,
        bool_or(is_left_censored) filter (where milestone_code = 'sen_support') as is_sen_support_left_censored,
        bool_or(is_left_censored) filter (where source_code = 'ehc' and milestone_code <> 'placement') as is_ehc_before,
        bool_or(is_left_censored) filter (where source_code = 'therapy') as is_therapy_left_censored
    from {{ ref('fct_child_milestone') }}
    group by la_code, child_key
),

requests as (
    select
        la_code,
        child_key,
        count(*) as request_count,
        first(request_outcome_code order by received_date) as first_request_outcome_code
    from {{ ref('int_journey_request__told') }}
    group by la_code, child_key
),

plans as (
    select
        la_code,
        child_key,
        count(*) as plan_count,
        any_value(origin_code) filter (where plan_number = 1) as first_plan_origin_code,
        any_value(received_date) filter (where plan_number = 1) as first_plan_request_date,
        any_value(cease_reason_code) filter (where plan_number = 1) as first_plan_cease_reason_code,
        min(start_date) filter (where plan_number = 2) as second_plan_start_date,
        arg_max(state_code, plan_number) as plan_state_code
    from {{ ref('int_journey_plan__told') }}
    group by la_code, child_key
),

first_days as (
    select
        la_code,
        child_key,
        min(census_day) as first_on_roll_census_day
    from {{ ref('fct_census_pupil') }}
    group by la_code, child_key
),

sources as (
    select
        {%- for source in ['census', 'ehc', 'therapy'] %}
            max(first_day) filter (where source_code = '{{ source }}') as {{ source }}_first_day,
            max(last_day) filter (where source_code = '{{ source }}') as {{ source }}_last_day,
        {%- endfor %}
        la_code
    from {{ ref('int_journey_source__held') }}
    group by la_code
),

joined as (
    select
        pivoted.*,
        first_days.first_on_roll_census_day,
        requests.request_count,
        requests.first_request_outcome_code,
        plans.plan_count,
        plans.first_plan_origin_code,
        plans.first_plan_request_date,
        plans.first_plan_cease_reason_code,
        plans.second_plan_start_date,
        plans.plan_state_code,
        -- What another authority, or a year before the first return, decided is not known, whenever the plan began.
        pivoted.is_ehc_before
        or coalesce(plans.first_plan_origin_code in ('historical', 'transferred_in'), false) as is_ehc_left_censored,
        sources.census_first_day,
        sources.census_last_day,
        sources.ehc_first_day,
        sources.ehc_last_day,
        sources.therapy_first_day,
        sources.therapy_last_day
    from pivoted
    inner join sources -- exactly one
        on pivoted.la_code = sources.la_code
    left join requests -- at most one
        on
            pivoted.la_code = requests.la_code
            and pivoted.child_key = requests.child_key
    left join plans -- at most one
        on
            pivoted.la_code = plans.la_code
            and pivoted.child_key = plans.child_key
    left join first_days -- at most one
        on
            pivoted.la_code = first_days.la_code
            and pivoted.child_key = first_days.child_key
)

select
    {{ surrogate_key(['la_code', 'child_key']) }} as child_journey_key,
    la_code,
    child_key,
    first_on_roll_census_day,
    {%- for column in milestones.values() %}
        {{ column }},
    {%- endfor %}
    placement_precision_code,
    cast(coalesce(request_count, 0) as integer) as request_count,
    first_request_outcome_code,
    cast(coalesce(plan_count, 0) as integer) as plan_count,
    first_plan_origin_code,
    first_plan_request_date,
    first_plan_cease_reason_code,
    second_plan_start_date,
    coalesce(plan_state_code, 'none') as plan_state_code,
    {{ whole_months('first_sen_support_census_day', 'first_request_date') }}
        as months_sen_support_to_request,
    {{ whole_months('first_request_date', 'first_decision_date') }} as months_request_to_decision,
    {{ whole_months('first_plan_request_date', 'first_plan_start_date') }} as months_request_to_plan,
    {{ whole_months('first_request_date', 'first_plan_start_date') }} as months_first_request_to_plan,
    {{ whole_months('first_sen_support_census_day', 'first_plan_start_date') }}
        as months_sen_support_to_plan,
    -- Returns tell of the placements of their own year: of an older plan the first are not known.
    case
        when first_plan_start_date >= ehc_first_day
            then {{ whole_months('first_plan_start_date', 'first_placement_date') }}
    end as months_plan_to_placement,
    {{ whole_months('first_plan_start_date', 'first_plan_cease_date') }} as months_plan_to_ceased,
    {{ whole_months('first_therapy_referral_date', 'first_therapy_contact_date') }}
        as months_referral_to_contact,
    case
        when first_plan_start_date is null then null
        when first_sen_support_census_day < first_plan_start_date then 'seen'
        when first_plan_start_date <= coalesce(census_first_day, first_plan_start_date)
            then 'before_first_census'
        when first_on_roll_census_day < first_plan_start_date then 'on_roll_without'
        else 'not_on_roll'
    end as sen_support_before_plan_code,
    first_plan_start_date is null and first_plan_census_day is not null as is_plan_in_census_alone,
    is_sen_support_left_censored,
    is_ehc_left_censored,
    is_therapy_left_censored,
    coalesce(is_sen_support_left_censored, false)
    or coalesce(is_ehc_left_censored, false)
    or coalesce(is_therapy_left_censored, false) as is_left_censored,
    census_first_day,
    census_last_day,
    ehc_first_day,
    ehc_last_day,
    therapy_first_day,
    therapy_last_day
from joined
