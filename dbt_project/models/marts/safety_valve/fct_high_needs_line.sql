with known as (
    {{ as_known(
        ref('int_safety_valve_high_needs__told'),
        keys=['line_code', 'measure', 'quarter'],
        figures=['value_gbp'],
        terms=['recoupment_basis', 'recoupment_gbp'],
        labels=['line_label', 'hn_group', 'is_memo', 'value_with_recoupment_gbp']
    ) }}
)

select
    {{ surrogate_key([
        'la_code', 'financial_year', 'line_code', 'measure', 'quarter', 'submission_id'
    ]) }} as high_needs_line_key,
    la_code,
    {{ financial_period_key('financial_year', 'quarter') }} as period_key,
    financial_year,
    line_code,
    line_label,
    hn_group,
    is_memo,
    measure,
    quarter,
    {{ financial_period_end('financial_year', 'quarter') }} as period_end,
    value_gbp,
    recoupment_basis,
    recoupment_gbp,
    value_with_recoupment_gbp,
    stage,
    known_from,
    known_to,
    is_current,
    -- A plan or budget that is approved anew restates nothing.
    is_restated and measure not in ('agreement', 'plan', 'budget') as is_restated,
    submission_id
from known
