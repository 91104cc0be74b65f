{#-
    What holds of the rows of one model, all of it in one test: dbt spends more on a test than DuckDB on its query.
        unique: columns of which no value comes twice; absent values do not count.
        unique_together: lists of columns that are unique together; absent values count as equal.
        not_null: columns that are never absent.
        accepted_values: by column the values that it may have, if it has one.
    What fails is told by kind and column, with the number of its rows, and holds no value.
-#}
{% test holds(model, unique=[], unique_together=[], not_null=[], accepted_values={}) %}
{{ config(fail_calc='coalesce(sum(failing_rows), 0)') }}
{%- set of_rows = [] -%}
{%- for column in not_null -%}
    {%- do of_rows.append(('not_null', column, column ~ ' is null')) -%}
{%- endfor -%}
{%- for column, values in accepted_values.items() -%}
    {%- do of_rows.append(('accepted_values', column, column ~ " not in ('" ~ (values | join("', '")) ~ "')")) -%}
{%- endfor -%}
{%- set keys = [] -%}
{%- for column in unique -%}
    {%- do keys.append(('unique', [column], 'where ' ~ column ~ ' is not null')) -%}
{%- endfor -%}
{%- for columns in unique_together -%}
    {%- do keys.append(('unique_together', columns, '')) -%}
{%- endfor -%}
with
{%- if of_rows %}
counted as (
    select
    {%- for _, _, fails in of_rows %}
        count(case when {{ fails }} then 1 end) as failing_{{ loop.index }}{{ ',' if not loop.last }}
    {%- endfor %}
    from {{ model }}
),
{%- endif %}
told as (
{%- for kind, columns, condition in keys %}
    select
        '{{ kind }}' as kind,
        '{{ columns | join('__') }}' as column_name,
        coalesce(sum(row_count), 0) as failing_rows
    from (
        select count(*) as row_count
        from {{ model }}
        {{ condition }}
        group by {{ columns | join(', ') }}
        having count(*) > 1
    ) as repeated
    {%- if of_rows or not loop.last %}
    union all
    {%- endif %}
{%- endfor %}
{%- for kind, column, _ in of_rows %}
    select
        '{{ kind }}' as kind,
        '{{ column }}' as column_name,
        failing_{{ loop.index }} as failing_rows
    from counted
    {%- if not loop.last %}
    union all
    {%- endif %}
{%- endfor %}
)

select
    kind,
    column_name,
    failing_rows
from told
where failing_rows > 0
{% endtest %}
