-- Marts and KPIs in which no mart or KPI rule finds anything. Tables come from the contracts of the dbt models.
insert into control.setting values ('la_code', '372');

insert into control.submission (submission_id, return_id, status, received_at, rows_landed)
values
('ees', 'published_statistics', 'accepted', timestamp '2025-07-01 09:00', 200),
('ees_2024', 'published_statistics', 'accepted', timestamp '2024-07-01 09:00', 1),
('chs', 'published_statistics', 'accepted', timestamp '2025-12-11 09:00', 6),
('chs_september', 'published_statistics', 'accepted', timestamp '2025-11-11 09:00', 2),
('empty', 'published_statistics', 'accepted', timestamp '2025-12-11 09:00', 0),
('unreadable', 'published_statistics', 'refused', timestamp '2025-12-11 09:00', 10);

insert into marts.dim_submission by name
select
    submission_id,
    return_id
from control.submission
where status = 'accepted';

insert into marts.dim_area by name
select
    'area-372' as area_key,
    'local_authority' as area_level,
    'E08000018' as area_code,
    'Rotherham' as area_name,
    '372' as la_code;

insert into marts.dim_area by name
select
    'area-' || number as area_key,
    'local_authority' as area_level,
    'E0' || number as area_code,
    'Authority ' || number as area_name,
    'L' || number as la_code
from range(1, 150) as authorities (number);

insert into marts.dim_area by name
select
    'area-england' as area_key,
    'england' as area_level,
    'E92000001' as area_code,
    'England' as area_name;

insert into marts.dim_period by name
select *
from (
    values
    ('2425', 'Academic year', '202425', date '2024-09-01', date '2025-08-31'),
    ('2324', 'Academic year', '202324', date '2023-09-01', date '2024-08-31'),
    ('september', 'September', '2025', date '2025-09-01', date '2025-09-30'),
    ('october', 'October', '2025', date '2025-10-01', date '2025-10-31')
) as periods (period_key, time_identifier, time_period, period_start, period_end);

insert into marts.dim_measure by name
select
    'ehcplans' as measure_key,
    'caseload' as series_code,
    'ehcplans' as measure_code,
    'count' as unit;

-- 150 authorities of 10 plans each; Rotherham's figure of the year before in two vintages.
insert into marts.fct_published_statistic by name
select
    'figure-' || area.area_key as published_statistic_key,
    'caseload' as series_code,
    'ehcplans' as measure_code,
    'ehcplans' as measure_key,
    area.area_key,
    '2425' as period_key,
    area.la_code,
    'All EHC plans' as breakdown_topic,
    'All EHC plans' as breakdown,
    true as is_total,
    case when area.area_level = 'england' then 1500 else 10 end as value,
    value::integer::varchar as value_text,
    'reported' as value_status,
    'EHC plans 2025' as release_name,
    2025 as release_year,
    1 as vintage_rank,
    true as is_latest_vintage,
    true as is_usable,
    'ees' as submission_id
from marts.dim_area as area;

insert into marts.fct_published_statistic by name
select
    'rotherham-2324-' || release_year as published_statistic_key,
    'caseload' as series_code,
    'ehcplans' as measure_code,
    'ehcplans' as measure_key,
    'area-372' as area_key,
    '2324' as period_key,
    '372' as la_code,
    'All EHC plans' as breakdown_topic,
    'All EHC plans' as breakdown,
    true as is_total,
    8 as value,
    '8' as value_text,
    'reported' as value_status,
    'EHC plans ' || release_year as release_name,
    release_year,
    case release_year when 2025 then 1 else 2 end as vintage_rank,
    release_year = 2025 as is_latest_vintage,
    true as is_usable,
    case release_year when 2025 then 'ees' else 'ees_2024' end as submission_id
from (values (2025), (2024)) as vintages (release_year);

insert into marts.dim_service by name
select
    'slt' as service_key,
    'cyp' as age_group,
    'therapy_interventions_speech_and_language' as service_line_code;

insert into marts.dim_provider by name
select *
from (
    values
    ('england', 'england', null, 'England'),
    ('rfr', 'provider', 'RFR', 'THE ROTHERHAM NHS FOUNDATION TRUST'),
    ('rxe', 'provider', 'RXE', 'ROTHERHAM DONCASTER AND SOUTH HUMBER NHS FOUNDATION TRUST')
) as providers (provider_key, org_level, org_code, org_name);

insert into marts.fct_community_wait_published by name
select
    providers.provider_key || '-' || bands.band_code as community_wait_key,
    providers.provider_key,
    'slt' as service_key,
    'october' as period_key,
    bands.band_code,
    case when providers.provider_key <> 'rxe' then bands.printed end as waiting_count,
    waiting_count::varchar as value_text,
    case when waiting_count is null then 'not_submitted' else 'reported' end as value_status,
    1 as vintage_rank,
    true as is_latest_vintage,
    true as is_usable,
    'chs' as submission_id
