select
    {{ surrogate_key([
        'la_code', 'origin_year', 'scenario_code', 'measure_code', 'census_year', 'age_group', 'year_group', 'need_code',
        'placement_group_code', 'provision_code', 'need_table_no', 'ward_code'
    ]) }} as plan_forecast_key,
    la_code,
    forecast_version,
    cast(origin_year as integer) as origin_year,
    origin_year = max(origin_year) over (partition by la_code) as is_latest_version,
    scenario_code,
    measure_code,
    cast(census_year as integer) as census_year,
    cast(horizon as integer) as horizon,
    age_group,
    year_group,
    -- Year 6: 15 February of the year of transfer; year 11: 31 March.
    case year_group
        when '6' then make_date(cast(census_year as integer), 2, 15)
        when '11' then make_date(cast(census_year as integer), 3, 31)
    end as transfer_due_date,
    need_code,
    placement_group_code,
    provision_code,
    need_table_no,
    ward_code,
    cast(plan_count as decimal(9, 2)) as plan_count,
    cast(low_count as decimal(9, 2)) as low_count,
    cast(high_count as decimal(9, 2)) as high_count,
    cast(actual_count as integer) as actual_count,
    case when horizon > 0 and actual_count is not null then actual_count between low_count and high_count end as is_within,
    total_model_code,
    total_model_reason
from {{ ref('int_forecast__plan') }}
