-- Sound school censuses as landing holds them. Records are numbered 1 on in spring 2025 (s25, a primary school), 101 on in
-- summer (m25), 201 on in autumn (a25), 301 on in a special school (p25), 401 on in a nursery school (n25) and 501 on in a
-- council's own extract without a header (x19). The last record of the primary school is a leaver. A child's record has
-- the number of its pupil; a second one of the same pupil has 1000 more, a third 2000.

create temp table sound_return as
select *
from (
    values
    ('s25', 0, 'SPR', 2025, date '2025-01-16', 'PS', 'R', '6', 21, date '2024-12-13', date '2024-11-04'),
    ('m25', 100, 'SUM', 2025, date '2025-05-15', 'PS', 'R', '6', 21, date '2025-03-20', date '2025-02-03'),
    ('a25', 200, 'AUT', 2025, date '2025-10-02', 'PS', 'R', '6', 21, date '2025-07-18', date '2025-05-06'),
    ('p25', 300, 'SPR', 2025, date '2025-01-16', 'SP', 'R', '6', 10, null, null),
    ('n25', 400, 'SPR', 2025, date '2025-01-16', 'NS', 'N1', 'N2', 5, null, null),
    ('x19', 500, 'SPR', 2019, date '2019-01-17', null, null, null, 3, null, null)
) as returns (
    submission_id, before, term_code, census_year, reference_date, phase_code, lowest, highest, pupils, leaving_date,
    suspension_date
);

insert into census_return by name
select
    submission_id,
    submission_id || '.xml' as source_file,
    case when phase_code is null then 0 else 1 end as source_row,
    before + 1 as record,
    case when phase_code is not null then 'SC' end as collection,
    term_code,
    census_year,
    reference_date,
    '372' as lea_code,
    '0000' as estab_code,
    case when phase_code is not null then '999001' end as urn
from sound_return;

insert into census_school by name
select
    submission_id,
    submission_id || '.xml' as source_file,
    2 as source_row,
    before + 1 as record,
    before + 1 as parent_record,
    phase_code,
    lowest as lowest_year_group_code,
    highest as highest_year_group_code
from sound_return
where phase_code is not null;

create temp table sound_pupil as
select
    sound_return.*,
    before + pupil as record,
    pupil,
    submission_id || '.xml' as source_file,
    leaving_date is not null and pupil = pupils as is_leaver,
    case
        when phase_code = 'SP' then 'E'
        when phase_code = 'NS' then case when pupil = 1 then 'K' else 'N' end
        when pupil = 1 then 'E'
        when pupil <= 3 then 'K'
        else 'N'
    end as provision,
    -- Aged 5 to 10 on 31 August before census day, in years 1 to 6; in the nursery school 3.
    make_date(
        case when phase_code = 'NS' then 2021 else census_year - 6 + cast(term_code = 'AUT' as integer) - pupil % 6 end, 3, 10
    ) as birth_date
from sound_return
inner join (select unnest(range(1, 22)) as pupil) as numbers on numbers.pupil <= sound_return.pupils;

-- UPNs of an establishment numbered 0000, which no school is; the check letter by the sum of places and digits.
insert into census_pupil by name
select
    submission_id,
    source_file,
    record as source_row,
    record,
    before + 1 as parent_record,
    record as person_record,
    case when is_leaver then 'OFF' else 'ON' end as roll_code,
    substr(
        'ABCDEFGHJKLMNPQRTUVWXYZ',
        1 + (list_sum(list_transform(range(1, 13), lambda place: (place + 1) * digits[place]::bigint)) % 23)::bigint,
        1
    ) || digits as upn,
    'Zzinvented' || translate(record::varchar, '0123456789', 'abcdefghij') as surname,
    'Quillo' as forename,
    birth_date,
    case when pupil % 2 = 0 then 'F' else 'M' end as sex_code,
    case when term_code = 'SPR' and phase_code is not null then 'WBRI' end as ethnicity_code,
    case when not is_leaver then 'C' end as enrolment_status_code,
    date '2023-09-04' - case when census_year = 2019 then 3000 else 0 end as entry_date,
    case when is_leaver then leaving_date end as leaving_date,
    case when is_leaver then null when phase_code = 'NS' then 'N2' else (1 + pupil % 6)::varchar end as year_group_code,
    case when phase_code is not null then '0' end as part_time_code,
    case when not is_leaver then provision end as sen_provision_code,
    case when phase_code in ('PS', 'NS') and provision <> 'N' and not is_leaver then '0' end as sen_unit_code,
    case when phase_code in ('PS', 'NS') and provision <> 'N' and not is_leaver then '0' end as resourced_provision_code,
    case when phase_code is not null and not is_leaver then (provision = 'E')::integer::varchar end as top_up_funding_code,
    case when phase_code in ('PS', 'SP') then 140 end as sessions_possible,
    case when term_code = 'AUT' then 60 end as second_half_sessions_possible
