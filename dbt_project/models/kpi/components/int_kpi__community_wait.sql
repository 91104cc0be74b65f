-- Therapy waits of the authority's trusts and their comparators, from the published bands.
with bands as (
    select
        wait.provider_key,
        provider.comparator_role,
        service.therapy_line_name,
        period.time_identifier,
        period.time_period,
        wait.band_code,
        band.band_order,
        band.lower_edge_days,
        band.upper_edge_days,
        band.is_within_18_weeks,
        band.is_over_52_weeks,
        band.is_over_104_weeks,
        wait.waiting_count,
        wait.value_status,
        wait.fault_rule_id,
        wait.publisher,
        wait.release_name,
        wait.submission_id
    from {{ ref('fct_community_wait_published') }} as wait
    inner join {{ ref('dim_provider') }} as provider -- exactly one
        on wait.provider_key = provider.provider_key
    inner join {{ ref('dim_service') }} as service -- exactly one
        on wait.service_key = service.service_key
    inner join {{ ref('dim_period') }} as period -- exactly one
        on wait.period_key = period.period_key
    inner join {{ ref('waiting_band') }} as band -- exactly one
        on wait.band_code = band.band_code
    where
        wait.is_latest_vintage
        and provider.comparator_role is not null
        and service.therapy_line is not null
),

lists as (
    select
        provider_key,
        comparator_role,
        therapy_line_name,
        time_identifier,
        time_period,
        max(publisher) as publisher,
        max(release_name) as release_name,
        max(submission_id) as submission_id,
        max(waiting_count) filter (where band_code = 'total') as total_count,
        max(value_status) filter (where band_code = 'total') as total_status,
        max(fault_rule_id) as fault_rule_id,
        sum(waiting_count) filter (where band_code <> 'total') as band_count,
        sum(waiting_count) filter (where is_within_18_weeks) as within_18_count,
        sum(waiting_count) filter (where is_over_52_weeks) as over_52_count,
        sum(waiting_count) filter (where is_over_104_weeks) as over_104_count
    from bands
    group by all
),

cumulative_bands as (
    select
        provider_key,
        therapy_line_name,
        time_identifier,
        time_period,
        band_order,
        band_code,
        lower_edge_days,
        upper_edge_days,
        waiting_count,
        sum(waiting_count) over (
            partition by provider_key, therapy_line_name, time_identifier, time_period
            order by band_order
        ) as cumulative_count
    from bands
    where band_code <> 'total'
),

percentile_targets as (
    select
        lists.*,
        estimate.kpi_id,
        estimate.percent_reached
    from lists
    cross join (
        values ('therapy_median_wait_weeks', 50), ('therapy_p92_wait_weeks', 92)
    ) as estimate (kpi_id, percent_reached)
),

-- Linear interpolation in the first band whose cumulative count reaches the target; an open band has no number.
percentiles as (
    select
        percentile_targets.kpi_id,
        percentile_targets.provider_key,
        percentile_targets.therapy_line_name,
        percentile_targets.time_identifier,
        percentile_targets.time_period,
        band.band_code,
        band.lower_edge_days + (
            percentile_targets.percent_reached * percentile_targets.band_count / 100.0
            - (band.cumulative_count - band.waiting_count)
        ) / band.waiting_count * (band.upper_edge_days - band.lower_edge_days) as wait_days
    from percentile_targets
    inner join cumulative_bands as band -- at most one, by the qualify
        on
            percentile_targets.provider_key = band.provider_key
            and percentile_targets.therapy_line_name = band.therapy_line_name
            and percentile_targets.time_identifier = band.time_identifier
            and percentile_targets.time_period = band.time_period
            and band.cumulative_count * 100 >= percentile_targets.percent_reached * percentile_targets.band_count
            and band.waiting_count > 0
    qualify row_number() over (
        partition by
            percentile_targets.kpi_id, percentile_targets.provider_key, percentile_targets.therapy_line_name,
            percentile_targets.time_identifier, percentile_targets.time_period
        order by band.band_order
    ) = 1
),

measured as (
    select
        lists.*,
        'therapy_waiting_total' as kpi_id,
        lists.total_count as numerator,
        null as denominator,
        lists.total_count as value,
        'published figure' as method,
        null as value_label,
        false as is_from_bands
    from lists

    union all by name

    select
        lists.*,
        'therapy_within_18_weeks_pct' as kpi_id,
        lists.within_18_count as numerator,
        lists.total_count as denominator,
        100.0 * lists.within_18_count / nullif(lists.total_count, 0) as value,
        'computed from published counts' as method,
        null as value_label,
        true as is_from_bands
    from lists

    union all by name

    select
        lists.*,
        'therapy_over_52_weeks' as kpi_id,
        lists.over_52_count as numerator,
        null as denominator,
        lists.over_52_count as value,
        'computed from published counts' as method,
        null as value_label,
        true as is_from_bands
    from lists

    union all by name

    -- Before the split of the last band nobody published this: not available, never zero.
    select
        lists.*,
        'therapy_over_104_weeks' as kpi_id,
        lists.over_104_count as numerator,
        null as denominator,
        lists.over_104_count as value,
        'published figure' as method,
        null as value_label,
        true as is_from_bands
    from lists

    union all by name

    select
        percentile_targets.provider_key,
        percentile_targets.comparator_role,
        percentile_targets.therapy_line_name,
        percentile_targets.time_identifier,
        percentile_targets.time_period,
        percentile_targets.publisher,
        percentile_targets.release_name,
        percentile_targets.submission_id,
        percentile_targets.total_count,
        percentile_targets.total_status,
        percentile_targets.fault_rule_id,
        percentile_targets.band_count,
        percentile_targets.kpi_id,
        null as numerator,
        percentile_targets.band_count as denominator,
        round(percentiles.wait_days, 4) / 7 as value,
        'estimated from bands' as method,
        case percentiles.band_code
            when 'w52_plus' then '>52 weeks'
            when 'w104_plus' then '>104 weeks'
        end as value_label,
        true as is_from_bands
    from percentile_targets
    left join percentiles -- at most one
        on
            percentile_targets.kpi_id = percentiles.kpi_id
            and percentile_targets.provider_key = percentiles.provider_key
            and percentile_targets.therapy_line_name = percentiles.therapy_line_name
            and percentile_targets.time_identifier = percentiles.time_identifier
            and percentile_targets.time_period = percentiles.time_period
),

-- An estimate of a few waits is the wait of one child: none below ten.
judged as (
    select
        *,
        case
            when is_from_bands and fault_rule_id is not null then 'fault'
            when method = 'estimated from bands' and band_count between 1 and 9 then 'small_base'
            when value_label is not null then 'open_band'
            when value is not null then 'reported'
            when total_status = 'reported' and total_count = 0 then 'not_applicable'
            when total_status = 'suppressed' then 'confidential'
            else 'not_available'
        end as value_status
    from measured
)

select
    kpi_id,
    provider_key,
    comparator_role,
    time_identifier,
    time_period,
    'Service line' as breakdown_topic,
    therapy_line_name as breakdown,
    cast(case when value_status = 'reported' then numerator end as decimal(18, 4)) as numerator,
    cast(case when value_status in ('reported', 'open_band') then denominator end as decimal(18, 4)) as denominator,
    cast(case when value_status = 'reported' then value end as decimal(18, 4)) as value,
    case when value_status = 'open_band' then value_label end as value_label,
    value_status,
    method,
    case when value_status = 'fault' then fault_rule_id end as fault_rule_id,
    publisher,
    release_name,
    submission_id
from judged
