-- Plans, places, their cost and the conditions of the safety valve return, as they stand now, with the children behind each.
with plans as (
    select *
    from {{ ref('fct_ehcp_forecast') }}
    where is_current
),

quarter_ends as (
    select
        financial_year,
        avg(plan_count) as average_plans,
        count(*) as quarter_count,
        bool_or(is_restated) as is_restated
    from plans
    where measure_group = 'TOTAL' and measure = 'actual'
    group by financial_year
),

year_totals as (
    select *
    from {{ ref('fct_high_needs_line') }}
    where is_current and line_code = 'TOTAL_HN' and (measure = 'outturn' or (measure = 'forecast' and quarter = 4))
    qualify row_number() over (partition by financial_year order by measure = 'outturn' desc) = 1
),

activity as (
    select
        *,
        'Financial year Q' || quarter as time_identifier,
        'full-year forecast' as measure,
        average_places_forecast as average_places,
        unit_cost_forecast_gbp as unit_cost_gbp
    from {{ ref('fct_placement_activity') }}
    where is_current

    union all by name

    select
        *,
        'Financial year' as time_identifier,
        'outturn' as measure,
        average_places_outturn as average_places,
        unit_cost_outturn_gbp as unit_cost_gbp
    from {{ ref('fct_placement_activity') }}
    where is_current and (average_places_outturn is not null or cost_outturn_gbp is not null)
),

-- The quarter whose return told last which places are funded.
last_demand as (
    select
        la_code,
        financial_year,
        quarter
    from {{ ref('fct_place_demand') }}
    where is_current
    qualify row_number() over (partition by la_code order by period_end desc) = 1
),

forecast_gaps as (
    select
        last_demand.financial_year,
        last_demand.quarter,
        place_type.provision_type,
        gap.census_year,
        gap.plan_count,
        unnest([
            'Academic year, if plans grow as forecast',
            'Academic year, if plans grow as forecast, low end',
            'Academic year, if plans grow as forecast, high end'
        ]) as topic,
        unnest([gap.gap_count, gap.low_gap_count, gap.high_gap_count]) as gap_count
    from {{ ref('fct_place_gap') }} as gap
    inner join last_demand -- exactly one
        on gap.la_code = last_demand.la_code
    inner join {{ ref('place_type') }} as place_type -- one a type
        on gap.provision_code = place_type.reform_provision_code
    where
        gap.scenario_code = 'baseline'
        and gap.horizon > 0
        and gap.basis_code = 'funded'
        and gap.phase_code = 'Total'
        and gap.planning_area_code = 'Total'
),

-- A project that makes places at several provisions is one project.
projects as (
    select
        financial_year,
        quarter,
        capital_project_id,
        max(capital_variance_gbp) as capital_variance_gbp,
        bool_or(is_restated) as is_restated
    from {{ ref('fct_capital_place') }}
    where is_current and capital_project_id is not null
    group by financial_year, quarter, capital_project_id
),

places as (
    select
        financial_year,
        'Financial year Q' || quarter as time_identifier,
        provision_type,
        sum(places_commissioned) as commissioned,
        sum(places_occupied) as occupied,
        count(*) = count(places_commissioned) as is_commissioned_told,
        count(*) = count(places_occupied) as is_occupied_told,
        bool_or(is_restated) as is_restated
    from {{ ref('fct_capital_place') }}
    where is_current
    group by financial_year, quarter, provision_type
),

