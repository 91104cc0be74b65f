-- A view over what is released with it: labels stand here, because seeds are not released.
{% set blocks = {
    'ALL': 'All blocks', 'HNB': 'High needs block', 'SB': 'Schools block', 'CSSB': 'Central school services block',
    'EYB': 'Early years block'
} %}
{% set position_lines = {
    'OPENING': 'Balance brought forward', 'INCOME': 'Allocation', 'TRANSFER_IN': 'Transfers from other blocks',
    'TRANSFER_OUT': 'Transfers to other blocks', 'EXPENDITURE': 'Net expenditure', 'IN_YEAR': 'In-year balance',
    'SV_PAYMENT': 'Safety valve payment', 'OTHER_ADJ': 'Other adjustments', 'CLOSING': 'Balance carried forward'
} %}
{% set flows = {
    'REQUESTS': 'Requests for an assessment', 'REFUSED': 'Requests refused', 'ASSESS_AGREED': 'Assessments agreed',
    'ISSUED': 'Plans issued', 'NOT_ISSUED': 'Assessments without a plan', 'CEASED': 'Plans ceased, with those that moved away',
    'TRANSFER_IN': 'Plans that moved in'
} %}
{% set provisions = {
    'MAINSTREAM': 'Mainstream', 'RP': 'Resource provision', 'SEN_UNIT': 'SEN units', 'SPECIAL': 'Special schools',
    'AP': 'Alternative provision', 'INM': 'Independent or non-maintained, before 16', 'ISP': 'Independent specialist, mostly post-16',
    'POST16': 'Post-16', 'EARLY_YEARS': 'Early years'
} %}
-- What is told of a quarter's position, spending, plans and flows, one figure a row: value by measure, with what was known when.
with figures as (
    select
        la_code,
        financial_year,
        quarter,
        'position' as kind,
        block as topic_code,
        -- The balance that the agreement or plan expects stands beside the balance carried forward.
        if(line_code = 'AGREED_CLOSING', 'CLOSING', line_code) as item_code,
        null as item_label,
        if(line_code = 'AGREED_CLOSING' and measure in ('forecast', 'outturn'), 'agreed', measure) as measure,
        value_gbp as value,
        known_from,
        known_to,
        is_current,
        is_restated
    from {{ ref('fct_dsg_position') }}
    where
        (line_code <> 'AGREED_CLOSING' or measure in ('agreement', 'forecast', 'outturn'))
        and (line_code <> 'CLOSING' or measure <> 'agreement')

    union all by name

    select
        la_code,
        financial_year,
        quarter,
        if(is_memo, 'memo', 'high_needs') as kind,
        'line' as topic_code,
        line_code as item_code,
        line_label as item_label,
        measure,
        value_gbp as value,
        known_from,
        known_to,
        is_current,
        is_restated
    from {{ ref('fct_high_needs_line') }}

    union all by name

    select
        la_code,
        financial_year,
        -- The January count is of the fourth quarter, in which January lies.
        if(measure = 'sen2_january', 4, quarter) as quarter,
        'plans' as kind,
        measure_group as topic_code,
        category_code as item_code,
        category_label as item_label,
        measure,
        plan_count as value,
        known_from,
        known_to,
        is_current,
        is_restated
    from {{ ref('fct_ehcp_forecast') }}

    union all by name

    select
        la_code,
        financial_year,
        quarter,
        'flow' as kind,
        'flow' as topic_code,
        flow_code as item_code,
        null as item_label,
        if(measure = 'year_forecast', 'forecast', measure) as measure,
        flow_count as value,
        known_from,
        known_to,
        is_current,
        is_restated
    from {{ ref('fct_ehcp_flow') }}
),

