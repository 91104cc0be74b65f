-- Why a local value differs from what is published of the same cell, one row a local value that something is published of. Values
-- agree that are the same at the decimals they are published with. A difference is explained by what the local figure lacks, by
-- the reasons of the counts behind it (fct_ehc_statistic_comparison), by ages of which nothing is published, or by whom the trust's
-- workbook counts besides. Rates of invented pupils are drawn by lot near the published ones: explained where they are near.
with pairs as (
    select
        own.kpi_value_key,
        own.area_level,
        own.area_code,
        own.breakdown,
        own.period_start,
        own.unit,
        own.value,
        own.coverage_note,
        published.value as published_value,
        published.method = 'estimated from bands' as is_estimate,
        own.area_role = 'own_provider' as is_of_trust
    from {{ ref('kpi_value') }} as own
    inner join {{ ref('kpi_value') }} as published -- at most one
        on
            own.kpi_id = published.kpi_id
            and own.area_level = published.area_level
            and own.area_code = published.area_code
            and own.time_identifier = published.time_identifier
            and own.time_period = published.time_period
            and own.breakdown_topic = published.breakdown_topic
            and own.breakdown = published.breakdown
            and published.value_basis = 'published'
    where own.value_basis = 'local'
),

-- Published counts that the returns do not give, or under another definition alone, under the names of the local cells.
differing_cells as (
    select
        cell.la_code,
        cell.series_code,
        cell.measure_code,
        cell.counted_time_period as time_period,
        case when cell.topic_code = 'total' then 'Total' else topic.kpi_breakdown_topic end as cell_topic,
        case
            when cell.topic_code = 'total' then 'Total'
            when cell.topic_code in ('age', 'start_age')
                then {{ age_group('try_cast(cell.item_code as integer)', 'try_cast(cell.item_code as integer)') }}
            else item.kpi_breakdown
        end as cell_breakdown,
        case when cell.topic_code = 'age' then try_cast(cell.item_code as integer) end as age,
        if(comparison.outcome = 'reproduced', 'explained', comparison.outcome) as outcome,
        if(comparison.outcome = 'reproduced', definition.reason, comparison.reason) as reason
    from {{ ref('fct_ehc_statistic_comparison') }} as comparison
    inner join {{ ref('int_ehc_statistic__published_cell') }} as cell -- exactly one
        on comparison.published_statistic_key = cell.published_statistic_key
    left join {{ ref('breakdown_topic') }} as topic -- at most one
        on
            cell.breakdown_topic = topic.breakdown_topic
            and topic.series_code in ('*', cell.series_code)
    left join {{ ref('statistic_item') }} as item -- at most one
        on
            cell.topic_code = item.topic_code
            and cell.item_code = item.item_code
            and item.is_shown_label
    left join {{ ref('statistic_definition') }} as definition -- at most one
        on
            cell.series_code = definition.series_code
            and cell.release_name = definition.release_name
            and coalesce(cell.topic_code = definition.topic_code, true)
            and coalesce(cell.measure_code = definition.measure_code, true)
    where
        comparison.unit = 'count'
        and (comparison.outcome <> 'reproduced' or definition.definition_code is not null)
),

-- A published table has no row of an age at which it counts nobody: that age is not part of what is published of its group.
counted_ages as (
    select
        statistic.la_code,
        statistic.series_code,
        statistic.measure_code,
        statistic.time_period,
        statistic.topic_code,
        statistic.item_code
    from {{ ref('fct_ehc_statistic') }} as statistic
    where
        statistic.topic_code in ('age', 'start_age')
        and statistic.definition_code = 'standard'
        and statistic.statistic_count > 0
),

unpublished_ages as (
    select
        counted_ages.la_code,
        counted_ages.series_code,
        counted_ages.measure_code,
        counted_ages.time_period,
        'Age group' as cell_topic,
        {{ age_group('try_cast(counted_ages.item_code as integer)', 'try_cast(counted_ages.item_code as integer)') }}
            as cell_breakdown,
        case when counted_ages.topic_code = 'age' then try_cast(counted_ages.item_code as integer) end as age,
        'explained' as outcome,
        'The published table has no row of age ' || counted_ages.item_code || ', so that it adds nobody of that age'
            as reason
    from counted_ages
    inner join {{ ref('int_ehc_statistic__published_cell') }} as cell -- one to many: the ages that are published
        on
            counted_ages.la_code = cell.la_code
            and counted_ages.series_code = cell.series_code
            and counted_ages.measure_code = cell.measure_code
            and counted_ages.time_period = cell.counted_time_period
            and counted_ages.topic_code = cell.topic_code
            and cell.unit = 'count'
    group by all
    having count(*) filter (where cell.item_code = counted_ages.item_code) = 0
),

count_differences as (
    select *
    from differing_cells

    union all by name

    select *
    from unpublished_ages
),

