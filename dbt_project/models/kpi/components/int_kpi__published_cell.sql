-- The published figures that feed a KPI, for the areas compared, and totals rebuilt where a release left the total row out.
with figures as (
    select
        figure.area_key,
        area.comparator_role,
        figure.series_code,
        figure.measure_code,
        measure.unit,
        period.time_identifier,
        period.time_period,
        figure.is_total,
        figure.breakdown_topic,
        figure.breakdown,
        topic.kpi_breakdown_topic,
        item.kpi_breakdown,
        figure.value,
        figure.value_status,
        figure.fault_rule_id,
        figure.publisher,
        figure.release_name,
        figure.release_year,
        figure.release_revision,
        figure.submission_id
    from {{ ref('fct_published_statistic') }} as figure
    inner join {{ ref('dim_area') }} as area -- exactly one
        on figure.area_key = area.area_key
    inner join {{ ref('dim_period') }} as period -- exactly one
        on figure.period_key = period.period_key
    inner join {{ ref('dim_measure') }} as measure -- exactly one
        on figure.measure_key = measure.measure_key
    left join {{ ref('breakdown_topic') }} as topic -- at most one
        on
            figure.breakdown_topic = topic.breakdown_topic
            and topic.series_code in ('*', figure.series_code)
            and not figure.is_total
    left join {{ ref('statistic_item') }} as item -- at most one
        on
            topic.topic_code = item.topic_code
            and {{ plain_label('figure.breakdown') }} = {{ plain_label('item.published_label') }}
    where
        figure.is_latest_vintage
        and area.comparator_role is not null
        -- Without dates a figure has no place in a series (PS-103, PS-104).
        and period.period_start is not null
        and exists (
            select 1
            from {{ ref('kpi_source') }} as wanted
            where
                wanted.series_code = figure.series_code
                and wanted.measure_code = figure.measure_code
        )
),

published_totals as (
    select
        area_key,
        comparator_role,
        series_code,
        measure_code,
        time_identifier,
        time_period,
        value,
        value_status,
        fault_rule_id,
        false as is_derived,
        publisher,
        release_name,
        release_year,
        release_revision,
        submission_id
    from figures
    where is_total
),

topic_sums as (
    select
        area_key,
        comparator_role,
        series_code,
        measure_code,
        time_identifier,
        time_period,
        breakdown_topic,
        sum(value) as topic_total,
        max(publisher) as publisher,
        max(release_name) as release_name,
        max(release_year) as release_year,
        max(release_revision) as release_revision,
        max(submission_id) as submission_id
    from figures
    where not is_total and unit = 'count'
    group by all
    having bool_and(value_status = 'reported' and fault_rule_id is null)
),

agreed_sums as (
    select
        area_key,
        comparator_role,
        series_code,
        measure_code,
        time_identifier,
        time_period,
        max(topic_total) as topic_total,
        max(publisher) as publisher,
        max(release_name) as release_name,
        max(release_year) as release_year,
        max(release_revision) as release_revision,
        max(submission_id) as submission_id
    from topic_sums
    group by all
    having count(*) >= 2 and min(topic_total) = max(topic_total)
),

counterparts as (
    select
        pair.series_code,
        pair.measure_code,
        figure.area_key,
        period.time_identifier,
        period.time_period,
        figure.value
    from {{ ref('total_counterpart') }} as pair
    inner join {{ ref('fct_published_statistic') }} as figure -- one pair to many figures
        on
            pair.counterpart_series_code = figure.series_code
            and pair.counterpart_measure_code = figure.measure_code
    inner join {{ ref('dim_period') }} as period -- exactly one
        on figure.period_key = period.period_key
    where
        figure.is_latest_vintage
        and figure.is_total
        and figure.value_status = 'reported'
        and figure.fault_rule_id is null
),

