-- Later supplies get a higher supply_order; refused submissions never reach a mart.
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
    received_at,
    is_current,
    is_current and period = max(period) filter (where is_current) over (
        partition by return_id, supplier
    ) as is_latest,
    row_number() over (
        order by received_at, length(sequence), sequence, submission_id
    ) as supply_order
from {{ source('control', 'submission') }}
where status = 'accepted'
