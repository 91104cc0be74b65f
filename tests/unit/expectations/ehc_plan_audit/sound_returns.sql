-- Two sound returns, in which no rule finds anything: y24 and y25. Numbers are invented; the first plan was audited twice.
insert into plan_audit_cover by name
select 'y' || right(audit_year::varchar, 2) as submission_id, audit_year || ' cover.csv' as source_file, 1 as source_row, *
from (
    values (1, '372', 2024, 1), (2, '372', 2025, 1)
) as covers (record, la_code, audit_year, version);

insert into plan_audit by name
select
    submission_id,
    audit_year || ' audits.csv' as source_file,
    audit.number as source_row,
    10 * cover.record + audit.number as record,
    cover.record as parent_record,
    10 * cover.record + audit.number as person_record,
    audit.plan_reference,
    audit.upn,
    audit.uln,
    audit.plan_stage,
    audit.audit_stage,
    audit.auditor,
    audit.auditor_role,
    make_date(audit_year, audit.month, 4) as audited_on,
    'MET' as child_voice,
    'MET' as needs,
    'PARTLY' as outcomes,
    'NOT_MET' as provision,
    'MET' as health,
    'MET' as care,
    'MET' as plain_words,
    audit.overall_grade
from plan_audit_cover as cover
cross join (
    values
    (1, 'P-1', 'E372400021001', null, 'FIRST_ISSUE', 'FIRST', 'A01', 'SEND_OFFICER', 3, 'GOOD'),
    (2, 'p- 1', 'E372400021001', null, 'FIRST_ISSUE', 'MODERATION', 'B02', 'PSYCHOLOGIST', 4, 'GOOD'),
    (3, 'P-2', null, '1000102504', 'LATER', 'FIRST', 'B02', 'HEALTH', 5, 'INADEQUATE'),
    (4, 'P-4', 'N372400021002', null, 'LATER', 'FIRST', 'B02', 'HEALTH', 5, 'OUTSTANDING'),
    (5, 'P-5', 'N372400021003', null, 'FIRST_ISSUE', 'FIRST', 'C03', 'SCHOOL', 6, 'REQUIRES_IMPROVEMENT'),
    (6, 'P-6', 'N372400021004', '1000102505', 'FIRST_ISSUE', 'FIRST', 'C03', 'OUTSIDE', 7, 'GOOD')
) as audit (
    number, plan_reference, upn, uln, plan_stage, audit_stage, auditor, auditor_role, month, overall_grade
);
