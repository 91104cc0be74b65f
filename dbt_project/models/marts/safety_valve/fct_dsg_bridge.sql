with full_year as (
    select *
    from {{ ref('fct_dsg_position') }}
    where is_current and measure in ('forecast', 'outturn')
),

-- The outturn; until there is one, the latest forecast.
bases as (
    select *
    from full_year
    where block = 'ALL' and line_code = 'CLOSING'
    qualify row_number() over (
        partition by la_code, financial_year
        order by measure = 'outturn' desc, quarter desc
    ) = 1
),

-- The in-year balance is only there where income, transfers and expenditure of every block are.
years as (
    select
        bases.la_code,
        bases.financial_year,
        bases.measure as basis,
        bases.quarter as forecast_quarter,
        bases.value_gbp as closing_gbp,
        bases.stage,
        bases.submission_id,
        sum(line.value_gbp) filter (where line.block = 'ALL' and line.line_code = 'OPENING') as opening_gbp,
        sum(line.value_gbp) filter (where line.block = 'ALL' and line.line_code = 'IN_YEAR') as in_year_gbp,
        sum(if(line.line_code = 'TRANSFER_IN', line.value_gbp, -line.value_gbp)) filter (
            where line.block = 'HNB' and line.line_code in ('TRANSFER_IN', 'TRANSFER_OUT')
        ) as net_transfer_into_high_needs_gbp,
        sum(if(line.line_code = 'TRANSFER_IN', line.value_gbp, -line.value_gbp)) filter (
            where line.block <> 'ALL' and line.line_code in ('TRANSFER_IN', 'TRANSFER_OUT')
        ) as net_transfer_all_blocks_gbp,
        sum(line.value_gbp) filter (
            where line.block = 'ALL' and line.line_code = 'SV_PAYMENT'
        ) as safety_valve_payment_gbp,
        sum(line.value_gbp) filter (where line.block = 'ALL' and line.line_code = 'OTHER_ADJ') as other_adjustment_gbp,
        sum(line.value_gbp) filter (
            where line.block = 'ALL' and line.line_code = 'AGREED_CLOSING'
        ) as agreed_closing_gbp
    from bases
    inner join full_year as line
        on
            bases.la_code = line.la_code
            and bases.financial_year = line.financial_year
            and bases.measure = line.measure
            and bases.quarter is not distinct from line.quarter
    group by all
)

select
    {{ surrogate_key(['years.la_code', 'years.financial_year']) }} as dsg_bridge_key,
    years.la_code,
    {{ financial_year_key('years.financial_year') }} as period_key,
    years.financial_year,
    {{ financial_period_end('years.financial_year', 'null') }} as period_end,
    years.basis,
    years.forecast_quarter,
    cast(years.opening_gbp as bigint) as opening_gbp,
    cast(years.in_year_gbp - years.net_transfer_all_blocks_gbp as bigint) as in_year_before_transfers_gbp,
    cast(years.net_transfer_into_high_needs_gbp as bigint) as net_transfer_into_high_needs_gbp,
    cast(years.net_transfer_all_blocks_gbp as bigint) as net_transfer_all_blocks_gbp,
    cast(years.safety_valve_payment_gbp as bigint) as safety_valve_payment_gbp,
    cast(years.other_adjustment_gbp as bigint) as other_adjustment_gbp,
    years.closing_gbp,
    cast(years.agreed_closing_gbp as bigint) as agreed_closing_gbp,
    published.closing_gbp as published_closing_gbp,
    published.rounded_to_gbp as published_rounded_to_gbp,
    coalesce(published.status, 'none') as published_status,
    years.closing_gbp - published.closing_gbp as published_difference_gbp,
    years.stage,
    years.submission_id
from years
left join {{ ref('dsg_published_position') }} as published -- at most one
    on
        years.la_code = published.la_code
        and {{ financial_period_end('years.financial_year', 'null') }} = published.position_date
