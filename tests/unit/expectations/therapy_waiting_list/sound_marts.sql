-- Marts of four therapy waiting lists of one trust, of July to October 2025, in which no rule finds anything.
insert into marts.fct_therapy_referral by name
select
    therapy_referral_key,
    'rfr' as provider_key,
    'slt' as service_key,
    first_seen_date,
    referral_received_date,
    'open' as status_code,
    false as is_vanished,
    false as was_reopened,
    false as was_missing,
    false as was_redated,
    false as was_transferred,
    ehcp_known_code,
    has_ehc_plan,
    true as is_reportable
from (
    values
    ('first', date '2025-07-31', date '2024-01-01', 'Y', true),
    ('later', date '2025-10-31', date '2025-10-05', 'N', false)
) as referrals (therapy_referral_key, first_seen_date, referral_received_date, ehcp_known_code, has_ehc_plan);

insert into marts.fct_therapy_wait by name
select
    'wait-' || number as therapy_wait_key,
    'request-' || number as therapy_referral_key,
    'rfr' as provider_key,
    'slt' as service_key,
    date '2025-10-31' as snapshot_date,
    number < 19 as is_known_child
from range(20) as numbers (number);

insert into marts.fct_therapy_flow by name
select
    service_key || '-' || snapshot_date as therapy_flow_key,
    'rfr' as provider_key,
    service_key,
    snapshot_date,
    last_day(snapshot_date - interval 1 month) as previous_snapshot_date,
    20 as waiting_start_count,
    30 as waiting_end_count,
    0 as residual_count
from (values (date '2025-08-31'), (date '2025-09-30'), (date '2025-10-31')) as snapshots (snapshot_date)
cross join (values ('slt'), ('ot')) as services (service_key);

insert into marts.fct_therapy_wait_comparison by name
select
    'slt-total' as therapy_wait_comparison_key,
    'rfr' as provider_key,
    'slt' as service_key,
    'total' as band_code,
    60 as waiting_count,
    60 as sitrep_counted_count,
    100 as published_count,
    -40 as sitrep_difference_count,
    40 as declared_count,
    100 as accounted_count,
    0 as accounted_difference_count;

insert into intermediate.int_therapy_delivery__current
values
('list-1', 'RFR', '2025-08-31', null), ('list-2', 'RFR', '2025-09-30', '2025-08-31'),
('list-3', 'RFR', '2025-10-31', '2025-09-30'), ('other-3', 'RXE', '2025-10-31', null);

-- In October both trusts list one child, and the first another.
insert into staging.stg_therapy_waiting_list__referral
values
('list-2', 'row-1', 'request-1', 'number-1', 'F'), ('list-3', 'row-2', 'request-1', 'number-1', 'F'),
('list-3', 'row-3', 'request-2', 'number-2', 'M'), ('other-3', 'row-4', 'request-1', 'number-1', 'F');

insert into staging.stg_control__child_key
values
('list-2', 'row-1', 'child-1', 'first_seen', 'told-1'), ('list-3', 'row-2', 'child-1', 'nhs_number', 'told-1'),
('list-3', 'row-3', 'child-2', 'upn', 'told-2'), ('other-3', 'row-4', 'child-1', 'nhs_number', 'told-1');

-- Forty contacts kept or missed in each of thirteen months; of twelve, four and six of them missed by turns, of the last five.
insert into marts.fct_therapy_appointment by name
select
    'contact-' || month_number || '-' || contact_number as therapy_appointment_key,
    'rfr' as provider_key,
    'slt' as service_key,
    date '2024-10-15' + to_months(cast(month_number as integer)) as contact_date,
    date '2025-10-31' as last_told_date,
    contact_number < case when month_number = 12 then 5 when month_number % 2 = 0 then 4 else 6 end as is_missed,
    not is_missed as is_attended,
    true as is_reportable
from range(13) as months (month_number)
cross join range(40) as contacts (contact_number);

insert into control.submission_table
select submission_id, 'therapy_referral', 100
from intermediate.int_therapy_delivery__current;
