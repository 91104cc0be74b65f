-- Marts of two EHC plans returns, of 2025 (r25) and 2026 (r26), of invented children, in which no rule finds anything.
-- 1 to 40 have held plans for years. In each of 2024 and 2025 ten asked for an assessment (2401 to 2410, 2501 to 2510):
-- 1 to 5 got a plan, 4 after an exception to the 20 weeks and 5 late, 6 was refused one, 7 and 8 an assessment, 9 waits,
-- 10 withdrew; and two plans ceased (3001 and 3002 in 2024, 3101 and 3102 in 2025).
insert into control.submission by name
select
    'r' || return_year as submission_id,
    'sen2' as return_id,
    'accepted' as status,
    make_timestamp(return_year + 2000, 3, 1, 9, 0, 0) as received_at,
    true as is_current
from (values (25), (26)) as returns (return_year);

insert into marts.dim_submission by name
select
    submission_id,
    return_id
from control.submission
where return_id = 'sen2';

insert into marts.dim_placement_group by name
select *
from (
    values
    ('mainstream_academy', 'mainstream_total'), ('special_academy', 'special_total'),
    ('placement_unknown', 'placement_unknown')
) as lines (placement_line_code, placement_group_code);

insert into marts.dim_need by name
select * from (values ('ASD'), ('SLCN'), ('UNKNOWN')) as needs (need_code);

create temp table ehc_case as
select
    years.activity_year,
    held.n as person,
    null::date as received_date,
    'H' as outcome,
    null::date as outcome_date,
    'H' as issue,
    null::date as issue_date,
    case when held.n > 3000 then date '2019-01-10' else date '2020-03-01' end as start_date,
    case when held.n > 3000 and held.ends = years.activity_year then make_date(held.ends, 5, 31) end as cease_date
from (values (2024), (2025)) as years (activity_year)
inner join (
    select unnest(range(1, 41)) as n, null as ends
    union all
    select n, ends from (values (3001, 2024), (3002, 2024), (3101, 2025), (3102, 2025)) as ended (n, ends)
) as held
    on held.ends is null or held.ends >= years.activity_year
union all
select
    years.activity_year,
    (years.activity_year - 2000) * 100 + cases.n,
    make_date(years.activity_year, 2, 1),
    cases.outcome,
    case when cases.outcome in ('Y', 'N') then make_date(years.activity_year, 3, 10) end,
    cases.issue,
    make_date(years.activity_year, cases.issue_month, 10),
    case when cases.issue = 'Y' then make_date(years.activity_year, cases.issue_month, 10) end,
    null
from (values (2024), (2025)) as years (activity_year)
cross join (
    values
    (1, 'Y', 'Y', 6), (2, 'Y', 'Y', 6), (3, 'Y', 'Y', 6), (4, 'Y', 'Y', 6), (5, 'Y', 'Y', 9), (6, 'Y', 'N', 5),
    (7, 'N', null, null), (8, 'N', null, null), (9, 'A', null, null), (10, 'W', null, null)
) as cases (n, outcome, issue, issue_month)
union all
-- The new plans of 2024 a year later.
select
    2025,
    2400 + n,
    null,
    'H',
    null,
    'H',
    null,
    make_date(2024, if(n = 5, 9, 6), 10),
    null
from range(1, 6) as plans (n);

insert into marts.dim_child by name
select distinct
    'child-' || person as child_key,
    2025 as first_return_year,
    2026 as last_return_year
from ehc_case;

