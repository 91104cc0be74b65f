{#- A figure of the same item at the quarter end before (a row a quarter and item); NULL where that quarter is missing. -#}
{% macro quarter_before(figure, item=none) -%}
max({{ figure }}) over (
            partition by la_code{{ ', ' ~ item if item }}
            order by period_end
            range between interval 93 days preceding and interval 80 days preceding
        )
{%- endmacro %}

{#- A share in percent at the one decimal DfE publishes, half up in whole tenths; NULL of nobody. -#}
{% macro share_in_tenths(part, whole) -%}
case when {{ whole }} > 0 then ((2000 * {{ part }} + {{ whole }}) // (2 * {{ whole }})) / 10 end
{%- endmacro %}
