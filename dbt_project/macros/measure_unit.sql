{#-
    Unit of a published measure, from its series and name: Explore Education Statistics marks percentages by pc or rate.
    The Local Authority Interactive Tool mixes percentages, rates and scores under names that do not tell.
-#}
{% macro measure_unit(series_code, measure_code) -%}
case
        when {{ series_code }} = 'lait' then 'as published'
        when regexp_matches({{ measure_code }}, '(^|_)pc(_|$)|rate$') then 'percent'
        else 'count'
    end
{%- endmacro %}
