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