from (select *, '372000021' || lpad(record::varchar, 3, '0') as digits from sound_pupil) as pupils;

insert into census_sen_need by name
select
    submission_id,
    source_file,
    after + record as source_row,
    after + record as record,
    record as parent_record,
    record as person_record,
    case when rank = '2' then 'SLCN' when provision = 'K' and pupil = 3 then 'NSA' else 'ASD' end as sen_type_code,
    rank as sen_type_rank_code
from sound_pupil
inner join (values ('1', 0), ('2', 1000)) as ranks (rank, after) on ranks.rank = '1' or sound_pupil.pupil = 1
where term_code = 'SPR' and provision <> 'N';

insert into census_address by name
select
    submission_id,
    source_file,
    record as source_row,
    record,
    record as parent_record,
    record as person_record,
    case when phase_code is not null then 'ZZ99 1AA' end as postcode,
    case when phase_code is not null and pupil <> 20 then pupil::varchar end as paon,
    case when phase_code is not null and pupil <> 20 then 'Zzelm Street' end as street,
    case when pupil = 20 then 'Zzhouse' end as address_line_1,
    case when pupil = 20 then 'Zzash Lane' end as address_line_2
from sound_pupil
where not is_leaver;

insert into census_fsm_period by name
select
    submission_id,
    source_file,
    after + record as source_row,
    after + record as record,
    record as parent_record,
    record as person_record,
    first_day as start_date,
    last_day as end_date,
    'ENG' as uk_country_code
from sound_pupil
cross join (
    values (0, date '2023-09-04', date '2024-03-31'), (1000, date '2024-09-02', null)
) as periods (after, first_day, last_day)
where phase_code = 'PS' and pupil = 2;

insert into census_session by name
select
    submission_id,
    source_file,
    after + record as source_row,
    after + record as record,
    record as parent_record,
    record as person_record,
    period as attendance_period_code,
    code as attendance_code,
    codes.sessions
from sound_pupil
inner join (
    values (0, 'TERM', 'I', 4), (1000, 'TERM', '/', 100), (2000, 'HALF2', 'I', 2)
) as codes (after, period, code, sessions) on codes.period = 'TERM' or sound_pupil.term_code = 'AUT'
where phase_code in ('PS', 'SP');

insert into census_suspension by name
select
    submission_id,
    source_file,
    record as source_row,
    record,
    record as parent_record,
    record as person_record,
    case when is_leaver then leaving_date - 3 else suspension_date end as start_date,
    case when not is_leaver then 4 end as sessions,
    case when is_leaver then 'PERM' else 'SUSP' end as category_code,
    'K' as sen_provision_code,
    'DB' as reason_1_code
from sound_pupil
where phase_code = 'PS' and (is_leaver or pupil = 3);

insert into submission_file by name
select
    submission_id,
    'school_census' as return_id,
    source_file,
    'census_pupil' as table_name,
    count(*) as row_count
from sound_pupil
group by all;

-- The register: the school; one that became an academy of the same number; and one closed on a day that nobody knows.
insert into establishment_register.establishment by name
select
    'gias' as submission_id,
    'register.csv' as source_file,
    row_number() over () as source_row,
    '372' as la_code,
    *
from (
    values
    ('999001', '0', '1', '', ''),
    ('999002', '1', '2', '', '31-08-2024'),
    ('999003', '1', '1', '01-09-2024', ''),
    ('999004', '4', '2', '', null)
) as schools (urn, establishment_number, status_code, open_date, close_date);

drop table sound_pupil;
drop table sound_return;
