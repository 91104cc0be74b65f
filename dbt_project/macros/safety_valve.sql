{#- Keys in dim_period of a financial year (202526) and of a quarter of it. -#}
{% macro financial_year_key(financial_year) -%}
{{ surrogate_key(["'financial year'", financial_year]) }}
{%- endmacro %}

{% macro financial_quarter_key(financial_year, quarter) -%}
{{ surrogate_key(["'financial year q' || " ~ quarter, financial_year]) }}
{%- endmacro %}

{#- Key in dim_period of a quarter; of the whole financial year where the quarter is NULL. -#}
{% macro financial_period_key(financial_year, quarter) -%}
if({{ quarter }} is null, {{ financial_year_key(financial_year) }}, {{ financial_quarter_key(financial_year, quarter) }})
{%- endmacro %}

{#- Last day of a quarter (1 to 4); 31 March where the quarter is NULL. -#}
{% macro financial_period_end(financial_year, quarter) -%}
cast(
        make_date(cast(left({{ financial_year }}, 4) as integer), 4, 1) + to_months(3 * coalesce({{ quarter }}, 4)) - to_days(1)
        as date
    )
{%- endmacro %}

{#-
    The period columns of a table in whole pounds (suffix '_gbp') or of plans (none), a row each: what is measured, of which
    quarter, and the figure.
-#}
{% macro unpivoted_periods(columns, figure) -%}
unnest([{% for measure, quarter, column in columns %}'{{ measure }}'{{ ', ' if not loop.last }}{% endfor %}]) as measure,
        unnest([{% for measure, quarter, column in columns %}{{ quarter or 'null' }}{{ ', ' if not loop.last }}{% endfor %}]) as quarter,
        unnest([{% for measure, quarter, column in columns %}{{ column }}{{ ', ' if not loop.last }}{% endfor %}]) as {{ figure }}
{%- endmacro %}

{#- The period columns that the three tables of money share. -#}
{% macro money_periods() -%}
{% set columns = [('agreement', none, 'agreement_gbp'), ('plan', none, 'plan_gbp'), ('budget', none, 'budget_gbp')] %}
{% for quarter in range(1, 5) %}
    {% do columns.append(('actual', quarter, 'q' ~ quarter ~ '_actual_gbp')) %}
    {% do columns.append(('forecast', quarter, 'q' ~ quarter ~ '_forecast_gbp')) %}
{% endfor %}
{% do columns.append(('outturn', none, 'outturn_gbp')) %}
{{ unpivoted_periods(columns, 'value_gbp') }}
{%- endmacro %}

{#- Cost of a place in whole pounds, rounded last; NULL without places. -#}
{% macro unit_cost(cost, places) -%}
cast(case when {{ places }} > 0 then round({{ cost }} / {{ places }}) end as bigint)
{%- endmacro %}

{#-
    One row per run of returns that say the same of an item, with what was known when.

    told: a model with submission_id, la_code, financial_year and source_row, a row each thing that a return says; keys: what
    names an item within the financial year; figures: what is said of it, which another return may say otherwise; terms: what
    begins a run too, but restates nothing; labels: what only goes along, from the first return of the run.

    A return that leaves an item blank says nothing of it, unless it is a later version of the quarter's return that said it
    last: that one withdraws it. Known from the receipt of the first return that says it until that of the first that says
    otherwise.
-#}
{% macro as_known(told, keys, figures, terms=[], labels=[]) -%}
with told_once as (
    select *
    from {{ told }}
    -- A line given twice is marked by its rule; one of it stands.
    qualify row_number() over (partition by submission_id, {{ keys | join(', ') }} order by source_row) = 1
),

items as (
    select distinct
        la_code,
        financial_year,
        {{ keys | join(',\n        ') }}
    from told_once
),

answers as (
    select
        counted.submission_id,
        counted.la_code,
        counted.financial_year,
        counted.quarter as return_quarter,
        counted.stage,
        counted.received_at,
        counted.return_order,
        {%- for key in keys %}
        items.{{ key }},
        {%- endfor %}
        {%- for column in figures + terms + labels %}
        told_once.{{ column }},
        {%- endfor %}
        told_once.submission_id is not null as is_told
    from items
    inner join {{ ref('int_safety_valve_return__counted') }} as counted
        on
            items.la_code = counted.la_code
            and items.financial_year = counted.financial_year
    left join told_once -- at most one
        on
            counted.submission_id = told_once.submission_id
            {%- for key in keys %}
            and items.{{ key }} is not distinct from told_once.{{ key }}
            {%- endfor %}
),

heeded as (
    select *
    from answers
    qualify
        is_told
        or return_quarter = last_value(if(is_told, return_quarter, null) ignore nulls) over (
            partition by la_code, financial_year, {{ keys | join(', ') }}
            order by return_order
            rows between unbounded preceding and 1 preceding
        )
),

compared as (
    select
        *,
        (
            row_number() over said = 1
            or is_told is distinct from lag(is_told) over said
            {%- for column in figures + terms %}
            or {{ column }} is distinct from lag({{ column }}) over said
            {%- endfor %}
        ) as is_first_of_run,
        is_told
        and (
            {%- for column in figures %}
            {{ 'or ' if not loop.first }}{{ column }} is distinct from coalesce(lag({{ column }} ignore nulls) over said, {{ column }})
            {%- endfor %}
        ) as is_said_otherwise
    from heeded
    window said as (partition by la_code, financial_year, {{ keys | join(', ') }} order by return_order)
),

runs as (
    select
        *,
        lead(received_at) over said as known_to,
        bool_or(is_said_otherwise) over said as is_restated
    from compared
    where is_first_of_run
    window said as (partition by la_code, financial_year, {{ keys | join(', ') }} order by return_order)
)

select
    la_code,
    financial_year,
    {%- for column in keys + figures + terms + labels %}
    {{ column }},
    {%- endfor %}
    return_quarter,
    stage,
    received_at as known_from,
    known_to,
    known_to is null as is_current,
    is_restated,
    submission_id
from runs
where is_told
{%- endmacro %}
