-- The children's lines are known before anything arrives, published or only in the local list; adult lines come from the
-- workbooks.
with workbook_lines as (
    select
        age_group,
        service_line_code,
        arg_max(service_line_name, (published_date, service_line_name)) as service_line_name
    from {{ ref('stg_published_statistics__community_wait') }}
    group by age_group, service_line_code
)

select
    {{ surrogate_key([
        'coalesce(line.age_group, workbook_lines.age_group)',
        'coalesce(line.service_line_code, workbook_lines.service_line_code)'
    ]) }} as service_key,
    coalesce(line.age_group, workbook_lines.age_group) as age_group,
    coalesce(line.service_line_code, workbook_lines.service_line_code) as service_line_code,
    coalesce(line.service_line_name, workbook_lines.service_line_name) as service_line_name,
    line.therapy_line,
    line.therapy_line_name,
    line.service_team_type_code,
    coalesce(line.is_suppressed_nationally, false) as is_suppressed_nationally,
    coalesce(line.is_published, true) as is_published
from {{ ref('service_line') }} as line
full outer join workbook_lines -- at most one
    on
        line.age_group = workbook_lines.age_group
        and line.service_line_code = workbook_lines.service_line_code
