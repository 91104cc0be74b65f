-- Calendar year n is the January of n + 1. What the returns tell of that January, or of the year, is ACTUAL, and nought where
-- nobody is counted; PROJECTION is what the safety valve return forecasts or plans for the 31 March after it, and nothing else;
-- FORECAST is our own, of the years after the last one counted.
with plans as (
    select
        plan.la_code,
        plan.census_year - 1 as calendar_year,
        plan.census_day as as_at_date,
        coalesce({{ age_group('plan.age_at_31_august', 'plan.age_at_31_august') }}, 'Not recorded') as age_group,
        line.reform_provision_code as provision_code,
        if(plan.primary_need_code = 'UNKNOWN', 'UKN', plan.primary_need_code) as need_code,
        plan.submission_id
    from {{ ref('fct_ehc_plan_census') }} as plan
    inner join {{ ref('dim_placement_group') }} as line -- exactly one
        on plan.placement_line_code = line.placement_line_code
    where plan.view_code = 'own_return'
),

requests as (
    select
        la_code,
        activity_year as calendar_year,
        make_date(activity_year, 12, 31) as as_at_date,
        coalesce({{ age_group('age_at_received', 'age_at_received') }}, 'Not recorded') as age_group,
        unnest(list_filter(
            [
                if(is_received_in_year, '10', null),
                if(is_assessment_in_year, '11', null),
                if(is_assessment_in_year and assessment_outcome_code = 'Y', '12', null)
            ],
            lambda table_no: table_no is not null
        )) as table_no,
        submission_id
    from {{ ref('fct_ehc_request') }}
),

-- Each child once in every table it counts in, under the item that the table is split by.
placed as (
    select
        plans.la_code,
        plans.calendar_year,
        unnest([
            { 'table_no': '5.1', 'item': plans.age_group },
            { 'table_no': '6', 'item': plans.provision_code },
            { 'table_no': '7', 'item': plans.need_code },
            { 'table_no': provision.need_table_no, 'item': plans.need_code }
        ]) as place
    from plans
    inner join {{ ref('reform_plan_provision') }} as provision -- exactly one
        on plans.provision_code = provision.reform_provision_code
),

events as (
    select
        la_code,
        calendar_year,
        place['table_no'] as table_no,
        place['item'] as item
    from placed

    union all

    select
        la_code,
        calendar_year,
        table_no,
        age_group as item
    from requests
),

-- The years of which a return was counted: of requests, the year before the January of the return.
years as (
    select
        la_code,
        calendar_year,
        as_at_date,
        max(submission_id) as submission_id,
        'plans' as kind
    from plans
    group by all

    union all

    select
        la_code,
        calendar_year,
        as_at_date,
        max(submission_id) as submission_id,
        'requests' as kind
    from requests
    group by all
),

-- Ages over 25 and unknown ones are in a line of their own, where there are any.
items as (
    select
        'age' as split_by,
        unnest(['Under 5', '5 to 10', '11 to 15', '16 to 19', '20 to 25', 'Total']) as item,
        cast(null as integer) as first_year

    union all

    select
        'provision' as split_by,
        reform_provision_code as item,
        cast(null as integer) as first_year
    from {{ ref('reform_plan_provision') }}
    where is_told_by_sen2

    union all

    select
        'need' as split_by,
        if(need_code = 'UNKNOWN', 'UKN', need_code) as item,
        first_return_year - 1 as first_year
    from {{ ref('need_type') }}
    where first_return_year is not null

    union all

    select
        unnest(['provision', 'need']) as split_by,
        'Total' as item,
        cast(null as integer) as first_year
),

counted as (
    select
        la_code,
        table_no,
        calendar_year,
        coalesce(item, 'Total') as item,
        count(*) as value
    from events
    where table_no is not null
    group by grouping sets ((la_code, table_no, calendar_year, item), (la_code, table_no, calendar_year))
),

actuals as (
    select
        years.la_code,
        reform_table.table_no,
        reform_table.split_by,
        years.calendar_year,
        items.item,
        coalesce(counted.value, 0) as value,
        'ACTUAL' as value_type,
        years.as_at_date,
        if(years.kind = 'plans', 'SEN2 return, census day', 'SEN2 return, calendar year') as figure_source,
        years.submission_id
    from years
    inner join {{ ref('reform_plan_table') }} as reform_table -- one year to many tables
        on years.kind = if(reform_table.table_no in ('10', '11', '12'), 'requests', 'plans')
    inner join items -- one table to many items
        on
            reform_table.split_by = items.split_by
            and coalesce(years.calendar_year >= items.first_year, true)
    left join counted -- at most one
        on
            years.la_code = counted.la_code
            and reform_table.table_no = counted.table_no
            and years.calendar_year = counted.calendar_year
            and items.item = counted.item

    union all by name

    select
        counted.la_code,
        counted.table_no,
        'age' as split_by,
        counted.calendar_year,
        counted.item,
        counted.value,
        'ACTUAL' as value_type,
        years.as_at_date,
        if(years.kind = 'plans', 'SEN2 return, census day', 'SEN2 return, calendar year') as figure_source,
        years.submission_id
    from counted
    inner join years -- exactly one
        on
            counted.la_code = years.la_code
            and counted.calendar_year = years.calendar_year
            and years.kind = if(counted.table_no in ('10', '11', '12'), 'requests', 'plans')
    where counted.item = 'Not recorded'
),

