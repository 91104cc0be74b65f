-- The count of children that each KPI of the safety valve return stands on, as int_kpi__local_component has them. Money of the
-- whole authority by line, conditions, places and capital stand on nobody: a count of nought says so. A unit cost stands on
-- its average places, whole ones. Plans by age, need or placement have none, so that the open tables withhold them: SEN2
-- counts the same children, and what is hidden there must not be worked out from here.
with counted as (
    select
        *,
        {{ surrogate_key([
            'kpi_id', 'area_level', 'area_code', 'time_identifier', 'time_period', 'breakdown_topic', 'breakdown', "'local'"
        ]) }} as kpi_value_key,
        case
            when people_count is null then 'nobody'
            when kpi_id in ('placement_unit_cost', 'inmss_unit_cost') then 'average_places'
            when kpi_id = 'average_cost_per_ehcp' then 'average_plans'
            when kpi_id = 'ehcp_forecast_variance_pct' then 'plans'
            else kpi_id
        end as measure_code,
        people_count is null as is_of_nobody
    from {{ ref('int_kpi__safety_valve_value') }}
    where kpi_id <> 'ehcp_forecast_variance_pct' or breakdown_topic = 'Total'
),

placed as (
    select
        *,
        -- One cell stands for nobody in every breakdown of a period.
        if(is_of_nobody, 'Total', breakdown_topic) as cell_topic,
        if(is_of_nobody, 'Total', breakdown) as cell_breakdown,
        -- A mean is set against the least number that means are given of.
        if(measure_code in ('average_places', 'average_plans'), 'denominator', 'numerator') as part
    from counted
)

select
    kpi_value_key,
    part,
    1 as weight,
    {{ surrogate_key([
        'la_code', "'safety_valve'", 'measure_code', 'time_identifier', 'time_period', 'cell_topic', 'cell_breakdown'
    ]) }} as cell_key,
    la_code,
    'safety_valve' as series_code,
    measure_code,
    time_identifier,
    time_period,
    cell_topic,
    cell_breakdown,
    coalesce(people_count, 0) as cell_count,
    coalesce(people_count, 0) as people_count,
    submission_id
from placed
