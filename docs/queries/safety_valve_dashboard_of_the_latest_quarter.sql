-- Question: Where does the safety valve agreement stand at the latest quarter: money, plans, conditions, places?
-- Asked by: Finance officers, for the quarterly monitoring by DfE and the schools forum
-- Answer: The dashboard of the latest quarter that was returned, one row for each measure and item in the order of the parts, with
--   headings to paste from and the release that it belongs to.
-- Caveats: Not suppressed: costs and small numbers of places are in it. Figures as they are known now: a restated one is marked.
--   A variance above nought is good of balances and bad of spending: read the column that says so. The layout is the
--   authority's own, not a form of DfE.
with latest as (
    select
        la_code,
        max(period_end) as period_end
    from kpi_internal.safety_valve_dashboard
    where quarter is not null
    group by la_code
)

-- noqa: disable=RF04,RF05,RF06
select
    released.release_id as "Release",
    dashboard.period_label as "Period",
    dashboard.section_name as "Part",
    dashboard.measure_name as "Measure",
    dashboard.item_name as "Of what",
    dashboard.unit as "Unit",
    dashboard.agreed_value as "Agreed",
    dashboard.plan_value as "Plan",
    dashboard.budget_value as "Budget",
    dashboard.actual_value as "At the quarter end",
    dashboard.forecast_value as "Forecast",
    dashboard.forecast_of as "Forecast of",
    dashboard.variance_value as "Variance",
    dashboard.variance_against as "Variance against",
    case
        when dashboard.is_variance_adverse then 'adverse'
        when not dashboard.is_variance_adverse then 'not adverse'
    end as "Variance is",
    dashboard.movement_value as "Moved since last quarter",
    case
        when dashboard.is_movement_adverse then 'adverse'
        when not dashboard.is_movement_adverse then 'not adverse'
    end as "Movement is",
    if(dashboard.is_restated, 'restated', null) as "Restated"
from kpi_internal.safety_valve_dashboard as dashboard
inner join latest
    on
        dashboard.la_code = latest.la_code
        and dashboard.period_end = latest.period_end
cross join meta.release as released
where dashboard.quarter is not null
order by dashboard.la_code, dashboard.line_order