-- A category of the DSG plan that is one provision of the reform plan; of one that is several, nobody has given the parts.
whole_categories as (
    select
        dsg_category_code,
        max(reform_provision_code) as reform_provision_code
    from {{ ref('reform_plan_provision') }}
    group by dsg_category_code
    having count(*) = 1
),

-- The latest forecast of the year; until there is one, the plan.
forecasts as (
    select *
    from {{ ref('fct_ehcp_forecast') }}
    where is_current and measure in ('forecast', 'plan')
    qualify row_number() over (
        partition by la_code, financial_year, measure_group, category_code
        order by measure = 'forecast' desc, quarter desc
    ) = 1
),

projections as (
    select
        forecast.la_code,
        unnest(case forecast.measure_group
            when 'AGE' then ['5.1']
            when 'NEED' then ['7']
            when 'PLACEMENT' then ['6']
            else ['5.1', '6', '7']
        end) as table_no,
        cast(left(forecast.financial_year, 4) as integer) as calendar_year,
        case forecast.measure_group
            when 'AGE' then if(forecast.category_code = 'U5', 'Under 5', replace(forecast.category_code, '-', ' to '))
            when 'PLACEMENT' then category.reform_provision_code
            when 'TOTAL' then 'Total'
            else forecast.category_code
        end as item,
        forecast.plan_count as value,
        'PROJECTION' as value_type,
        {{ financial_period_end('forecast.financial_year', 'null') }} as as_at_date,
        if(
            forecast.measure = 'forecast',
            'Safety valve return, forecast of 31 March made at quarter ' || forecast.quarter,
            'Safety valve return, plan for 31 March'
        ) as figure_source,
        forecast.submission_id
    from forecasts as forecast
    left join whole_categories as category -- at most one
        on
            forecast.measure_group = 'PLACEMENT'
            and forecast.category_code = category.dsg_category_code
),

expected as (
    select
        la_code,
        origin_year,
        measure_code,
        census_year,
        horizon,
        age_group,
        provision_code,
        need_table_no,
        need_code,
        plan_count,
        low_count,
        high_count
    from {{ ref('fct_plan_forecast') }}
    where
        is_latest_version
        and scenario_code = 'baseline'
        and year_group = 'Total'
        and placement_group_code = 'Total'
        and ward_code = 'Total'
),

-- Each figure of the forecast under the tables that it is of; a total is in several.
expected_plans as (
    select
        la_code,
        origin_year,
        census_year,
        unnest(case
            when age_group <> 'Total' and need_code = 'Total' and provision_code = 'Total' and need_table_no = 'Total'
                then [{ 'table_no': '5.1', 'item': age_group }]
            when age_group <> 'Total' then []
            when provision_code <> 'Total' and need_code = 'Total'
                then [{ 'table_no': '6', 'item': provision_code }]
            when provision_code <> 'Total' then []
            when need_table_no <> 'Total' then [{ 'table_no': need_table_no, 'item': need_code }]
            when need_code <> 'Total' then [{ 'table_no': '7', 'item': need_code }]
            else [
                { 'table_no': '5.1', 'item': 'Total' },
                { 'table_no': '6', 'item': 'Total' },
                { 'table_no': '7', 'item': 'Total' }
            ]
        end) as place,
        plan_count as value,
        low_count as low_value,
        high_count as high_value
    from expected
    where
        measure_code = 'plans'
        and horizon > 0
),

-- Requests and assessments go with the plans that begin, as many for each as in the last year counted; of an age group in
-- which none began, with those of all ages.
begun as (
    select
        later.la_code,
        later.origin_year,
        later.census_year,
        later.age_group,
        later.plan_count / nullif(origin.plan_count, 0) as change_factor,
        later.low_count / nullif(origin.plan_count, 0) as low_change,
        later.high_count / nullif(origin.plan_count, 0) as high_change
    from expected as later
    inner join expected as origin -- exactly one
        on
            later.la_code = origin.la_code
            and later.age_group = origin.age_group
    where
        later.measure_code = 'new_plans'
        and later.need_code = 'Total'
        and later.horizon > 0
        and origin.measure_code = 'new_plans'
        and origin.need_code = 'Total'
        and origin.horizon = 0
),

