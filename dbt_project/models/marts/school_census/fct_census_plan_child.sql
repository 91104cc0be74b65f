select
    {{ surrogate_key(['child.la_code', 'child.census_year', 'child.child_key']) }} as census_plan_child_key,
    child.la_code,
    {{ census_period_key('child.census_year') }} as period_key,
    cast(child.census_year as integer) as census_year,
    child.census_day,
    child.child_key,
    child.is_in_census,
    child.is_in_sen2 as is_in_plan_return,
    child.reason_code,
    child.reason_class,
    child.setting_key,
    child.la_estab,
    child.sen_provision_code,
    provision.sen_provision_group,
    child.placement_key as placement_setting_key,
    child.placement_line_code,
    child.plan_start_date,
    child.plan_cease_date,
    child.submission_id,
    child.row_person_ref
from {{ ref('int_ehcp__census_vs_sen2') }} as child
left join {{ ref('sen_provision') }} as provision
    on child.sen_provision_code = provision.sen_provision_code
