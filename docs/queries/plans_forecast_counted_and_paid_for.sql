-- Question: Are there more EHC plans than the recovery plan expected, and what does the high needs block spend for each?
-- Asked by: The schools forum, cabinet, and DfE (deficit)
-- Answer: One row for each financial year: plans that the agreement or plan expects at its end, the forecast of the first and of
--   the latest quarter, plans counted at the latest quarter end, the January count, spending of the high needs block (the
--   outturn, until then the latest forecast), and spending for each plan of January.
-- Caveats: The block pays for more than plans (SEN support top-ups, alternative provision), so pounds a plan compare years, not
--   authorities; a return can leave out what is deducted at source (fct_high_needs_line). In money of the year. Drafts of the
--   return make no figure.
with plans as (
    select
        la_code,
        financial_year,
        max(plan_count) filter (where measure = 'agreement') as agreed_count,
        max(plan_count) filter (where measure = 'plan') as planned_count,
        arg_min(plan_count, quarter) filter (where measure = 'forecast') as first_forecast_count,
        arg_max(plan_count, quarter) filter (where measure = 'forecast') as latest_forecast_count,
        arg_max(plan_count, quarter) filter (where measure = 'actual') as counted_count,
        max(plan_count) filter (where measure = 'sen2_january') as january_count
    from marts.fct_ehcp_forecast
    where
        is_current
        and measure_group = 'TOTAL'
    group by la_code, financial_year
),

spending as (
    select
        la_code,
        financial_year,
        max(value_gbp) filter (where measure = 'outturn') as outturn_gbp,
        arg_max(value_gbp, quarter) filter (where measure = 'forecast') as forecast_gbp
    from marts.fct_dsg_position
    where
        is_current
        and block = 'HNB'
        and line_code = 'EXPENDITURE'
    group by la_code, financial_year
)

select
    plans.financial_year,
    coalesce(plans.agreed_count, plans.planned_count) as expected_count,
    plans.first_forecast_count,
    plans.latest_forecast_count,
    plans.counted_count,
    plans.january_count,
    coalesce(spending.outturn_gbp, spending.forecast_gbp) as high_needs_spending_gbp,
    if(spending.outturn_gbp is null, 'forecast', 'outturn') as spending_basis,
    round(high_needs_spending_gbp / plans.january_count) as gbp_per_plan
from plans
inner join spending
    on
        plans.la_code = spending.la_code
        and plans.financial_year = spending.financial_year
order by plans.financial_year
