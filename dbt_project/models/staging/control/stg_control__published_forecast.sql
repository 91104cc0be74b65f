-- Several releases may tell the same forecast; it counts as published by the first.
select
    release_id,
    cast(published_at as date) as published_date,
    published_at,
    code_version,
    la_code,
    forecast_version,
    origin_year,
    measure_code,
    census_year,
    horizon,
    age_group,
    year_group,
    need_code,
    placement_group_code,
    provision_code,
    need_table_no,
    ward_code,
    plan_count,
    low_count,
    high_count,
    total_model_code
from {{ source('control', 'published_forecast') }}
qualify rank() over (partition by la_code, forecast_version order by published_at, release_id) = 1
