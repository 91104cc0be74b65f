-- Sound rows of the marts, in which no rule finds anything.
insert into marts.fct_my_return_line by name
select
    request_kind_code as my_return_line_key,
    '372' as la_code,
    '2026' as period_key,
    2026 as return_year,
    request_kind_code,
    10 as made_count,
    9 as met_count,
    'my_return 2026' as submission_id
from (values ('ADVICE'), ('VISIT'), ('LOAN')) as kinds (request_kind_code);
