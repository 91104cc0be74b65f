insert into seed.kpi_breakdown_topic
values ('Total', false), ('Sex', false), ('Ward', true);

insert into disclosure.money_topic
values ('Total');

-- Figures of the authority's own returns: 20 new plans, of 3 girls (suppressed) and 17 boys (who would give the girls away),
-- and 12 of 40 requests refused.
insert into kpi.kpi_value by name
select
    'E08000018' as area_code,
    'local_authority' as area_level,
    'own_authority' as area_role,
    '372' as la_code,
    '202324' as time_period,
    'Academic year' as time_identifier,
    date '2023-09-01' as period_start,
    'reported' as value_status,
    'r25' as submission_id,
    'local' as value_basis,
    'computed from the returns' as method,
    *
from (
    values
    ('local-plans', 'ehcp_new', 'count', 'Total', 'Total', 20, null, 20),
    ('local-girls', 'ehcp_new', 'count', 'Sex', 'Female', 3, null, 3),
    ('local-boys', 'ehcp_new', 'count', 'Sex', 'Male', 17, null, 17),
    ('local-refused', 'ehc_requests_refused_pct', 'percent', 'Total', 'Total', 12, 40, 30)
) as cells (kpi_value_key, kpi_id, unit, breakdown_topic, breakdown, numerator, denominator, value);

-- Two years before, of which nothing is suppressed: of the six figures by sex two are.
insert into kpi.kpi_value by name
select
    'E08000018' as area_code,
    'local_authority' as area_level,
    '372' as la_code,
    'Academic year' as time_identifier,
    'reported' as value_status,
    'r25' as submission_id,
    'local' as value_basis,
    'computed from the returns' as method,
    'ehcp_new' as kpi_id,
    'count' as unit,
    'Sex' as breakdown_topic,
    numerator as value,
    *
from (
    values
    ('girls 202223', '202223', date '2022-09-01', date '2023-08-31', 'Female', 12),
    ('boys 202223', '202223', date '2022-09-01', date '2023-08-31', 'Male', 18),
    ('girls 202122', '202122', date '2021-09-01', date '2022-08-31', 'Female', 11),
    ('boys 202122', '202122', date '2021-09-01', date '2022-08-31', 'Male', 21)
) as cells (kpi_value_key, time_period, period_start, period_end, breakdown, numerator);

insert into intermediate.int_kpi__local_cell by name
select
    kpi_value_key as cell_key,
    time_identifier,
    time_period,
    numerator as cell_count,
    numerator as people_count,
    false as is_already_published
from kpi.kpi_value
where starts_with(kpi_value_key, 'girls ') or starts_with(kpi_value_key, 'boys ');

insert into intermediate.int_kpi__local_component
select
    cell_key as kpi_value_key,
    'numerator' as part,
    1 as weight,
    cell_key
from intermediate.int_kpi__local_cell;

insert into intermediate.int_kpi__local_cell by name
select
    cell_key,
    'Academic year' as time_identifier,
    '202324' as time_period,
    cell_count,
    cell_count as people_count,
    false as is_already_published
from (
    values ('plans', 20), ('girls', 3), ('boys', 17), ('refused', 12), ('requests', 40), ('plans held', 47),
    ('pupils on roll', 220), ('pupils with sen', 44), ('pupils on support', 33), ('pupils with a plan', 11)
) as cells (cell_key, cell_count);

insert into intermediate.int_kpi__local_component
values
('local-plans', 'numerator', 1, 'plans'),
('local-girls', 'numerator', 1, 'girls'),
('local-boys', 'numerator', 1, 'boys'),
('local-refused', 'numerator', 1, 'refused'),
('local-refused', 'denominator', 1, 'requests');

insert into intermediate.int_kpi__local_component
select
    kpi_value_key,
    'numerator' as part,
    1 as weight,
    'plans held' as cell_key
from kpi.kpi_value
where kpi_id = 'ehcp_total' and value_basis = 'local';

insert into intermediate.int_kpi__local_component
select
    kpi_value.kpi_value_key,
    parts.part,
    1 as weight,
    parts.cell_key
from kpi.kpi_value as kpi_value
inner join (
    values
    ('pupils_on_roll', 'numerator', 'pupils on roll'), ('sen_pupils_pct', 'numerator', 'pupils with sen'),
    ('sen_pupils_pct', 'denominator', 'pupils on roll'), ('sen_support_pct', 'numerator', 'pupils on support'),
    ('sen_support_pct', 'denominator', 'pupils on roll'), ('ehcp_pupils_pct', 'numerator', 'pupils with a plan'),
    ('ehcp_pupils_pct', 'denominator', 'pupils on roll')
) as parts (kpi_id, part, cell_key)
    on kpi_value.kpi_id = parts.kpi_id
where kpi_value.value_basis = 'local';

insert into disclosure.cell
select
    cell_key,
    cell_count,
    people_count,
    is_already_published as is_fixed,
    case cell_key when 'girls' then 'primary' when 'boys' then 'secondary' end as kind,
    false as is_known
from intermediate.int_kpi__local_cell
union all
select
    'not refused' as cell_key,
    28 as cell_count,
    28 as people_count,
    false as is_fixed,
    null as kind,
    false as is_known;

insert into disclosure.attacked_cell
values ('girls', 1, 19, 'kept'), ('boys', 1, 19, 'kept');

insert into disclosure.line
values
('plans by sex', 'plans', true),
('plans by sex', 'girls', false),
('plans by sex', 'boys', false),
('refused within requests', 'requests', true),
('refused within requests', 'refused', false),
('refused within requests', 'not refused', false);

insert into disclosure.value_cell
select distinct
    kpi_value_key,
    cell_key
from intermediate.int_kpi__local_component;

insert into disclosure.suppressed_value
values ('local-girls'), ('local-boys');

insert into kpi_open.kpi_value
select * replace (
    case when suppressed.kpi_value_key is null then numerator end as numerator,
    case when suppressed.kpi_value_key is null then value end as value,
    case when suppressed.kpi_value_key is null then value_status else 'confidential' end as value_status,
    case when suppressed.kpi_value_key is null then symbol else 'c' end as symbol
)
from kpi.kpi_value
left join disclosure.suppressed_value as suppressed using (kpi_value_key);

insert into kpi_open.kpi_comparison from kpi.kpi_comparison;
insert into kpi_open.kpi_catalogue from kpi.kpi_catalogue;

insert into kpi_open.kpi_availability by name
select availability.* replace (
    coalesce(shown.value_count, 0) as value_count,
    coalesce(shown.local_value_count, 0) as local_value_count
)
from kpi.kpi_availability as availability
left join (
    select
        kpi_id,
        count(value) as value_count,
        count(value) filter (where value_basis = 'local') as local_value_count
    from kpi_open.kpi_value
    where area_role in ('own_authority', 'own_provider')
    group by kpi_id
) as shown using (kpi_id);

insert into kpi_internal.sen2_presubmission by name
select '372' as la_code, 2024 as return_year, 'Total' as breakdown_topic, *
from (
    values ('newplans', 'new_ehc_plans', 20), ('requests', 'requests_decided_not_to_assess', 12)
) as lines (series_code, measure_code, return_count);
