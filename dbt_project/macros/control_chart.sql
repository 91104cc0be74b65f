{#-
    Statistical process control of single values (XmR). Limits lie 2.66 mean moving ranges from the mean: three standard deviations, by
    the constant 1.128 for ranges of two values (Shewhart). Signals: beyond the limits, and eight in a row on one side of the mean
    (Western Electric, Statistical Quality Control Handbook, 1956); six in a row rising or falling (Nelson, Journal of Quality
    Technology, 1984).
-#}
{% macro control_limit_width() -%}
2.66
{%- endmacro %}

{% macro control_run_length() -%}
8
{%- endmacro %}

{% macro control_trend_length() -%}
6
{%- endmacro %}

{#- A mean of fewer points is no baseline. -#}
{% macro control_fewest_points() -%}
10
{%- endmacro %}
