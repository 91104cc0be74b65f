with known as (
    {{ as_known(
        ref('int_safety_valve_place__told'),
        keys=['quarter', 'provision_id'],
        figures=[
            'provision_name',
            'urn',
            'provision_type',
            'phase',
            'primary_need',
            'places_commissioned',
            'places_occupied',
            'places_planned_next_september',
            'opening_planned',
            'opening_actual',
            'capital_project_id',
            'capital_source',
            'capital_budget_gbp',
            'capital_spend_to_date_gbp',
            'capital_forecast_gbp',
            'rag'
        ]
    ) }}
)

select
    {{ surrogate_key([
        'known.la_code', 'known.financial_year', 'known.quarter', 'known.provision_id', 'known.submission_id'
    ]) }} as capital_place_key,
    known.la_code,
    {{ financial_quarter_key('known.financial_year', 'known.quarter') }} as period_key,
    known.financial_year,
    known.quarter,
    {{ financial_period_end('known.financial_year', 'known.quarter') }} as period_end,
    known.provision_id,
    known.provision_name,
    known.urn,
    setting.setting_key,
    known.provision_type,
    known.phase,
    known.primary_need,
    known.places_commissioned,
    known.places_occupied,
    known.places_planned_next_september,
    known.opening_planned,
    known.opening_actual,
    known.capital_project_id,
    known.capital_source,
    known.capital_budget_gbp,
    known.capital_spend_to_date_gbp,
    known.capital_forecast_gbp,
    known.capital_forecast_gbp - known.capital_budget_gbp as capital_variance_gbp,
    known.rag,
    known.stage,
    known.known_from,
    known.known_to,
    known.is_current,
    known.is_restated,
    known.submission_id
from known
left join {{ ref('dim_setting') }} as setting -- at most one
    on known.urn = setting.urn
