{#-
    Unit of a published measure, from its series and name: Explore Education Statistics marks percentages by pc or rate, averages by avg.
    The Local Authority Interactive Tool mixes percentages, rates and scores under names that do not tell.
-#}
{% macro measure_unit(series_code, measure_code) -%}
case
        when {{ series_code }} = 'lait' then 'as published'
        when {{ series_code }} in ('s251_outturn', 'dsg_allocation') then 'gbp'
        when regexp_matches({{ measure_code }}, '(^|_)pc(_|$)|rate$') then 'percent'
        when regexp_matches({{ measure_code }}, '^avg_weeks_') then 'weeks'
        else 'count'
    end
{%- endmacro %}
