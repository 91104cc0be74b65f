{#- Identifier of a term, as Explore Education Statistics spells it. -#}
{% macro term_identifier(term_code) -%}
case {{ term_code }} when 'AUT' then 'Autumn term' when 'SPR' then 'Spring term' when 'SUM' then 'Summer term' end
{%- endmacro %}

{#- Key of a term in dim_period. -#}
{% macro term_key(term_code, academic_year) -%}
{{ surrogate_key(['lower(' ~ term_identifier(term_code) ~ ')', academic_year]) }}
{%- endmacro %}

{#- Terms in order, as whole numbers without a gap: consecutive terms differ by one. -#}
{% macro term_number(term_code, academic_year) -%}
(
    3 * cast(left({{ academic_year }}, 4) as integer)
    + case {{ term_code }} when 'AUT' then 0 when 'SPR' then 1 when 'SUM' then 2 end
)
{%- endmacro %}

{#- Term of a number, and its academic year. -#}
{% macro term_of_number(number) -%}
list_extract(['AUT', 'SPR', 'SUM'], cast({{ number }} % 3 as integer) + 1)
{%- endmacro %}

{% macro academic_year_of_number(number) -%}
cast({{ number }} // 3 as varchar) || right(cast({{ number }} // 3 + 1 as varchar), 2)
{%- endmacro %}

{#-
    Number of the term that holds a day, in the terms the school census collects by: August begins the autumn term,
    January the spring and April the summer term.
-#}
{% macro term_number_of_day(day) -%}
(3 * (year({{ day }}) - if(month({{ day }}) >= 8, 0, 1)) + case
    when month({{ day }}) >= 8 then 0
    when month({{ day }}) <= 3 then 1
    else 2
end)
{%- endmacro %}