-- A quarter, or the outturn of the year (no quarter), and an item that it tells of.
told as (
    select
        la_code,
        financial_year,
        quarter,
        kind,
        topic_code,
        item_code,
        max(item_label) as item_label,
        max(value) filter (where measure = 'actual') as actual_value,
        max(value) filter (where measure in ('forecast', 'outturn')) as forecast_value,
        max(known_from) filter (where measure in ('forecast', 'outturn')) as forecast_known_from,
        max(value) filter (where measure = 'agreed') as agreed_value,
        max(value) filter (where measure = 'sen2_january') as january_value,
        bool_or(is_restated) as is_restated
    from figures
    where is_current and measure in ('actual', 'forecast', 'outturn', 'agreed', 'sen2_january')
    group by la_code, financial_year, quarter, kind, topic_code, item_code
),

-- Beside a forecast what was planned when it was told; beside the outturn what stands. The agreement does not change.
planned as (
    select
        told.la_code,
        told.financial_year,
        told.quarter,
        told.kind,
        told.topic_code,
        told.item_code,
        max(base.value) filter (where base.measure = 'agreement') as agreed_value,
        max(base.value) filter (where base.measure = 'plan') as plan_value,
        max(base.value) filter (where base.measure = 'budget') as budget_value
    from told
    inner join figures as base -- one to one of each measure
        on
            told.la_code = base.la_code
            and told.financial_year = base.financial_year
            and told.kind = base.kind
            and told.topic_code = base.topic_code
            and told.item_code = base.item_code
            and base.measure in ('agreement', 'plan', 'budget')
            and if(
                told.quarter is null or told.forecast_known_from is null or base.measure = 'agreement',
                base.is_current,
                told.forecast_known_from >= base.known_from
                and (base.known_to is null or told.forecast_known_from < base.known_to)
            )
    group by told.la_code, told.financial_year, told.quarter, told.kind, told.topic_code, told.item_code
),

beside as (
    select
        told.* replace (coalesce(told.agreed_value, planned.agreed_value) as agreed_value),
        planned.plan_value,
        planned.budget_value,
        -- What the forecast has moved from: the quarter before, in the first the plan, before the outturn the fourth.
        if(told.quarter = 1, planned.plan_value, earlier.forecast_value) as moved_from_value
    from told
    left join planned -- at most one
        on
            told.la_code = planned.la_code
            and told.financial_year = planned.financial_year
            and told.quarter is not distinct from planned.quarter
            and told.kind = planned.kind
            and told.topic_code = planned.topic_code
            and told.item_code = planned.item_code
    left join told as earlier -- at most one
        on
            told.la_code = earlier.la_code
            and told.financial_year = earlier.financial_year
            and coalesce(told.quarter, 5) = earlier.quarter + 1
            and told.kind = earlier.kind
            and told.topic_code = earlier.topic_code
            and told.item_code = earlier.item_code
),

