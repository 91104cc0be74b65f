-- Both shapes of published file as rows of measures: a long figure is a row with one measure.
with published_rows as (
    select
        submission_id,
        source_file,
        source_row,
        supply_order,
        publisher,
        dataset,
        release_name,
        release_year,
        release_revision,
        is_release_file,
        series_code,
        time_identifier,
        time_period,
        geographic_level,
        region_code,
        region_name,
        la_code,
        la_ons_code,
        la_name,
        breakdown_topic,
        breakdown,
        measures,
        cast(null as varchar) as source_cell
    from {{ ref('stg_published_statistics__ees_row') }}

    union all by name

    select
        submission_id,
        source_file,
        source_row,
        supply_order,
        publisher,
        dataset,
        release_name,
        release_year,
        release_revision,
        false as is_release_file,
        series_code,
        time_identifier,
        time_period,
        geographic_level,
        cast(null as varchar) as region_code,
        region_name,
        la_code,
        la_ons_code,
        la_name,
        breakdown_topic,
        breakdown,
        map([measure_code], [value_text]) as measures,
        -- The tribunal table has the years and measures of an authority side by side in one row.
        time_period || '/' || measure_code as source_cell
    from {{ ref('stg_published_statistics__published_figure') }}
),

placed_rows as (
    select
        published_rows.submission_id,
        published_rows.source_file,
        published_rows.source_row,
        published_rows.supply_order,
        published_rows.publisher,
        published_rows.dataset,
        published_rows.release_name,
        published_rows.release_year,
        published_rows.release_revision,
        published_rows.is_release_file,
        published_rows.series_code,
        published_rows.time_identifier,
        published_rows.time_period,
        published_rows.la_ons_code,
        published_rows.la_name,
        published_rows.breakdown_topic,
        published_rows.breakdown,
        published_rows.measures,
        published_rows.source_cell,
        case published_rows.geographic_level
            when 'national' then 'england'
            when 'regional' then 'region'
            when 'local authority' then 'local_authority'
            else published_rows.geographic_level
        end as area_level,
        coalesce(published_rows.region_code, region.region_code) as region_code,
        -- Some files write 0 for the authority code above authority level.
        case when published_rows.geographic_level = 'local authority' then published_rows.la_code end as la_code,
        {{ is_total_row('published_rows.breakdown_topic', 'published_rows.breakdown') }} as is_total
    from published_rows
    left join {{ ref('english_region') }} as region -- at most one: region names are unique
        on lower(published_rows.region_name) = lower(region.region_name)
),

coded_rows as (
    select
        *,
        case area_level
            when 'england' then 'E92000001'
            when 'region' then region_code
            -- The three-digit code outlives boundary changes that renew the ONS code.
            -- Authorities that were abolished (Bournemouth, Poole) can have a name alone.
            else coalesce(la_code, la_ons_code, la_name)
        end as area_natural_code
    from placed_rows
)

select
    submission_id,
    source_file,
    source_row,
    supply_order,
    publisher,
    dataset,
    release_name,
    release_year,
    release_revision,
    is_release_file,
    series_code,
    time_identifier,
    time_period,
    area_level,
    region_code,
    la_code,
    la_ons_code,
    la_name,
    breakdown_topic,
    breakdown,
    is_total,
    measures,
    {{ surrogate_key(['submission_id', 'source_file', 'source_row', 'source_cell']) }} as row_key,
    {{ surrogate_key(['area_level', 'area_natural_code']) }} as area_key,
    {{ surrogate_key(['lower(time_identifier)', 'time_period']) }} as period_key,
    -- What the row is about, whichever release says it; the label of the total row changes between releases.
    {{ surrogate_key([
        'series_code', 'area_level', 'area_natural_code', 'lower(time_identifier)', 'time_period',
        "case when is_total then 'total' else lower(breakdown_topic) end",
        "case when is_total then 'total' else lower(breakdown) end"
    ]) }} as subject_key
from coded_rows
