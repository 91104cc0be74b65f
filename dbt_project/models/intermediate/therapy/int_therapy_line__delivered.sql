-- A service line without a row in a delivery was not supplied: its requests neither vanish nor become nobody waiting.
with supplied as (
    select distinct
        delivery.submission_id,
        delivery.provider_code,
        referral.therapy_line,
        delivery.snapshot_date,
        delivery.time_identifier,
        delivery.time_period
    from {{ ref('int_therapy_delivery__current') }} as delivery
    inner join {{ ref('stg_therapy_waiting_list__referral') }} as referral
        on delivery.submission_id = referral.submission_id
    where referral.therapy_line is not null
)

select
    submission_id,
    provider_code,
    therapy_line,
    snapshot_date,
    time_identifier,
    time_period,
    lag(snapshot_date) over (partition by provider_code, therapy_line order by snapshot_date) as previous_snapshot_date,
    lead(snapshot_date) over (partition by provider_code, therapy_line order by snapshot_date) as next_snapshot_date
from supplied
