-- What a service request was on the day of each snapshot, by the dates and contacts that had come by then.
with requests as (
    select
        referral.*,
        delivery.provider_code,
        delivery.snapshot_date,
        delivery.time_identifier,
        delivery.time_period,
        -- Where the cover does not say, a wait ends with the first contact that was kept.
        coalesce(delivery.waiting_basis_code, 'FIRST_CONTACT') as waiting_basis_code
    from {{ ref('stg_therapy_waiting_list__referral') }} as referral
    inner join {{ ref('int_therapy_delivery__current') }} as delivery
        on referral.submission_id = delivery.submission_id
    where referral.service_request_ref is not null
    -- A request given twice is marked by its rule; one row of it stands.
    qualify row_number() over (
        partition by referral.submission_id, referral.service_request_ref
        order by referral.is_reportable desc, referral.source_row asc
    ) = 1
),

contacts as (
    select
        requests.submission_id,
        requests.service_request_ref,
        min(contact.contact_date) filter (where contact.contact_group_code = 'attended') as first_attended_date,
        bool_or(contact.is_first_appointment and contact.contact_group_code = 'missed') as is_first_appointment_missed,
        bool_or(
            contact.is_first_appointment and contact.contact_group_code = 'missed' and contact.is_notified
        ) as is_first_appointment_missed_notified,
        count(*) filter (where contact.contact_group_code = 'attended') as attended_count,
        count(*) filter (where contact.contact_group_code = 'missed') as missed_count
    from requests
    inner join {{ ref('int_therapy_contact__told') }} as contact
        on
            requests.submission_id = contact.submission_id
            and requests.service_request_ref = contact.service_request_ref
    where contact.is_reportable and contact.contact_date <= requests.snapshot_date
    group by requests.submission_id, requests.service_request_ref
),

dated as (
    select
        requests.*,
        coalesce(contacts.is_first_appointment_missed, false) as is_first_appointment_missed,
        coalesce(contacts.is_first_appointment_missed_notified, false) as is_first_appointment_missed_notified,
        coalesce(contacts.attended_count, 0) as attended_count,
        coalesce(contacts.missed_count, 0) as missed_count,
        least(
            contacts.first_attended_date,
            {{ come_by('requests.first_attended_contact_date', 'requests.snapshot_date') }}
        ) as first_contact_date,
        case
            when requests.clock_stop_date >= requests.clock_start_date
                then {{ come_by('requests.clock_stop_date', 'requests.snapshot_date') }}
        end as stop_date,
        {{ come_by('requests.referral_rejection_date', 'requests.snapshot_date') }} as rejected_date,
        least(
            {{ come_by('requests.referral_closure_date', 'requests.snapshot_date') }},
            {{ come_by('requests.service_discharge_date', 'requests.snapshot_date') }}
        ) as discharged_date,
        {{ come_by('requests.assessment_outcome_date', 'requests.snapshot_date') }} as outcome_date
    from requests
    left join contacts
        on
            requests.submission_id = contacts.submission_id
            and requests.service_request_ref = contacts.service_request_ref
),

-- The first that holds counts.
statuses as (
    select
        *,
        discharged_date is not null or referral_closure_reason_code is not null as is_closed,
        case
            when rejected_date is not null or referral_rejection_reason_code is not null then 'rejected'
            when is_closed and is_first_appointment_missed_notified and first_contact_date is null then 'nullified'
            when is_closed then 'discharged'
            else 'open'
        end as status_code,
        case waiting_basis_code
            -- A child who was seen before active monitoring, and comes back from it, waits for no first contact.
            when 'FIRST_CONTACT' then first_contact_date is not null
            -- 30 to 36 stop the clock; 90 to 99 stand outside it.
            when 'CLOCK'
                then
                    stop_date is not null
                    or coalesce(rtt_status_code in ('30', '31', '32', '33', '34', '35', '36'), false)
                    or coalesce(rtt_status_code in ('90', '91', '92', '98', '99'), false)
        end as is_stopped
    from dated
)

select
    submission_id,
    row_person_ref,
    provider_code,
    service_request_ref,
    snapshot_date,
    time_identifier,
    time_period,
    therapy_line,
    nd_pathway_code,
    nd_question_code,
    birth_month,
    sex_code,
    lsoa_code,
    ward_code,
    imd_decile,
    age_at_referral,
    age_at_snapshot,
    residence_la_code,
    school_urn,
    source_of_referral_code,
    referral_purpose_code,
    priority_code,
    referral_received_date,
    clock_start_date,
    rtt_status_code,
    waiting_basis_code,
    first_contact_date,
    stop_date as clock_stop_date,
    outcome_date as assessment_outcome_date,
    rejected_date as referral_rejection_date,
    referral_rejection_reason_code,
    discharged_date,
    referral_closure_reason_code,
    declared_status_code,
    is_sitrep_counted,
    ehcp_known_code,
    is_reportable,
    attended_count,
    missed_count,
    is_first_appointment_missed,
    is_first_appointment_missed_notified,
    status_code,
    is_stopped,
    coalesce(
        status_code = 'open'
        and referral_purpose_code = 'CORE'
        and clock_start_date <= snapshot_date
        and not is_stopped,
        false
    ) as is_waiting,
    -- The other wait of a neurodevelopmental request ends with the outcome, whatever contacts there were.
    coalesce(
        status_code = 'open'
        and referral_purpose_code = 'CORE'
        and therapy_line = 'NEURODEV'
        and clock_start_date <= snapshot_date
        and outcome_date is null,
        false
    ) as is_waiting_for_outcome,
    -- From the referral: a transfer keeps the first provider's start, and a later period began with the same referral.
    case when therapy_line = 'NEURODEV' then least(referral_received_date, clock_start_date) end as outcome_clock_start_date
from statuses
