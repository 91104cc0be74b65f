select
    landed.submission_id,
    landed.source_row,
    landed.provider_code,
    landed.service_request_ref,
    landed.care_contact_ref,
    landed.contact_date,
    landed.consultation_type_code,
    landed.attendance_status_code,
    coalesce(landed.notified_code = 'Y', false) as is_notified,
    landed.location_type_code,
    landed.group_therapy_code = 'Y' as is_group_therapy,
    landed.cancellation_date,
    landed.earliest_offer_date,
    landed.is_reportable
from {{ source('therapy_waiting_list', 'therapy_appointment') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
