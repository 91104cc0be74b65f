{#- The last January that plans are forecast for, and places are told for (orchestration/forecast/plans.py, LAST_JANUARY). -#}
{% macro last_january() -%}
2030
{%- endmacro %}

{#- The January of the academic year that a day is in. -#}
{% macro january_of(day) -%}
(year({{ day }}) + cast(month({{ day }}) >= 9 as integer))
{%- endmacro %}

{#- The January of an academic year of six digits (202627 is January 2027). -#}
{% macro january_of_academic_year(academic_year) -%}
cast(left({{ academic_year }}, 4) as integer) + 1
{%- endmacro %}

{#- Phase of an age group of the forecast; children of four in a reception class are among those under five. -#}
{% macro phase_of_age_group(age_group) -%}
case {{ age_group }}
        when 'Under 5' then 'EARLY_YEARS'
        when '5 to 10' then 'PRIMARY'
        when '11 to 15' then 'SECONDARY'
        when '16 to 19' then 'POST16'
        when '20 to 25' then 'POST16'
    end
{%- endmacro %}
