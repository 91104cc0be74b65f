select
    landed.submission_id,
    landed.source_row,
    landed.condition_id,
    landed.condition_text,
    landed.source as condition_source,
    landed.workstream,
    landed.owner_role,
    landed.milestone,
    landed.due_date,
    landed.rag,
    landed.rag_previous,
    landed.kpi_id,
    landed.evidence_ref,
    landed.closed_date
from {{ source('safety_valve', 'sv_condition') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
