-- PS-101: cells where every authority of a region (three or more) shows the region's own non-zero figure.
with authority_rows as (
    select
        row_key,
        submission_id,
        release_name,
        series_code,
        period_key,
        region_code,
        breakdown_topic,
        breakdown,
        measures,
        map_keys(measures) as measure_codes,
        count(*) over (
            partition by
                submission_id, release_name, series_code, period_key, region_code,
                breakdown_topic, breakdown, map_keys(measures)
        ) as authority_count
    from {{ ref('int_published_statistic__row') }}
    where area_level = 'local_authority' and region_code is not null
),

regional_rows as (
    select
        row_key as regional_row_key,
        submission_id,
        release_name,
        series_code,
        period_key,
        region_code,
        breakdown_topic,
        breakdown,
        measures,
        map_keys(measures) as measure_codes
    from {{ ref('int_published_statistic__row') }}
    where area_level = 'region'
),

-- One regional row to many authority rows of the same file: their measures stand in the same order.
paired_cells as (
    select
        authority_rows.row_key,
        authority_rows.authority_count,
        regional_rows.regional_row_key,
        unnest(authority_rows.measure_codes) as measure_code,
        unnest(map_values(authority_rows.measures)) as authority_text,
        unnest(map_values(regional_rows.measures)) as regional_text
    from authority_rows
    inner join regional_rows
        on
            authority_rows.submission_id = regional_rows.submission_id
            and authority_rows.release_name = regional_rows.release_name
            and authority_rows.series_code = regional_rows.series_code
            and authority_rows.period_key = regional_rows.period_key
            and authority_rows.region_code = regional_rows.region_code
            and authority_rows.measure_codes = regional_rows.measure_codes
            and authority_rows.breakdown_topic is not distinct from regional_rows.breakdown_topic
            and authority_rows.breakdown is not distinct from regional_rows.breakdown
    where authority_rows.authority_count >= 3
),

equal_cells as (
    select
        row_key,
        measure_code,
        authority_count,
        count(*) over (partition by regional_row_key, measure_code) as equal_count
    from paired_cells
    where
        authority_text = regional_text
        and {{ published_number('authority_text') }} <> 0
)

select
    row_key,
    measure_code
from equal_cells
where equal_count = authority_count
