-- What DfE publishes now, where it does; before that and by age, what it published then; of a January that is not published
-- yet, the authority's own return.
with published as (
    select
        statistic.la_code,
        if(statistic.series_code = 'caseload', 'plans', 'new_plans') as kind,
        -- A January is the calendar year in which its academic year ends.
        year(period.period_end) as history_year,
        'Total' as age_group,
        statistic.value as plan_count,
        1 as preference
    from {{ ref('fct_published_statistic') }} as statistic
    inner join {{ ref('dim_period') }} as period -- exactly one
        on statistic.period_key = period.period_key
    where
        (statistic.series_code, statistic.measure_code) in (('caseload', 'ehcplans'), ('newplans', 'new_ehc_plans'))
        and statistic.is_total
        and statistic.is_usable
        and statistic.is_latest_vintage
        and statistic.la_code is not null
        and statistic.value is not null
),

carried as (
    select
        la_code,
        kind,
        history_year,
        age_group,
        plan_count,
        2 as preference
    from {{ ref('plan_history') }}
),

counted as (
    select
        la_code,
        'plans' as kind,
        census_year as history_year,
        'Total' as age_group,
        sum(plan_count) as plan_count,
        3 as preference
    from {{ ref('int_forecast__area') }}
    group by
        la_code,
        census_year
),

told as (
    select * from published
    union all by name
    select * from carried
    union all by name
    select * from counted
)

select
    la_code,
    kind,
    cast(history_year as integer) as history_year,
    age_group,
    cast(plan_count as integer) as plan_count
from told
qualify row_number() over (partition by la_code, kind, history_year, age_group order by preference) = 1
order by all
