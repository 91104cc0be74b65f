-- What is published of an authority's high needs money, a year a row. The outturn leaves place funding out, the allocation
-- after deductions has that of maintained places in: the two must never be subtracted.
with figures as (
    select
        area.area_key,
        area.area_level,
        area.area_code,
        area.area_name,
        area.la_code,
        figure.period_key,
        period.time_period as financial_year,
        figure.series_code,
        figure.measure_code,
        figure.value,
        figure.publisher,
        figure.release_name
    from {{ ref('fct_published_statistic') }} as figure
    inner join {{ ref('dim_area') }} as area -- exactly one
        on figure.area_key = area.area_key
    inner join {{ ref('dim_period') }} as period -- exactly one
        on figure.period_key = period.period_key
    where
        figure.series_code in ('s251_outturn', 'dsg_allocation', 'dsg_deficit')
        and figure.is_latest_vintage
        and figure.is_total
        and figure.is_usable
),

years as (
    select
        area_key,
        area_level,
        area_code,
        area_name,
        la_code,
        period_key,
        financial_year,
        max(value) filter (where measure_code = 'high_needs_before_deductions') as before_gbp,
        max(value) filter (where measure_code = 'high_needs_after_deductions') as after_gbp,
        max(value) filter (where measure_code = 'dsg_before_deductions') as dsg_before_deductions_gbp,
        max(value) filter (where series_code = 's251_outturn' and measure_code = 'high_needs') as s251_outturn_1_2_gbp,
        max(value) filter (where measure_code = 'balance_pc') as balance_pct,
        string_agg(distinct publisher || ': ' || release_name, '; ' order by publisher || ': ' || release_name) as figure_source,
        bool_or(publisher like '%third-party%') as is_third_party
    from figures
    group by all
)

select
    {{ surrogate_key(['area_key', 'financial_year']) }} as published_finance_key,
    area_key,
    period_key,
    area_level,
    area_code,
    area_name,
    la_code,
    financial_year,
    cast(before_gbp as bigint) as before_gbp,
    cast(before_gbp - after_gbp as bigint) as deducted_gbp,
    cast(after_gbp as bigint) as after_gbp,
    cast(dsg_before_deductions_gbp as bigint) as dsg_before_deductions_gbp,
    cast(s251_outturn_1_2_gbp as bigint) as s251_outturn_1_2_gbp,
    cast(balance_pct as decimal(9, 2)) as balance_pct,
    figure_source,
    is_third_party
from years