figure_rows as (
    select
        beside.la_code,
        beside.financial_year,
        beside.quarter,
        case beside.kind when 'position' then 1 when 'high_needs' then 2 when 'memo' then 3 when 'plans' then 4 else 5 end
            as section_order,
        beside.kind || coalesce('_' || if(beside.kind = 'position', lower(beside.item_code), null), '') as measure_code,
        case beside.kind
            when 'position'
                then
                    case beside.item_code
                        {%- for code, name in position_lines.items() %}
                            when '{{ code }}' then '{{ name }}'
                        {%- endfor %}
                    end
            when 'high_needs' then 'High needs expenditure'
            when 'memo' then 'Spending on SEND outside the high needs block'
            when 'plans' then 'EHC plans'
            else 'Requests and plans of the quarter'
        end as measure_name,
        if(beside.kind = 'position', beside.topic_code, beside.topic_code || ' ' || beside.item_code) as item_code,
        case
            when beside.kind = 'position'
                then
                    case beside.topic_code
                        {%- for code, name in blocks.items() %}
                            when '{{ code }}' then '{{ name }}'
                        {%- endfor %}
                    end
            when beside.kind = 'flow'
                then
                    case beside.item_code
                        {%- for code, name in flows.items() %}
                            when '{{ code }}' then '{{ name }}'
                        {%- endfor %}
                    end
            when beside.item_code = 'TOTAL_HN' then 'Total'
            when beside.kind in ('high_needs', 'memo') then beside.item_code || ' ' || coalesce(line.line_label, beside.item_label)
            else coalesce(need.need_name, beside.item_label)
        end as item_name,
        case
            when beside.kind = 'position'
                then
                    100 * list_position([{% for code in blocks %}'{{ code }}'{{ ', ' if not loop.last }}{% endfor %}], beside.topic_code)
                    + list_position([{% for code in position_lines %}'{{ code }}'{{ ', ' if not loop.last }}{% endfor %}], beside.item_code)
            when beside.kind = 'flow'
                then list_position([{% for code in flows %}'{{ code }}'{{ ', ' if not loop.last }}{% endfor %}], beside.item_code)
            when beside.kind = 'plans'
                then
                    1000 * list_position(['TOTAL', 'AGE', 'NEED', 'PLACEMENT'], beside.topic_code)
                    + coalesce(need.need_order, list_position(['U5', '5-10', '11-15', '16-19', '20-25'], beside.item_code), 99)
            -- The total comes after its lines.
            else coalesce(line.line_order, 999)
        end as item_order,
        if(beside.kind in ('plans', 'flow'), 'plans or requests', 'pounds') as unit,
        case
            when beside.quarter is null then 'outturn'
            when beside.kind = 'plans' then 'stock at 31 March'
            else 'full year'
        end as forecast_of,
        beside.agreed_value,
        beside.plan_value,
        beside.budget_value,
        beside.actual_value,
        beside.forecast_value,
        case
            when beside.kind = 'position' and beside.item_code = 'CLOSING' then 'agreed balance'
            when beside.kind = 'plans' then 'plan'
            when variance.high_needs_variance_key is not null then 'budget, with what is deducted at source'
            -- Spending and allocation of the high needs block can stand on another basis than their budget.
            when beside.kind = 'position' and not (beside.topic_code = 'HNB' and beside.item_code in ('INCOME', 'EXPENDITURE'))
                then 'budget'
        end as variance_against,
        case
            when beside.kind = 'position' and beside.item_code = 'CLOSING' then beside.forecast_value - beside.agreed_value
            when beside.kind = 'plans' then beside.forecast_value - beside.plan_value
            when variance.high_needs_variance_key is not null then variance.variance_gbp
            when beside.kind = 'position' and not (beside.topic_code = 'HNB' and beside.item_code in ('INCOME', 'EXPENDITURE'))
                then beside.forecast_value - beside.budget_value
        end as variance_value,
        beside.forecast_value - beside.moved_from_value as movement_value,
        -- A rise is good of income, payments and balances, bad of spending and of plans in all; of the others it is neither.
        case
            when beside.kind in ('high_needs', 'memo') or beside.topic_code = 'TOTAL' then -1
            when beside.kind <> 'position' then null
            when beside.item_code = 'EXPENDITURE' then -1
            when beside.item_code in ('INCOME', 'IN_YEAR', 'SV_PAYMENT', 'CLOSING') then 1
        end as good_sign,
        beside.is_restated
    from beside
    left join {{ ref('dim_s251_line') }} as line -- at most one
        on beside.kind in ('high_needs', 'memo') and beside.item_code = line.line_code
    left join {{ ref('dim_need') }} as need -- at most one
        on beside.topic_code = 'NEED' and beside.item_code = need.need_code
    left join {{ ref('fct_high_needs_variance') }} as variance -- at most one
        on
            beside.kind in ('high_needs', 'memo')
            and beside.la_code = variance.la_code
            and beside.financial_year = variance.financial_year
            and beside.item_code = variance.line_code
            and beside.quarter is not distinct from variance.forecast_quarter
    where beside.actual_value is not null or beside.forecast_value is not null
),

-- Plans counted by SEN2 in January beside the plan for the 31 March after it.
january_rows as (
    select
        la_code,
        financial_year,
        quarter,
        4 as section_order,
        'plans_january' as measure_code,
        'EHC plans counted in January (SEN2)' as measure_name,
        topic_code || ' ' || item_code as item_code,
        'All EHC plans' as item_name,
        9000 as item_order,
        'plans or requests' as unit,
        plan_value,
        january_value as actual_value,
        'plan' as variance_against,
        january_value - plan_value as variance_value,
        -1 as good_sign,
        is_restated
    from beside
    where topic_code = 'TOTAL' and january_value is not null
),

