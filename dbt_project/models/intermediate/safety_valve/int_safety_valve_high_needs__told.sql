-- Places of academies and colleges are paid at source and deducted from the grant: a NET return leaves them out of the
-- line, a GROSS one has them in. The deduction is of the full year, so that it is added to no actual to date.
with lines as (
    select
        *,
        false as is_memo
    from {{ ref('stg_safety_valve__high_needs') }}

    union all by name

    select
        *,
        true as is_memo
    from {{ ref('stg_safety_valve__memo') }}
),

-- The total has no deduction of its own: it is that of its lines, known once that of place funding is.
deductions as (
    select
        submission_id,
        sum(recoupment_gbp) as total_recoupment_gbp,
        max(recoupment_gbp) filter (where line_code = '1.0.2') is not null as is_known
    from lines
    where not is_memo and line_code <> 'TOTAL_HN'
    group by submission_id
),

cells as (
    select
        submission_id,
        source_row,
        line_code,
        line_label,
        hn_group,
        is_memo,
        recoupment_gbp,
        {{ money_periods() }}
    from lines
    where line_code is not null
),

based as (
    select
        cells.submission_id,
        cells.source_row,
        counted.la_code,
        counted.financial_year,
        cells.line_code,
        cells.line_label,
        cells.hn_group,
        cells.is_memo,
        cells.measure,
        cells.quarter,
        cells.value_gbp,
        counted.recoupment_basis,
        case
            when counted.recoupment_basis <> 'NET' or cells.measure = 'actual' then null
            when cells.line_code = 'TOTAL_HN' then if(deductions.is_known, deductions.total_recoupment_gbp, null)
            -- Nothing is deducted of another line unless the return says so.
            when cells.line_code <> '1.0.2' then coalesce(cells.recoupment_gbp, 0)
            else cells.recoupment_gbp
        end as recoupment_gbp
    from cells
    inner join {{ ref('int_safety_valve_return__counted') }} as counted
        on cells.submission_id = counted.submission_id
    left join deductions -- at most one
        on cells.submission_id = deductions.submission_id
    where cells.value_gbp is not null
)

select
    submission_id,
    source_row,
    la_code,
    financial_year,
    line_code,
    line_label,
    hn_group,
    is_memo,
    measure,
    quarter,
    value_gbp,
    recoupment_basis,
    cast(recoupment_gbp as bigint) as recoupment_gbp,
    cast(if(recoupment_basis = 'GROSS', value_gbp, value_gbp + recoupment_gbp) as bigint) as value_with_recoupment_gbp
from based
