select
    {{ surrogate_key(['la_code', 'model_code', 'origin_year', 'horizon']) }} as forecast_back_test_key,
    la_code,
    model_code,
    cast(origin_year as integer) as origin_year,
    cast(horizon as integer) as horizon,
    cast(origin_year + horizon as integer) as census_year,
    cast(forecast_count as decimal(9, 1)) as forecast_count,
    cast(low_count as decimal(9, 1)) as low_count,
    cast(high_count as decimal(9, 1)) as high_count,
    cast(actual_count as integer) as actual_count,
    cast(scaled_error as decimal(9, 4)) as scaled_error,
    is_within,
    is_chosen
from {{ ref('int_forecast__back_test') }}
where la_code in (
    select area.la_code from {{ ref('dim_area') }} as area
    where area.area_level = 'local_authority'
)