-- All payments since the agreement began beside its profile: the KPI, which is released with this view.
payment_rows as (
    select
        la_code,
        time_period as financial_year,
        case when time_identifier <> 'Financial year' then cast(right(time_identifier, 1) as integer) end as quarter,
        1 as section_order,
        'payments_to_date' as measure_code,
        'Safety valve payments since the agreement began' as measure_name,
        'ALL' as item_code,
        'All blocks' as item_name,
        900 as item_order,
        'pounds' as unit,
        if(time_identifier = 'Financial year', 'outturn', 'full year') as forecast_of,
        denominator as agreed_value,
        numerator as forecast_value,
        'agreed payments' as variance_against,
        value as variance_value,
        -- Agreed payments are published rounded: the KPI says from where on a difference is for the worse.
        if(value_label = 'adverse', 1, 0) as good_sign,
        false as is_restated
    from {{ ref('kpi_value') }}
    where
        kpi_id = 'safety_valve_payments_variance'
        and value_basis = 'local'
        and breakdown_topic = 'Total'
        and numerator is not null
),

placement_names as (
    select
        category_code,
        max(category_label) as category_name
    from {{ ref('fct_ehcp_forecast') }}
    where measure_group = 'PLACEMENT'
    group by category_code
),

placements as (
    select
        activity.*,
        coalesce(named.category_name, activity.placement_code) as placement_name
    from {{ ref('fct_placement_activity') }} as activity
    left join placement_names as named -- at most one
        on activity.placement_code = named.category_code
    where activity.is_current
),

-- Places and cost by placement: of each quarter the forecast, of the year the outturn.
placement_rows as (
    {%- for measure, name, column, unit in [
        ('placement_places', 'Average places', 'average_places_%s', 'places'),
        ('placement_cost', 'Cost of the places', 'cost_%s_gbp', 'pounds'),
        ('placement_unit_cost', 'Cost of a place', 'unit_cost_%s_gbp', 'pounds a place')
    ] %}
        {%- for told, condition in [('forecast', 'true'), ('outturn', (column % 'outturn') ~ ' is not null')] %}
            {{ 'union all by name' if not (loop.first and measure == 'placement_places') }}

            select
                la_code,
                financial_year,
                {{ 'quarter' if told == 'forecast' else 'cast(null as integer) as quarter' }},
                6 as section_order,
                '{{ measure }}' as measure_code,
                '{{ name }}, ' || if(cost_basis = 'FULL', 'full cost', 'top-up alone') as measure_name,
                placement_code || ' ' || cost_basis as item_code,
                placement_name as item_name,
                {{ {'placement_places': 1, 'placement_cost': 2, 'placement_unit_cost': 3}[measure] }} as item_order,
                '{{ unit }}' as unit,
                '{{ 'full year' if told == 'forecast' else 'outturn' }}' as forecast_of,
                {{ column % 'plan' }} as plan_value,
                {{ column % told }} as forecast_value,
                'plan' as variance_against,
                {{ column % told }} - {{ column % 'plan' }} as variance_value,
                {% if told == 'forecast' %}
                    {{ column % told }}
                    - if(quarter = 1, {{ column % 'plan' }}, {{ quarter_before(column % told, 'placement_code, cost_basis') }}) as movement_value,
                {% else %}
                    {{ column % told }} - {{ column % 'forecast' }} as movement_value,
                {% endif %}
                {{ 'cast(null as integer)' if measure == 'placement_places' else '-1' }} as good_sign,
                is_restated
            from placements
            where {{ condition }}
        {%- endfor %}
    {%- endfor %}
),

-- Conditions by rating on the last day of the quarter, their number, and the share that is on track (green or complete).
conditions as (
    select
        la_code,
        financial_year,
        quarter,
        period_end,
        count(*) filter (where rag = 'R') as red,
        count(*) filter (where rag = 'A') as amber,
        count(*) filter (where rag = 'G') as green,
        count(*) filter (where rag = 'C') as complete,
        count(*) as conditions,
        100 * count(*) filter (where is_on_track) / count(*) as on_track,
        bool_or(is_restated) as is_restated
    from {{ ref('fct_agreement_condition') }}
    where is_current
    group by la_code, financial_year, quarter, period_end
),

