select
    landed.submission_id,
    landed.source_row,
    counted.la_code,
    counted.financial_year,
    counted.quarter,
    landed.condition_id,
    landed.condition_text,
    landed.condition_source,
    landed.workstream,
    landed.owner_role,
    landed.milestone,
    landed.due_date,
    landed.rag,
    landed.rag_previous,
    landed.kpi_id,
    landed.evidence_ref,
    landed.closed_date
from {{ ref('stg_safety_valve__condition') }} as landed
inner join {{ ref('int_safety_valve_return__counted') }} as counted
    on landed.submission_id = counted.submission_id
where landed.condition_id is not null
