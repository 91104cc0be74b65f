-- The delivery that counts of each provider and month, of those known: the highest sequence, then the latest receipt.
with known as (
    select delivery.*
    from {{ ref('stg_therapy_waiting_list__delivery') }} as delivery
    inner join {{ ref('int_therapy_submission__known') }} as known_submission -- at most one
        on delivery.submission_id = known_submission.submission_id
    qualify row_number() over (
        partition by delivery.provider_code, delivery.snapshot_date
        order by delivery.submission_sequence desc, delivery.received_at desc, delivery.submission_id desc
    ) = 1
)

select
    submission_id,
    provider_code,
    snapshot_date,
    time_identifier,
    time_period,
    received_at,
    waiting_basis_code,
    lag(snapshot_date) over (partition by provider_code order by snapshot_date) as previous_snapshot_date,
    snapshot_date = max(snapshot_date) over (partition by provider_code) as is_latest
from known
