select
    landed.submission_id,
    landed.source_file,
    landed.sheet,
    landed.source_row,
    submission.supply_order,
    {{ month_identifier('landed.data_month') }} as time_identifier,
    left(landed.data_month, 4) as time_period,
    cast(landed.published_date as date) as published_date,
    -- A submission goes by the day its cover says it was revised, or else published.
    try_cast(nullif(submission.sequence, landed.published_date) as date) as revised_date,
    landed.layout_era,
    case landed.org_level
        when 'national' then 'england'
        when 'region' then 'nhs_region'
        else landed.org_level
    end as org_level,
    landed.org_code,
    trim(landed.org_name_raw) as org_name,
    upper(trim(landed.org_name_raw)) as org_name_key,
    landed.service_line_code,
    trim(regexp_replace(landed.service_line_raw, '^\([A-Za-z]+\)', '')) as service_line_name,
    landed.age_group,
    landed.band_code,
    landed.value_text,
    landed.value as waiting_count,
    landed.value_status
from {{ source('published_statistics', 'chs_wait') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
