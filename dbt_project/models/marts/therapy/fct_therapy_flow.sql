-- Who came onto a waiting list and who left it between two snapshots of a service line, each by its own evidence. What the
-- evidence does not account for is the residual.
with waits as (
    select
        *,
        is_waiting and is_reportable as is_counted
    from {{ ref('int_therapy_request__linked') }}
),

-- A line's snapshots, each beside the one earlier.
steps as (
    select
        delivered.*,
        service.service_key
    from {{ ref('int_therapy_line__delivered') }} as delivered
    inner join {{ ref('dim_service') }} as service -- exactly one
        on delivered.therapy_line = service.therapy_line
),

arrivals as (
    select
        steps.provider_code,
        steps.therapy_line,
        steps.snapshot_date,
        case
            when earlier.service_request_ref is null and later.referral_received_date > steps.previous_snapshot_date
                then 'referred'
            when earlier.service_request_ref is null and later.previous_seen_date is not null then 'returned'
            when earlier.service_request_ref is null then 'entered_late'
            when not earlier.is_reportable or earlier.referral_purpose_code <> 'CORE' then 'corrected'
            when earlier.therapy_line <> later.therapy_line then 'moved_line'
            when earlier.status_code <> 'open' then 'reopened'
            when later.clock_start_date > earlier.clock_start_date then 'new_period'
            -- A contact or a stop that was told before, and is told no more.
            when coalesce(earlier.first_contact_date, earlier.clock_stop_date) is not null then 'stop_withdrawn'
            else 'unexplained'
        end as reason_code
    from steps
    inner join waits as later
        on
            steps.submission_id = later.submission_id
            and steps.therapy_line = later.therapy_line
            and later.is_counted
    left join waits as earlier -- at most one
        on
            later.provider_code = earlier.provider_code
            and later.service_request_ref = earlier.service_request_ref
            and steps.previous_snapshot_date = earlier.snapshot_date
    where
        steps.previous_snapshot_date is not null
        and not coalesce(earlier.is_counted and earlier.therapy_line = later.therapy_line, false)
),

leavers as (
    select
        steps.provider_code,
        steps.therapy_line,
        steps.snapshot_date,
        case
            when later.service_request_ref is null then 'vanished'
            when not later.is_reportable or later.referral_purpose_code <> 'CORE' then 'corrected_out'
            when earlier.therapy_line <> later.therapy_line then 'moved_line_out'
            when later.status_code in ('rejected', 'nullified') then later.status_code
            -- By the clock a contact ends no wait: the stop does, which may be on the day of the first contact.
            when
                if(
                    later.waiting_basis_code = 'CLOCK',
                    later.first_contact_date = later.clock_stop_date,
                    later.first_contact_date is not null
                )
                then 'first_contact'
            when
                later.status_code = 'discharged'
                and (later.first_contact_date is null or later.clock_stop_date is null)
                then 'discharged'
            when later.is_stopped then 'clock_stopped'
            else 'unexplained_out'
        end as reason_code
    from steps
    inner join waits as earlier
        on
            steps.provider_code = earlier.provider_code
            and steps.therapy_line = earlier.therapy_line
            and steps.previous_snapshot_date = earlier.snapshot_date
            and earlier.is_counted
    left join waits as later -- at most one
        on
            earlier.provider_code = later.provider_code
            and earlier.service_request_ref = later.service_request_ref
            and steps.snapshot_date = later.snapshot_date
    where not coalesce(later.is_counted and later.therapy_line = earlier.therapy_line, false)
),

totals as (
    select
        provider_code,
        therapy_line,
        snapshot_date,
        count(*) filter (where is_counted) as waiting_count
    from waits
    group by provider_code, therapy_line, snapshot_date
),

moves as (
    select *
    from arrivals

    union all

    select *
    from leavers
),

