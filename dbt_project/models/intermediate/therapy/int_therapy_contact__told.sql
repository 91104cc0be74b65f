-- Care contacts as each delivery that counts tells of them. What has happened is what lies on or before the snapshot.
with contacts as (
    select
        contact.*,
        delivery.snapshot_date,
        {{ contact_group('contact.attendance_status_code') }} as contact_group_code
    from {{ ref('stg_therapy_waiting_list__appointment') }} as contact
    inner join {{ ref('int_therapy_delivery__current') }} as delivery
        on contact.submission_id = delivery.submission_id
    where contact.care_contact_ref is not null
    -- A contact given twice is marked by its rule; one row of it stands.
    qualify row_number() over (
        partition by contact.submission_id, contact.care_contact_ref
        order by contact.is_reportable desc, contact.source_row asc
    ) = 1
)

select
    submission_id,
    provider_code,
    service_request_ref,
    care_contact_ref,
    snapshot_date,
    contact_date,
    consultation_type_code,
    attendance_status_code,
    contact_group_code,
    is_notified,
    location_type_code,
    is_group_therapy,
    cancellation_date,
    earliest_offer_date,
    is_reportable,
    -- The first appointment is the first that was kept or missed: one that was cancelled never took place.
    coalesce(
        contact_group_code in ('attended', 'missed')
        and contact_date <= snapshot_date
        and is_reportable
        and row_number() over (
            partition by submission_id, service_request_ref
            order by
                coalesce(
                    contact_group_code in ('attended', 'missed') and contact_date <= snapshot_date and is_reportable, false
                ) desc,
                contact_date asc,
                contact_group_code asc,
                is_notified desc,
                care_contact_ref asc
        ) = 1,
        false
    ) as is_first_appointment
from contacts
