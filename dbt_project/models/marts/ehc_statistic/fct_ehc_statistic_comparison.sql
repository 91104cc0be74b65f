-- A count is one local count; a percentage is computed from several, at the one decimal it is published with.
with components as (
    select
        cell.published_statistic_key,
        'numerator' as part,
        cell.measure_code as count_measure_code
    from {{ ref('int_ehc_statistic__published_cell') }} as cell
    where cell.unit = 'count'

    union all

    select
        cell.published_statistic_key,
        percentage.part,
        percentage.count_measure_code
    from {{ ref('int_ehc_statistic__published_cell') }} as cell
    inner join {{ ref('percentage_measure') }} as percentage
        on
            cell.series_code = percentage.series_code
            and cell.measure_code = percentage.measure_code
),

-- The measures a return of the period holds: every one it has a total of. Where it has no record at all, all are zero.
held_totals as (
    select
        la_code,
        series_code,
        time_period,
        measure_code
    from {{ ref('fct_ehc_statistic') }}
    where is_total
    group by all
),

held_measures as (
    select distinct
        la_code,
        series_code,
        measure_code
    from held_totals
),

told_periods as (
    select distinct
        la_code,
        series_code,
        time_period
    from held_totals
),

counted_components as (
    select
        cell.published_statistic_key,
        component.part,
        coalesce(
            statistic.statistic_count,
            case
                when cell.item_code is null then null
                when held.measure_code is not null then 0
                when told.series_code is null then 0
            end
        ) as component_count
    from {{ ref('int_ehc_statistic__published_cell') }} as cell
    inner join components as component
        on cell.published_statistic_key = component.published_statistic_key
    left join {{ ref('statistic_definition') }} as definition -- at most one
        on
            cell.series_code = definition.series_code
            and cell.release_name = definition.release_name
            and coalesce(cell.topic_code = definition.topic_code, true)
            and coalesce(component.count_measure_code = definition.measure_code, true)
    left join {{ ref('fct_ehc_statistic') }} as statistic -- at most one
        on
            cell.la_code = statistic.la_code
            and cell.series_code = statistic.series_code
            and cell.counted_time_period = statistic.time_period
            and cell.topic_code = statistic.topic_code
            and cell.item_code = statistic.item_code
            and component.count_measure_code = statistic.measure_code
            and coalesce(definition.definition_code, 'standard') = statistic.definition_code
    left join held_totals as held -- at most one
        on
            cell.la_code = held.la_code
            and cell.series_code = held.series_code
            and cell.counted_time_period = held.time_period
            and component.count_measure_code = held.measure_code
    left join told_periods as told -- at most one
        on
            cell.la_code = told.la_code
            and cell.series_code = told.series_code
            and cell.counted_time_period = told.time_period
),

parts as (
    select
        published_statistic_key,
        sum(component_count) filter (where part = 'numerator') as numerator,
        sum(component_count) filter (where part = 'denominator') as denominator,
        bool_and(component_count is not null) as is_held
    from counted_components
    group by published_statistic_key
),

valued as (
    select
        cell.*,
        case
            when not parts.is_held then null
            when cell.unit = 'count' then cast(parts.numerator as decimal(18, 4))
            -- Half up, in whole tenths: no binary fraction decides.
            when parts.denominator > 0
                then cast(
                    (2000 * parts.numerator + parts.denominator) // (2 * parts.denominator) as decimal(18, 4)
                ) / 10
        end as local_value,
        coalesce(cell.unit = 'percent' and parts.is_held and parts.denominator = 0, false) as is_share_of_nobody,
        other_return.measure_code is not null as is_in_another_return
    from {{ ref('int_ehc_statistic__published_cell') }} as cell
    left join parts -- at most one
        on cell.published_statistic_key = parts.published_statistic_key
    left join held_measures as other_return -- at most one
        on
            cell.la_code = other_return.la_code
            and cell.series_code = other_return.series_code
            and cell.measure_code = other_return.measure_code
),

