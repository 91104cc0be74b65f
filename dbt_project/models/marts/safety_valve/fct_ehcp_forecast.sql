with known as (
    {{ as_known(
        ref('int_safety_valve_ehcp__told'),
        keys=['measure_group', 'category_code', 'measure', 'quarter'],
        figures=['plan_count'],
        labels=['category_label']
    ) }}
)

select
    {{ surrogate_key([
        'la_code', 'financial_year', 'measure_group', 'category_code', 'measure', 'quarter', 'submission_id'
    ]) }} as ehcp_forecast_key,
    la_code,
    {{ financial_period_key('financial_year', 'quarter') }} as period_key,
    financial_year,
    measure_group,
    category_code,
    category_label,
    measure,
    quarter,
    {{ financial_period_end('financial_year', 'quarter') }} as period_end,
    plan_count,
    stage,
    known_from,
    known_to,
    is_current,
    -- A plan or budget that is approved anew restates nothing.
    is_restated and measure not in ('agreement', 'plan', 'budget') as is_restated,
    submission_id
from known
