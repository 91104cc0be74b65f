{#- Kind of period of a full-year figure: the year of an outturn, the quarter that a forecast was made at. -#}
{% macro full_year_period(measure, quarter) -%}
if({{ measure }} = 'outturn', 'Financial year', 'Financial year Q' || {{ quarter }})
{%- endmacro %}

{#- Breakdown topic of a group of EHC plans in the safety valve return. -#}
{% macro plan_breakdown(measure_group) -%}
case {{ measure_group }}
        when 'TOTAL' then 'Total'
        when 'AGE' then 'Age group'
        when 'NEED' then 'Primary need'
        else 'DSG placement category'
    end
{%- endmacro %}
