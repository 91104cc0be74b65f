-- Ages and years run into the open ends of each published table; the counts of what falls there add up.
with bounded as (
    select
        counted.series_code,
        counted.la_code,
        counted.submission_id,
        counted.time_identifier,
        counted.time_period,
        counted.topic_code,
        counted.definition_code,
        counted.measure_code,
        topic.breakdown_topic,
        topic.lowest_item,
        topic.highest_item,
        {{ bounded_item('counted.item_code', 'topic.lowest_item', 'topic.highest_item') }} as item_code,
        sum(counted.measure_count) as statistic_count
    from {{ ref('int_ehc_statistic__counted') }} as counted
    inner join {{ ref('statistic_topic') }} as topic -- exactly one
        on
            counted.series_code = topic.series_code
            and counted.topic_code = topic.topic_code
    group by all
)

select
    {{ surrogate_key([
        'bounded.la_code', 'bounded.series_code', 'bounded.measure_code', 'bounded.time_identifier', 'bounded.time_period',
        'bounded.topic_code', 'bounded.item_code', 'bounded.definition_code'
    ]) }} as ehc_statistic_key,
    bounded.la_code,
    {{ surrogate_key(["'local_authority'", 'bounded.la_code']) }} as area_key,
    {{ surrogate_key(['lower(bounded.time_identifier)', 'bounded.time_period']) }} as period_key,
    bounded.series_code,
    bounded.measure_code,
    {{ surrogate_key(['bounded.series_code', 'bounded.measure_code']) }} as measure_key,
    bounded.time_identifier,
    bounded.time_period,
    bounded.topic_code,
    bounded.item_code,
    bounded.breakdown_topic,
    case
        when bounded.topic_code = 'total' then 'Total'
        when item.published_label is not null then item.published_label
        when bounded.topic_code not in ('age', 'start_age') or bounded.item_code = 'unknown' then bounded.item_code
        when bounded.item_code = cast(bounded.lowest_item as string) then 'age ' || bounded.item_code || ' and under'
        when bounded.item_code = cast(bounded.highest_item as string) then 'age ' || bounded.item_code || ' and over'
        else 'age ' || bounded.item_code
    end as breakdown,
    bounded.topic_code = 'total' as is_total,
    bounded.definition_code,
    cast(bounded.statistic_count as bigint) as statistic_count,
    bounded.submission_id
from bounded
left join {{ ref('statistic_item') }} as item -- at most one
    on
        bounded.topic_code = item.topic_code
        and bounded.item_code = item.item_code
        and item.is_shown_label
