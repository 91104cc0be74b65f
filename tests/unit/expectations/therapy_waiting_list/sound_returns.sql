-- Sound therapy waiting lists as landing holds them: RFR's of March 2025 (r1, requests 1 to 12) and RXE's (x1, 101 to 103).
-- A request has the number of its record. Requests 1 and 12 are of one child. Contacts have the number of their request; a
-- second one of the same request has 1000 more.

insert into therapy_delivery by name
select
    submission_id,
    'therapy_wl_' || provider || '_2025-03-31_1_cover.csv' as source_file,
    1 as source_row,
    record,
    provider as provider_code,
    date '2025-03-31' as snapshot_date,
    date '2023-04-01' as period_start_date,
    1 as submission_sequence,
    date '2025-04-23' as extract_run_date,  -- a Wednesday, 15 working days later: Easter was on 20 April
    requests as referral_row_count,
    contacts as appointment_row_count,
    'FIRST_CONTACT' as waiting_basis_code
from (values ('r1', 'RFR', 1, 12, 6), ('x1', 'RXE', 100, 3, 2)) as delivered (submission_id, provider, record, requests, contacts);

insert into submission_file by name
select
    submission_id,
    'therapy_waiting_list' as return_id,
    source_file || ' and 2 more' as source_file,
    '2025-03' as period,
    unnest(['therapy_delivery', 'therapy_referral', 'therapy_appointment']) as table_name,
    unnest([1, referral_row_count, appointment_row_count]) as row_count,
    []::varchar [] as duplicate_columns,
    []::varchar [] as unknown_columns
from therapy_delivery;

insert into therapy_referral by name
select
    case when record > 100 then 'x1' else 'r1' end as submission_id,
    'therapy_wl_' || provider_code || '_2025-03-31_1_referrals.csv' as source_file,
    record as source_row,
    record,
    case when record > 100 then 100 else 1 end as parent_record,
    record as person_record,
    date '2025-03-31' as snapshot_date,
    provider_code,
    'SRV-' || record as service_request_id,
    'PAT-' || case when record = 12 then 1 else record end as local_patient_id,
    nhs_number,
    '01' as nhs_number_status_code,
    'Zzinvented' || translate(record::varchar, '0123456789', 'abcdefghij') as surname,
    'Quillo' as forename,
    birth_date,
    case when record % 2 = 0 then 'F' else 'M' end as sex_code,
    'ZZ99 3VZ' as postcode,
    'E08000018' as residence_la_code,
    case when record = 1 then 'E372400021001' end as upn,
    service_line_code,
    case service_line_code when 'SLT' then '33' when 'OT' then '23' when 'PHYSIO' then '26' when 'COMMPAED' then '06' end
        as team_type_code,
    case when service_line_code = 'NEURODEV' then if(record = 5, 'ND_0_5', 'ND_5_19') end as nd_pathway_code,
    case when service_line_code = 'NEURODEV' then 'AUTISM' end as nd_question_code,
    received as referral_received_date,
    case when record = 7 then 'LA_SEND' else 'SCHOOL' end as source_of_referral_code,
    case when record = 7 then 'EHC_ADVICE' else 'CORE' end as referral_purpose_code,
    '1' as priority_code,
    case when record not in (6, 7) then received end as clock_start_date,
    stopped as clock_stop_date,
    status as rtt_status_code,
    seen as first_attended_contact_date,
    case when record = 5 then date '2025-03-20' end as assessment_outcome_date,
    case when record = 6 then date '2025-02-13' end as referral_rejection_date,
    case when record = 6 then 'NOT_ELIGIBLE' end as referral_rejection_reason_code,
    ended as referral_closure_date,
    case when record = 8 then 'DNA' when ended is not null then 'COMPLETED' end as referral_closure_reason_code,
    ended as service_discharge_date,
    case when record = 6 then 'REJECTED' when ended is not null then 'DISCHARGED' else 'OPEN' end as declared_status_code