condition_rows as (
    {%- for column, name, sign in [
        ('red', 'Red', -1), ('amber', 'Amber', none), ('green', 'Green', none), ('complete', 'Complete', 1),
        ('conditions', 'All conditions', none), ('on_track', 'On track: green or complete', 1)
    ] %}
        {{ 'union all by name' if not loop.first }}

        select
            la_code,
            financial_year,
            quarter,
            7 as section_order,
            'conditions' as measure_code,
            'Conditions of the agreement by rating' as measure_name,
            '{{ column }}' as item_code,
            '{{ name }}' as item_name,
            {{ loop.index }} as item_order,
            '{{ 'percent' if column == 'on_track' else 'conditions' }}' as unit,
            {{ column }} as actual_value,
            {{ column }} - {{ quarter_before(column) }} as movement_value,
            {{ sign if sign else 'cast(null as integer)' }} as good_sign,
            is_restated
        from conditions
    {%- endfor %}
),

-- Places by kind of provision and in all. A sum is only given where every part of it is.
provisions as (
    select
        la_code,
        financial_year,
        quarter,
        period_end,
        coalesce(provision_type, 'ALL') as provision_type,
        if(count(*) = count(places_commissioned), sum(places_commissioned), null) as commissioned,
        if(count(*) = count(places_occupied), sum(places_occupied), null) as occupied,
        if(count(*) = count(places_planned_next_september), sum(places_planned_next_september), null) as planned,
        bool_or(is_restated) as is_restated
    from {{ ref('fct_capital_place') }}
    where is_current
    group by grouping sets (
        (la_code, financial_year, quarter, period_end, provision_type), (la_code, financial_year, quarter, period_end)
    )
),

place_rows as (
    {%- for measure, name, expression, unit in [
        ('places_commissioned', 'Places commissioned', 'commissioned', 'places'),
        ('places_occupied', 'Places occupied', 'occupied', 'places'),
        ('places_occupancy', 'Places occupied, share of those commissioned', '100 * occupied / nullif(commissioned, 0)', 'percent'),
        ('places_planned', 'Places planned for next September', 'planned', 'places')
    ] %}
        {{ 'union all by name' if not loop.first }}

        select
            la_code,
            financial_year,
            quarter,
            8 as section_order,
            '{{ measure }}' as measure_code,
            '{{ name }}' as measure_name,
            provision_type as item_code,
            {{ loop.index }} as item_order,
            '{{ unit }}' as unit,
            {{ expression }} as actual_value,
            {{ expression }} - {{ quarter_before(expression, 'provision_type') }} as movement_value,
            is_restated
        from provisions
    {%- endfor %}
),

-- Whole projects by source of the money and in all.
projects as (
    select
        la_code,
        financial_year,
        quarter,
        period_end,
        coalesce(capital_source, 'ALL') as capital_source,
        if(count(*) = count(capital_budget_gbp), sum(capital_budget_gbp), null) as budget_value,
        if(count(*) = count(capital_spend_to_date_gbp), sum(capital_spend_to_date_gbp), null) as actual_value,
        if(count(*) = count(capital_forecast_gbp), sum(capital_forecast_gbp), null) as forecast_value,
        bool_or(is_restated) as is_restated
    from {{ ref('fct_capital_place') }}
    where is_current and capital_project_id is not null and capital_source is not null
    group by grouping sets (
        (la_code, financial_year, quarter, period_end, capital_source), (la_code, financial_year, quarter, period_end)
    )
),

capital_rows as (
    select
        la_code,
        financial_year,
        quarter,
        9 as section_order,
        'capital' as measure_code,
        'Cost of capital projects' as measure_name,
        capital_source as item_code,
        case capital_source
            when 'ALL' then 'All projects'
            when 'SV' then 'Safety valve capital'
            when 'HNPCA' then 'High needs provision capital'
            else 'Other capital'
        end as item_name,
        1 as item_order,
        'pounds' as unit,
        'whole project' as forecast_of,
        budget_value,
        actual_value,
        forecast_value,
        'budget' as variance_against,
        forecast_value - budget_value as variance_value,
        forecast_value - {{ quarter_before('forecast_value', 'capital_source') }} as movement_value,
        -1 as good_sign,
        is_restated
    from projects
),