insert into marts.fct_ehc_request by name
select
    activity_year || '-request-' || person as ehc_request_key,
    '372' as la_code,
    activity_year,
    'child-' || person as child_key,
    received_date,
    outcome as request_outcome_code,
    outcome_date as request_outcome_date,
    issue as assessment_outcome_code,
    issue_date as assessment_outcome_date,
    issue is not null as has_assessment,
    person % 100 = 4 and outcome = 'Y' as has_20_week_exception,
    received_date is not null as is_received_in_year,
    outcome_date is not null as is_decided_in_year,
    issue_date is not null as is_assessment_in_year,
    issue is not distinct from 'Y' as is_in_20_week_population,
    is_in_20_week_population and not has_20_week_exception as is_in_20_week_population_without_exceptions,
    case when issue = 'Y' then datediff('day', received_date, issue_date) end as days_to_issue,
    case when days_to_issue <= 140 then 'within_20_weeks' when days_to_issue <= 364 then '20_to_52_weeks' end as issue_band,
    'r' || right((activity_year + 1)::varchar, 2) as submission_id
from ehc_case;

insert into marts.fct_ehc_plan by name
select
    activity_year || '-plan-' || person as ehc_plan_key,
    '372' as la_code,
    activity_year,
    activity_year || '-request-' || person as ehc_request_key,
    'child-' || person as child_key,
    start_date,
    issue as assessment_outcome_code,
    issue = 'Y' as is_new_in_year,
    cease_date,
    case when cease_date is not null then '2' end as cease_reason_code,
    cease_date is not null as is_ceased_in_year,
    'r' || right((activity_year + 1)::varchar, 2) as submission_id
from ehc_case
where start_date is not null;

insert into marts.fct_ehc_plan_census by name
select
    days.view_code || '-' || days.census_year || '-' || plan.child_key as ehc_plan_census_key,
    plan.la_code,
    days.census_year,
    days.census_day,
    days.view_code,
    plan.child_key,
    plan.ehc_plan_key,
    plan.start_date,
    case when plan.child_key = 'child-40' then 'special_academy' else 'mainstream_academy' end as placement_line_code,
    case when days.view_code = 'own_return' then days.census_year || '-placement-' || plan.child_key end as ehc_placement_key,
    case when plan.child_key = 'child-39' then 'UNKNOWN' else 'ASD' end as primary_need_code,
    plan.submission_id
from marts.fct_ehc_plan as plan
inner join (
    values
    (2024, 'own_return', 2025, date '2025-01-16'), (2025, 'own_return', 2026, date '2026-01-15'),
    (2024, 'next_return', 2024, date '2024-01-18'), (2025, 'next_return', 2025, date '2025-01-16')
) as days (activity_year, view_code, census_year, census_day)
    on
        plan.activity_year = days.activity_year
        and plan.start_date <= days.census_day
        and coalesce(plan.cease_date >= days.census_day, true);

-- Child 38 has left another placement behind.
insert into marts.fct_ehc_placement by name
select
    held.ehc_placement_key || places.suffix as ehc_placement_key,
    held.la_code,
    held.census_year,
    held.census_day,
    plan.ehc_request_key,
    held.child_key,
    places.is_counted as is_on_census_day,
    places.is_counted,
    held.placement_line_code,
    held.submission_id
from marts.fct_ehc_plan_census as held
inner join marts.fct_ehc_plan as plan
    on held.ehc_plan_key = plan.ehc_plan_key
inner join (values ('', true), ('-left', false)) as places (suffix, is_counted)
    on places.is_counted or held.child_key = 'child-38'
where held.view_code = 'own_return';

insert into marts.fct_annual_review by name
select
    ehc_plan_census_key as annual_review_key,
    la_code,
    census_year - 1 as activity_year,
    census_day,
    ehc_plan_key,
    child_key,
    year(start_date) < census_year - 1 as is_review_expected,
    submission_id
from marts.fct_ehc_plan_census
where view_code = 'own_return';

-- Children with an even number have a second need.
insert into marts.bridge_child_need by name
select
    held.ehc_plan_census_key || needs.need_code as child_need_key,
    held.la_code,
    held.census_year,
    held.ehc_plan_census_key,
    held.child_key,
    needs.need_code,
    needs.need_code = 'ASD' as is_primary,
    held.submission_id
from marts.fct_ehc_plan_census as held
inner join (values ('ASD'), ('SLCN')) as needs (need_code)
    on needs.need_code = 'ASD' or right(held.child_key, 1)::integer % 2 = 0
