select
    submission_id,
    return_id,
    period,
    supplier,
    rows_read,
    received_at
from {{ source('control', 'refused_submission') }}