explained as (
    select
        valued.*,
        case
            when valued.value_status <> 'reported'
                then 'The published cell is marked ' || coalesce(valued.value_text, 'blank') || '.'
            when valued.fault_rule_id in ('PS-101', 'PS-102') then fault.description
            when not_held.reason is not null then not_held.reason
            when valued.local_value is null and valued.item_code is not null and valued.is_in_another_return
                then 'The return of that year does not hold it.'
        end as obstacle,
        stated.reason as stated_reason
    from valued
    left join {{ ref('fault_rule') }} as fault -- at most one
        on valued.fault_rule_id = fault.fault_rule_id
    left join {{ ref('statistic_not_held') }} as not_held -- at most one
        on
            valued.series_code = not_held.series_code
            and coalesce(valued.topic_code = not_held.topic_code, true)
            and coalesce(valued.item_code = not_held.item_code, true)
            and coalesce(valued.measure_code = not_held.measure_code, true)
    -- Accepted only where the statement names the very number that was counted.
    left join {{ ref('stg_control__stated_cell') }} as stated -- at most one
        on
            valued.la_code = stated.la_code
            and valued.release_name = stated.release_name
            and valued.series_code = stated.series_code
            and valued.time_period = stated.time_period
            and valued.breakdown_topic is not distinct from stated.breakdown_topic
            and valued.breakdown is not distinct from stated.breakdown
            and valued.measure_code = stated.measure_code
            and valued.local_value = stated.stated_value
),

judged as (
    select
        *,
        coalesce(obstacle, stated_reason) as reason,
        case
            when value_status = 'reported' and local_value = value then 'reproduced'
            when obstacle is not null then 'not_comparable'
            when stated_reason is not null then 'explained'
            else 'unexplained'
        end as outcome
    from explained
),

-- A percentage is explained where the counts behind it are, and only then; it is as comparable as they are.
component_outcomes as (
    select
        component.published_statistic_key,
        bool_or(counted.outcome = 'unexplained') as has_unexplained,
        bool_or(counted.outcome = 'not_comparable') as has_incomparable,
        max(counted.reason) filter (where counted.outcome in ('explained', 'not_comparable')) as reason,
        count(distinct component.count_measure_code) filter (where counted.published_statistic_key is null) as unpublished_count
    from judged as cell
    inner join components as component
        on cell.published_statistic_key = component.published_statistic_key
    left join judged as counted
        on
            cell.la_code = counted.la_code
            and cell.series_code = counted.series_code
            and cell.time_identifier = counted.time_identifier
            and cell.time_period = counted.time_period
            and cell.topic_code = counted.topic_code
            and cell.item_code = counted.item_code
            and component.count_measure_code = counted.measure_code
    where cell.unit = 'percent' and cell.outcome = 'unexplained'
    group by component.published_statistic_key
),

settled as (
    select
        judged.* replace (
            case
                when component_outcomes.published_statistic_key is null or component_outcomes.has_unexplained
                    then judged.outcome
                when
                    component_outcomes.has_incomparable
                    or component_outcomes.unpublished_count > 0
                    or judged.is_share_of_nobody
                    then 'not_comparable'
                when component_outcomes.reason is not null then 'explained'
                else judged.outcome
            end as outcome,
            case
                when judged.outcome = 'reproduced' then null
                when judged.outcome in ('explained', 'not_comparable') then judged.reason
                when component_outcomes.has_unexplained then 'A count behind the percentage is not explained.'
                when component_outcomes.reason is not null then component_outcomes.reason
                when component_outcomes.unpublished_count > 0
                    then 'Not every count behind the percentage is published, so its base cannot be known.'
                when judged.is_share_of_nobody then 'A share of nobody: its base is zero in the returns as published.'
                when judged.item_code is null then 'The breakdown is not one that the project knows.'
                else 'No reason is known.'
            end as reason
        )
    from judged
    left join component_outcomes -- at most one
        on judged.published_statistic_key = component_outcomes.published_statistic_key
)

select
    published_statistic_key,
    la_code,
    series_code,
    measure_code,
    unit,
    time_identifier,
    time_period,
    breakdown_topic,
    breakdown,
    release_name,
    value as published_value,
    cast(local_value as decimal(18, 4)) as local_value,
    cast(local_value - value as decimal(18, 4)) as difference,
    outcome,
    reason,
    submission_id
from settled
