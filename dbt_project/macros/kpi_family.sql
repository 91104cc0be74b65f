{#-
    Wide view of one family for people: one row an area, period, breakdown and basis, one column a KPI. A KPI without a number
    there stays blank; kpi_value says why.
-#}
{% macro kpi_family(kpi_ids) -%}
select
    area_level,
    area_code,
    area_name,
    area_role,
    la_code,
    time_identifier,
    time_period,
    period_start,
    period_end,
    breakdown_topic,
    breakdown,
    value_basis,
    {%- for kpi_id in kpi_ids %}
    max(case when kpi_id = '{{ kpi_id }}' then value end) as {{ kpi_id }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('kpi_value') }}
where
    kpi_id in (
        {%- for kpi_id in kpi_ids %}
        '{{ kpi_id }}'{{ ',' if not loop.last }}
        {%- endfor %}
    )
group by
    area_level,
    area_code,
    area_name,
    area_role,
    la_code,
    time_identifier,
    time_period,
    period_start,
    period_end,
    breakdown_topic,
    breakdown,
    value_basis
{%- endmacro %}