measured as (
    -- Neither places nor cost stand beside a unit cost: with the other categories they would give a small one away.
    select
        'placement_unit_cost' as kpi_id,
        activity.financial_year,
        activity.time_identifier,
        if(activity.cost_basis = 'FULL', 'Placement, full cost', 'Placement, top-up alone') as breakdown_topic,
        category.dsg_category_name as breakdown,
        activity.unit_cost_gbp as value,
        activity.measure,
        activity.is_restated,
        coalesce(activity.average_places, 0) as people
    from activity
    inner join {{ ref('placement_category') }} as category -- exactly one
        on activity.placement_code = category.dsg_category_code

    union all by name

    select
        'inmss_unit_cost' as kpi_id,
        financial_year,
        time_identifier,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        unit_cost_gbp as value,
        measure,
        is_restated,
        coalesce(average_places, 0) as people
    from activity
    where placement_code = 'NMISS' and cost_basis = 'FULL'

    union all by name

    -- Known once the plans of all four quarter ends are.
    select
        'average_cost_per_ehcp' as kpi_id,
        total.financial_year,
        'Financial year' as time_identifier,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        total.value_gbp as numerator,
        if(stock.quarter_count = 4, stock.average_plans, null) as denominator,
        if(stock.quarter_count = 4, round(total.value_gbp / stock.average_plans), null) as value,
        total.measure,
        total.is_restated or coalesce(stock.is_restated, false) as is_restated,
        coalesce(stock.average_plans, 0) as people
    from year_totals as total
    left join quarter_ends as stock -- at most one
        on total.financial_year = stock.financial_year

    union all by name

    select
        'safety_valve_conditions_on_track_pct' as kpi_id,
        financial_year,
        'Financial year Q' || quarter as time_identifier,
        if(grouping(workstream) = 1, 'Total', 'Workstream') as breakdown_topic,
        if(grouping(workstream) = 1, 'Total', coalesce(workstream, 'Not stated')) as breakdown,
        count(*) filter (where is_on_track) as numerator,
        count(*) as denominator,
        100 * count(*) filter (where is_on_track) / count(*) as value,
        'rating' as measure,
        bool_or(is_restated) as is_restated
    from {{ ref('fct_agreement_condition') }}
    where is_current and rag is not null
    group by grouping sets ((financial_year, quarter), (financial_year, quarter, workstream))

    union all by name

    select
        'send_capital_variance' as kpi_id,
        financial_year,
        'Financial year Q' || quarter as time_identifier,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        if(count(*) = count(capital_variance_gbp), sum(capital_variance_gbp), null) as value,
        if(count(*) = count(capital_variance_gbp), sum(capital_variance_gbp) > 0, null) as is_adverse,
        'forecast' as measure,
        bool_or(is_restated) as is_restated
    from projects
    group by financial_year, quarter

    union all by name

    select
        'rp_places_commissioned' as kpi_id,
        financial_year,
        time_identifier,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        if(is_commissioned_told, commissioned, null) as numerator,
        if(is_commissioned_told, commissioned, null) as value,
        'actual' as measure,
        is_restated
    from places
    where provision_type = 'RP'

    union all by name

    select
        if(provision_type = 'RP', 'rp_occupancy_pct', 'special_occupancy_pct') as kpi_id,
        financial_year,
        time_identifier,
        'Total' as breakdown_topic,
        'Total' as breakdown,
        if(is_occupied_told, occupied, null) as numerator,
        if(is_commissioned_told, commissioned, null) as denominator,
        if(is_commissioned_told and is_occupied_told, 100 * occupied / nullif(commissioned, 0), null) as value,
        'actual' as measure,
        is_restated,
        coalesce(occupied, 0) as people
    from places
    where provision_type in ('RP', 'SPECIAL')
    {%- for kpi_id, types, wanted in [
        ('place_gap_mainstream', "'MAINSTREAM', 'RP'", 2),
        ('place_gap_special', "'SPECIAL'", 1),
        ('place_gap_isp', "'ISP'", 1),
        ('place_gap_post16', "'POST16'", 1)
    ] %}

        union all by name

        -- A forecast is of the quarter that made it; the year it is for stands in the breakdown.
        select
            '{{ kpi_id }}' as kpi_id,
            financial_year,
            'Financial year Q' || quarter as time_identifier,
            if(scenario = 'PLAN', 'Academic year, if the plan is carried out', 'Academic year, if nothing changes') as breakdown_topic,
            left(academic_year, 4) || '/' || right(academic_year, 2) as breakdown,
            if(count(gap_places) = {{ wanted }}, sum(gap_places), null) as numerator,
            if(count(gap_places) = {{ wanted }}, sum(gap_places), null) as value,
            if(count(gap_places) = {{ wanted }}, sum(gap_places) > 0, null) as is_adverse,
            'forecast' as measure,
            bool_or(is_restated) as is_restated
        from {{ ref('fct_place_demand') }}
        where is_current and provision_type in ({{ types }})
        group by financial_year, quarter, scenario, academic_year

        union all by name

        -- Beside it the plans forecast here, against the same places; of fewer than ten plans nothing is told.
        select
            '{{ kpi_id }}' as kpi_id,
            financial_year,
            'Financial year Q' || quarter as time_identifier,
            topic as breakdown_topic,
            census_year - 1 || '/' || right(cast(census_year as varchar), 2) as breakdown,
            round(sum(gap_count)) as numerator,
            round(sum(gap_count)) as value,
            round(sum(gap_count)) > 0 as is_adverse,
            'own forecast' as measure,
            false as is_restated
        from forecast_gaps
        where provision_type in ({{ types }})
        group by financial_year, quarter, topic, census_year
        having
            count(gap_count) = {{ wanted }}
            and sum(plan_count) >= 10
    {%- endfor %}

    union all by name

    -- Plans at the end of the year against the forecast of that day made at the quarter before it; of the January in the year,
    -- against the plan. A forecast is of 31 March: at an earlier quarter end it is of another day, and plans grow through the year.
    select
        'ehcp_forecast_variance_pct' as kpi_id,
        actual.financial_year,
        if(actual.measure = 'actual', 'Financial year Q' || actual.quarter, 'Financial year') as time_identifier,
        {{ plan_breakdown('actual.measure_group') }} as breakdown_topic,
        if(actual.measure_group = 'TOTAL', 'Total', coalesce(category.dsg_category_name, actual.category_code)) as breakdown,
        actual.plan_count - expected.plan_count as numerator,
        expected.plan_count as denominator,
        100 * (actual.plan_count - expected.plan_count) / nullif(expected.plan_count, 0) as value,
        if(actual.measure = 'actual', actual.plan_count > expected.plan_count, null) as is_adverse,
        actual.measure,
        actual.is_restated or expected.is_restated as is_restated,
        actual.plan_count as people
    from plans as actual
    inner join plans as expected -- at most one
        on
            actual.financial_year = expected.financial_year
            and actual.measure_group = expected.measure_group
            and actual.category_code = expected.category_code
            and case actual.measure
                when 'actual' then expected.measure = 'forecast' and actual.quarter = 4 and expected.quarter = 3
                else expected.measure = 'plan'
            end
    left join {{ ref('placement_category') }} as category -- at most one
        on actual.measure_group = 'PLACEMENT' and actual.category_code = category.dsg_category_code
    where actual.measure in ('actual', 'sen2_january')
)

select
    kpi_id,
    financial_year,
    time_identifier,
    breakdown_topic,
    breakdown,
    cast(numerator as decimal(18, 4)) as numerator,
    cast(denominator as decimal(18, 4)) as denominator,
    cast(value as decimal(18, 4)) as value,
    if(value is null, null, is_adverse) as is_adverse,
    measure,
    coalesce(is_restated, false) as is_restated,
    cast(floor(people) as bigint) as people_count
from measured
