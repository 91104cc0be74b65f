select
    landed.submission_id,
    landed.source_file,
    landed.source_row,
    submission.supply_order,
    landed.publisher,
    landed.dataset,
    landed.release_name,
    landed.release_year,
    landed.release_revision,
    landed.series as series_code,
    trim(landed.time_identifier) as time_identifier,
    trim(landed.time_period) as time_period,
    lower(trim(landed.geographic_level)) as geographic_level,
    landed.region_name,
    landed.old_la_code as la_code,
    landed.new_la_code as la_ons_code,
    landed.la_name,
    landed.breakdown_topic,
    landed.breakdown,
    landed.measure as measure_code,
    landed.value_text
from {{ source('published_statistics', 'published_figure') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
