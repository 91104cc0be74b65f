{#- Deterministic key: md5 of the natural key's parts; an absent part differs from an empty one. -#}
{% macro surrogate_key(parts) -%}
md5(concat_ws('|', {% for part in parts %}coalesce(cast({{ part }} as string), '~'){{ ', ' if not loop.last }}{% endfor %}))
{%- endmacro %}
