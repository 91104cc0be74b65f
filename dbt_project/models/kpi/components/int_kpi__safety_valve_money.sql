-- Money of the safety valve return, as it stands now. A full-year figure is given at the quarter it was forecast at ('Financial
-- year Q3'), and for the year ('Financial year') once there is an outturn.
{% set blocks = {
    'SB': 'Schools', 'CSSB': 'Central school services', 'HNB': 'High needs', 'EYB': 'Early years'
} %}
{#- The profile is known in round numbers: so far RSV-031 lets payments and agreement differ, too. -#}
{% set rounding_gbp = 5000 %}
with position as (
    select
        *,
        case block {% for code, name in blocks.items() %}when '{{ code }}' then '{{ name }}' {% endfor %}end as block_name
    from {{ ref('fct_dsg_position') }}
    where is_current
),

-- Lines of section 251, and the total of the high needs block.
lines as (
    select
        spending.financial_year,
        spending.line_code,
        spending.measure,
        spending.quarter,
        spending.value_gbp,
        spending.recoupment_gbp,
        spending.recoupment_basis,
        spending.is_restated,
        spending.known_from,
        line.line_code || ' ' || line.line_label as line_name,
        coalesce(line.is_in_total_high_needs, false) as is_in_total_high_needs,
        coalesce(line.is_in_benchmark_total, false) as is_in_benchmark_total,
        coalesce(line.is_top_up, false) as is_top_up,
        coalesce(line.is_send_transport, false) as is_send_transport
    from {{ ref('fct_high_needs_line') }} as spending
    left join {{ ref('dim_s251_line') }} as line -- at most one; the total is no line
        on spending.line_code = line.line_code
    where spending.is_current
),

full_year_position as (
    select
        *,
        {{ full_year_period('measure', 'quarter') }} as time_identifier
    from position
    where measure in ('forecast', 'outturn')
),

full_year_lines as (
    select
        *,
        {{ full_year_period('measure', 'quarter') }} as time_identifier
    from lines
    where measure in ('forecast', 'outturn')
),

-- The plan of the year as it stood when the forecast of the first quarter was made: a plan that schools forum approves later in
-- the year is not what that quarter moved from.
first_forecasts as (
    select
        financial_year,
        block,
        line_code,
        known_from
    from position
    where measure = 'forecast' and quarter = 1

    union all

    select
        financial_year,
        's251' as block,
        line_code,
        known_from
    from lines
    where measure = 'forecast' and quarter = 1
),

plans as (
    select
        financial_year,
        block,
        line_code,
        value_gbp,
        is_restated,
        known_from
    from {{ ref('fct_dsg_position') }}
    where measure = 'plan'

    union all by name

    select
        financial_year,
        's251' as block,
        line_code,
        value_gbp,
        is_restated,
        known_from
    from {{ ref('fct_high_needs_line') }}
    where measure = 'plan'
),

first_plans as (
    select plans.*
    from plans
    inner join first_forecasts as forecast -- at most one
        on
            plans.financial_year = forecast.financial_year
            and plans.block = forecast.block
            and plans.line_code = forecast.line_code
            and coalesce(plans.known_from <= forecast.known_from, true)
    qualify row_number() over (
        partition by plans.financial_year, plans.block, plans.line_code order by plans.known_from desc
    ) = 1
),

-- What a forecast is compared with: that of the quarter before; of the first quarter, the plan.
movement_base as (
    select
        financial_year,
        block,
        line_code,
        1 as quarter,
        value_gbp,
        is_restated
    from first_plans

    union all by name

    select
        financial_year,
        block,
        line_code,
        quarter + 1 as quarter,
        value_gbp,
        is_restated
    from position
    where measure = 'forecast' and quarter < 4

    union all by name

    select
        financial_year,
        's251' as block,
        line_code,
        quarter + 1 as quarter,
        value_gbp,
        is_restated
    from lines
    where measure = 'forecast' and quarter < 4
),

movements as (
    select
        financial_year,
        block,
        line_code,
        quarter,
        value_gbp,
        is_restated,
        time_identifier,
        if(line_code = 'CLOSING', 'Total', 'DSG block') as breakdown_topic,
        if(line_code = 'CLOSING', 'Total', block_name) as breakdown,
        -- A balance that falls is adverse, spending that rises is.
        1 as good_sign
    from full_year_position
    where
        measure = 'forecast'
        and ((block = 'ALL' and line_code = 'CLOSING') or (block <> 'ALL' and line_code = 'IN_YEAR'))

    union all by name

    select
        financial_year,
        's251' as block,
        line_code,
        quarter,
        value_gbp,
        is_restated,
        time_identifier,
        if(line_code = 'TOTAL_HN', 'High needs total', 'Section 251 line') as breakdown_topic,
        if(line_code = 'TOTAL_HN', 'Total high needs expenditure', line_name) as breakdown,
        -1 as good_sign
    from full_year_lines
    where measure = 'forecast'
),

-- Sums of lines are only given where every line of them is.
line_sums as (
    {%- for kpi_id, topic, item, condition, wanted in [
        ('high_needs_spend_by_line', 'Section 251 total', 'Lines 1.2.1 to 1.2.13, without place funding', "is_in_total_high_needs and line_code <> '1.0.2'", 12),
        ('high_needs_spend_by_line', 'Section 251 total', "Department''s benchmarking total", 'is_in_benchmark_total', 13),
        ('top_up_spend', 'Total', 'Total', 'is_top_up', 3),
        ('send_transport_spend', 'Total', 'Total', 'is_send_transport', 4)
    ] %}
        select
            '{{ kpi_id }}' as kpi_id,
            financial_year,
            time_identifier,
            '{{ topic }}' as breakdown_topic,
            '{{ item }}' as breakdown,
            if(count(*) = {{ wanted }}, sum(value_gbp), null) as value,
            bool_or(is_restated) as is_restated,
            min(measure) as measure
        from full_year_lines
        where {{ condition }}
        group by financial_year, time_identifier

        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- What counts of the year's payments: what came in, or is expected to at the latest quarter.
payments as (
    select
        financial_year,
        time_identifier,
        measure,
        value_gbp,
        is_restated,
        row_number() over (partition by financial_year order by measure = 'outturn' desc, quarter desc) = 1 as is_latest
    from full_year_position
    where block = 'ALL' and line_code = 'SV_PAYMENT'
),

profile as (
    select
        profile.financial_year,
        profile.profile_gbp,
        sum(profile.profile_gbp) over until_then as profile_to_date_gbp,
        count(*) over until_then as year_count
    from {{ ref('safety_valve_payment') }} as profile
    inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
        on own_authority.setting_name = 'la_code' and profile.la_code = own_authority.setting_value
    window until_then as (order by profile.financial_year)
),

cumulative_payments as (
    select
        payment.financial_year,
        payment.time_identifier,
        payment.measure,
        max(profile.profile_to_date_gbp) as profile_to_date_gbp,
        max(profile.year_count) as year_count,
        payment.value_gbp + coalesce(sum(earlier.value_gbp), 0) as received_to_date_gbp,
        count(earlier.financial_year) + 1 as held_year_count,
        payment.is_restated or coalesce(bool_or(earlier.is_restated), false) as is_restated
    from payments as payment
    inner join profile -- exactly one
        on payment.financial_year = profile.financial_year
    left join payments as earlier -- one payment to those of the years before
        on payment.financial_year > earlier.financial_year and earlier.is_latest
    group by payment.financial_year, payment.time_identifier, payment.measure, payment.value_gbp, payment.is_restated
),

latest_deflator as (
    select *
    from {{ ref('gdp_deflator') }}
    qualify row_number() over (order by financial_year desc) = 1
),

-- The latest deflator in place of today's prices; without that of 2014-15 there is no figure.
deflated_threshold as (
    select
        latest.financial_year,
        6000 * latest.deflator_index / first_year.deflator_index as value
    from {{ ref('gdp_deflator') }} as first_year
    cross join latest_deflator as latest -- one row
    where first_year.financial_year = '201415'
),

measured as (
    select
        if(line_code = 'CLOSING', 'dsg_cumulative_balance', 'dsg_in_year_balance') as kpi_id,
        financial_year,
        time_identifier,
        if(block = 'ALL', 'Total', 'DSG block') as breakdown_topic,
        coalesce(block_name, 'Total') as breakdown,
        value_gbp as value,
        case when block = 'ALL' then value_gbp < 0 end as is_adverse,
        measure,
        is_restated
    from full_year_position
    where line_code in ('IN_YEAR', 'CLOSING')

    union all by name

    -- Above nought is better than agreed. The agreed balance stands beside the forecast, or with the agreement alone.
    select
        'dsg_variance_to_agreement' as kpi_id,
        closing.financial_year,
        closing.time_identifier,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        closing.value_gbp as numerator,
        coalesce(beside.value_gbp, agreed.value_gbp) as denominator,
        closing.value_gbp - coalesce(beside.value_gbp, agreed.value_gbp) as value,
        closing.value_gbp < coalesce(beside.value_gbp, agreed.value_gbp) as is_adverse,
        closing.measure,
        closing.is_restated or coalesce(beside.is_restated, agreed.is_restated, false) as is_restated
    from full_year_position as closing
    left join full_year_position as beside -- at most one
        on
            closing.financial_year = beside.financial_year
            and closing.time_identifier = beside.time_identifier
            and beside.line_code = 'AGREED_CLOSING'
    left join position as agreed -- at most one
        on
            closing.financial_year = agreed.financial_year
            and agreed.line_code = 'AGREED_CLOSING'
            and agreed.measure = 'agreement'
    where closing.block = 'ALL' and closing.line_code = 'CLOSING'

    union all by name

    select
        'dsg_forecast_movement' as kpi_id,
        movement.financial_year,
        movement.time_identifier,
        movement.breakdown_topic,
        movement.breakdown,
        movement.value_gbp as numerator,
        base.value_gbp as denominator,
        movement.value_gbp - base.value_gbp as value,
        movement.good_sign * (movement.value_gbp - base.value_gbp) < 0 as is_adverse,
        'forecast' as measure,
        movement.is_restated or coalesce(base.is_restated, false) as is_restated
    from movements as movement
    left join movement_base as base -- at most one
        on
            movement.financial_year = base.financial_year
            and movement.block = base.block
            and movement.line_code = base.line_code
            and movement.quarter = base.quarter

    union all by name

    -- With what is deducted at source added back to whichever of the two leaves it out: both stand on one basis, or there is
    -- no figure.
    select
        'high_needs_expenditure_variance' as kpi_id,
        variance.financial_year,
        {{ full_year_period('variance.basis', 'variance.forecast_quarter') }} as time_identifier,
        if(variance.line_code = 'TOTAL_HN', 'Total', 'Section 251 line') as breakdown_topic,
        if(variance.line_code = 'TOTAL_HN', 'Total', line.line_code || ' ' || line.line_label) as breakdown,
        variance.spending_with_recoupment_gbp as numerator,
        variance.budget_with_recoupment_gbp as denominator,
        variance.variance_gbp as value,
        not variance.is_favourable as is_adverse,
        variance.basis as measure,
        variance.is_restated
    from {{ ref('fct_high_needs_variance') }} as variance
    left join {{ ref('dim_s251_line') }} as line -- at most one; the total is no line
        on variance.line_code = line.line_code

    union all by name

    select
        'high_needs_spend_by_line' as kpi_id,
        financial_year,
        if(measure = 'actual', 'Financial year Q' || quarter, {{ full_year_period('measure', 'quarter') }}) as time_identifier,
        case
            when measure = 'actual' then 'Section 251 line, spent to date'
            when line_code = 'TOTAL_HN' then 'Total'
            else 'Section 251 line'
        end as breakdown_topic,
        coalesce(line_name, if(measure = 'actual', 'Total high needs expenditure', 'Total')) as breakdown,
        value_gbp as value,
        measure,
        is_restated
    from lines
    where measure in ('actual', 'forecast', 'outturn') and (is_in_total_high_needs or line_code = 'TOTAL_HN')
    {%- for kpi_id, condition, topic in [
        ('top_up_spend', 'is_top_up', 'Section 251 line'),
        ('send_transport_spend', 'is_send_transport', 'Section 251 line'),
        ('therapy_dsg_spend', "line_code = '1.2.13'", 'Total'),
        ('inmss_spend', "line_code = '1.2.3'", 'Total')
    ] %}

        union all by name

        select
            '{{ kpi_id }}' as kpi_id,
            financial_year,
            time_identifier,
            '{{ topic }}' as breakdown_topic,
            {{ "'Total'" if topic == 'Total' else 'line_name' }} as breakdown,
            value_gbp as value,
            measure,
            is_restated
        from full_year_lines
        where {{ condition }}
    {%- endfor %}

    union all by name

    select *
    from line_sums

    union all by name

    select
        'inmss_spend_share_pct' as kpi_id,
        independent.financial_year,
        independent.time_identifier,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        independent.value_gbp as numerator,
        total.value_gbp as denominator,
        100 * independent.value_gbp / nullif(total.value_gbp, 0) as value,
        independent.measure,
        independent.is_restated or total.is_restated as is_restated
    from full_year_lines as independent
    inner join full_year_lines as total -- exactly one
        on
            independent.financial_year = total.financial_year
            and independent.time_identifier = total.time_identifier
            and total.line_code = 'TOTAL_HN'
    where independent.line_code = '1.2.3'

    union all by name

    select
        'high_needs_recoupment' as kpi_id,
        financial_year,
        time_identifier,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        recoupment_gbp as value,
        measure,
        is_restated
    from full_year_lines
    where line_code = 'TOTAL_HN' and recoupment_basis = 'NET'

    union all by name

    select
        'high_needs_allocation' as kpi_id,
        income.financial_year,
        income.time_identifier,
        if(total.recoupment_basis = 'GROSS', 'Deductions at source', 'Total') as breakdown_topic,
        if(total.recoupment_basis = 'GROSS', 'Before deductions', 'Total') as breakdown,
        income.value_gbp as value,
        income.measure,
        income.is_restated
    from full_year_position as income
    inner join full_year_lines as total -- exactly one: it says on which basis the return is
        on
            income.financial_year = total.financial_year
            and income.time_identifier = total.time_identifier
            and total.line_code = 'TOTAL_HN'
    where income.block = 'HNB' and income.line_code = 'INCOME'

    union all by name

    -- The income of all blocks, places paid at source among it: a NET return leaves those out.
    select
        'dsg_balance_income_pct' as kpi_id,
        closing.financial_year,
        closing.time_identifier,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        any_value(closing.value_gbp) as numerator,
        sum(income.value_gbp) as denominator,
        100 * any_value(closing.value_gbp) / nullif(sum(income.value_gbp), 0) as value,
        any_value(closing.measure) as measure,
        bool_or(closing.is_restated or income.is_restated) as is_restated
    from full_year_position as closing
    inner join full_year_lines as total -- exactly one
        on
            closing.financial_year = total.financial_year
            and closing.time_identifier = total.time_identifier
            and total.line_code = 'TOTAL_HN'
            and total.recoupment_basis = 'GROSS'
    inner join full_year_position as income -- one to four blocks
        on
            closing.financial_year = income.financial_year
            and closing.time_identifier = income.time_identifier
            and income.line_code = 'INCOME'
    where closing.block = 'ALL' and closing.line_code = 'CLOSING' and closing.measure = 'outturn'
    group by closing.financial_year, closing.time_identifier
    having count(*) = {{ blocks | length }}

    union all by name

    select
        'dsg_block_transfer' as kpi_id,
        moved_in.financial_year,
        moved_in.time_identifier,
        if(moved_in.block = 'HNB', 'Total', 'DSG block') as breakdown_topic,
        if(moved_in.block = 'HNB', 'Total', moved_in.block_name) as breakdown,
        moved_in.value_gbp - moved_out.value_gbp as value,
        moved_in.measure,
        moved_in.is_restated or moved_out.is_restated as is_restated
    from full_year_position as moved_in
    inner join full_year_position as moved_out -- at most one
        on
            moved_in.financial_year = moved_out.financial_year
            and moved_in.time_identifier = moved_out.time_identifier
            and moved_in.block = moved_out.block
            and moved_out.line_code = 'TRANSFER_OUT'
    where moved_in.line_code = 'TRANSFER_IN'

    union all by name

    select
        'safety_valve_payments_variance' as kpi_id,
        payment.financial_year,
        payment.time_identifier,
        'Payments' as breakdown_topic,
        'Payments of the year' as breakdown,
        payment.value_gbp as numerator,
        profile.profile_gbp as denominator,
        payment.value_gbp - profile.profile_gbp as value,
        payment.value_gbp < profile.profile_gbp - {{ rounding_gbp }} as is_adverse,
        payment.measure,
        payment.is_restated
    from payments as payment
    inner join profile -- exactly one
        on payment.financial_year = profile.financial_year

    union all by name

    -- All payments since the agreement began; a year of which no return is held leaves it unknown.
    select
        'safety_valve_payments_variance' as kpi_id,
        financial_year,
        time_identifier,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        if(held_year_count = year_count, received_to_date_gbp, null) as numerator,
        profile_to_date_gbp as denominator,
        if(held_year_count = year_count, received_to_date_gbp - profile_to_date_gbp, null) as value,
        if(held_year_count = year_count, received_to_date_gbp < profile_to_date_gbp - {{ rounding_gbp }}, null) as is_adverse,
        measure,
        is_restated
    from cumulative_payments

    union all by name

    select
        'notional_sen_threshold_real' as kpi_id,
        financial_year,
        'Financial year' as time_identifier,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        round(value) as value,
        'deflated' as measure,
        false as is_restated
    from deflated_threshold
)

select
    kpi_id,
    financial_year,
    time_identifier,
    breakdown_topic,
    breakdown,
    cast(numerator as decimal(18, 4)) as numerator,
    cast(denominator as decimal(18, 4)) as denominator,
    cast(value as decimal(18, 4)) as value,
    if(value is null, null, is_adverse) as is_adverse,
    if(measure = 'forecast', 'full-year forecast', measure) as measure,
    coalesce(is_restated, false) as is_restated
from measured
