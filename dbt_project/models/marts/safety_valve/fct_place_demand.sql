with known as (
    {{ as_known(
        ref('int_safety_valve_demand__told'),
        keys=['quarter', 'provision_type', 'academic_year', 'scenario'],
        figures=['demand_places', 'funded_capacity', 'gap_places']
    ) }}
)

select
    {{ surrogate_key([
        'la_code', 'financial_year', 'quarter', 'provision_type', 'academic_year', 'scenario', 'submission_id'
    ]) }} as place_demand_key,
    la_code,
    {{ financial_quarter_key('financial_year', 'quarter') }} as period_key,
    financial_year,
    quarter,
    {{ financial_period_end('financial_year', 'quarter') }} as period_end,
    provision_type,
    academic_year,
    scenario,
    demand_places,
    funded_capacity,
    gap_places,
    stage,
    known_from,
    known_to,
    is_current,
    is_restated,
    submission_id
from known
