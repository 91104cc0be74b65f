-- Three visits of two schools in 2024/25 and one in 2025/26, and a school that nobody visited.
insert into marts.fct_outreach_activity_visit by name
select
    'visit ' || row_number() over () as outreach_visit_key,
    '372' as la_code,
    right(left(academic_year, 4), 2) || right(academic_year, 2) as period_key,
    academic_year,
    urn,
    'key ' || urn as setting_key,
    'site ' || urn as site_key,
    'INCLUSION' as team_code,
    'ADVICE' as activity_code,
    visit_date::date as visit_date,
    1 as pupil_count,
    is_repeat,
    'outreach ' || academic_year as submission_id
from (
    values
    ('202425', '900001', '2024-10-10', false), ('202425', '900001', '2024-11-11', true), ('202425', '900002', '2025-03-03', false),
    ('202526', '900001', '2025-10-10', false)
) as visits (academic_year, urn, visit_date, is_repeat);

insert into marts.fct_outreach_activity_school by name
select
    'school ' || urn || ' ' || academic_year as outreach_school_key,
    '372' as la_code,
    right(left(academic_year, 4), 2) || right(academic_year, 2) as period_key,
    academic_year,
    'site ' || urn as site_key,
    'key ' || urn as setting_key,
    true as is_expected,
    visit_count,
    visit_count as pupil_count,
    repeat_visit_count,
    0 as requested_visit_count,
    request_window_code is not null as is_year_of_first_visit,
    request_window_code,
    if(request_window_code = 'whole', 3, null) as request_before_count,
    if(request_window_code = 'whole', 4, null) as request_after_count,
    suspension_window_code,
    if(suspension_window_code = 'whole', 9, null) as suspension_before_count,
    if(suspension_window_code = 'whole', 0, null) as suspension_after_count,
    'outreach ' || academic_year as submission_id
from (
    values
    ('202425', '900001', 2, 1, 'whole', 'whole'), ('202425', '900002', 1, 0, 'not_over', 'before_not_known'),
    ('202425', '900003', 0, 0, null, null), ('202526', '900001', 1, 0, null, null)
) as schools (academic_year, urn, visit_count, repeat_visit_count, request_window_code, suspension_window_code);
