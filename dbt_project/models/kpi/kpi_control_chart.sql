{#- Statistical process control of single monthly values (XmR); macros/control_chart.sql has the constants and who set them. -#}
{{ config(materialized='view') }}
{#-
    A view of kpi_value alone: beside the open tables it is made from what they show, so that no mean or limit tells of a
    month that is withheld.
-#}
{% set limit_width = control_limit_width() %}
{% set run_length = control_run_length() %}
{% set trend_length = control_trend_length() %}
{% set fewest_points = control_fewest_points() %}
{# A month in which a waiting list changes by more than half, seen from a list of 20 or more (RTW-105). #}
{% set largest_change = 0.5 %}
{% set smallest_base = 20 %}
{% set measures_of_a_list = [
    'therapy_waiting_total', 'therapy_within_18_weeks_pct', 'therapy_over_52_weeks', 'therapy_over_104_weeks',
    'therapy_median_wait_weeks', 'therapy_p92_wait_weeks'
] %}
{% set series = 'value_basis, kpi_id, area_level, area_code, breakdown_topic, breakdown' %}

with months as (
    select
        *,
        12 * year(period_start) + month(period_start) as month_number
    from {{ ref('kpi_value') }}
    where {{ period_kind('time_identifier') }} = 'month'
),

-- Mean and limits are made anew only where a change of counting was declared.
points as (
    select
        *,
        max(if(series_break_note is not null, period_start, null)) over (
            partition by {{ series }} order by month_number
        ) as step_date
    from months
),

reported as (
    select
        *,
        lag(value) over whole_steps as previous_value,
        lag(month_number) over whole_steps as previous_month_number
    from points
    where value is not null
    window whole_steps as (partition by {{ series }}, step_date order by month_number)
),

-- A change of the number waiting, far beyond what a month brings, is one of counting, and of every figure of that list.
counting_changes as (
    select distinct
        value_basis,
        area_level,
        area_code,
        breakdown_topic,
        breakdown,
        step_date
    from reported
    where
        kpi_id = 'therapy_waiting_total'
        -- Over a hole many months may have brought it.
        and month_number = previous_month_number + 1
        and (
            previous_value >= {{ smallest_base }} and abs(value - previous_value) > {{ largest_change }} * previous_value
            or value >= {{ smallest_base }} and abs(value - previous_value) > {{ largest_change }} * value
        )
),

charts as (
    select
        {{ series }},
        step_date,
        any_value(unit) as unit,
        count(*) as point_count,
        min(month_number) as first_month,
        max(month_number) as last_month,
        avg(value) as mean_value,
        avg(abs(value - previous_value)) as mean_moving_range
    from reported
    group by {{ series }}, step_date
),

-- Months that somebody withholds: disclosure control beside the open tables, the publisher of a published figure.
withheld as (
    select
        {%- for column in series.split(', ') %}
            points.{{ column }},
        {%- endfor %}
        points.step_date,
        count(*) as withheld_count,
        count(*) filter (where points.month_number between charts.first_month and charts.last_month) as hole_count
    from points
    left join charts -- at most one
        on
            {%- for column in series.split(', ') %}
                points.{{ column }} = charts.{{ column }}
                and
            {%- endfor %} points.step_date is not distinct from charts.step_date
    where points.value_status = 'confidential'
    group by all
),

judged_charts as (
    select
        charts.*,
        case
            when counting_changes.area_code is not null then 'counting_change'
            when charts.last_month - charts.first_month + 1 > charts.point_count + coalesce(withheld.hole_count, 0)
                then 'missing_months'
            when withheld.hole_count > 0 then 'withheld_months'
            when charts.point_count >= {{ fewest_points }} then null
            when charts.point_count + withheld.withheld_count >= {{ fewest_points }} then 'withheld_months'
            else 'too_few_points'
        end as not_interpretable_reason
    from charts
    left join withheld -- at most one
        on
            {%- for column in series.split(', ') %}
                charts.{{ column }} = withheld.{{ column }}
                and
            {%- endfor %} charts.step_date is not distinct from withheld.step_date
    left join counting_changes -- at most one
        on
            charts.value_basis = counting_changes.value_basis
            and charts.area_level = counting_changes.area_level
            and charts.area_code = counting_changes.area_code
            and charts.breakdown_topic = counting_changes.breakdown_topic
            and charts.breakdown = counting_changes.breakdown
            and charts.step_date is not distinct from counting_changes.step_date
            and charts.kpi_id in ('{{ measures_of_a_list | join("', '") }}')
),

limits as (
    select
        *,
        cast(mean_value as decimal(18, 4)) as centre,
        cast(mean_moving_range as decimal(18, 4)) as average_range,
        -- No count, share or wait is below nought, and no share above 100.
        cast(greatest(mean_value - {{ limit_width }} * mean_moving_range, 0) as decimal(18, 4)) as lower_limit,
        cast(
            least(mean_value + {{ limit_width }} * mean_moving_range, if(unit = 'percent', 100, null)) as decimal(18, 4)
        ) as upper_limit
    from judged_charts
    where not_interpretable_reason is null
),

sides as (
    select
        reported.*,
        limits.centre,
        limits.average_range,
        limits.lower_limit,
        limits.upper_limit,
        sign(reported.value - limits.centre) as side,
        sign(reported.value - reported.previous_value) as direction
    from reported
    inner join limits -- exactly one
        on
            {%- for column in series.split(', ') %}
                reported.{{ column }} = limits.{{ column }}
                and
            {%- endfor %} reported.step_date is not distinct from limits.step_date
),

-- Neighbours that share a side, or a direction, share a number.
stretches as (
    select
        *,
        month_number - row_number() over (
            partition by {{ series }}, step_date, side order by month_number
        ) as side_stretch,
        month_number - row_number() over (
            partition by {{ series }}, step_date, direction order by month_number
        ) as direction_stretch
    from sides
),

lengths as (
    select
        *,
        side <> 0 and count(*) over (
            partition by {{ series }}, step_date, side, side_stretch
        ) >= {{ run_length }} as is_in_run,
        -- Six points are five steps.
        coalesce(direction <> 0 and count(*) over (
            partition by {{ series }}, step_date, direction, direction_stretch
        ) >= {{ trend_length | int - 1 }}, false) as is_trend_step
    from stretches
),

signals as (
    select
        *,
        is_trend_step or coalesce(
            lead(is_trend_step) over (partition by {{ series }}, step_date order by month_number), false
        ) as is_in_trend
    from lengths
)

select
    points.kpi_value_key as kpi_control_chart_key,
    points.kpi_id,
    points.area_level,
    points.area_code,
    points.area_name,
    points.area_role,
    points.la_code,
    points.breakdown_topic,
    points.breakdown,
    points.value_basis,
    points.time_identifier,
    points.time_period,
    points.period_start,
    points.period_end,
    points.value,
    points.symbol,
    points.unit,
    points.step_date,
    cast(coalesce(judged_charts.point_count, 0) as integer) as point_count,
    signals.centre as mean_value,
    cast(abs(signals.value - signals.previous_value) as decimal(18, 4)) as moving_range,
    signals.average_range as mean_moving_range,
    signals.lower_limit,
    signals.upper_limit,
    signals.value < signals.lower_limit or signals.value > signals.upper_limit as is_beyond_limits,
    signals.is_in_run,
    signals.is_in_trend,
    judged_charts.point_count is not null and judged_charts.not_interpretable_reason is null as is_interpretable,
    case
        when judged_charts.point_count is not null then judged_charts.not_interpretable_reason
        when withheld.withheld_count > 0 then 'withheld_months'
        else 'no_values'
    end as not_interpretable_reason
from points
left join judged_charts -- at most one
    on
        {%- for column in series.split(', ') %}
            points.{{ column }} = judged_charts.{{ column }}
            and
        {%- endfor %} points.step_date is not distinct from judged_charts.step_date
left join withheld -- at most one
    on
        {%- for column in series.split(', ') %}
            points.{{ column }} = withheld.{{ column }}
            and
        {%- endfor %} points.step_date is not distinct from withheld.step_date
left join signals -- at most one
    on points.kpi_value_key = signals.kpi_value_key
