-- The first time each thing happened to a child, by the returns. A day that is only a census day is not the day on which it
-- happened: it was so by then, and not yet on the census day before, if there was one.
with first_plans as (
    select *
    from {{ ref('int_journey_plan__told') }}
    where plan_number = 1
),

first_requests as (
    select *
    from {{ ref('int_journey_request__told') }}
    qualify row_number() over (partition by la_code, child_key order by received_date) = 1
),

-- Of a plan and a placement both held the first day: a child can have been at the school long before the plan.
placements as (
    select
        placement.la_code,
        placement.child_key,
        greatest(coalesce(placement.entry_date, placement.census_day), first_plans.start_date) as first_day,
        placement.entry_date is not null as is_dated
    from {{ ref('fct_ehc_placement') }} as placement
    inner join first_plans -- at most one
        on
            placement.la_code = first_plans.la_code
            and placement.child_key = first_plans.child_key
    where
        coalesce(placement.leaving_date >= first_plans.start_date, true)
        and coalesce(placement.entry_date, placement.census_day) <= placement.census_day
),

-- One row a child and census day: with the provision of any school that has the child on roll.
census_days as (
    select
        la_code,
        child_key,
        census_day,
        bool_or(sen_provision_group = 'SEN support') as is_sen_support,
        bool_or(sen_provision_group = 'EHC plan') as is_ehc_plan
    from {{ ref('fct_census_pupil') }}
    group by la_code, child_key, census_day
),

in_census as (
    select
        la_code,
        child_key,
        min(census_day) as first_census_day,
        min(census_day) filter (where is_sen_support) as sen_support_census_day,
        min(census_day) filter (where is_ehc_plan) as ehc_plan_census_day
    from census_days
    group by la_code, child_key
),

told as (
    select
        la_code,
        child_key,
        'sen_support' as milestone_code,
        sen_support_census_day as milestone_date,
        'census_day' as precision_code,
        'census' as source_code,
        sen_support_census_day = first_census_day as is_first_sight
    from in_census
    where sen_support_census_day is not null

    union all

    select
        la_code,
        child_key,
        'plan_in_census' as milestone_code,
        ehc_plan_census_day as milestone_date,
        'census_day' as precision_code,
        'census' as source_code,
        ehc_plan_census_day = first_census_day as is_first_sight
    from in_census
    where ehc_plan_census_day is not null
    {%- for milestone, table, day, condition in [
        ('request', 'first_requests', 'received_date', 'true'),
        ('decision', 'first_requests', 'decision_date', 'decision_date is not null'),
        ('plan', 'first_plans', 'start_date', 'true'),
        ('ceased', 'first_plans', 'cease_date', 'cease_date is not null')
    ] %}

        union all

        select
            la_code,
            child_key,
            '{{ milestone }}' as milestone_code,
            {{ day }} as milestone_date,
            'date' as precision_code,
            'ehc' as source_code,
            false as is_first_sight
        from {{ table }}
        where {{ condition }}
    {%- endfor %}

    union all

    -- The assessment of any request: the first of several can have been refused.
    select
        la_code,
        child_key,
        'assessment' as milestone_code,
        min(assessment_outcome_date) as milestone_date,
        'date' as precision_code,
        'ehc' as source_code,
        false as is_first_sight
    from {{ ref('int_journey_request__told') }}
    where assessment_outcome_date is not null and assessment_outcome_code in ('Y', 'N')
    group by la_code, child_key

    union all

    select
        la_code,
        child_key,
        'placement' as milestone_code,
        min(first_day) as milestone_date,
        if(arg_min(is_dated, (first_day, not is_dated)), 'date', 'census_day') as precision_code,
        'ehc' as source_code,
        false as is_first_sight
    from placements
    group by la_code, child_key
    {%- for milestone, day in [('therapy_referral', 'referral_received_date'), ('therapy_contact', 'first_contact_date')] %}

        union all

        -- A request that was sent back, or closed after a first appointment that nobody came to, led to nothing.
        select
            la_code,
            child_key,
            '{{ milestone }}' as milestone_code,
            min({{ day }}) as milestone_date,
            'date' as precision_code,
            'therapy' as source_code,
            false as is_first_sight
        from {{ ref('fct_therapy_referral') }}
        where
            child_key is not null
            and {{ day }} is not null
            and referral_purpose_code = 'CORE'
            and status_code in ('open', 'discharged')
            and is_reportable
        group by la_code, child_key
    {%- endfor %}
)

select
    {{ surrogate_key(['told.la_code', 'told.child_key', 'told.milestone_code']) }} as child_milestone_key,
    told.la_code,
    told.child_key,
    told.milestone_code,
    told.milestone_date,
    told.precision_code,
    told.source_code,
    -- Before the first day of the return, or so when the child is first seen: there may have been an earlier one.
    told.is_first_sight or told.milestone_date < held.first_day as is_left_censored
from told
inner join {{ ref('int_journey_source__held') }} as held -- exactly one
    on
        told.la_code = held.la_code
        and told.source_code = held.source_code
