-- Lists of a service line by trust and month. A trust whose list of a line is held for another month, and not for this one,
-- is missing from the authority's figure.
with lines as (
    select
        delivered.provider_code,
        delivered.therapy_line,
        service.service_key,
        service.therapy_line_name,
        delivered.snapshot_date,
        date_trunc('month', delivered.snapshot_date) as month_start,
        delivered.submission_id
    from {{ ref('int_therapy_line__delivered') }} as delivered
    inner join {{ ref('dim_service') }} as service -- exactly one
        on delivered.therapy_line = service.therapy_line
),

line_months as (
    select distinct
        therapy_line,
        month_start
    from lines
),

line_trusts as (
    select distinct
        therapy_line,
        provider_code
    from lines
),

missing_lists as (
    select
        line_months.therapy_line,
        line_months.month_start,
        string_agg(line_trusts.provider_code, ', ' order by line_trusts.provider_code) as provider_codes
    from line_months
    inner join line_trusts -- one month to many trusts
        on line_months.therapy_line = line_trusts.therapy_line
    left join lines -- at most one
        on
            line_months.therapy_line = lines.therapy_line
            and line_months.month_start = lines.month_start
            and line_trusts.provider_code = lines.provider_code
    where lines.provider_code is null
    group by line_months.therapy_line, line_months.month_start
)

select
    lines.*,
    missing_lists.provider_codes as missing_provider_codes
from lines
left join missing_lists -- at most one
    on
        lines.therapy_line = missing_lists.therapy_line
        and lines.month_start = missing_lists.month_start
