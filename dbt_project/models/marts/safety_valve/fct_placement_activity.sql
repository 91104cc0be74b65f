with known as (
    {{ as_known(
        ref('int_safety_valve_unit_cost__told'),
        keys=['quarter', 'placement_code', 'cost_basis'],
        figures=[
            'average_places_plan',
            'average_places_forecast',
            'average_places_outturn',
            'cost_plan_gbp',
            'cost_forecast_gbp',
            'cost_outturn_gbp'
        ]
    ) }}
),

-- What the section 251 lines that mainly pay for a category are expected to cost, for every category that they pay for.
paid as (
    select
        spending.la_code,
        spending.financial_year,
        spending.quarter,
        paid_line.dsg_category_code,
        string_agg(spending.line_code, ', ' order by line.line_order) as main_s251_line_codes,
        if(
            count(spending.value_with_recoupment_gbp) = count(*), sum(spending.value_with_recoupment_gbp), null
        ) as main_lines_forecast_gbp
    from {{ ref('fct_high_needs_line') }} as spending
    inner join {{ ref('placement_category_line') }} as paid_line -- one line to many categories
        on spending.line_code = paid_line.line_code
    inner join {{ ref('s251_line') }} as line -- exactly one
        on spending.line_code = line.line_code
    where spending.is_current and spending.measure = 'forecast'
    group by spending.la_code, spending.financial_year, spending.quarter, paid_line.dsg_category_code
)

select
    {{ surrogate_key([
        'known.la_code', 'known.financial_year', 'known.quarter', 'known.placement_code', 'known.cost_basis',
        'known.submission_id'
    ]) }} as placement_activity_key,
    known.la_code,
    {{ financial_quarter_key('known.financial_year', 'known.quarter') }} as period_key,
    known.financial_year,
    known.quarter,
    {{ financial_period_end('known.financial_year', 'known.quarter') }} as period_end,
    known.placement_code,
    known.cost_basis,
    counted_plans.plan_count as plans_at_quarter_end,
    known.average_places_plan,
    known.average_places_forecast,
    known.average_places_outturn,
    known.cost_plan_gbp,
    known.cost_forecast_gbp,
    known.cost_outturn_gbp,
    {{ unit_cost('known.cost_plan_gbp', 'known.average_places_plan') }} as unit_cost_plan_gbp,
    {{ unit_cost('known.cost_forecast_gbp', 'known.average_places_forecast') }} as unit_cost_forecast_gbp,
    {{ unit_cost('known.cost_outturn_gbp', 'known.average_places_outturn') }} as unit_cost_outturn_gbp,
    paid.main_s251_line_codes,
    cast(paid.main_lines_forecast_gbp as bigint) as main_lines_forecast_gbp,
    known.stage,
    known.known_from,
    known.known_to,
    known.is_current,
    known.is_restated,
    known.submission_id
from known
left join {{ ref('fct_ehcp_forecast') }} as counted_plans -- at most one
    on
        known.la_code = counted_plans.la_code
        and known.financial_year = counted_plans.financial_year
        and known.quarter = counted_plans.quarter
        and known.placement_code = counted_plans.category_code
        and counted_plans.measure_group = 'PLACEMENT'
        and counted_plans.measure = 'actual'
        and counted_plans.is_current
left join paid -- at most one
    on
        known.la_code = paid.la_code
        and known.financial_year = paid.financial_year
        and known.quarter = paid.quarter
        and known.placement_code = paid.dsg_category_code
