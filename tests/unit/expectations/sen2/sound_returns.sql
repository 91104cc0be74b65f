-- Sound returns of four years, r23 to r26, of invented people in an invented school, in which no landing rule finds
-- anything. r26 holds every kind of case, the others only plans held for years. A record has the number of its person:
-- person 1 made request 1, which has assessment 1, plan 1 and so on; second records of a person have numbers from 1001.
--
-- r26: 1 to 3 new plans, 1 with a personal budget; 4 refused, changed after mediation, new plan with an exception to
-- the 20 weeks; 5 moved in with a plan; 6 moved away before the assessment ended; 7 asked twice, refused and undecided;
-- 8 a plan ceased and, after a new assessment, another new one; 9 refused a plan; 10 withdrew; 11 to 170 have held
-- plans for years; 201 to 220 had plans that ceased.
insert into sen2_return by name
select
    'r' || right(return_year::varchar, 2) as submission_id,
    'return ' || return_year || '.xml' as source_file,
    1 as source_row,
    1 as record,
    'SEN2' as collection,
    'L' as source_level_code,
    '372' as lea_code,
    'Y' as dmo_code,
    'N' as dco_code,
    case when return_year >= 2025 then 'R' end as dsco_code,
    *
from (
    values (2023, date '2023-01-19'), (2024, date '2024-01-18'), (2025, date '2025-01-16'), (2026, date '2026-01-15')
) as years (return_year, reference_date);

-- One row a request, with all that follows from it.
create temp table case_history as
select
    header.submission_id,
    header.source_file,
    header.return_year,
    held.n as record,
    held.n as person,
    make_date(header.return_year - 9, 1 + held.n % 12, 1 + held.n % 28) as birth_date,
    null::date as received,
    'H' as outcome,
    null::date as outcome_day,
    '0' as mediation,
    null as exported,
    'H' as issue,
    null::date as issue_day,
    make_date(header.return_year - 3, 3, 1) as start_day,
    case when held.n > 200 then make_date(header.return_year - 1, 5, 31) end as cease_day,
    case when held.n > 200 then '3' end as cease_reason,
    null as transfer_la
from sen2_return as header
inner join (select unnest(range(11, 171)) as n union all select unnest(range(201, 221))) as held
    on header.return_year = 2026 or held.n between 11 and 13
union all
select
    'r26',
    'return 2026.xml',
    2026,
    * replace (
        birth_date::date as birth_date,
        received::date as received,
        outcome_day::date as outcome_day,
        issue_day::date as issue_day,
        start_day::date as start_day,
        cease_day::date as cease_day
    )
from (
    values
    (1, 1, '2017-05-01', '2025-02-03', 'Y', '2025-03-10', '0', null, 'Y', '2025-06-16', '2025-06-16', null, null, null),
    (2, 2, '2017-06-01', '2025-02-04', 'Y', '2025-03-11', '0', null, 'Y', '2025-06-17', '2025-06-17', null, null, null),
    (3, 3, '2017-07-01', '2025-02-05', 'Y', '2025-03-12', '0', null, 'Y', '2025-06-18', '2025-06-18', null, null, null),
    (4, 4, '2016-10-01', '2025-01-06', 'N', '2025-02-10', '1', null, 'Y', '2025-10-01', '2025-10-01', null, null, null),
    (5, 5, '2014-03-01', null, 'H', null, '0', null, 'H', null, '2022-04-01', null, null, '370'),
    (6, 6, '2018-03-01', '2025-09-01', 'Y', '2025-10-06', '0', '371', null, null, null, null, null, null),
    (7, 7, '2018-04-01', '2025-03-03', 'N', '2025-04-07', '0', null, null, null, null, null, null, null),
    (1007, 7, '2018-04-01', '2025-12-01', 'A', null, '0', null, null, null, null, null, null, null),
    (8, 8, '2006-05-01', null, 'H', null, '0', null, 'H', null, '2016-01-11', '2025-01-20', '6', null),
    (1008, 8, '2006-05-01', '2025-03-03', 'Y', '2025-04-07', '0', null, 'Y', '2025-07-14', '2025-07-14', null, null,
    null),
    (9, 9, '2017-01-15', '2025-04-01', 'Y', '2025-05-06', '0', null, 'N', '2025-07-15', null, null, null, null),
    (10, 10, '2017-02-15', '2025-05-01', 'W', null, '0', null, null, null, null, null, null, null)
) as cases (
    record, person, birth_date, received, outcome, outcome_day, mediation, exported, issue, issue_day, start_day,
    cease_day, cease_reason, transfer_la
);

create temp table plan_history as
select
    *,
    cease_day is null as is_held,
    year(start_day) < return_year - 1 as is_reviewed
from case_history
where start_day is not null;

-- UPNs of an establishment numbered 0000, which no school is; the check letter by the sum of places and digits.
insert into sen2_person by name
select
    * exclude (digits),
    substr(
        'ABCDEFGHJKLMNPQRTUVWXYZ',
        1 + (list_sum(list_transform(range(1, 13), lambda place: (place + 1) * digits[place]::bigint)) % 23)::bigint,
        1
    ) || digits as upn
from (
    select
        submission_id,
        source_file,
        person as source_row,
        person as record,
        1 as parent_record,
        person as person_record,
        'Zzinvented' || translate(person::varchar, '0123456789', 'abcdefghij') as surname,
        'Quillo' as forename,
        min(birth_date) as birth_date,
        case when person % 2 = 0 then 'F' else 'M' end as sex_code,
        'WBRI' as ethnicity_code,
        'ZZ99 1AA' as postcode,
        '372000021' || lpad(person::varchar, 3, '0') as digits
    from case_history
    group by submission_id, source_file, person
) as people;

