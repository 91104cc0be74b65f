-- Five million cells: everything is joined to the rows before they are unpivoted, so that no join or window sees a cell.
with vintages as (
    select
        row_key,
        map_from_entries(list((measure_code, vintage_rank))) as vintage_ranks
    from {{ ref('int_published_statistic__vintage') }}
    group by row_key
),

repeated_totals as (
    select
        row_key,
        list(measure_code) as repeated_measures
    from {{ ref('int_published_statistic__repeated_total') }}
    group by row_key
),

judged_rows as (
    select
        published_row.*,
        vintages.vintage_ranks,
        repeated_totals.repeated_measures,
        period.fault_rule_id as period_fault_rule_id
    from {{ ref('int_published_statistic__row') }} as published_row
    inner join {{ ref('dim_period') }} as period -- exactly one
        on published_row.period_key = period.period_key
    left join vintages -- at most one
        on published_row.row_key = vintages.row_key
    left join repeated_totals -- at most one
        on published_row.row_key = repeated_totals.row_key
),

cells as (
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
        vintage_ranks,
        repeated_measures,
        period_fault_rule_id,
        {{ unpivoted_measures('measures') }}
    from judged_rows
),

valued_cells as (
    select
        *,
        {{ published_number('value_text') }} as published_number,
        {{ published_value_status('value_text') }} as value_status,
        {{ measure_unit('series_code', 'measure_code') }} as unit,
        coalesce(vintage_ranks[measure_code], 1) as vintage_rank
    from cells
),

judged_cells as (
    select
        *,
        case
            when unit = 'count' and list_contains(repeated_measures, measure_code) then 'PS-101'
            when unit = 'count' and published_number < 0 then 'PS-102'
            else period_fault_rule_id
        end as fault_rule_id
    from valued_cells
)

select
    {{ surrogate_key(['row_key', 'measure_code']) }} as published_statistic_key,
    series_code,
    measure_code,
    {{ surrogate_key(['series_code', 'measure_code']) }} as measure_key,
    area_key,
    period_key,
    la_code,
    breakdown_topic,
    breakdown,
    is_total,
    case when value_status = 'reported' then published_number end as value,
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
