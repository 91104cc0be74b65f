-- Marts of safety valve returns of 2023-24 (final) and 2024-25 (four quarters), beside published figures, in which no rule finds
-- anything. In 2024 ten plans were issued, and there are as many new ones in the EHC marts; in January 2025 there are as many plans.
insert into seed.kpi_definition values ('invented_measure');

insert into marts.fct_high_needs_line by name
select
    line_code || measure as high_needs_line_key,
    '372' as la_code,
    '202324' as financial_year,
    line_code,
    measure,
    null::integer as quarter,
    if(line_code = 'TOTAL_HN', 12000000, 1000000) as value_gbp,
    'NET' as recoupment_basis,
    if(line_code = 'TOTAL_HN', 9000000, 0) as recoupment_gbp,
    true as is_current
from (
    select unnest(
        ['1.2.1', '1.2.2', '1.2.3', '1.2.4', '1.2.5', '1.2.6', '1.2.7', '1.2.8', '1.2.9', '1.2.10', '1.2.11', '1.2.13', 'TOTAL_HN']
    ) as line_code
) as lines
cross join (select unnest(['budget', 'outturn']) as measure) as measures;

insert into marts.fct_published_finance by name
select
    '372' as la_code, '202324' as financial_year, 55000000 as before_gbp, 9000000 as deducted_gbp, 46000000 as after_gbp,
    12000000 as s251_outturn_1_2_gbp;

insert into marts.fct_dsg_position by name
select
    measure || coalesce(quarter, 0) as dsg_position_key, '372' as la_code, '202324' as financial_year, 'HNB' as block,
    'INCOME' as line_code, measure, quarter, value_gbp, true as is_current
from (values ('outturn', null::integer, 46000000), ('forecast', 3, 40000000)) as income (measure, quarter, value_gbp);

insert into marts.fct_ehcp_flow by name
select
    'ISSUED' || period_end as ehcp_flow_key, '372' as la_code, 'ISSUED' as flow_code, 'actual' as measure, flow_count,
    period_end, true as is_current
from (
    select
        unnest([date '2024-03-31', date '2024-06-30', date '2024-09-30', date '2024-12-31', date '2025-03-31']) as period_end,
        unnest([1, 2, 1, 1, 99]) as flow_count
) as quarters;

insert into marts.fct_ehcp_forecast by name
select
    'january' as ehcp_forecast_key, '372' as la_code, '202425' as financial_year, 'TOTAL' as measure_group, 'TOTAL' as category_code,
    'sen2_january' as measure, (
        select count(*) from marts.fct_ehc_plan_census where view_code = 'own_return' and census_year = 2025 and la_code = '372'
    ) as plan_count, true as is_current;

insert into marts.fct_agreement_condition by name
select condition_id as agreement_condition_key, condition_id, kpi_id, true as is_current
from (values ('SVC-01', 'invented_measure'), ('SVC-02', null)) as conditions (condition_id, kpi_id);

insert into marts.fct_dsg_bridge by name
select
    'bridge' || status as dsg_bridge_key, '372' as la_code, if(status = 'published', 'outturn', 'forecast') as basis,
    closing_gbp, published_closing_gbp, rounded as published_rounded_to_gbp, status as published_status
from (values ('published', -5930000, -5930000, 10000), ('forecast', -900, -535000, 1000)) as balances
    (status, closing_gbp, published_closing_gbp, rounded);

-- The worked example: a budget with the places of academies, an outturn without them.
insert into marts.fct_high_needs_variance by name
select
    'place_funding' as high_needs_variance_key, 'outturn' as basis, 18000000 as budget_gbp, 'GROSS' as budget_recoupment_basis,
    8600000 as spending_gbp, 'NET' as spending_recoupment_basis, 9291335 as spending_recoupment_gbp, -108665 as variance_gbp;

insert into marts.fct_reform_plan_value by name
select
    concat_ws(' ', table_no, item, value_type) as reform_plan_value_key, '372' as la_code, table_no, 2025 as calendar_year,
    item as age_group, item = 'Total' as is_total, value, value_type
from (
    values
    ('5.1', 'U5', 'ACTUAL', 100), ('5.1', '5-10', 'ACTUAL', 200), ('5.1', 'Total', 'ACTUAL', 300),
    ('5.1', 'U5', 'PROJECTION', 100), ('5.1', '5-10', 'PROJECTION', 200), ('5.1', 'Total', 'PROJECTION', 305),
    ('6', 'HspAP', 'ACTUAL', 20), ('6', 'NOT_LISTED', 'ACTUAL', 280), ('6', 'Total', 'ACTUAL', 300)
) as figures (table_no, item, value_type, value);

insert into kpi_internal.safety_valve_dashboard by name
select
    '372' as la_code, '202425' as financial_year, quarter, 'position_closing' as measure_code, 'ALL' as item_code, forecast_value,
    variance_value, movement_value
from (values (2, -1000, -400, -600), (null, -900, -300, 100)) as quarters (quarter, forecast_value, variance_value, movement_value);
