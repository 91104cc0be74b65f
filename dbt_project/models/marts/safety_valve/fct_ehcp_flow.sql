with known as (
    {{ as_known(
        ref('int_safety_valve_flow__told'),
        keys=['flow_code', 'measure', 'quarter'],
        figures=['flow_count']
    ) }}
)

select
    {{ surrogate_key([
        'la_code', 'financial_year', 'flow_code', 'measure', 'quarter', 'submission_id'
    ]) }} as ehcp_flow_key,
    la_code,
    {{ financial_period_key('financial_year', 'quarter') }} as period_key,
    financial_year,
    flow_code,
    measure,
    quarter,
    {{ financial_period_end('financial_year', 'quarter') }} as period_end,
    flow_count,
    stage,
    known_from,
    known_to,
    is_current,
    is_restated,
    submission_id
from known
