select
    landed.submission_id,
    landed.source_file,
    landed.source_row,
    submission.supply_order,
    'Department for Education' as publisher,
    'Education, health and care plans' as dataset,
    landed.release_name,
    landed.release_year,
    landed.release_revision,
    true as is_release_file,
    landed.series as series_code,
    trim(landed.time_identifier) as time_identifier,
    trim(landed.time_period) as time_period,
    lower(trim(landed.geographic_level)) as geographic_level,
    landed.region_code,
    landed.region_name,
    landed.old_la_code as la_code,
    landed.new_la_code as la_ons_code,
    landed.la_name,
    landed.breakdown_topic,
    landed.breakdown,
    landed.measures
from {{ source('published_statistics', 'ees_row') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
