{#-
    What engines write in different ways. A model tagged `portable` says it by one of these macros, so that it runs on DuckDB,
    and on Spark where one machine is too small; everything else in it is SQL that both know. Text is `string`, which both know.
-#}

{#- Days from one date to another. -#}
{% macro days_between(start_date, end_date) -%}{{ return(adapter.dispatch('days_between')(start_date, end_date)) }}{%- endmacro %}
{% macro default__days_between(start_date, end_date) -%}datediff('day', {{ start_date }}, {{ end_date }}){%- endmacro %}
{% macro spark__days_between(start_date, end_date) -%}datediff({{ end_date }}, {{ start_date }}){%- endmacro %}

{#- Whole years from one date to another; from 29 to 28 February is one. -#}
{% macro years_between(start_date, end_date) -%}{{ return(adapter.dispatch('years_between')(start_date, end_date)) }}{%- endmacro %}
{% macro default__years_between(start_date, end_date) -%}datesub('year', {{ start_date }}, {{ end_date }}){%- endmacro %}
{% macro spark__years_between(start_date, end_date) -%}
cast(months_between({{ end_date }}, {{ start_date }}) / 12 as integer)
{%- endmacro %}

{#- The date some months later. -#}
{% macro months_later(date, months) -%}{{ return(adapter.dispatch('months_later')(date, months)) }}{%- endmacro %}
{% macro default__months_later(date, months) -%}cast({{ date }} + to_months({{ months }}) as date){%- endmacro %}
{% macro spark__months_later(date, months) -%}add_months({{ date }}, {{ months }}){%- endmacro %}

{#- The date of a text dd-mm-yyyy, NULL where it is none. -#}
{% macro british_date(text) -%}{{ return(adapter.dispatch('british_date')(text)) }}{%- endmacro %}
{% macro default__british_date(text) -%}cast(try_strptime({{ text }}, '%d-%m-%Y') as date){%- endmacro %}
{% macro spark__british_date(text) -%}try_to_date({{ text }}, 'd-M-yyyy'){%- endmacro %}

{#- Whether the whole text matches a regular expression. -#}
{% macro matches_whole(text, pattern) -%}{{ return(adapter.dispatch('matches_whole')(text, pattern)) }}{%- endmacro %}
{% macro default__matches_whole(text, pattern) -%}regexp_full_match({{ text }}, '{{ pattern }}'){%- endmacro %}
{% macro spark__matches_whole(text, pattern) -%}regexp_like({{ text }}, r'^(?:{{ pattern }})\z'){%- endmacro %}

{#- The text with every match of a regular expression replaced. -#}
{% macro replace_matches(text, pattern, replacement) -%}
{{ return(adapter.dispatch('replace_matches')(text, pattern, replacement)) }}
{%- endmacro %}
{% macro default__replace_matches(text, pattern, replacement) -%}
regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}
{% macro spark__replace_matches(text, pattern, replacement) -%}
regexp_replace({{ text }}, r'{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{#- Of a group, the value of the row that comes first, blank or not. -#}
{% macro value_of_first(value, rank) -%}{{ return(adapter.dispatch('value_of_first')(value, rank)) }}{%- endmacro %}
{% macro default__value_of_first(value, rank) -%}first({{ value }} order by {{ rank }}){%- endmacro %}
{% macro spark__value_of_first(value, rank) -%}min_by({{ value }}, {{ rank }}){%- endmacro %}

{#- Of a group, the value of the first or the last row that has one. -#}
{% macro first_known(value, rank) -%}{{ return(adapter.dispatch('first_known')(value, rank)) }}{%- endmacro %}
{% macro default__first_known(value, rank) -%}arg_min({{ value }}, {{ rank }}){%- endmacro %}
{% macro spark__first_known(value, rank) -%}
min_by({{ value }}, {{ rank }}) filter (where {{ value }} is not null)
{%- endmacro %}

{% macro last_known(value, rank) -%}{{ return(adapter.dispatch('last_known')(value, rank)) }}{%- endmacro %}
{% macro default__last_known(value, rank) -%}arg_max({{ value }}, {{ rank }}){%- endmacro %}
{% macro spark__last_known(value, rank) -%}
max_by({{ value }}, {{ rank }}) filter (where {{ value }} is not null)
{%- endmacro %}

{#- The texts of a group in an order, joined. -#}
{% macro joined_text(text, separator, rank) -%}{{ return(adapter.dispatch('joined_text')(text, separator, rank)) }}{%- endmacro %}
{% macro default__joined_text(text, separator, rank) -%}
string_agg({{ text }}, '{{ separator }}' order by {{ rank }})
{%- endmacro %}
{% macro spark__joined_text(text, separator, rank) -%}
listagg({{ text }}, '{{ separator }}') within group (order by {{ rank }})
{%- endmacro %}

{#- A list of items, and a row for each item of a list. -#}
{% macro array_of(items) -%}{{ return(adapter.dispatch('array_of')(items)) }}{%- endmacro %}
{% macro default__array_of(items) -%}[{{ items | join(', ') }}]{%- endmacro %}
{% macro spark__array_of(items) -%}array({{ items | join(', ') }}){%- endmacro %}

{% macro row_each(list) -%}{{ return(adapter.dispatch('row_each')(list)) }}{%- endmacro %}
{% macro default__row_each(list) -%}unnest({{ list }}){%- endmacro %}
{% macro spark__row_each(list) -%}explode({{ list }}){%- endmacro %}

{#- A row for each pair of a name and a value, in two columns. -#}
{% macro row_each_pair(names, values, name_column, value_column) -%}
{{ return(adapter.dispatch('row_each_pair')(names, values, name_column, value_column)) }}
{%- endmacro %}
{% macro default__row_each_pair(names, values, name_column, value_column) -%}
unnest([{{ names | join(', ') }}]) as {{ name_column }},
        unnest([{{ values | join(', ') }}]) as {{ value_column }}
{%- endmacro %}
{% macro spark__row_each_pair(names, values, name_column, value_column) -%}
stack(
            {{ names | length }}
            {%- for name in names %}, {{ name }}, {{ values[loop.index0] }}{% endfor %}
        ) as ({{ name_column }}, {{ value_column }})
{%- endmacro %}

{#- All columns of a relation but some. -#}
{% macro all_but(columns, relation=none) -%}{{ return(adapter.dispatch('all_but')(columns, relation)) }}{%- endmacro %}
{% macro default__all_but(columns, relation) -%}
{{ relation ~ '.' if relation }}* exclude ({{ columns | join(', ') }})
{%- endmacro %}
{% macro spark__all_but(columns, relation) -%}
{{ relation ~ '.' if relation }}* except ({{ columns | join(', ') }})
{%- endmacro %}
