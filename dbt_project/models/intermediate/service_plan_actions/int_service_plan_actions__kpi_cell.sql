-- What the KPIs of the plan count at the end of each quarter: actions still to be done, those overdue, and those that are due later than
-- the first return said that has them; by what they answer. An action that was still to be done and is missing from the next return is
-- counted nowhere: the figures of that quarter say so.
with followed as (
    select
        submission_id,
        financial_year,
        quarter,
        lag(submission_id) over (order by as_of) as submission_id_before
    from {{ ref('stg_service_plan_actions__cover') }}
    where is_current
),

told_or_missing as (
    select
        submission_id,
        financial_year,
        quarter,
        source_name,
        is_open,
        is_overdue,
        is_slipping,
        false as is_missing
    from {{ ref('fct_service_plan_actions_action') }}

    union all

    select
        followed.submission_id,
        followed.financial_year,
        followed.quarter,
        earlier.source_name,
        false as is_open,
        false as is_overdue,
        false as is_slipping,
        true as is_missing
    from {{ ref('fct_service_plan_actions_action') }} as earlier
    inner join followed -- at most one
        on earlier.submission_id = followed.submission_id_before
    anti join {{ ref('fct_service_plan_actions_action') }} as later
        on
            followed.submission_id = later.submission_id
            and earlier.action_id = later.action_id
    where earlier.is_open
)

select
    measure.measure_code,
    'Financial year Q' || told.quarter as time_identifier,
    told.financial_year as time_period,
    case when grouping(told.source_name) = 1 then 'Total' else 'Source of the action' end as cell_topic,
    case when grouping(told.source_name) = 1 then 'Total' else told.source_name end as cell_breakdown,
    count(*) filter (
        where
        case measure.measure_code
            when 'open' then told.is_open
            when 'overdue' then told.is_overdue
            when 'slipping' then told.is_slipping
        end
    ) as cell_count,
    cast(null as bigint) as people_count, -- nobody is behind an action
    case
        when bool_or(told.is_missing)
            then format('Missing, and still to be done in the return before: {}.', count_if(told.is_missing))
    end as coverage_note,
    told.submission_id
from told_or_missing as told
cross join (values ('open'), ('overdue'), ('slipping')) as measure (measure_code)
group by
    grouping sets (
        (measure.measure_code, told.submission_id, told.financial_year, told.quarter),
        (measure.measure_code, told.submission_id, told.financial_year, told.quarter, told.source_name)
    )
