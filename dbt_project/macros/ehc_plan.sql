{#-
    Not ended on a day. Whether the last day itself counts as held is not published: readers of real returns count it,
    and so does the project unless `in_force_includes_last_day` is false.
-#}
{% macro not_ended_on(end_date, day) -%}
coalesce({{ end_date }} {{ '>=' if var('in_force_includes_last_day') else '>' }} {{ day }}, true)
{%- endmacro %}

{#- Days from one date to another; NULL where either is missing or they are the wrong way round: no clock can be read. -#}
{% macro clock_days(start_date, end_date) -%}
case when {{ end_date }} >= {{ start_date }} then {{ days_between(start_date, end_date) }} end
{%- endmacro %}

{#- Key of a calendar year in dim_period. -#}
{% macro calendar_year_key(year) -%}
{{ surrogate_key(["'calendar year'", year]) }}
{%- endmacro %}

{#- Key in dim_period of the academic year that holds the January of a census. -#}
{% macro census_period_key(census_year) -%}
{{ surrogate_key(["'academic year'", academic_year_of_january('cast(' ~ census_year ~ ' as string)')]) }}
{%- endmacro %}

{#- Whether any of the columns is true; blank counts as not. -#}
{% macro any_true(columns) -%}
({% for column in columns %}coalesce({{ column }}, false) or {% endfor %}false)
{%- endmacro %}
