-- The last delivery that tells of a contact describes it.
with last_told as (
    select *
    from {{ ref('int_therapy_contact__told') }}
    qualify row_number() over (
        partition by provider_code, care_contact_ref
        order by snapshot_date desc
    ) = 1
),

requests as (
    select
        submission_id,
        provider_code,
        service_request_ref,
        la_code,
        service_key,
        child_key,
        is_known_child,
        has_ehc_plan,
        primary_need_code,
        ward_code,
        sex_code,
        birth_month,
        referral_purpose_code,
        is_reportable
    from {{ ref('int_therapy_request__linked') }}
)

select
    {{ surrogate_key(['contact.provider_code', 'contact.care_contact_ref']) }} as therapy_appointment_key,
    case when requests.service_request_ref is not null then {{ therapy_referral_key('requests') }} end
        as therapy_referral_key,
    own_authority.setting_value as la_code,
    {{ provider_key('contact.provider_code') }} as provider_key,
    requests.service_key,
    {{ month_key('contact.contact_date') }} as period_key,
    requests.child_key,
    coalesce(requests.is_known_child, false) as is_known_child,
    requests.has_ehc_plan,
    requests.primary_need_code,
    requests.sex_code,
    -- Only the month of birth is held: a birthday in the month of the contact counts as passed.
    cast(
        datediff('month', cast(requests.birth_month || '-01' as date), contact.contact_date) // 12 as integer
    ) as age_at_contact,
    requests.ward_code,
    requests.referral_purpose_code,
    contact.contact_date,
    contact.consultation_type_code,
    contact.attendance_status_code,
    contact.contact_group_code,
    coalesce(contact.contact_group_code = 'attended', false) as is_attended,
    coalesce(contact.contact_group_code = 'missed', false) as is_missed,
    coalesce(contact.contact_group_code = 'cancelled', false) as is_cancelled,
    contact.is_first_appointment,
    contact.is_notified,
    contact.location_type_code,
    contact.is_group_therapy,
    contact.cancellation_date,
    contact.earliest_offer_date,
    contact.snapshot_date as last_told_date,
    -- What is of a row that cannot be reported cannot be either.
    contact.is_reportable and coalesce(requests.is_reportable, false) as is_reportable,
    contact.submission_id
from last_told as contact
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
left join requests -- at most one
    on
        contact.submission_id = requests.submission_id
        and contact.service_request_ref = requests.service_request_ref