from (
    values
    (1, 'RFR', '9990000018', date '2018-05-10', 'SLT', date '2025-01-10', null, '20', null, null),
    (2, 'RFR', '9990000026', date '2015-06-11', 'OT', date '2024-10-02', date '2025-01-15', '30', date '2025-01-15', date '2025-03-05'),
    (3, 'RFR', '9990000034', date '2013-07-12', 'PHYSIO', date '2024-11-04', date '2025-02-12', '30', date '2025-02-12', null),
    (4, 'RFR', '9990000042', date '2020-08-13', 'COMMPAED', date '2024-12-03', null, '20', null, null),
    (5, 'RFR', '9990000050', date '2020-09-14', 'NEURODEV', date '2024-06-11', date '2025-02-20', '30', date '2025-02-20', null),
    (6, 'RFR', '9990000069', date '2016-10-15', 'SLT', date '2025-02-06', null, null, null, null),
    (7, 'RFR', '9990000077', date '2017-11-16', 'SLT', date '2025-03-05', null, null, null, null),
    (8, 'RFR', '9990000085', date '2014-12-17', 'SLT', date '2025-01-21', date '2025-03-11', '33', null, date '2025-03-18'),
    (9, 'RFR', '9990000093', date '2012-01-18', 'OT', date '2025-02-17', null, null, null, null),
    (10, 'RFR', '9990000107', date '2011-02-19', 'PHYSIO', date '2025-03-12', null, '20', null, null),
    (11, 'RFR', '9990000115', date '2019-03-20', 'OT', date '2024-09-12', date '2025-02-03', '31', date '2024-12-10', null),
    (12, 'RFR', '9990000018', date '2018-05-10', 'COMMPAED', date '2025-01-30', null, '20', null, null),
    (101, 'RXE', '9990000131', date '2010-04-21', 'CAMHS', date '2025-02-05', null, '20', null, null),
    (102, 'RXE', '9990000158', date '2015-05-22', 'NEURODEV', date '2024-05-08', null, '20', null, null),
    (103, 'RXE', '9990000166', date '2009-06-23', 'CAMHS', date '2024-07-09', date '2024-09-17', '30', date '2024-09-17', date '2024-12-17')
) as sound (record, provider_code, nhs_number, birth_date, service_line_code, received, stopped, status, seen, ended);

insert into therapy_appointment by name
select
    request.submission_id,
    replace(request.source_file, 'referrals', 'appointments') as source_file,
    contact.record as source_row,
    contact.record,
    request.parent_record,
    request.provider_code,
    request.service_request_id,
    'CC-' || contact.record as care_contact_id,
    contact.contact_date,
    contact.type as consultation_type_code,
    contact.attendance as attendance_status_code,
    'Y' as notified_code
from (
    values
    (2, 2, date '2025-01-15', '01', '5'),
    (3, 3, date '2025-02-12', '01', '6'),
    (5, 5, date '2025-02-20', '01', '5'),
    (8, 8, date '2025-03-11', '01', '3'),
    (10, 10, date '2025-04-15', '01', null),
    (11, 11, date '2024-12-10', '01', '5'),
    (103, 103, date '2024-09-17', '01', '5'),
    (1103, 103, date '2024-10-15', '02', '7')
) as contact (record, request, contact_date, type, attendance)
inner join therapy_referral as request on contact.request = request.record;

-- What RFR declares of speech and language therapy: 1 to 5 children a band, but none over 104 weeks.
insert into therapy_declared_wait by name
select
    'r1' as submission_id,
    'therapy_wl_RFR_2025-03-31_1_declared.csv' as source_file,
    record as source_row,
    record,
    1 as parent_record,
    date '2025-03-31' as snapshot_date,
    'RFR' as provider_code,
    'SLT' as service_line_code,
    band as waiting_band_code,
    children as declared_child_count
from (
    values
    (1, 'w00_01', 1), (2, 'w01_02', 2), (3, 'w02_04', 1), (4, 'w04_12', 5), (5, 'w12_18', 1), (6, 'w18_52', 2), (7, 'w52_104', 3),
    (8, 'w104_plus', 0)
) as sound (record, band, children);
