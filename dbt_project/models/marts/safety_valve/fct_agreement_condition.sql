with known as (
    {{ as_known(
        ref('int_safety_valve_condition__told'),
        keys=['quarter', 'condition_id'],
        figures=[
            'condition_text',
            'condition_source',
            'workstream',
            'owner_role',
            'milestone',
            'due_date',
            'rag',
            'rag_previous',
            'kpi_id',
            'evidence_ref',
            'closed_date'
        ]
    ) }}
)

select
    {{ surrogate_key([
        'la_code', 'financial_year', 'quarter', 'condition_id', 'submission_id'
    ]) }} as agreement_condition_key,
    la_code,
    {{ financial_quarter_key('financial_year', 'quarter') }} as period_key,
    financial_year,
    quarter,
    {{ financial_period_end('financial_year', 'quarter') }} as period_end,
    condition_id,
    condition_text,
    condition_source,
    workstream,
    owner_role,
    milestone,
    due_date,
    rag,
    rag_previous,
    rag in ('G', 'C') as is_on_track,
    kpi_id,
    evidence_ref,
    closed_date,
    stage,
    known_from,
    known_to,
    is_current,
    is_restated,
    submission_id
from known
