-- The counts of the own authority's returns that KPIs show. Of EHC plans: totals, items of a breakdown, age groups, and the age ranges
-- that a recipe asks for; each beside the number that DfE publishes for the same cell. Of the school census: totals and items;
-- DfE publishes percentages of these alone.
with wanted as (
    select distinct
        series_code,
        measure_code
    from {{ ref('kpi_source') }}
),

age_ranges as (
    select distinct
        series_code,
        measure_code,
        age_from,
        age_to
    from {{ ref('kpi_source') }}
    where age_from is not null
),

own_counts as (
    select
        statistic.*,
        topic.kpi_breakdown_topic,
        item.kpi_breakdown,
        case when statistic.topic_code in ('age', 'start_age') then try_cast(statistic.item_code as integer) end as age
    from {{ ref('fct_ehc_statistic') }} as statistic
    inner join {{ ref('stg_control__setting') }} as own_authority
        on
            own_authority.setting_name = 'la_code'
            and statistic.la_code = own_authority.setting_value
    inner join wanted
        on
            statistic.series_code = wanted.series_code
            and statistic.measure_code = wanted.measure_code
    left join {{ ref('breakdown_topic') }} as topic -- at most one
        on
            statistic.breakdown_topic = topic.breakdown_topic
            and topic.series_code in ('*', statistic.series_code)
    left join {{ ref('statistic_item') }} as item -- at most one
        on
            statistic.topic_code = item.topic_code
            and statistic.item_code = item.item_code
            and item.is_shown_label
    where statistic.definition_code = 'standard'
),

published_counts as (
    select
        series_code,
        measure_code,
        counted_time_period as time_period,
        topic_code,
        item_code,
        max(value) as value
    from {{ ref('int_ehc_statistic__published_cell') }}
    where value_status = 'reported' and fault_rule_id is null and unit = 'count'
    group by all
),

-- Ages at which somebody is published and nobody is in the return: they are part of what is published of their group.
published_alone as (
    select
        published_counts.series_code,
        published_counts.measure_code,
        published_counts.time_period,
        published_counts.topic_code,
        try_cast(published_counts.item_code as integer) as age
    from published_counts
    where
        published_counts.topic_code in ('age', 'start_age')
        and published_counts.value <> 0
        and not exists (
            select 1
            from own_counts
            where
                own_counts.series_code = published_counts.series_code
                and own_counts.measure_code = published_counts.measure_code
                and own_counts.time_period = published_counts.time_period
                and own_counts.topic_code = published_counts.topic_code
                and own_counts.item_code = published_counts.item_code
        )
),

counts as (
    select
        own_counts.*,
        published_counts.value as published_value
    from own_counts
    left join published_counts -- at most one
        on
            own_counts.series_code = published_counts.series_code
            and own_counts.measure_code = published_counts.measure_code
            and own_counts.time_period = published_counts.time_period
            and own_counts.topic_code = published_counts.topic_code
            and own_counts.item_code = published_counts.item_code
),

placed as (
    select
        counts.*,
        case
            when is_total then 'Total'
            else kpi_breakdown_topic
        end as cell_topic,
        case
            when is_total then 'Total'
            when age is not null then {{ age_group('age', 'age') }}
            else kpi_breakdown
        end as cell_breakdown,
        cast(null as integer) as age_from,
        cast(null as integer) as age_to
    from counts

    union all

    select
        counts.*,
        'Age range' as cell_topic,
        age_ranges.age_from || ' to ' || age_ranges.age_to as cell_breakdown,
        age_ranges.age_from,
        age_ranges.age_to
    from counts
    inner join age_ranges -- one count to the ranges it is part of
        on
            counts.series_code = age_ranges.series_code
            and counts.measure_code = age_ranges.measure_code
            and counts.topic_code = 'age'
            and counts.age between age_ranges.age_from and age_ranges.age_to
),

