-- Two sound returns, in which no rule finds anything: y25 and y26.
insert into my_return_cover by name
select 'y' || right(return_year::varchar, 2) as submission_id, return_year || ' cover.csv' as source_file, 1 as source_row, *
from (
    values (1, '372', 2025, 1), (2, '372', 2026, 1)
) as covers (record, la_code, return_year, version);

insert into my_return_line by name
select
    submission_id,
    return_year || ' lines.csv' as source_file,
    line.number as source_row,
    10 * cover.record + line.number as record,
    cover.record as parent_record,
    line.request_kind,
    line.made_count,
    line.met_count
from my_return_cover as cover
cross join (values (1, 'ADVICE', 12, 9), (2, 'LOAN', 8, 8), (3, 'VISIT', 0, 0)) as line (number, request_kind, made_count, met_count);
