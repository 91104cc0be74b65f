with periods as (
    select
        period_key,
        time_identifier,
        time_period
    from {{ ref('int_published_statistic__row') }}

    union

    select
        {{ surrogate_key(['lower(time_identifier)', 'time_period']) }} as period_key,
        time_identifier,
        time_period
    from {{ ref('stg_published_statistics__community_wait') }}

    union

    select
        {{ census_period_key('census_year') }} as period_key,
        'Academic year' as time_identifier,
        {{ academic_year_of_january('cast(census_year as varchar)') }} as time_period
    from {{ ref('int_ehc_census_view__described') }}

    union

    select
        {{ calendar_year_key('return_year - 1') }} as period_key,
        'Calendar year' as time_identifier,
        cast(return_year - 1 as varchar) as time_period
    from {{ ref('int_ehc_census_view__described') }}

    union

    select
        {{ surrogate_key(['lower(time_identifier)', 'academic_year']) }} as period_key,
        time_identifier,
        academic_year as time_period
    from (
        select
            academic_year,
            unnest([{{ term_identifier('term_code') }}, 'Autumn and spring term', 'Academic year']) as time_identifier
        from {{ ref('int_census_term__told') }}
    )

    union

    select
        {{ month_key('month_start') }} as period_key,
        monthname(month_start) as time_identifier,
        cast(year(month_start) as varchar) as time_period
    from (
        select date_trunc('month', snapshot_date) as month_start
        from {{ ref('int_therapy_delivery__current') }}

        union

        select date_trunc('month', contact_date) as month_start
        from {{ ref('int_therapy_contact__told') }}

        union

        select date_trunc('month', referral_received_date) as month_start
        from {{ ref('int_therapy_request__linked') }}
    ) as therapy_months
    where month_start is not null

    union

    -- Any return of a year tells of figures of all its quarters, in time.
    select
        {{ financial_period_key('financial_year', 'quarter') }} as period_key,
        if(quarter is null, 'Financial year', 'Financial year Q' || quarter) as time_identifier,
        financial_year as time_period
    from (
        select
            financial_year,
            unnest([null, 1, 2, 3, 4]) as quarter
        from {{ ref('int_safety_valve_return__counted') }}
    ) as financial_quarters

    union

    select
        period_key,
        time_identifier,
        time_period
    from {{ ref('int_local_return__period') }}
),

-- Files differ in the case of the identifier; one spelling stands for all.
spelt_periods as (
    select
        period_key,
        min(time_identifier) as time_identifier,
        min(time_period) as time_period
    from periods
    group by period_key
)

select
    period_key,
    time_identifier,
    time_period,
    {{ period_kind('time_identifier') }} as period_kind,
    {{ period_start('time_identifier', 'time_period') }} as period_start,
    {{ period_end('time_identifier', 'time_period') }} as period_end,
    {{ is_period_consistent('time_identifier', 'time_period') }} as is_consistent,
    case
        when {{ is_period_consistent('time_identifier', 'time_period') }} is null then 'PS-104'
        when not {{ is_period_consistent('time_identifier', 'time_period') }} then 'PS-103'
    end as fault_rule_id,
    case
        when {{ period_kind('time_identifier') }} = 'term' and length(time_period) = 6
            then time_identifier || ' ' || left(time_period, 4) || '/' || right(time_period, 2)
        when {{ period_kind('time_identifier') }} = 'financial quarter' and length(time_period) = 6
            then upper(right(time_identifier, 2)) || ' ' || left(time_period, 4) || '/' || right(time_period, 2)
        when length(time_period) = 6 then left(time_period, 4) || '/' || right(time_period, 2)
        when {{ period_kind('time_identifier') }} = 'month' then time_identifier || ' ' || time_period
        else time_period
    end as period_label
from spelt_periods