expected_requests as (
    select
        begun.la_code,
        begun.origin_year,
        begun.census_year,
        { 'table_no': actual.table_no, 'item': actual.item } as place,
        round(actual.value * coalesce(begun.change_factor, everyone.change_factor), 1) as value,
        round(actual.value * coalesce(begun.low_change, everyone.low_change), 1) as low_value,
        round(actual.value * coalesce(begun.high_change, everyone.high_change), 1) as high_value
    from begun
    inner join actuals as actual -- one age group to the tables of requests
        on
            begun.la_code = actual.la_code
            and begun.origin_year - 1 = actual.calendar_year
            and begun.age_group = actual.item
            and actual.table_no in ('10', '11', '12')
    inner join begun as everyone -- exactly one
        on
            begun.la_code = everyone.la_code
            and begun.census_year = everyone.census_year
            and everyone.age_group = 'Total'
),

own_forecasts as (
    select
        told.la_code,
        told.place['table_no'] as table_no,
        told.census_year - 1 as calendar_year,
        told.place['item'] as item,
        told.value,
        told.low_value,
        told.high_value,
        'FORECAST' as value_type,
        if(
            told.place['table_no'] in ('10', '11', '12'),
            make_date(told.census_year - 1, 12, 31),
            -- the census day is the third Thursday of January, as a rule
            make_date(
                told.census_year, 1, cast(15 + (11 - isodow(make_date(told.census_year, 1, 15))) % 7 as integer)
            )
        ) as as_at_date,
        'Forecast from January ' || told.origin_year as figure_source,
        years.submission_id
    from (
        select * from expected_plans
        union all by name
        select * from expected_requests
    ) as told
    inner join years -- exactly one: the return that the forecast goes out from
        on
            told.la_code = years.la_code
            and told.origin_year - 1 = years.calendar_year
            and years.kind = 'plans'
),

-- The model tells of needs and provisions that somebody has had; of the others it expects nobody.
own_years as (
    select
        la_code,
        table_no,
        calendar_year,
        value_type,
        as_at_date,
        figure_source,
        submission_id
    from own_forecasts
    group by all
),

unheard_of as (
    select
        own_years.la_code,
        own_years.table_no,
        own_years.calendar_year,
        items.item,
        0 as value,
        0 as low_value,
        0 as high_value,
        own_years.value_type,
        own_years.as_at_date,
        own_years.figure_source,
        own_years.submission_id
    from own_years
    inner join {{ ref('reform_plan_table') }} as reform_table -- exactly one
        on own_years.table_no = reform_table.table_no
    inner join items -- one table to many items
        on
            reform_table.split_by = items.split_by
            and items.split_by in ('provision', 'need')
    anti join own_forecasts as told
        on
            own_years.la_code = told.la_code
            and own_years.table_no = told.table_no
            and own_years.calendar_year = told.calendar_year
            and items.item = told.item
),

reform_values as (
    select
        la_code,
        table_no,
        split_by,
        calendar_year,
        item,
        value,
        null as low_value,
        null as high_value,
        value_type,
        as_at_date,
        figure_source,
        submission_id
    from actuals

    union all by name

    select
        forecast.*,
        reform_table.split_by
    from (
        select * from own_forecasts
        union all by name
        select * from unheard_of
    ) as forecast
    inner join {{ ref('reform_plan_table') }} as reform_table -- exactly one
        on forecast.table_no = reform_table.table_no

    union all by name

    select
        projections.*,
        reform_table.split_by
    from projections
    inner join {{ ref('reform_plan_table') }} as reform_table -- exactly one
        on projections.table_no = reform_table.table_no
    where projections.item is not null
)

select
    {{ surrogate_key([
        'reform_values.la_code', 'reform_values.table_no', 'reform_values.calendar_year', 'reform_values.item',
        'reform_values.value_type'
    ]) }} as reform_plan_value_key,
    reform_values.la_code,
    reform_values.table_no,
    reform_table.table_title,
    reform_values.calendar_year,
    case when reform_values.split_by = 'age' then reform_values.item end as age_group,
    case when reform_values.split_by = 'provision' then reform_values.item end as provision_code,
    case when reform_values.split_by = 'need' then reform_values.item end as need_code,
    reform_values.item = 'Total' as is_total,
    cast(round(reform_values.value) as integer) as value,
    cast(round(reform_values.low_value) as integer) as low_value,
    cast(round(reform_values.high_value) as integer) as high_value,
    reform_values.value_type,
    reform_values.as_at_date,
    reform_values.figure_source,
    reform_values.submission_id
from reform_values
inner join {{ ref('reform_plan_table') }} as reform_table -- exactly one
    on reform_values.table_no = reform_table.table_no
