select
    ethnicity_code,
    ethnicity_name,
    ethnicity_group_code,
    ethnicity_group_name,
    ethnicity_major_group_name,
    group_order
from {{ ref('ethnicity_group') }}
