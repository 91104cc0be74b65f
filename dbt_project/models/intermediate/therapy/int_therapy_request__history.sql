-- Service requests over the snapshots. One that was open and is missing from the next snapshot of its service line is
-- treated as closed on the last snapshot that told of it; on that day itself it still waited.
with followed as (
    select
        request.*,
        line.previous_snapshot_date,
        line.next_snapshot_date,
        lag(request.snapshot_date) over requests as previous_seen_date,
        lead(request.snapshot_date) over requests as next_seen_date,
        lag(request.status_code) over requests as previous_status_code,
        lag(request.referral_received_date) over requests as previous_received_date,
        lag(request.clock_start_date) over requests as previous_clock_start_date,
        min(request.snapshot_date) over whole_requests as first_seen_date,
        max(request.snapshot_date) over whole_requests as last_seen_date
    from {{ ref('int_therapy_request__judged') }} as request
    left join {{ ref('int_therapy_line__delivered') }} as line
        on
            request.submission_id = line.submission_id
            and request.therapy_line = line.therapy_line
    window
        requests as (
            partition by request.provider_code, request.service_request_ref order by request.snapshot_date
        ),
        whole_requests as (partition by request.provider_code, request.service_request_ref)
)

select
    *,
    status_code = 'open'
    and next_snapshot_date is not null
    and coalesce(next_seen_date > next_snapshot_date, true) as is_vanished,
    coalesce(status_code = 'open' and previous_status_code <> 'open', false) as is_reopened,
    coalesce(
        previous_received_date <> referral_received_date or previous_clock_start_date <> clock_start_date, false
    ) as is_redated,
    snapshot_date = last_seen_date as is_last_seen
from followed
