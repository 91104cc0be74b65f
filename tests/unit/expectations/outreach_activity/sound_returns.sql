-- Two sound returns, in which no rule finds anything: y25 and y26.
insert into outreach_cover by name
select 'y' || right(year_ending::varchar, 2) as submission_id, year_ending || ' cover.csv' as source_file, 1 as source_row, *
from (
    values (1, '372', 2025, 1), (2, '372', 2026, 1)
) as covers (record, la_code, year_ending, version);

insert into outreach_visit by name
select
    submission_id,
    year_ending || ' visits.csv' as source_file,
    visit.number as source_row,
    10 * cover.record + visit.number as record,
    cover.record as parent_record,
    visit.urn,
    visit.team,
    visit.activity,
    visit.need,
    make_date(year_ending, 2, visit.day) - visit.days_waited as requested_on,
    make_date(year_ending, 2, visit.day) as visited_on,
    visit.pupil_count,
    visit.outcome
from outreach_cover as cover
cross join (
    values
    (1, '900001', 'INCLUSION', 'ADVICE', 'SEMH', 3, 14, 1, 'STRATEGIES'), (2, '900001', 'AUTISM', 'OBSERVATION', 'ASD', 4, 40, 2, 'FOLLOW_UP'),
    (3, '900002', 'INCLUSION', 'TRAINING', 'SEVERAL', 5, null, 0, 'NO_FURTHER')
) as visit (number, urn, team, activity, need, day, days_waited, pupil_count, outcome);