insert into sen2_request by name
select
    submission_id,
    source_file,
    record as source_row,
    record,
    person as parent_record,
    person as person_record,
    received as received_date,
    case when outcome <> 'H' and return_year >= 2025 then '2' end as request_source_code,
    '0' as is_rya_code,
    outcome_day as request_outcome_date,
    outcome as request_outcome_code,
    mediation as request_mediation_code,
    '0' as request_tribunal_code,
    exported as exported_la_code
from case_history;

insert into sen2_assessment by name
select
    submission_id,
    source_file,
    record as source_row,
    record,
    record as parent_record,
    person as person_record,
    issue as assessment_outcome_code,
    issue_day as assessment_outcome_date,
    '0' as assessment_mediation_code,
    '0' as assessment_tribunal_code,
    '0' as other_mediation_code,
    '0' as other_tribunal_code,
    case when issue = 'Y' then (record = 4)::integer::varchar end as week20_exception_code
from case_history
where issue is not null;

insert into sen2_plan by name
select
    submission_id,
    source_file,
    record as source_row,
    record,
    record as parent_record,
    person as person_record,
    start_day as start_date,
    (record = 1)::integer::varchar as personal_budget_code,
    '0' as organised_arrangements_code,
    case when record = 1 then 'E' end as direct_payment_code,
    cease_day as cease_date,
    cease_reason as cease_reason_code
from plan_history;

insert into sen2_plan_setting by name
select
    submission_id,
    source_file,
    record as source_row,
    record,
    record as parent_record,
    person as person_record,
    '999001' as urn,
    '1' as placement_rank_code,
    '0' as sen_unit_code,
    '0' as resourced_provision_code
from plan_history;

insert into sen2_active_plan by name
select
    submission_id,
    source_file,
    record as source_row,
    record,
    record as parent_record,
    person as person_record,
    transfer_la as transfer_la_code,
    case when is_reviewed and return_year >= 2024 then make_date(return_year - 1, 5, 12) end as review_meeting_date,
    case when is_reviewed then make_date(return_year - 1, 6, 2) end as last_review_date,
    case when is_reviewed and return_year >= 2024 then 'M' end as review_outcome_code
from plan_history
where is_held;

-- The second placement, of persons with an even number, is beside the school.
insert into sen2_placement by name
select
    held.submission_id,
    held.source_file,
    ranks.record_from + held.record as source_row,
    ranks.record_from + held.record as record,
    held.record as parent_record,
    held.person as person_record,
    case when ranks.code = '1' then '999001' end as urn,
    case when ranks.code = '2' then 'OPA' end as sen_setting_code,
    ranks.code as placement_rank_code,
    make_date(year(held.start_day), 9, 1) as entry_date,
    case when held.return_year = 2023 then 'FT' end as attendance_pattern_code,
    case when ranks.code = '1' then '0' end as sen_unit_code,
    case when ranks.code = '1' then '0' end as resourced_provision_code
from plan_history as held
inner join (values ('1', 0), ('2', 2000)) as ranks (code, record_from)
    on ranks.code = '1' or held.record % 2 = 0
where held.is_held;

insert into sen2_need by name
select
    held.submission_id,
    held.source_file,
    ranks.record_from + held.record as source_row,
    ranks.record_from + held.record as record,
    held.record as parent_record,
    held.person as person_record,
    ranks.need as sen_type_code,
    ranks.code as sen_type_rank_code
from plan_history as held
inner join (values ('1', 'ASD', 0), ('2', 'SLCN', 2000)) as ranks (code, need, record_from)
    on ranks.code = '1' or held.record % 2 = 0
where held.is_held;

insert into submission_file by name
select
    header.submission_id,
    'sen2' as return_id,
    header.source_file,
    header.return_year::varchar as period,
    header.return_year::varchar as file_period,
    tables.table_name,
    case when tables.table_name = 'sen2_return' then 1 else 100 end as row_count
from sen2_return as header
cross join (
    values ('sen2_return'), ('sen2_person'), ('sen2_request'), ('sen2_assessment'), ('sen2_plan'),
    ('sen2_plan_setting'), ('sen2_active_plan'), ('sen2_placement'), ('sen2_need')
) as tables (table_name);

-- The register: the school, which has no unit; one with both kinds of provision, one that became an academy of the same
-- UKPRN, the higher education arm of a college, and one closed on a day that nobody knows.
insert into establishment_register.establishment by name
select
    'gias' as submission_id,
    'register.csv' as source_file,
    row_number() over () as source_row,
    '372' as la_code,
    *
from (
    values
    ('999001', '19990001', 'Quillmoor Primary School', '01', '1', '', 'Not applicable'),
    ('999002', '19990002', 'Tanglewick School', '01', '1', null, 'Resourced provision and SEN unit'),
    ('999003', '19990003', 'Foxwhistle School', '01', '2', '31-08-2025', null),
    ('999004', '19990003', 'Foxwhistle Academy', '34', '1', '', null),
    ('999005', null, 'Mossgrove College', '29', '1', '', null),
    ('999006', '19990006', 'Larkspindle School', '01', '2', '', null)
) as schools (
    urn, ukprn, establishment_name, type_code, status_code, close_date, resourced_provision_name
);

drop table plan_history;
drop table case_history;