-- Places that will be needed beside places with funding: the gap is their variance.
demand_rows as (
    select
        la_code,
        financial_year,
        quarter,
        10 as section_order,
        'demand_' || lower(scenario) as measure_code,
        'Places needed, ' || if(scenario = 'PLAN', 'if the plan is carried out', 'if nothing changes') as measure_name,
        provision_type || ' ' || academic_year as item_code,
        provision_type,
        academic_year,
        if(scenario = 'PLAN', 2, 1) as item_order,
        'places' as unit,
        'academic year' as forecast_of,
        funded_capacity as plan_value,
        demand_places as forecast_value,
        'places with funding' as variance_against,
        gap_places as variance_value,
        demand_places - {{ quarter_before('demand_places', 'provision_type, academic_year, scenario') }} as movement_value,
        -1 as good_sign,
        is_restated
    from {{ ref('fct_place_demand') }}
    where is_current
),

provision_told as (
    select
        *,
        item_code as provision_type
    from place_rows

    union all by name

    select *
    from demand_rows
),

provision_rows as (
    select
        * exclude (provision_type, academic_year),
        case provision_type
            {%- for code, name in provisions.items() %}
                when '{{ code }}' then '{{ name }}'
            {%- endfor %}
            when 'ALL' then 'All provision'
        end
        || coalesce(', ' || left(academic_year, 4) || '-' || right(academic_year, 2), '') as item_name
    from provision_told
),

dashboard as (
    {%- for rows in ['figure', 'january', 'payment', 'placement', 'condition', 'capital', 'provision'] %}
        select *
        from {{ rows }}_rows
        {{ 'union all by name' if not loop.last }}
    {%- endfor %}
)

select
    {{ surrogate_key(['la_code', 'financial_year', 'quarter', 'measure_code', 'item_code']) }} as safety_valve_dashboard_key,
    la_code,
    financial_year,
    cast(quarter as integer) as quarter,
    {{ financial_period_end('financial_year', 'quarter') }} as period_end,
    left(financial_year, 4) || '-' || right(financial_year, 2)
    || if(
        quarter is null,
        ', outturn',
        ', quarter ' || quarter || ' (to '
        || strftime({{ financial_period_end('financial_year', 'quarter') }}, '%-d %B %Y') || ')'
    ) as period_label,
    cast(
        row_number() over (
            partition by la_code, financial_year, quarter
            order by section_order, item_order, measure_code, item_code
        ) as integer
    ) as line_order,
    case section_order
        when 1 then 'Position of the grant'
        when 2 then 'High needs spending'
        when 3 then 'Spending outside the block'
        when 4 then 'EHC plans'
        when 5 then 'Requests and plans of the quarter'
        when 6 then 'Placements and their cost'
        when 7 then 'Conditions'
        when 8 then 'Places'
        when 9 then 'Capital'
        else 'Demand for places'
    end as section_name,
    measure_code,
    measure_name,
    item_code,
    item_name,
    unit,
    cast(agreed_value as decimal(18, 1)) as agreed_value,
    cast(plan_value as decimal(18, 1)) as plan_value,
    cast(budget_value as decimal(18, 1)) as budget_value,
    cast(actual_value as decimal(18, 1)) as actual_value,
    cast(forecast_value as decimal(18, 1)) as forecast_value,
    if(forecast_value is null, null, forecast_of) as forecast_of,
    cast(variance_value as decimal(18, 1)) as variance_value,
    if(variance_value is null, null, variance_against) as variance_against,
    good_sign * variance_value < 0 as is_variance_adverse,
    cast(movement_value as decimal(18, 1)) as movement_value,
    good_sign * movement_value < 0 as is_movement_adverse,
    is_restated
from dashboard
