select
    landed.submission_id,
    landed.source_row,
    landed.row_person_ref,
    landed.plan_ref,
    landed.plan_stage as plan_stage_code,
    landed.audit_stage as audit_stage_code,
    landed.auditor as auditor_code,
    landed.auditor_role as auditor_role_code,
    landed.audited_on,
    landed.child_voice as child_voice_code,
    landed.needs as needs_code,
    landed.outcomes as outcomes_code,
    landed.provision as provision_code,
    landed.health as health_code,
    landed.care as care_code,
    landed.plain_words as plain_words_code,
    landed.overall_grade as overall_grade_code
from {{ source('ehc_plan_audit', 'plan_audit') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
