-- Two sound returns, in which no rule finds anything: q1 and q2 of 2025-26.
insert into service_plan_cover by name
select 'q' || quarter as submission_id, 'Q' || quarter || ' cover.csv' as source_file, 1 as source_row, *
from (
    values (1, '372', '202526', 1, date '2025-06-30', 1), (2, '372', '202526', 2, date '2025-09-30', 1)
) as covers (record, la_code, financial_year, quarter, as_of, version);

insert into service_plan_action by name
select
    submission_id,
    'Q' || quarter || ' actions.csv' as source_file,
    action.number as source_row,
    10 * cover.record + action.number as record,
    cover.record as parent_record,
    action.* exclude (number)
from service_plan_cover as cover
cross join (
    values
    (1, 'PC-01', 'PEER_CHALLENGE', 'Weekly look at late plans', 'EHC manager', date '2025-04-01', date '2025-12-31', null, 'IN_PROGRESS', null, null,
        'ehcp_20_weeks_excl_exceptions_pct'),
    (2, 'AI-02', 'INSPECTION', 'One list of children who wait', 'Commissioner', date '2025-05-01', date '2025-06-30', date '2025-11-30', 'IN_PROGRESS',
        null, null, 'therapy_waiting_total'),
    (3, 'ST-03', 'STRATEGY', 'Guidance for schools', 'Inclusion lead', date '2025-04-01', date '2025-06-15', null, 'COMPLETED', date '2025-06-10',
        'SEND board 12, item 4', null),
    (4, 'ST-04', 'STRATEGY', 'New place planning', 'Sufficiency lead', date '2025-10-01', date '2026-03-31', null, 'NOT_STARTED', null, null, null)
) as action (
    number, action_id, source, title, owner_role, start_date, due_date, revised_due_date, status, completed_date, evidence_ref, kpi_id
);
