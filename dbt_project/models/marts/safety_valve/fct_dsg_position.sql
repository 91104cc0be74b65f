with known as (
    {{ as_known(
        ref('int_safety_valve_finance__told'),
        keys=['block', 'line_code', 'measure', 'quarter'],
        figures=['value_gbp'],
        labels=['line_label']
    ) }}
)

select
    {{ surrogate_key([
        'la_code', 'financial_year', 'block', 'line_code', 'measure', 'quarter', 'submission_id'
    ]) }} as dsg_position_key,
    la_code,
    {{ financial_period_key('financial_year', 'quarter') }} as period_key,
    financial_year,
    block,
    line_code,
    line_label,
    measure,
    quarter,
    {{ financial_period_end('financial_year', 'quarter') }} as period_end,
    value_gbp,
    stage,
    known_from,
    known_to,
    is_current,
    -- A plan or budget that is approved anew restates nothing.
    is_restated and measure not in ('agreement', 'plan', 'budget') as is_restated,
    submission_id
from known