where held.view_code = 'own_return' and held.primary_need_code = 'ASD';

insert into marts.fct_census_day_difference by name
select
    'in_both' as census_day_difference_key,
    '372' as la_code,
    2025 as census_year,
    date '2025-01-16' as census_day,
    'in_both' as reason_code,
    47 as own_return_count,
    47 as next_return_count,
    0 as difference_count;

insert into control.submission_table by name
select submission_id, 'sen2_request' as table_name, count(*) as rows_landed from marts.fct_ehc_request group by all
union all
select submission_id, 'sen2_plan' as table_name, count(*) as rows_landed from marts.fct_ehc_plan group by all
union all
select submission_id, 'sen2_placement' as table_name, count(*) as rows_landed from marts.fct_ehc_placement group by all
union all
select submission_id, 'sen2_person' as table_name, 99 as rows_landed from control.submission where return_id = 'sen2';

drop table ehc_case;

-- The authority's own count of plans, beside the published one of the same cell.
insert into kpi.kpi_value by name
select * replace (
    kpi_value_key || '-local' as kpi_value_key,
    'local' as value_basis,
    47 as numerator,
    47 as value,
    'counted in the return' as method,
    'r25' as submission_id
)
from kpi.kpi_value
where kpi_id = 'ehcp_total' and area_role = 'own_authority';

insert into kpi.kpi_comparison by name
select
    own.kpi_value_key || '-published' as kpi_comparison_key,
    own.kpi_value_key,
    own.kpi_id,
    own.time_identifier,
    own.time_period,
    own.breakdown_topic,
    own.breakdown,
    'published_same_cell' as comparator_type,
    published.kpi_value_key as comparator_value_key,
    'explained' as difference_outcome,
    published.area_code as comparator_code,
    own.value,
    published.value as comparator_value,
    own.value - published.value as difference
from kpi.kpi_value as own
inner join kpi.kpi_value as published
    on own.kpi_id = published.kpi_id and own.area_code = published.area_code
where own.value_basis = 'local' and published.value_basis = 'published';

insert into kpi_internal.sen2_presubmission by name
select
    '372' as la_code, 2025 as return_year, 'caseload' as series_code, 'ehcplans' as measure_code, 'Total' as breakdown_topic,
    47 as return_count;

-- Statistics of the two returns as the models count them, and their comparison with DfE's tables.
update marts.fct_ehc_plan_census set period_key = case census_year when 2026 then '2526' when 2025 then '2425' else '2324' end;
update marts.fct_ehc_request set period_key = activity_year::varchar;

insert into marts.fct_ehc_statistic by name
select
    concat_ws('-', measure_code, time_period, breakdown) as ehc_statistic_key,
    '372' as la_code,
    breakdown = 'Total' as is_total,
    if(breakdown = 'Total', 'Total', 'Sex') as breakdown_topic,
    'standard' as definition_code,
    'r26' as submission_id,
    *
