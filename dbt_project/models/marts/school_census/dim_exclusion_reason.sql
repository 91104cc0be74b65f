select
    exclusion_reason_code,
    exclusion_reason_name,
    first_census_period,
    last_census_period
from {{ ref('exclusion_reason') }}
