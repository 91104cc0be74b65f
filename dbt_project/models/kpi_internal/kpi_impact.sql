{#-
    What a figure did before and after something began that is meant to move it, by statistical process control (XmR): mean and limits
    are those of the periods that had ended before, and hold on after. It says what was seen, never why.

    A view of kpi_value and of the aims alone: the portal makes it of what the open tables show (orchestration/release/portal/impact.py),
    so that no mean or limit tells of a figure that is withheld.
-#}
{% set limit_width = control_limit_width() %}
{% set run_length = control_run_length() %}
{% set trend_steps = control_trend_length() | int - 1 %}
{% set fewest_points = control_fewest_points() %}

-- A figure: a KPI of the authority as a whole, or an item of a breakdown of it.
with aims as (
    select
        *,
        {{ surrogate_key(['kpi_id', 'breakdown_topic', 'breakdown']) }} as figure_key
    from {{ ref('fct_kpi_aim') }}
),

periods as (
    select
        {{ surrogate_key(['kpi_value.kpi_id', 'kpi_value.breakdown_topic', 'kpi_value.breakdown']) }} as figure_key,
        kpi_value.value_basis,
        case
            when lower(kpi_value.time_identifier) = 'autumn and spring term' then 'autumn and spring term'
            else {{ period_kind('kpi_value.time_identifier') }}
        end as period_kind,
        kpi_value.period_start,
        kpi_value.period_end,
        12 * year(kpi_value.period_start) + month(kpi_value.period_start) as month_number,
        kpi_value.value,
        kpi_value.value_status,
        kpi_value.coverage_note is not null as is_partly_covered,
        kpi_value.series_break_note,
        coalesce(chart.not_interpretable_reason = 'counting_change', false) as is_counting_changed,
        kpi_value.unit
    from {{ ref('kpi_value') }} as kpi_value
    left join {{ ref('kpi_control_chart') }} as chart -- at most one, of a month
        on kpi_value.kpi_value_key = chart.kpi_control_chart_key
    where
        kpi_value.area_role = 'own_authority'
        and kpi_value.area_level = 'local_authority'
        and kpi_value.period_start is not null
        and kpi_value.kpi_id in (select aims.kpi_id from aims)
        -- What the authority expects has not happened; and the four quarters' forecasts of a year are of one and the same year.
        and coalesce(kpi_value.method not like '%forecast%', true)
),

-- Of a KPI that is told by month and by year, or by the returns and by a publisher, the series with most figures that cover as much; of
-- equals the whole, and the own one. Terms are left out: they differ in length and season, so neighbours are not alike.
chosen as (
    select
        figure_key,
        value_basis,
        period_kind,
        is_partly_covered
    from periods
    where period_kind <> 'term'
    group by figure_key, value_basis, period_kind, is_partly_covered
    qualify
        row_number() over (
            partition by figure_key order by count(value) desc, is_partly_covered asc, value_basis asc, period_kind asc
        ) = 1
),

-- Periods are numbered as calendars have them, so that a missing one leaves a hole; mean and limits are of one stretch between two
-- declared changes of counting.
series as (
    select
        periods.*,
        case periods.period_kind
            when 'month' then periods.month_number
            when 'financial quarter' then periods.month_number // 3
            else year(periods.period_start)
        end as period_number,
        -- A figure that leaves out more, or less, than the others is not set beside them.
        if(periods.is_partly_covered = chosen.is_partly_covered, periods.value, null) as comparable_value,
        count(periods.series_break_note) over (
            partition by periods.figure_key
            order by periods.period_start
        ) as stretch_number
    from periods
    inner join chosen -- exactly one
        on
            periods.figure_key = chosen.figure_key
            and periods.value_basis = chosen.value_basis
            and periods.period_kind = chosen.period_kind
),

reported as (
    select
        *,
        lag(value) over in_order as previous_value,
        lag(period_number) over in_order as previous_number
    from series
    where comparable_value is not null
    window in_order as (partition by figure_key, stretch_number order by period_number)
),

-- Every quarter, or every fourth: a figure of fourth quarters alone has no hole.
told as (
    select
        figure_key,
        any_value(value_basis) as value_basis,
        any_value(period_kind) as period_kind,
        any_value(unit) as unit,
        coalesce(min(period_number - previous_number), 1) as step,
        min(value) as lowest_value,
        max(value) as highest_value,
        max(period_end) as last_period_end
    from reported
    group by figure_key
),

beside as (
    select
        aim.kpi_aim_key,
        aim.begun_on,
        reported.*,
        told.step,
        case
            when reported.period_end < aim.begun_on then 'before'
            when reported.period_start >= aim.begun_on then 'after'
            else 'during'
        end as side_in_time
    from aims as aim
    inner join reported -- one aim to the periods of its figure
        on aim.figure_key = reported.figure_key
    inner join told -- exactly one
        on aim.figure_key = told.figure_key
    where aim.begun_on is not null
),

placed as (
    select
        *,
        -- Without a period before, those after are of the stretch that they begin with.
        coalesce(
            max(stretch_number) filter (where side_in_time = 'before') over (partition by kpi_aim_key),
            min(stretch_number) over (partition by kpi_aim_key)
        ) as stretch_of_start
    from beside
),

marked as (
    select
        *,
        stretch_number = stretch_of_start as is_of_stretch
    from placed
),

before_and_after as (
    select
        kpi_aim_key,
        figure_key,
        stretch_of_start,
        count(*) filter (where side_in_time = 'before' and is_of_stretch) as before_count,
        bool_or(is_counting_changed) filter (where is_of_stretch) as is_counting_changed,
        min(period_start) filter (where side_in_time = 'before' and is_of_stretch) as before_first_start,
        max(period_end) filter (where side_in_time = 'before' and is_of_stretch) as before_last_end,
        avg(value) filter (where side_in_time = 'before' and is_of_stretch) as before_mean,
        avg(abs(value - previous_value)) filter (where side_in_time = 'before' and is_of_stretch) as before_range,
        coalesce(
            bool_or(period_number - previous_number > step) filter (where side_in_time = 'before' and is_of_stretch), false
        ) as has_hole_before,
        count(*) filter (where side_in_time = 'after' and is_of_stretch) as after_count,
        min(period_number) filter (where side_in_time = 'after' and is_of_stretch) as after_first_number,
        avg(value) filter (where side_in_time = 'after' and is_of_stretch) as after_mean,
        count(*) filter (where side_in_time = 'after' and not is_of_stretch) as after_break_count
    from marked
    group by kpi_aim_key, figure_key, stretch_of_start
),

-- Periods whose figure is told and not set beside the others; or that somebody withholds: disclosure control beside the open tables, the
-- publisher of a published figure.
left_out as (
    select
        before_and_after.kpi_aim_key,
        count(*) filter (
            where series.value_status = 'confidential'
            and series.period_start between before_and_after.before_first_start and before_and_after.before_last_end
        ) as before_withheld_count,
        count(*) filter (
            where series.value_status = 'confidential' and series.period_start >= aim.begun_on
        ) as after_withheld_count,
        count(*) filter (
            where series.value is not null
            and series.period_start between before_and_after.before_first_start and before_and_after.before_last_end
        ) as before_otherwise_covered_count,
        count(*) filter (
            where series.value is not null and series.period_start >= aim.begun_on
        ) as after_otherwise_covered_count
    from before_and_after
    inner join aims as aim -- exactly one
        on before_and_after.kpi_aim_key = aim.kpi_aim_key
    inner join series -- one aim to the periods of its figure
        on
            before_and_after.figure_key = series.figure_key
            and before_and_after.stretch_of_start = series.stretch_number
    where series.comparable_value is null
    group by before_and_after.kpi_aim_key
),

limits as (
    select
        before_and_after.kpi_aim_key,
        before_and_after.after_first_number,
        cast(before_and_after.before_mean as decimal(18, 4)) as centre,
        -- A figure that never was below nought, or above 100 in a hundred, is shown no such limit.
        cast(
            if(
                told.lowest_value >= 0,
                greatest(before_and_after.before_mean - {{ limit_width }} * before_and_after.before_range, 0),
                before_and_after.before_mean - {{ limit_width }} * before_and_after.before_range
            ) as decimal(18, 4)
        ) as lower_limit,
        cast(
            if(
                told.unit = 'percent' and told.highest_value <= 100,
                least(before_and_after.before_mean + {{ limit_width }} * before_and_after.before_range, 100),
                before_and_after.before_mean + {{ limit_width }} * before_and_after.before_range
            ) as decimal(18, 4)
        ) as upper_limit
    from before_and_after
    inner join told -- exactly one
        on before_and_after.figure_key = told.figure_key
    where
        before_and_after.before_count >= {{ fewest_points }}
        and not before_and_after.has_hole_before
        and not before_and_after.is_counting_changed
),

sides as (
    select
        placed.kpi_aim_key,
        placed.side_in_time,
        placed.period_number // placed.step as step_number,
        placed.value > limits.upper_limit as is_above_limits,
        placed.value < limits.lower_limit as is_below_limits,
        sign(placed.value - limits.centre) as side,
        -- A step from one period to the next, none between and both on the same side of the start.
        case
            when
                (placed.side_in_time = 'before' or placed.previous_number >= limits.after_first_number)
                and placed.period_number - placed.previous_number = placed.step
                then sign(placed.value - placed.previous_value)
        end as direction
    from marked as placed
    inner join limits -- exactly one
        on placed.kpi_aim_key = limits.kpi_aim_key
    where placed.side_in_time <> 'during' and placed.is_of_stretch
),

-- Neighbours that share a side, or a direction, share a number.
stretches as (
    select
        *,
        step_number - row_number() over (partition by kpi_aim_key, side_in_time, side order by step_number) as side_stretch,
        step_number - row_number() over (
            partition by kpi_aim_key, side_in_time, direction order by step_number
        ) as direction_stretch
    from sides
),

lengths as (
    select
        *,
        count(*) over (partition by kpi_aim_key, side_in_time, side, side_stretch) as side_length,
        count(*) over (partition by kpi_aim_key, side_in_time, direction, direction_stretch) as direction_length
    from stretches
),

signals_on_a_side as (
    select
        kpi_aim_key,
        side_in_time,
        count(*) filter (where is_above_limits) as above_limits_count,
        count(*) filter (where is_below_limits) as below_limits_count,
        bool_or(side > 0 and side_length >= {{ run_length }}) as is_run_above,
        bool_or(side < 0 and side_length >= {{ run_length }}) as is_run_below,
        coalesce(bool_or(direction > 0 and direction_length >= {{ trend_steps }}), false) as is_rising,
        coalesce(bool_or(direction < 0 and direction_length >= {{ trend_steps }}), false) as is_falling
    from lengths
    group by kpi_aim_key, side_in_time
),

directions as (
    select
        *,
        above_limits_count > 0 or is_run_above or is_rising as is_up,
        below_limits_count > 0 or is_run_below or is_falling as is_down
    from signals_on_a_side
),

-- What else aims at the same figure, at the whole or at a part of it, and was under way between the start and the latest figure.
others as (
    select
        aim.kpi_aim_key,
        count(*) as other_count,
        string_agg(
            other.aim_label || ' (since ' || strftime(other.begun_on, '%-d %B %Y') || ')', '; ' order by other.begun_on, other.aim_label
        ) as other_labels
    from aims as aim
    inner join told -- exactly one
        on aim.figure_key = told.figure_key
    inner join aims as other -- one to many
        on
            aim.kpi_id = other.kpi_id
            and (aim.figure_key = other.figure_key or 'Total' in (aim.breakdown, other.breakdown))
            and aim.kpi_aim_key <> other.kpi_aim_key
            and told.last_period_end >= other.begun_on
            and coalesce(aim.begun_on <= other.ended_on, true)
    where aim.begun_on is not null
    group by aim.kpi_aim_key
)

select
    aim.kpi_aim_key,
    aim.la_code,
    aim.return_id,
    aim.aim_id,
    aim.aim_kind,
    aim.aim_label,
    aim.begun_on,
    aim.ended_on,
    aim.status_label,
    aim.due_on,
    aim.is_overdue,
    aim.is_slipping,
    aim.owner_role,
    aim.kpi_id,
    aim.breakdown_topic,
    aim.breakdown,
    told.value_basis,
    told.period_kind,
    told.unit,
    cast(coalesce(before_and_after.before_count, 0) as integer) as before_count,
    cast(before_and_after.before_mean as decimal(18, 4)) as before_mean,
    limits.lower_limit,
    limits.upper_limit,
    directions_before.is_up or directions_before.is_down as is_unsteady_before,
    cast(coalesce(before_and_after.after_count, 0) as integer) as after_count,
    cast(before_and_after.after_mean as decimal(18, 4)) as after_mean,
    cast(coalesce(left_out.after_withheld_count, 0) as integer) as after_withheld_count,
    cast(coalesce(left_out.after_otherwise_covered_count, 0) as integer) as after_otherwise_covered_count,
    cast(coalesce(before_and_after.after_break_count, 0) as integer) as after_break_count,
    cast(directions.above_limits_count as integer) as above_limits_count,
    cast(directions.below_limits_count as integer) as below_limits_count,
    directions.is_run_above,
    directions.is_run_below,
    directions.is_rising,
    directions.is_falling,
    case
        when aim.kpi_id is null then 'no_kpi'
        when not aim.is_known_kpi then 'unknown_kpi'
        when aim.begun_on is null then 'not_begun'
        when told.figure_key is null then 'no_series'
        when coalesce(before_and_after.after_count, 0) = 0
            then if(coalesce(before_and_after.after_break_count, 0) > 0, 'counting_changed', 'no_period_after')
        when before_and_after.is_counting_changed then 'counting_changed'
        when
            before_and_after.before_count
            + coalesce(left_out.before_withheld_count + left_out.before_otherwise_covered_count, 0)
            < {{ fewest_points }}
            then 'too_few_before'
        -- Nor are there limits where every second period is withheld, so that what is left has no hole.
        when limits.kpi_aim_key is null
            then case
                when left_out.before_withheld_count > 0 then 'withheld_before'
                when left_out.before_otherwise_covered_count > 0 then 'otherwise_covered_before'
                else 'missing_before'
            end
        when directions.is_up and directions.is_down then 'signals_both_ways'
        when directions.is_up then 'signal_up'
        when directions.is_down then 'signal_down'
        else 'no_signal'
    end as outcome_code,
    case
        when catalogue.polarity = 'neutral' or catalogue.is_judged_by_size then null
        when coalesce(directions.is_up = directions.is_down, true) then null
        -- What rises from far below the mean of before is not above it.
        when directions.is_up <> (before_and_after.after_mean > before_and_after.before_mean) then null
        when directions.is_up = (catalogue.polarity = 'higher') then 'better'
        else 'worse'
    end as signal_is,
    cast(coalesce(others.other_count, 0) as integer) as other_count,
    others.other_labels
from aims as aim
left join {{ ref('kpi_catalogue') }} as catalogue -- at most one
    on aim.kpi_id = catalogue.kpi_id
left join told -- at most one
    on aim.figure_key = told.figure_key
left join before_and_after -- at most one
    on aim.kpi_aim_key = before_and_after.kpi_aim_key
left join left_out -- at most one
    on aim.kpi_aim_key = left_out.kpi_aim_key
left join limits -- at most one
    on aim.kpi_aim_key = limits.kpi_aim_key
left join directions -- at most one
    on
        aim.kpi_aim_key = directions.kpi_aim_key
        and directions.side_in_time = 'after'
left join directions as directions_before -- at most one
    on
        aim.kpi_aim_key = directions_before.kpi_aim_key
        and directions_before.side_in_time = 'before'
left join others -- at most one
    on aim.kpi_aim_key = others.kpi_aim_key
