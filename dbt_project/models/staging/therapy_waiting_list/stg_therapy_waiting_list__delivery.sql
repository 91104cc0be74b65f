select
    landed.submission_id,
    submission.is_current,
    submission.received_at,
    landed.provider_code,
    landed.snapshot_date,
    monthname(landed.snapshot_date) as time_identifier,
    cast(year(landed.snapshot_date) as varchar) as time_period,
    landed.period_start_date,
    landed.submission_sequence,
    landed.extract_run_date,
    landed.referral_row_count,
    landed.appointment_row_count,
    landed.waiting_basis_code
from {{ source('therapy_waiting_list', 'therapy_delivery') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
