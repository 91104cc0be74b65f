-- The last snapshot that tells of a request describes it; what happened once stays.
with whole_requests as (
    select
        provider_code,
        service_request_ref,
        bool_or(is_reopened) as was_reopened,
        bool_or(is_vanished) as has_vanished,
        bool_or(is_redated) as was_redated,
        coalesce(bool_or(rtt_status_code = '21'), false) as was_transferred,
        coalesce(bool_or(rtt_status_code in ('31', '32')), false) as was_actively_monitored
    from {{ ref('int_therapy_request__history') }}
    group by provider_code, service_request_ref
)

select
    {{ therapy_referral_key('request') }} as therapy_referral_key,
    request.la_code,
    {{ provider_key('request.provider_code') }} as provider_key,
    request.service_key,
    case when request.referral_received_date is not null then {{ month_key('request.referral_received_date') }} end
        as period_key,
    request.child_key,
    request.match_strength,
    request.is_known_child,
    request.has_ehc_plan,
    request.primary_need_code,
    setting.setting_key,
    request.referral_purpose_code,
    request.nd_pathway_code,
    request.nd_question_code,
    request.source_of_referral_code,
    request.priority_code,
    cast(request.age_at_referral as integer) as age_at_referral,
    request.sex_code,
    request.ward_code,
    cast(request.imd_decile as integer) as imd_decile,
    request.is_resident,
    request.first_seen_date,
    request.last_seen_date,
    request.referral_received_date,
    request.referral_rejection_date,
    request.referral_rejection_reason_code,
    request.clock_start_date,
    request.first_contact_date,
    request.clock_stop_date,
    request.assessment_outcome_date,
    -- One that is missing from the next list ends with the last that told of it.
    if(request.is_vanished, request.last_seen_date, coalesce(request.discharged_date, request.referral_rejection_date))
        as ended_date,
    request.referral_closure_reason_code,
    if(request.is_vanished, 'discharged', request.status_code) as status_code,
    not request.is_vanished and request.is_waiting as is_waiting,
    request.is_vanished,
    request.declared_status_code,
    whole_requests.was_reopened,
    whole_requests.has_vanished and not request.is_vanished as was_missing,
    whole_requests.was_redated,
    whole_requests.was_transferred,
    whole_requests.was_actively_monitored,
    cast(
        case
            when request.referral_purpose_code = 'CORE' and request.status_code in ('open', 'discharged')
                -- Who came back from active monitoring has a later start than the first contact waited from.
                then {{ clock_days(
                    'least(request.referral_received_date, request.clock_start_date)', 'request.first_contact_date'
                ) }}
        end as integer
    ) as first_contact_wait_days,
    cast(
        case
            when request.referral_purpose_code = 'CORE' and request.status_code in ('open', 'discharged')
                then {{ clock_days('request.clock_start_date', 'request.clock_stop_date') }}
        end as integer
    ) as clock_wait_days,
    cast(
        case
            when request.referral_purpose_code = 'CORE' and request.status_code in ('open', 'discharged')
                then {{ clock_days('request.outcome_clock_start_date', 'request.assessment_outcome_date') }}
        end as integer
    ) as outcome_wait_days,
    -- The list has no day of advice: a completed request for advice was closed with it.
    cast(
        case
            when request.referral_purpose_code = 'EHC_ADVICE' and request.referral_closure_reason_code = 'COMPLETED'
                then {{ clock_days('request.referral_received_date', 'request.discharged_date') }}
        end as integer
    ) as advice_days,
    request.is_first_appointment_missed,
    cast(request.attended_count as integer) as attended_count,
    cast(request.missed_count as integer) as missed_count,
    request.is_sitrep_counted,
    request.ehcp_known_code,
    request.is_reportable,
    request.submission_id
from {{ ref('int_therapy_request__linked') }} as request
inner join whole_requests -- exactly one
    on
        request.provider_code = whole_requests.provider_code
        and request.service_request_ref = whole_requests.service_request_ref
left join {{ ref('dim_setting') }} as setting -- at most one
    on request.school_urn = setting.urn
where request.is_last_seen