cells as (
    select
        la_code,
        series_code,
        measure_code,
        time_identifier,
        time_period,
        topic_code,
        cell_topic,
        cell_breakdown,
        age_from,
        age_to,
        submission_id,
        sum(statistic_count) as cell_count,
        -- Published tables leave out ages with nobody; a count that is not published leaves the sum unknown.
        case
            when bool_and(published_value is not null or statistic_count = 0) and count(published_value) > 0
                then sum(published_value)
        end as published_count
    from placed
    where cell_topic is not null and cell_breakdown is not null
    group by all
),

compared as (
    select
        {{ all_but(['published_count'], 'cells') }},
        case
            when
                not exists (
                    select 1
                    from published_alone
                    where
                        published_alone.series_code = cells.series_code
                        and published_alone.measure_code = cells.measure_code
                        and published_alone.time_period = cells.time_period
                        and published_alone.topic_code = cells.topic_code
                        and case
                            when cells.age_from is not null
                                then published_alone.age between cells.age_from and cells.age_to
                            else {{ age_group('published_alone.age', 'published_alone.age') }} = cells.cell_breakdown
                        end
                )
                then cells.published_count
        end as published_count
    from cells
),

census_cells as (
    select
        statistic.la_code,
        statistic.series_code,
        statistic.measure_code,
        statistic.time_identifier,
        statistic.time_period,
        statistic.breakdown_topic as cell_topic,
        statistic.breakdown as cell_breakdown,
        statistic.submission_id,
        statistic.statistic_count as cell_count,
        statistic.people_count,
        statistic.coverage_note
    from {{ ref('fct_census_statistic') }} as statistic
    inner join {{ ref('stg_control__setting') }} as own_authority
        on
            own_authority.setting_name = 'la_code'
            and statistic.la_code = own_authority.setting_value
    inner join wanted
        on
            statistic.series_code = wanted.series_code
            and statistic.measure_code = wanted.measure_code
),

local_cells as (
    {%- for cells, told in [
        ('compared', {'age_from': 'age_from', 'age_to': 'age_to', 'people_count': 'cell_count', 'published_count': 'published_count'}),
        ('census_cells', {'people_count': 'people_count', 'coverage_note': 'coverage_note'}),
        (ref('int_kpi__therapy_cell'), {'people_count': 'people_count', 'published_whole_count': 'published_whole_count'}),
        (ref('int_kpi__safety_valve_cell'), {'people_count': 'people_count'}),
        (ref('int_kpi__return_cell'), {'people_count': 'people_count', 'coverage_note': 'coverage_note'}),
        (ref('int_kpi__local_return_cell'), {
            'people_count': 'coalesce(people_count, 0)', 'is_of_nobody': 'people_count is null', 'coverage_note': 'coverage_note',
        }),
    ] %}
        select
            la_code,
            series_code,
            measure_code,
            time_identifier,
            time_period,
            cell_topic,
            cell_breakdown,
            {{ told.age_from or 'null' }} as age_from,
            {{ told.age_to or 'null' }} as age_to,
            cell_count,
            {{ told.people_count }} as people_count,
            {{ told.is_of_nobody or 'false' }} as is_of_nobody,
            {{ told.published_count or 'null' }} as published_count,
            {{ told.published_whole_count or 'null' }} as published_whole_count,
            {{ told.coverage_note or 'null' }} as coverage_note,
            submission_id
        from {{ cells }}

        {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    {{ surrogate_key(['la_code', 'series_code', 'measure_code', 'time_identifier', 'time_period', 'cell_topic', 'cell_breakdown']) }}
        as cell_key,
    la_code,
    series_code,
    measure_code,
    time_identifier,
    time_period,
    cell_topic,
    cell_breakdown,
    age_from,
    age_to,
    cast(cell_count as bigint) as cell_count,
    cast(people_count as bigint) as people_count,
    cast(published_count as bigint) as published_count,
    cast(published_whole_count as bigint) as published_whole_count,
    is_of_nobody or coalesce(published_count = cell_count, false) as is_already_published,
    coverage_note,
    submission_id
from local_cells
