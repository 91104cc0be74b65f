{{ config(materialized='table') }}
-- The own authority's published cells of the tables and periods that its current returns cover, in the codes of the local
-- counts. Of several vintages of a cell the latest sound one; where none is sound, the latest.
with covered as (
    select
        la_code,
        submission_id,
        'academic year' as period_kind,
        {{ academic_year_of_january('cast(census_year as string)') }} as time_period
    from {{ ref('int_ehc_census_view__described') }}
    where view_code = 'own_return'

    union all

    select
        la_code,
        submission_id,
        'calendar year' as period_kind,
        cast(census_year - 1 as string) as time_period
    from {{ ref('int_ehc_census_view__described') }}
    where view_code = 'own_return'
),

figures as (
    select
        figure.published_statistic_key,
        figure.la_code,
        figure.series_code,
        figure.measure_code,
        figure.breakdown_topic,
        figure.breakdown,
        figure.is_total,
        figure.value,
        figure.value_text,
        figure.value_status,
        figure.release_name,
        figure.vintage_rank,
        figure.is_usable,
        figure.fault_rule_id,
        measure.unit,
        period.time_identifier,
        period.time_period,
        covered.time_period as counted_time_period,
        covered.submission_id
    from {{ ref('fct_published_statistic') }} as figure
    inner join {{ ref('stg_control__setting') }} as own_authority
        on
            own_authority.setting_name = 'la_code'
            and figure.la_code = own_authority.setting_value
    inner join {{ ref('dim_period') }} as period -- exactly one
        on figure.period_key = period.period_key
    inner join {{ ref('dim_measure') }} as measure -- exactly one
        on figure.measure_key = measure.measure_key
    inner join covered -- at most one: a period has one current return
        on
            figure.la_code = covered.la_code
            and {{ period_kind('period.time_identifier') }} = covered.period_kind
            -- One revised file puts the flows of 2024 under 202425 (PS-103): the calendar year is the first of the two.
            and case covered.period_kind
                when 'calendar year' then left(period.time_period, 4)
                else period.time_period
            end = covered.time_period
    where exists (
        select 1
        from {{ ref('statistic_topic') }} as counted
        where counted.series_code = figure.series_code
    )
),

chosen as (
    select *
    from figures
    qualify row_number() over (
        partition by
            la_code, series_code, measure_code, lower(time_identifier), time_period,
            is_total, if(is_total, null, lower(breakdown_topic)), if(is_total, null, lower(breakdown))
        order by is_usable desc, vintage_rank asc
    ) = 1
)

select
    chosen.published_statistic_key,
    chosen.la_code,
    chosen.series_code,
    chosen.measure_code,
    chosen.unit,
    chosen.time_identifier,
    chosen.time_period,
    chosen.counted_time_period,
    chosen.breakdown_topic,
    chosen.breakdown,
    case when chosen.is_total then 'total' else topic.topic_code end as topic_code,
    case
        when chosen.is_total then 'total'
        when topic.topic_code in ('age', 'start_age') and lower(chosen.breakdown) = 'unknown' then 'unknown'
        when topic.topic_code in ('age', 'start_age')
            then cast(
                least(
                    greatest({{ single_age('chosen.breakdown') }}, bounds.lowest_item), bounds.highest_item
                ) as string
            )
        else item.item_code
    end as item_code,
    chosen.release_name,
    chosen.value,
    chosen.value_text,
    chosen.value_status,
    chosen.fault_rule_id,
    chosen.submission_id
from chosen
left join {{ ref('breakdown_topic') }} as topic -- at most one
    on
        chosen.breakdown_topic = topic.breakdown_topic
        and topic.series_code in ('*', chosen.series_code)
        and not chosen.is_total
left join {{ ref('statistic_topic') }} as bounds -- at most one
    on
        chosen.series_code = bounds.series_code
        and topic.topic_code = bounds.topic_code
left join {{ ref('statistic_item') }} as item -- at most one
    on
        topic.topic_code = item.topic_code
        and {{ plain_label('chosen.breakdown') }} = {{ plain_label('item.published_label') }}
