-- The counts themselves, each once, whatever number of KPIs stand on it. Where the workbooks of all trusts behind a count of
-- waits tell of the line and month, with their number: it counts these children and those of other authorities.
with waits_by_trust as (
    select
        comparison.snapshot_date,
        service.therapy_line_name,
        comparison.provider_key,
        max(comparison.published_count) filter (where comparison.band_code = 'total') as total_count,
        sum(comparison.published_count) filter (where band.is_within_18_weeks) as within_18_count,
        -- A workbook has one band over 52 weeks, or two.
        sum(comparison.published_count) filter (where band.is_over_52_weeks) as over_52_count,
        sum(comparison.published_count) filter (where band.is_over_104_weeks) as over_104_count
    from {{ ref('fct_therapy_wait_comparison') }} as comparison
    inner join {{ ref('waiting_band') }} as band -- exactly one
        on comparison.band_code = band.band_code
    inner join {{ ref('dim_service') }} as service -- exactly one
        on comparison.service_key = service.service_key
    group by all
),

published_waits as (
    {%- for measure_code, count in [
        ('therapy_waiting_total', 'total_count'),
        ('therapy_within_18_weeks_pct', 'within_18_count'),
        ('therapy_over_52_weeks', 'over_52_count'),
        ('therapy_over_104_weeks', 'over_104_count')
    ] %}
        select
            '{{ measure_code }}' as measure_code,
            monthname(snapshot_date) as time_identifier,
            cast(year(snapshot_date) as varchar) as time_period,
            therapy_line_name,
            sum({{ count }}) as published_count
        from waits_by_trust
        group by all
        having bool_and({{ count }} is not null)
        {{- '\n\n        union all\n' if not loop.last }}
    {%- endfor %}
)

select distinct
    component.cell_key,
    component.la_code,
    component.series_code,
    component.measure_code,
    component.time_identifier,
    component.time_period,
    component.cell_topic,
    component.cell_breakdown,
    component.cell_count,
    component.people_count,
    cast(published_waits.published_count as bigint) as published_whole_count,
    component.submission_id
from {{ ref('int_kpi__therapy_component') }} as component
left join published_waits -- at most one
    on
        component.measure_code = published_waits.measure_code
        and component.time_identifier = published_waits.time_identifier
        and component.time_period = published_waits.time_period
        and component.cell_topic = 'Service line'
        and component.cell_breakdown = published_waits.therapy_line_name
