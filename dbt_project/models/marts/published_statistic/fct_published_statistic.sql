with cells as (
    select
        row_key,
        submission_id,
        series_code,
        area_key,
        period_key,
        la_code,
        breakdown_topic,
        breakdown,
        is_total,
        publisher,
        dataset,
        release_name,
        release_year,
        release_revision,
        {{ unpivoted_measures('measures') }}
    from {{ ref('int_published_statistic__row') }}
),

valued_cells as (
    select
        cells.*,
        {{ published_number('cells.value_text') }} as published_number,
        {{ published_value_status('cells.value_text') }} as value_status
    from cells
),

judged_cells as (
    select
        valued_cells.*,
        measure.measure_key,
        coalesce(vintage.vintage_rank, 1) as vintage_rank,
        case
            when repeated_total.row_key is not null and measure.unit = 'count' then 'PS-101'
            when valued_cells.published_number < 0 and measure.unit = 'count' then 'PS-102'
            else period.fault_rule_id
        end as fault_rule_id
    from valued_cells
    inner join {{ ref('dim_measure') }} as measure -- exactly one
        on
            valued_cells.series_code = measure.series_code
            and valued_cells.measure_code = measure.measure_code
    inner join {{ ref('dim_period') }} as period -- exactly one
        on valued_cells.period_key = period.period_key
    left join {{ ref('int_published_statistic__vintage') }} as vintage -- at most one
        on
            valued_cells.row_key = vintage.row_key
            and valued_cells.measure_code = vintage.measure_code
    left join {{ ref('int_published_statistic__repeated_total') }} as repeated_total -- at most one
        on
            valued_cells.row_key = repeated_total.row_key
            and valued_cells.measure_code = repeated_total.measure_code
)

select
    {{ surrogate_key(['row_key', 'measure_code']) }} as published_statistic_key,
    series_code,
    measure_code,
    measure_key,
    area_key,
    period_key,
    la_code,
    breakdown_topic,
    breakdown,
    is_total,
    cast(case when value_status = 'reported' then published_number end as decimal(18, 4)) as value,
    value_text,
    value_status,
    publisher,
    dataset,
    release_name,
    release_year,
    release_revision,
    vintage_rank,
    vintage_rank = 1 as is_latest_vintage,
    fault_rule_id,
    fault_rule_id is null as is_usable,
    submission_id
from judged_cells