moved as (
    select
        provider_code,
        therapy_line,
        snapshot_date,
        count(*) filter (where reason_code = 'referred') as referred_count,
        count(*) filter (where reason_code = 'entered_late') as entered_late_count,
        count(*) filter (where reason_code = 'returned') as returned_count,
        count(*) filter (where reason_code = 'reopened') as reopened_count,
        count(*) filter (where reason_code = 'new_period') as new_period_count,
        count(*) filter (where reason_code = 'stop_withdrawn') as stop_withdrawn_count,
        count(*) filter (where reason_code = 'corrected') as corrected_count,
        count(*) filter (where reason_code = 'moved_line') as moved_line_count,
        count(*) filter (where reason_code = 'first_contact') as first_contact_count,
        count(*) filter (where reason_code = 'clock_stopped') as clock_stopped_count,
        count(*) filter (where reason_code = 'discharged') as discharged_count,
        count(*) filter (where reason_code = 'rejected') as rejected_count,
        count(*) filter (where reason_code = 'nullified') as nullified_count,
        count(*) filter (where reason_code = 'vanished') as vanished_count,
        count(*) filter (where reason_code = 'corrected_out') as corrected_out_count,
        count(*) filter (where reason_code = 'moved_line_out') as moved_line_out_count
    from moves
    group by provider_code, therapy_line, snapshot_date
),

flows as (
    select
        steps.provider_code,
        steps.service_key,
        steps.snapshot_date,
        steps.previous_snapshot_date,
        steps.submission_id,
        coalesce(totals_before.waiting_count, 0) as waiting_start_count,
        totals.waiting_count as waiting_end_count,
        coalesce(moved.referred_count, 0) as referred_count,
        coalesce(moved.entered_late_count, 0) as entered_late_count,
        coalesce(moved.returned_count, 0) as returned_count,
        coalesce(moved.reopened_count, 0) as reopened_count,
        coalesce(moved.new_period_count, 0) as new_period_count,
        coalesce(moved.stop_withdrawn_count, 0) as stop_withdrawn_count,
        coalesce(moved.corrected_count, 0) as corrected_count,
        coalesce(moved.moved_line_count, 0) as moved_line_count,
        coalesce(moved.first_contact_count, 0) as first_contact_count,
        coalesce(moved.clock_stopped_count, 0) as clock_stopped_count,
        coalesce(moved.discharged_count, 0) as discharged_count,
        coalesce(moved.rejected_count, 0) as rejected_count,
        coalesce(moved.nullified_count, 0) as nullified_count,
        coalesce(moved.vanished_count, 0) as vanished_count,
        coalesce(moved.corrected_out_count, 0) as corrected_out_count,
        coalesce(moved.moved_line_out_count, 0) as moved_line_out_count
    from steps
    inner join totals -- exactly one
        on
            steps.provider_code = totals.provider_code
            and steps.therapy_line = totals.therapy_line
            and steps.snapshot_date = totals.snapshot_date
    left join totals as totals_before -- at most one
        on
            steps.provider_code = totals_before.provider_code
            and steps.therapy_line = totals_before.therapy_line
            and steps.previous_snapshot_date = totals_before.snapshot_date
    left join moved -- at most one
        on
            steps.provider_code = moved.provider_code
            and steps.therapy_line = moved.therapy_line
            and steps.snapshot_date = moved.snapshot_date
    where steps.previous_snapshot_date is not null
),

added_up as (
    select
        *,
        referred_count + entered_late_count + returned_count + reopened_count + new_period_count + stop_withdrawn_count
        + corrected_count + moved_line_count as added_count,
        first_contact_count + clock_stopped_count + discharged_count + rejected_count + nullified_count + vanished_count
        + corrected_out_count + moved_line_out_count as removed_count
    from flows
)

select
    {{ surrogate_key(['flow.provider_code', 'flow.service_key', 'flow.snapshot_date']) }} as therapy_flow_key,
    own_authority.setting_value as la_code,
    {{ provider_key('flow.provider_code') }} as provider_key,
    flow.service_key,
    {{ month_key('flow.snapshot_date') }} as period_key,
    flow.previous_snapshot_date,
    flow.snapshot_date,
    flow.waiting_start_count,
    flow.referred_count,
    flow.entered_late_count,
    flow.returned_count,
    flow.reopened_count,
    flow.new_period_count,
    flow.stop_withdrawn_count,
    flow.corrected_count,
    flow.moved_line_count,
    flow.added_count,
    flow.first_contact_count,
    flow.clock_stopped_count,
    flow.discharged_count,
    flow.rejected_count,
    flow.nullified_count,
    flow.vanished_count,
    flow.corrected_out_count,
    flow.moved_line_out_count,
    flow.removed_count,
    flow.waiting_end_count,
    flow.waiting_end_count - flow.waiting_start_count - flow.added_count + flow.removed_count as residual_count,
    flow.submission_id
from added_up as flow
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