count_reasons as (
    select
        component.kpi_value_key,
        bool_or(differing_cells.outcome = 'unexplained') as has_unexplained,
        bool_or(differing_cells.outcome = 'not_comparable') as has_incomparable,
        string_agg(
            distinct rtrim(differing_cells.reason, '.') || '.', ' '
            order by rtrim(differing_cells.reason, '.') || '.'
        ) as reason
    from {{ ref('int_kpi__local_component') }} as component
    inner join {{ ref('int_kpi__local_cell') }} as own_cell -- exactly one
        on component.cell_key = own_cell.cell_key
    inner join count_differences as differing_cells -- one cell to many: a group of ages is the sum of its ages
        on
            own_cell.la_code = differing_cells.la_code
            and own_cell.series_code = differing_cells.series_code
            and own_cell.measure_code = differing_cells.measure_code
            and own_cell.time_period = differing_cells.time_period
            and case
                when own_cell.age_from is not null
                    then differing_cells.age between own_cell.age_from and own_cell.age_to
                else
                    own_cell.cell_topic = differing_cells.cell_topic
                    and own_cell.cell_breakdown = differing_cells.cell_breakdown
            end
    group by component.kpi_value_key
),

-- Rates that the invented borough is made to come near, and not to meet.
invented_rates as (
    select distinct component.kpi_value_key
    from {{ ref('int_kpi__local_component') }} as component
    inner join {{ ref('int_kpi__local_cell') }} as own_cell -- exactly one
        on component.cell_key = own_cell.cell_key
    inner join {{ ref('stg_control__setting') }} as people -- at most one
        on people.setting_name = 'people' and people.setting_value = 'invented'
    where own_cell.series_code in ('census_attendance', 'census_suspension')
),

-- All bands of a line and month together: a share, or a percentile, stands on several.
trust_waits as (
    select
        provider.org_code,
        service.therapy_line_name,
        cast(date_trunc('month', comparison.snapshot_date) as date) as period_start,
        bool_and(comparison.accounted_difference_count is not null) as is_declared,
        bool_and(comparison.accounted_difference_count = 0) as is_accounted,
        bool_or(comparison.sitrep_counted_count < comparison.waiting_count) as has_unreported,
        bool_or(comparison.declared_count > 0) as has_others
    from {{ ref('fct_therapy_wait_comparison') }} as comparison
    inner join {{ ref('dim_provider') }} as provider -- exactly one
        on comparison.provider_key = provider.provider_key
    inner join {{ ref('dim_service') }} as service -- exactly one
        on comparison.service_key = service.service_key
    where comparison.published_count is not null
    group by all
),

judged as (
    select
        pairs.*,
        count_reasons.has_unexplained,
        count_reasons.reason as count_reason,
        trust_waits.is_declared,
        coalesce(trust_waits.has_unreported, false) as has_unreported,
        coalesce(trust_waits.has_others, false) as has_others,
        invented_rates.kpi_value_key is not null as is_invented_rate,
        case
            when pairs.value is null or pairs.published_value is null then 'not_comparable'
            when
                abs(pairs.value - pairs.published_value)
                <= case pairs.unit when 'count' then 0 when 'gbp' then 0.5 when 'ratio' then 0.0051 else 0.051 end
                then 'same'
            when pairs.coverage_note is not null then 'explained'
            when pairs.is_of_trust
                then
                    case
                        when trust_waits.is_accounted then 'explained'
                        when trust_waits.is_declared then 'unexplained'
                        else 'not_comparable'
                    end
            when
                invented_rates.kpi_value_key is not null
                and abs(pairs.value - pairs.published_value) <= 0.1 * abs(pairs.published_value)
                then 'explained'
            when count_reasons.kpi_value_key is null or count_reasons.has_unexplained then 'unexplained'
            when count_reasons.has_incomparable then 'not_comparable'
            else 'explained'
        end as outcome
    from pairs
    left join count_reasons -- at most one
        on pairs.kpi_value_key = count_reasons.kpi_value_key
    left join invented_rates -- at most one
        on pairs.kpi_value_key = invented_rates.kpi_value_key
    left join trust_waits -- at most one
        on
            pairs.area_code = trust_waits.org_code
            and pairs.breakdown = trust_waits.therapy_line_name
            and pairs.period_start = trust_waits.period_start
)

select
    kpi_value_key,
    outcome,
    case
        when outcome = 'same' then null
        when value is null or published_value is null then 'One of the two has no number.'
        when outcome = 'unexplained' then 'No reason is known.'
        when coverage_note is not null then coverage_note
        when is_of_trust
            then
                if(is_estimate, 'The published figure is an estimate from bands of weeks. ', '')
                || if(has_unreported, 'The publication leaves out requests that the trust does not report. ', '')
                || case
                    when outcome = 'explained' and has_others
                        then
                            'The publication counts children of other authorities too; with those that the trust'
                            || ' declares the counts agree.'
                    when outcome = 'explained' then 'What the trust reports agrees.'
                    else 'The publication counts children of other authorities too; how many those are is not declared.'
                end
        when is_invented_rate
            then
                'The pupils behind the own figure are invented. Their absences and suspensions were drawn by lot around published rates:'
                || ' the figure comes within a tenth of the published one and is not made to meet it.'
        else count_reason
    end as reason
from judged
