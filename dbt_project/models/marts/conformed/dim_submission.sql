select
    submission_id,
    return_id,
    period,
    supplier,
    sequence,
    spec_version,
    source_file,
    sha256,
    rows_read,
    rows_landed,
    rows_quarantined,
    supersedes,
    is_current
from {{ ref('stg_control__submission') }}
