{#-
    Returns that bring their KPIs with them, beside their specifications. Nothing but their own folders names them: whoever
    starts dbt says which there are.
-#}
{% macro local_returns() -%}
{{ return(env_var('CORNERSTONE_LOCAL_RETURNS').split()) }}
{%- endmacro %}

{#-
    After a seed is loaded: what local returns add to it, from the control table of its name. What the seed has already stays
    as it is (`key`: its column), for a breakdown can be that of another return.
-#}
{% macro with_local_returns(key=none) -%}
insert into {{ this }} by name
select *
from control.{{ this.identifier }}
{%- if key %}
where {{ key }} not in (select {{ key }} from {{ this }})
{%- endif %}
{%- endmacro %}

{#- Of these, the returns that say which KPIs what they tell of is meant to move (model int_<return>__aim). -#}
{% macro aiming_returns() -%}
{{ return(env_var('CORNERSTONE_AIMING_RETURNS').split()) }}
{%- endmacro %}
