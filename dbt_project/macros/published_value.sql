{#-
    A published cell is a number or a marker, and stays what it is: blank is not zero, and no marker becomes a number.
    Markers of Explore Education Statistics: z not applicable, x not available, c confidential, low above zero but
    rounding to zero. NHS England and older tables: * suppressed; the SEND tribunal table: .. not available, ~ suppressed.
-#}
{% macro published_number(column) -%}
try_cast(replace(replace(trim({{ column }}), ',', ''), '%', '') as decimal(18, 4))
{%- endmacro %}

{% macro published_value_status(column) -%}
case
        when nullif(trim({{ column }}), '') is null then 'blank'
        when lower(trim({{ column }})) = 'z' then 'not_applicable'
        when lower(trim({{ column }})) in ('x', '..') then 'not_available'
        when lower(trim({{ column }})) in ('c', '*', '~') then 'confidential'
        when lower(trim({{ column }})) in ('low', 'k') then 'low'
        when {{ published_number(column) }} is not null then 'reported'
        else 'text'
    end
{%- endmacro %}

{#- The letter an open-data file carries in place of a number (EES); NULL beside a number. -#}
{% macro symbol_of_status(column) -%}
case {{ column }}
        when 'reported' then null
        when 'not_applicable' then 'z'
        when 'confidential' then 'c'
        when 'low' then 'low'
        else 'x'
    end
{%- endmacro %}

{#- One row a measure from a row of measures (MAP of column name to text). -#}
{% macro unpivoted_measures(column) -%}
unnest(map_keys({{ column }})) as measure_code,
        unnest(map_values({{ column }})) as value_text
{%- endmacro %}

{#- A part of a whole in percent, in floating point; NULL of nothing. -#}
{% macro percentage(part, whole) -%}
cast(100 * ({{ part }}) as double) / nullif(cast({{ whole }} as double), 0)
{%- endmacro %}