from (
    values
    ('caseload', 'ehcplans', 'Academic year', '202425', '2425', 'Total', 47),
    ('caseload', 'ehcplans', 'Academic year', '202526', '2526', 'Total', 50),
    ('caseload', 'ehcplans', 'Academic year', '202526', '2526', 'Female', 20),
    ('caseload', 'ehcplans', 'Academic year', '202526', '2526', 'Male', 30),
    ('caseload', 'mainstream_total', 'Academic year', '202526', '2526', 'Total', 49),
    ('caseload', 'special_total', 'Academic year', '202526', '2526', 'Total', 1),
    ('caseload', 'ap_pru_total', 'Academic year', '202526', '2526', 'Total', 0),
    ('caseload', 'fe_total', 'Academic year', '202526', '2526', 'Total', 0),
    ('caseload', 'ed_elsewhere', 'Academic year', '202526', '2526', 'Total', 0),
    ('caseload', 'nm_early_years', 'Academic year', '202526', '2526', 'Total', 0),
    ('caseload', 'placement_unknown', 'Academic year', '202526', '2526', 'Total', 0),
    ('requests', 'requests_received_in_year', 'Calendar year', '2025', '2025', 'Total', 10),
    ('annual_reviews', 'total_ehc_plans', 'Calendar year', '2025', '2025', 'Total', 50),
    ('annual_reviews', 'review_expected', 'Calendar year', '2025', '2025', 'Total', 45),
    ('annual_reviews', 'review_not_expected', 'Calendar year', '2025', '2025', 'Total', 5),
    ('timeliness_20_week', 'plans_issued_den', 'Calendar year', '2025', '2025', 'Total', 5),
    ('timeliness_20_week', 'plans_issued_within_20_weeks', 'Calendar year', '2025', '2025', 'Total', 4),
    ('timeliness_20_week', 'plans_issued_gt20weeks_ltyear', 'Calendar year', '2025', '2025', 'Total', 1),
    ('timeliness_20_week', 'plans_issued_gt_1_year', 'Calendar year', '2025', '2025', 'Total', 0)
) as cells (series_code, measure_code, time_identifier, time_period, period_key, breakdown, statistic_count);

insert into marts.fct_ehc_statistic_comparison by name
select
    'published-' || ehc_statistic_key as published_statistic_key,
    la_code,
    series_code,
    measure_code,
    time_identifier,
    time_period,
    if(is_total, 'All EHC plans', breakdown_topic) as breakdown_topic,
    if(is_total, 'All EHC plans', breakdown) as breakdown,
    statistic_count as published_value,
    statistic_count as local_value,
    0 as difference,
    'reproduced' as outcome,
    submission_id
from marts.fct_ehc_statistic;

-- A forecast from January 2026 and the back-test behind it.
insert into marts.fct_forecast_back_test by name
select
    'tested ' || la_code as forecast_back_test_key,
    la_code <> '005' as is_within,
    true as is_chosen
from (values ('001'), ('002'), ('003'), ('004'), ('005')) as tested (la_code);

insert into marts.fct_plan_forecast by name
select
    'forecast ' || horizon || age_group as plan_forecast_key,
    '001' as la_code,
    2026 as origin_year,
    'baseline' as scenario_code,
    'plans' as measure_code,
    2026 + horizon as census_year,
    horizon,
    age_group,
    'Total' as year_group,
    'Total' as need_code,
    'Total' as placement_group_code,
    'Total' as provision_code,
    'Total' as need_table_no,
    'Total' as ward_code,
    plan_count,
    plan_count - horizon as low_count,
    plan_count + horizon as high_count
from (
    values (0, 'Total', 40), (0, 'Under 5', 10), (0, '5 to 10', 30), (1, 'Total', 42), (1, 'Under 5', 9), (1, '5 to 10', 33)
) as told (horizon, age_group, plan_count);

insert into marts.fct_place_gap by name
select
    'gap ' || horizon as place_gap_key,
    '001' as la_code,
    2026 + horizon as census_year,
    horizon,
    100 + 10 * horizon as plan_count,
    90 + 10 * horizon as demand_count,
    95 as capacity_count,
    10 * horizon - 5 as gap_count,
    10 * horizon - 9 as low_gap_count,
    10 * horizon + 2 as high_gap_count
from range(2) as years (horizon);

insert into marts.fct_placement_cost_forecast by name
select
    category || year as placement_cost_forecast_key,
    '001' as la_code,
    'baseline' as scenario_code,
    year as financial_year,
    category as dsg_category_code,
    'FULL' as cost_basis,
    cost as cost_gbp,
    volume as volume_gbp,
    if(volume is null, null, -10) as mix_gbp,
    if(volume is null, null, 4) as price_gbp
from (values ('NMISS', '202526', 100, null), ('NMISS', '202627', 150, 56), ('Total', '202526', 100, null), ('Total', '202627', 150, 56))
    as told (category, year, cost, volume);
