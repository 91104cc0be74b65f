-- Marts of school censuses of invented pupils, in which no rule finds anything. Two schools, one of 200 pupils and one of 20
-- that the register lacks, sent spring 2024, autumn 2024 and spring 2025. Of every 20 pupils one has a plan and three are
-- on SEN support. Those with a plan are children of the EHC plans returns. In spring 2025 the larger school has a leaver.
create temp table census as
select
    census_period || '-' || la_estab as submission_id,
    *
from (
    values
    ('2024-01', 'SPR', '202324', date '2024-01-18'), ('2024-10', 'AUT', '202425', date '2024-10-03'),
    ('2025-01', 'SPR', '202425', date '2025-01-16')
) as censuses (census_period, term_code, academic_year, census_day)
cross join (
    values ('3724001', 'setting-1', 1, 200), ('3724002', null, 201, 220)
) as schools (la_estab, setting_key, first_pupil, last_pupil);

insert into control.submission by name
select
    submission_id,
    'school_census' as return_id,
    'accepted' as status,
    timestamp '2025-02-01 09:00' as received_at,
    true as is_current
from census;

insert into marts.dim_submission by name
select
    submission_id,
    'school_census' as return_id
from census;

insert into intermediate.int_census__completeness by name
select
    '372' as la_code,
    census_period,
    1 as expected_school_count,
    1 as landed_expected_school_count,
    1 as unexpected_school_count
from census
group by census_period;

