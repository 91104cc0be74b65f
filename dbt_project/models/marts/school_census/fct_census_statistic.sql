select
    {{ surrogate_key([
        'counted.la_code', 'counted.series_code', 'counted.measure_code', 'counted.time_identifier', 'counted.time_period',
        'counted.topic_code', 'counted.item_code'
    ]) }} as census_statistic_key,
    counted.la_code,
    {{ surrogate_key(["'local_authority'", 'counted.la_code']) }} as area_key,
    {{ surrogate_key(['lower(counted.time_identifier)', 'counted.time_period']) }} as period_key,
    counted.series_code,
    counted.measure_code,
    counted.time_identifier,
    counted.time_period,
    counted.topic_code,
    counted.item_code,
    topic.breakdown_topic,
    case
        when counted.topic_code = 'total' then 'Total'
        when counted.topic_code = 'school' and setting.urn is not null
            then setting.setting_name || ' (' || setting.urn || ')'
        when counted.topic_code = 'year_group' and try_cast(counted.item_code as integer) is not null
            then 'Year ' || counted.item_code
        else coalesce(item.breakdown, shared_item.kpi_breakdown, need.need_name, counted.item_code)
    end as breakdown,
    counted.topic_code = 'total' as is_total,
    counted.statistic_count,
    counted.people_count,
    coverage.expected_school_count,
    coverage.told_school_count,
    coverage.coverage_note,
    counted.submission_id
from {{ ref('int_census_statistic__counted') }} as counted
inner join {{ ref('kpi_breakdown_topic') }} as topic -- exactly one
    on counted.topic_code = topic.census_topic_code
left join {{ ref('int_census_told__coverage') }} as coverage -- at most one
    on
        counted.la_code = coverage.la_code
        and counted.series_code = coverage.series_code
        and counted.time_identifier = coverage.time_identifier
        and counted.time_period = coverage.time_period
left join {{ ref('kpi_census_item') }} as item -- at most one
    on
        counted.topic_code = item.topic_code
        and counted.item_code = item.item_code
left join {{ ref('statistic_item') }} as shared_item -- at most one
    on
        counted.topic_code in ('sex', 'need')
        and counted.topic_code = shared_item.topic_code
        and counted.item_code = shared_item.item_code
        and shared_item.is_shown_label
left join {{ ref('need_type') }} as need -- at most one
    on
        counted.topic_code = 'need'
        and counted.item_code = need.need_code
left join {{ ref('dim_setting') }} as setting -- at most one
    on
        counted.topic_code = 'school'
        and counted.item_code = setting.urn