from marts.dim_provider as providers
cross join (
    values ('total', 182), ('w00_01', 162), ('w01_02', 20)
) as bands (band_code, printed);

insert into marts.fct_community_wait_published by name
select
    provider_key || '-september' as community_wait_key,
    provider_key,
    'slt' as service_key,
    'september' as period_key,
    'total' as band_code,
    240 as waiting_count,
    '240' as value_text,
    'reported' as value_status,
    1 as vintage_rank,
    true as is_latest_vintage,
    true as is_usable,
    'chs_september' as submission_id
from (values ('england'), ('rfr')) as providers (provider_key);

-- An earlier file of September, with the same figures.
insert into marts.fct_community_wait_published by name
select * replace (
    provider_key || '-september-before' as community_wait_key,
    2 as vintage_rank,
    false as is_latest_vintage,
    'chs_before' as submission_id
)
from marts.fct_community_wait_published
where submission_id = 'chs_september';

insert into seed.kpi_source
values ('ehcp_total', 'count', 'Total', 'Total', 'caseload', 'ehcplans');

insert into seed.total_counterpart
values ('caseload', 'ehcplans', 'sen_needs_all_plans', 'ehc_plans');

insert into kpi.kpi_catalogue by name
select *
from (
    values ('ehcp_total', 'count'), ('ehc_requests_refused_pct', 'percent'), ('ehcp_growth_12m_pct', 'percent'),
    ('placement_gap_to_england_pp', 'percentage_points')
) as kpis (kpi_id, unit);

insert into kpi.kpi_value by name
select
    kpi_id || '-' || area_code as kpi_value_key,
    '202425' as time_period,
    'Academic year' as time_identifier,
    date '2024-09-01' as period_start,
    'Total' as breakdown_topic,
    'Total' as breakdown,
    'reported' as value_status,
    'published' as value_basis,
    'ees' as submission_id,
    *
from (
    values
    ('ehcp_total', 'count', 'E08000018', 'local_authority', 'own_authority', '372', 10, null, 10, 'published figure'),
    ('ehcp_total', 'count', 'E92000001', 'england', 'england', null, 1500, null, 1500, 'published figure'),
    ('ehc_requests_refused_pct', 'percent', 'E08000018', 'local_authority', 'own_authority', '372', 304, 959, 31.6997, 'computed from published counts'),
    ('ehc_requests_refused_pct', 'percent', 'E92000001', 'england', 'england', null, 1, 4, 25, 'computed from published counts'),
    ('ehcp_growth_12m_pct', 'percent', 'E92000001', 'england', 'england', null, -30, 1530, -1.9608, 'computed from published counts'),
    ('placement_gap_to_england_pp', 'percentage_points', 'E08000018', 'local_authority', 'own_authority', '372', 40.6845, 43.5598, -2.8753, 'computed from published percentages')
) as cells (kpi_id, unit, area_code, area_level, area_role, la_code, numerator, denominator, value, method);

insert into kpi.kpi_value by name
select
    'ehcp_growth_12m_pct-E08000018' as kpi_value_key,
    'ehcp_growth_12m_pct' as kpi_id,
    'percent' as unit,
    'E08000018' as area_code,
    'local_authority' as area_level,
    'own_authority' as area_role,
    '372' as la_code,
    '202425' as time_period,
    'Academic year' as time_identifier,
    date '2024-09-01' as period_start,
    'Total' as breakdown_topic,
    'Total' as breakdown,
    'not_available' as value_status,
    'published' as value_basis,
    'x' as symbol,
    'ees' as submission_id;

insert into kpi.kpi_availability by name
select *
from (
    values
    ('ehcp_total', true, 'Available from published statistics.'),
    ('ehc_requests_refused_pct', true, 'Available from published statistics.'),
    ('placement_gap_to_england_pp', true, 'Available from published statistics.'),
    ('ehcp_growth_12m_pct', false, 'Not available: the publisher marked every figure as not available.')
) as kpis (kpi_id, is_available, reason);

insert into kpi.kpi_comparison by name
select
    own.kpi_value_key || '-england' as kpi_comparison_key,
    own.kpi_value_key,
    own.kpi_id,
    own.time_identifier,
    own.time_period,
    own.breakdown_topic,
    own.breakdown,
    'england' as comparator_type,
    england.kpi_value_key as comparator_value_key,
    'E92000001' as comparator_code,
    own.value,
    england.value as comparator_value,
    own.value - england.value as difference
from kpi.kpi_value as own
inner join kpi.kpi_value as england
    on own.kpi_id = england.kpi_id
where own.area_role = 'own_authority' and england.area_role = 'england';