insert into marts.fct_census_pupil by name
select
    submission_id || '-' || n as census_pupil_key,
    '372' as la_code,
    census_period,
    academic_year,
    term_code,
    census_day,
    if(n % 20 = 1, 'child-' || (n // 20 + 1), 'pupil-' || n) as child_key,
    true as is_counted,
    'C' as enrolment_status_code,
    setting_key,
    la_estab,
    case when n % 20 = 1 then 'E' when n % 20 in (2, 3, 4) then 'K' else 'N' end as sen_provision_code,
    case when n % 20 = 1 then 'EHC plan' when n % 20 in (2, 3, 4) then 'SEN support' else 'No SEN' end as sen_provision_group,
    case when term_code = 'SPR' and n % 20 in (1, 2, 3, 4) then 'ASD' end as primary_need_code,
    case when n % 20 in (1, 2, 3, 4) then 'ASD' end as derived_primary_need_code,
    case when n % 20 in (1, 2, 3, 4) then (left(academic_year, 4)::integer + 1) || '-01' end as need_census_period,
    submission_id
from census
cross join range(1, 221) as pupils (n)
where n between first_pupil and last_pupil;

insert into marts.dim_child by name
select distinct child_key
from marts.fct_census_pupil
where child_key like 'pupil-%'
union all
select 'pupil-left' as child_key;

insert into marts.bridge_census_need by name
select
    census_pupil_key || 'ASD' as census_need_key,
    la_code,
    census_period,
    census_pupil_key,
    child_key,
    'ASD' as need_code,
    1 as need_rank,
    true as is_primary,
    submission_id
from marts.fct_census_pupil
where primary_need_code is not null;

insert into intermediate.int_census_pupil__described by name
select
    submission_id,
    census_pupil_key as row_person_ref,
    child_key,
    la_estab,
    la_estab as site_estab,
    census_period,
    true as is_on_roll,
    case when term_code = 'SPR' then 140 end as sessions_possible
from marts.fct_census_pupil
union all
select '2025-01-3724001', '2025-01-3724001-left', 'pupil-left', '3724001', '3724001', '2025-01', false, 120;

insert into control.submission_table by name
select
    submission_id,
    'census_pupil' as table_name,
    count(*) as rows_landed
from intermediate.int_census_pupil__described
group by submission_id;

insert into marts.fct_absence by name
select
    row_person_ref || '-absence' as absence_key,
    '372' as la_code,
    census_period,
    la_estab,
    site_estab,
    child_key,
    is_on_roll,
    sessions_possible as possible_session_count,
    if(is_on_roll, 10, 120) as authorised_session_count,
    0 as unauthorised_session_count,
    submission_id
from intermediate.int_census_pupil__described
where sessions_possible is not null;

-- Told by autumn 2024 and again by spring 2025, and by spring 2025 alone. One without a first day is left out.
insert into staging.stg_school_census__suspension by name
select
    census_period || '-3724001' as submission_id,
    census_period || '-3724001-' || n as row_person_ref,
    true as is_current,
    start_date,
    category_code
from (
    values
    ('2024-10', 3, date '2024-05-10', 'FIXD'), ('2025-01', 3, date '2024-05-10', 'SUSP'),
    ('2025-01', 3, date '2024-11-04', 'SUSP'), ('2025-01', 3, null, 'SUSP')
) as told (census_period, n, start_date, category_code);

insert into marts.fct_suspension by name
select
    'suspension-' || start_date as suspension_key,
    '372' as la_code,
    '3724001' as la_estab,
    '3724001' as site_estab,
    'pupil-3' as child_key,
    'SUSP' as category_code,
    '2025-01' as census_period,
    false as is_missing_from_later_return,
    '2025-01-3724001' as submission_id,
    *
from (
    values ('202324', 'SUM', date '2024-05-10'), ('202425', 'AUT', date '2024-11-04')
) as begun (academic_year, term_code, start_date);

insert into marts.fct_census_plan_difference by name
select
    '2025-' || reasons.reason_code as census_plan_difference_key,
    '372' as la_code,
    2025 as census_year,
    reasons.reason_code,
    reasons.reason_class,
    reasons.census_count,
    coalesce(reasons.sen2_count, plans.plan_count - 11) as sen2_count
from (
    values ('in_both', 'agrees', 11, 11), ('post_16', 'legitimate', 0, null)
) as reasons (reason_code, reason_class, census_count, sen2_count)
cross join (
    select count(*) as plan_count
    from marts.fct_ehc_plan_census
    where view_code = 'own_return' and census_year = 2025
) as plans;

drop table census;

insert into kpi.kpi_value by name
select
    kpi_id || '-local' as kpi_value_key,
    '202425' as time_period,
    'Academic year' as time_identifier,
    date '2024-09-01' as period_start,
    'Total' as breakdown_topic,
    'Total' as breakdown,
    'reported' as value_status,
    'local' as value_basis,
    'local_authority' as area_level,
    'own_authority' as area_role,
    'E08000018' as area_code,
    '372' as la_code,
    '2025-01-3724001' as submission_id,
    *
from (
    values
    ('pupils_on_roll', 'count', 220, null, 220),
    ('sen_pupils_pct', 'percent', 44, 220, 20),
    ('sen_support_pct', 'percent', 33, 220, 15),
    ('ehcp_pupils_pct', 'percent', 11, 220, 5)
) as cells (kpi_id, unit, numerator, denominator, value);

insert into kpi.kpi_value by name
select * replace (
    kpi_id || '-published' as kpi_value_key,
    'published' as value_basis,
    'ees' as submission_id
)
from kpi.kpi_value
where kpi_id in ('sen_support_pct', 'ehcp_pupils_pct') and value_basis = 'local';

insert into kpi.kpi_comparison by name
select
    kpi_value_key || '-published' as kpi_comparison_key,
    kpi_value_key,
    kpi_id,
    time_identifier,
    time_period,
    breakdown_topic,
    breakdown,
    'published_same_cell' as comparator_type,
    kpi_id || '-published' as comparator_value_key,
    'same' as difference_outcome,
    area_code as comparator_code,
    value,
    value as comparator_value,
    0 as difference
from kpi.kpi_value
where kpi_id in ('sen_support_pct', 'ehcp_pupils_pct') and value_basis = 'local';
