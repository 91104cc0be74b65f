-- Runs of January census days on which one return alone gives a child a plan, always the same one. The children and their
-- reasons are those of fct_census_plan_child; here they are followed from one day to the next. Days are counted as they were
-- compared, so that a January of which one return is missing ends nothing.
with days as (
    select
        la_code,
        census_year,
        row_number() over (partition by la_code order by census_year) as day_number,
        census_year = max(census_year) over (partition by la_code) as is_last_day
    from (
        select distinct
            la_code,
            census_year
        from {{ ref('fct_census_plan_child') }}
    )
),

children as (
    select
        child.*,
        days.day_number,
        days.is_last_day,
        case
            when child.is_in_census and child.is_in_plan_return then 'both'
            when child.is_in_census then 'census_alone'
            else 'plan_return_alone'
        end as side_code
    from {{ ref('fct_census_plan_child') }} as child
    inner join days -- exactly one
        on
            child.la_code = days.la_code
            and child.census_year = days.census_year
),

numbered as (
    select
        *,
        day_number - row_number() over (partition by la_code, child_key, side_code order by day_number) as run_number
    from children
    where side_code <> 'both'
),

runs as (
    select
        la_code,
        child_key,
        side_code,
        min(census_year) as first_census_year,
        max(census_year) as last_census_year,
        min(day_number) as first_day_number,
        max(day_number) as last_day_number,
        count(*) as census_count,
        count(*) filter (where reason_class = 'to_follow_up') as follow_up_count,
        count(distinct reason_code) as reason_count,
        arg_min(reason_code, census_year) as first_reason_code,
        arg_max(reason_code, census_year) as last_reason_code,
        arg_max(reason_class, census_year) as last_reason_class,
        arg_max(setting_key, census_year) as last_setting_key,
        count(distinct setting_key) > 1 as has_changed_setting,
        bool_or(is_last_day) as is_open
    from numbered
    group by la_code, child_key, side_code, run_number
)

select
    {{ surrogate_key(['runs.la_code', 'runs.child_key', 'runs.side_code', 'runs.first_census_year']) }}
        as census_plan_spell_key,
    runs.la_code,
    {{ census_period_key('runs.last_census_year') }} as period_key,
    runs.child_key,
    runs.side_code,
    cast(row_number() over (partition by runs.la_code, runs.child_key order by runs.first_day_number) as integer)
        as spell_number,
    runs.first_census_year,
    runs.last_census_year,
    cast(runs.census_count as integer) as census_count,
    cast(runs.follow_up_count as integer) as follow_up_count,
    runs.first_reason_code,
    runs.last_reason_code,
    runs.last_reason_class,
    cast(runs.reason_count as integer) as reason_count,
    runs.last_setting_key as setting_key,
    runs.has_changed_setting,
    runs.first_day_number = 1 as is_left_censored,
    runs.is_open,
    case
        when runs.is_open then 'open'
        when next_day.side_code = 'both' then 'in_both'
        when next_day.side_code is not null then 'other_return_alone'
        else 'in_neither'
    end as end_code
from runs
left join children as next_day -- at most one
    on
        runs.la_code = next_day.la_code
        and runs.child_key = next_day.child_key
        and runs.last_day_number + 1 = next_day.day_number
