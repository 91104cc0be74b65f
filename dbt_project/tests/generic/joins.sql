{#-
    What the columns of one model refer to is there, all of it in one test: by column, the column of the model or seed it is a
    key of (dim_area.area_code). An absent value refers to nothing. What fails is told by column, with the number of its rows.
-#}
{% test joins(model, columns) %}
{{ config(fail_calc='coalesce(sum(failing_rows), 0)') }}
{%- for column, target in columns.items() %}
{%- set parent, key = target.split('.') %}
select
    'relationships' as kind,
    '{{ column }}' as column_name,
    count(*) as failing_rows
from {{ model }} as child
where
    child.{{ column }} is not null
    and not exists (select 1 from {{ ref(parent) }} as parent where parent.{{ key }} = child.{{ column }})
having count(*) > 0
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{% endtest %}
