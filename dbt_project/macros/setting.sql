{#- Whether a version of a setting (int_setting__versioned) stood on a day; one closed on a day not known did not. -#}
{% macro stood_on(version, day) -%}
(
    coalesce({{ version }}.valid_from <= {{ day }}, true)
    and coalesce({{ version }}.valid_to >= {{ day }}, {{ version }}.is_open, false)
)
{%- endmacro %}
