select
    {{ surrogate_key(['request.provider_code', 'request.service_request_ref', 'request.snapshot_date']) }} as therapy_wait_key,
    {{ therapy_referral_key('request') }} as therapy_referral_key,
    request.la_code,
    {{ provider_key('request.provider_code') }} as provider_key,
    request.service_key,
    {{ month_key('request.snapshot_date') }} as period_key,
    request.snapshot_date,
    delivery.is_latest,
    request.child_key,
    request.is_known_child,
    request.has_ehc_plan,
    request.primary_need_code,
    request.placement_group_code,
    request.nd_pathway_code,
    request.nd_question_code,
    cast(request.age_at_snapshot as integer) as age_at_snapshot,
    request.sex_code,
    request.ward_code,
    cast(request.imd_decile as integer) as imd_decile,
    request.is_resident,
    request.source_of_referral_code,
    request.priority_code,
    request.waiting_basis_code,
    request.clock_start_date,
    request.rtt_status_code,
    if(request.is_waiting, 'waiting', 'in_treatment') as status_code,
    request.is_waiting,
    cast(
        case when request.is_waiting then {{ clock_days('request.clock_start_date', 'request.snapshot_date') }} end as integer
    ) as wait_days,
    band.band_code,
    coalesce(band.is_within_18_weeks, false) as is_within_18_weeks,
    request.is_waiting and not coalesce(band.is_within_18_weeks, false) as is_over_18_weeks,
    coalesce(band.is_over_52_weeks, false) as is_over_52_weeks,
    coalesce(band.is_over_104_weeks, false) as is_over_104_weeks,
    request.is_waiting_for_outcome,
    cast(
        case
            when request.is_waiting_for_outcome
                then {{ clock_days('request.outcome_clock_start_date', 'request.snapshot_date') }}
        end as integer
    ) as outcome_wait_days,
    coalesce(request.rtt_status_code = '21', false) as is_transferred,
    request.is_reopened,
    request.is_vanished,
    request.is_sitrep_counted,
    request.is_reportable,
    request.submission_id
from {{ ref('int_therapy_request__linked') }} as request
inner join {{ ref('int_therapy_delivery__current') }} as delivery -- exactly one
    on request.submission_id = delivery.submission_id
left join {{ ref('waiting_band') }} as band -- at most one: over 52 weeks alone is the band of the workbooks of 2023
    on
        request.is_waiting
        and datediff('day', request.clock_start_date, request.snapshot_date) >= band.first_day
        and datediff('day', request.clock_start_date, request.snapshot_date) <= coalesce(band.last_day, 99999)
        and band.band_code <> 'w52_plus'
-- Advice for an EHC needs assessment is never in a waiting list.
where request.status_code = 'open' and request.referral_purpose_code = 'CORE'
