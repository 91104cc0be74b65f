-- For analysts, in the restricted release. A mart is called so, has a contract, and carries the authority. Leave this folder out, and
-- the rule and cases about it, where cells and KPIs are enough.
select
    {{ surrogate_key(['line.submission_id', 'line.request_kind_code']) }} as my_return_line_key,
    own_authority.setting_value as la_code,
    {{ calendar_year_key('cover.return_year') }} as period_key,
    cover.return_year,
    line.request_kind_code,
    line.made_count,
    line.met_count,
    line.submission_id
from {{ ref('stg_my_return__line') }} as line
inner join {{ ref('stg_my_return__cover') }} as cover -- exactly one
    on line.submission_id = cover.submission_id
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
where cover.is_current