-- Two breakdowns that agree are not yet a total: all of them may leave out the same people (Wakefield's new plans of 2022
-- come to 112 by sex, age and ethnicity; 462 plans were issued). A faulty total is rebuilt only where another table
-- publishes the same number, a missing one only where no other table publishes a different one.
derived_totals as (
    select
        agreed_sums.area_key,
        agreed_sums.comparator_role,
        agreed_sums.series_code,
        agreed_sums.measure_code,
        agreed_sums.time_identifier,
        agreed_sums.time_period,
        agreed_sums.topic_total as value,
        'reported' as value_status,
        cast(null as varchar) as fault_rule_id,
        true as is_derived,
        agreed_sums.publisher,
        agreed_sums.release_name,
        agreed_sums.release_year,
        agreed_sums.release_revision,
        agreed_sums.submission_id
    from agreed_sums
    left join published_totals -- at most one
        on
            agreed_sums.area_key = published_totals.area_key
            and agreed_sums.series_code = published_totals.series_code
            and agreed_sums.measure_code = published_totals.measure_code
            and agreed_sums.time_identifier = published_totals.time_identifier
            and agreed_sums.time_period = published_totals.time_period
    left join counterparts -- at most one
        on
            agreed_sums.area_key = counterparts.area_key
            and agreed_sums.series_code = counterparts.series_code
            and agreed_sums.measure_code = counterparts.measure_code
            and agreed_sums.time_identifier = counterparts.time_identifier
            and agreed_sums.time_period = counterparts.time_period
    where
        case
            when published_totals.fault_rule_id is not null then counterparts.value = agreed_sums.topic_total
            when published_totals.area_key is null
                then coalesce(counterparts.value = agreed_sums.topic_total, true)
            else false
        end
),

cells as (
    select
        published_totals.area_key,
        published_totals.comparator_role,
        published_totals.series_code,
        published_totals.measure_code,
        published_totals.time_identifier,
        published_totals.time_period,
        'Total' as cell_topic,
        'Total' as cell_breakdown,
        cast(null as integer) as age_from,
        cast(null as integer) as age_to,
        published_totals.value,
        published_totals.value_status,
        published_totals.fault_rule_id,
        published_totals.is_derived,
        published_totals.publisher,
        published_totals.release_name,
        published_totals.release_year,
        published_totals.release_revision,
        published_totals.submission_id
    from published_totals
    -- A faulty total gives way to the rebuilt one.
    anti join derived_totals
        on
            published_totals.area_key = derived_totals.area_key
            and published_totals.series_code = derived_totals.series_code
            and published_totals.measure_code = derived_totals.measure_code
            and published_totals.time_identifier = derived_totals.time_identifier
            and published_totals.time_period = derived_totals.time_period

    union all

    select
        area_key,
        comparator_role,
        series_code,
        measure_code,
        time_identifier,
        time_period,
        'Total' as cell_topic,
        'Total' as cell_breakdown,
        cast(null as integer) as age_from,
        cast(null as integer) as age_to,
        value,
        value_status,
        fault_rule_id,
        is_derived,
        publisher,
        release_name,
        release_year,
        release_revision,
        submission_id
    from derived_totals

    union all

    select
        area_key,
        comparator_role,
        series_code,
        measure_code,
        time_identifier,
        time_period,
        kpi_breakdown_topic as cell_topic,
        case kpi_breakdown_topic
            when 'Age group'
                then {{ age_group(age_from('breakdown'), age_to('breakdown')) }}
            else kpi_breakdown
        end as cell_breakdown,
        case when kpi_breakdown_topic = 'Age group' then {{ age_from('breakdown') }} end as age_from,
        case when kpi_breakdown_topic = 'Age group' then {{ age_to('breakdown') }} end as age_to,
        value,
        value_status,
        fault_rule_id,
        kpi_breakdown_topic = 'Age group' as is_derived,
        publisher,
        release_name,
        release_year,
        release_revision,
        submission_id
    from figures
    where kpi_breakdown_topic is not null
)

select
    area_key,
    comparator_role,
    series_code,
    measure_code,
    time_identifier,
    time_period,
    cell_topic,
    cell_breakdown,
    age_from,
    age_to,
    value,
    value_status,
    fault_rule_id,
    is_derived,
    publisher,
    release_name,
    release_year,
    release_revision,
    submission_id
from cells
where cell_breakdown is not null or age_from is not null
