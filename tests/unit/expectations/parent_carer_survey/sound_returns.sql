-- Two sound surveys, in which no landing rule finds anything: y25 and y26. Of y26 64 of 210 members answered.
insert into survey by name
select 'y' || right(survey_year::varchar, 2) as submission_id, survey_year || ' cover.csv' as source_file, 1 as source_row, *
from (
    values
    (1, '372', 2025, 1, date '2025-03-03', date '2025-03-28', 200, 50),
    (2, '372', 2026, 1, date '2026-03-02', date '2026-03-27', 210, 64)
) as surveys (record, la_code, survey_year, version, opened_on, closed_on, member_count, response_count);

insert into survey_answer by name
select
    submission_id,
    right(year(closed_on)::varchar, 4) || ' answers.csv' as source_file,
    answer.number as source_row,
    10 * survey.record + answer.number as record,
    survey.record as parent_record,
    answer.question,
    answer.theme,
    answer.respondent_count,
    answer.first_choice_count,
    answer.rank
from survey
cross join (
    values
    (1, 'PRIORITY', 'SCHOOL_SUPPORT', 30, 14, 1), (2, 'PRIORITY', 'HEALTH', 22, 12, 2), (3, 'PRIORITY', 'TRANSPORT', 5, 0, 3),
    (4, 'POSITIVE', 'STAFF', 28, null, null), (5, 'POSITIVE', 'HEALTH', 0, null, null), (6, 'BARRIER', 'HEALTH', 31, null, null)
) as answer (number, question, theme, respondent_count, first_choice_count, rank);
