-- The forecast of this build stands in fct_plan_forecast: told here too once it is published, it would make the next build another.
with counted as (
    select
        la_code,
        measure_code,
        census_year,
        age_group,
        year_group,
        need_code,
        placement_group_code,
        provision_code,
        need_table_no,
        ward_code,
        actual_count
    from {{ ref('fct_plan_forecast') }}
    where
        horizon = 0
        and scenario_code = 'baseline'
),

latest as (
    select distinct
        la_code,
        forecast_version
    from {{ ref('fct_plan_forecast') }}
    where is_latest_version
)

select
    {{ surrogate_key([
        'published.la_code', 'published.forecast_version', 'published.measure_code', 'published.census_year',
        'published.age_group', 'published.year_group', 'published.need_code', 'published.placement_group_code',
        'published.provision_code', 'published.need_table_no', 'published.ward_code'
    ]) }} as plan_forecast_published_key,
    published.la_code,
    published.forecast_version,
    published.origin_year,
    published.release_id,
    published.published_date,
    published.code_version,
    published.published_at = max(published.published_at) over (
        partition by published.la_code, published.origin_year
    ) as is_last_of_origin,
    published.measure_code,
    published.census_year,
    published.horizon,
    published.age_group,
    published.year_group,
    published.need_code,
    published.placement_group_code,
    published.provision_code,
    published.need_table_no,
    published.ward_code,
    published.plan_count,
    published.low_count,
    published.high_count,
    counted.actual_count,
    case
        when counted.actual_count is not null
            then counted.actual_count between published.low_count and published.high_count
    end as is_within,
    published.total_model_code
from {{ ref('stg_control__published_forecast') }} as published
anti join latest
    on
        published.la_code = latest.la_code
        and published.forecast_version = latest.forecast_version
left join counted -- at most one: the January once it is counted
    on
        published.la_code = counted.la_code
        and published.measure_code = counted.measure_code
        and published.census_year = counted.census_year
        and published.age_group = counted.age_group
        and published.year_group = counted.year_group
        and published.need_code = counted.need_code
        and published.placement_group_code = counted.placement_group_code
        and published.provision_code = counted.provision_code
        and published.need_table_no = counted.need_table_no
        and published.ward_code = counted.ward_code
