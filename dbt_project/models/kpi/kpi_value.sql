with kpi_values as (
    select
        computed.value_basis,
        computed.kpi_id,
        computed.comparator_role as area_role,
        area.area_level,
        area.area_code,
        area.area_name,
        area.la_code,
        computed.time_identifier,
        computed.time_period,
        computed.breakdown_topic,
        computed.breakdown,
        computed.numerator,
        computed.denominator,
        computed.value,
        cast(null as varchar) as value_label,
        computed.value_status,
        computed.method,
        computed.fault_rule_id,
        computed.publisher,
        computed.release_name,
        computed.coverage_note,
        computed.submission_id
    from {{ ref('int_kpi__value') }} as computed
    inner join {{ ref('dim_area') }} as area -- exactly one
        on computed.area_key = area.area_key

    union all

    select
        'published' as value_basis,
        wait.kpi_id,
        wait.comparator_role as area_role,
        provider.org_level as area_level,
        coalesce(provider.org_code, 'E92000001') as area_code,
        provider.org_name as area_name,
        provider.la_code,
        wait.time_identifier,
        wait.time_period,
        wait.breakdown_topic,
        wait.breakdown,
        wait.numerator,
        wait.denominator,
        wait.value,
        wait.value_label,
        wait.value_status,
        wait.method,
        wait.fault_rule_id,
        wait.publisher,
        wait.release_name,
        cast(null as varchar) as coverage_note,
        wait.submission_id
    from {{ ref('int_kpi__community_wait') }} as wait
    inner join {{ ref('dim_provider') }} as provider -- exactly one
        on wait.provider_key = provider.provider_key

    union all by name

    select
        'local' as value_basis,
        therapy.kpi_id,
        therapy.area_role,
        therapy.area_level,
        therapy.area_code,
        therapy.area_name,
        therapy.la_code,
        therapy.time_identifier,
        therapy.time_period,
        therapy.breakdown_topic,
        therapy.breakdown,
        therapy.numerator,
        therapy.denominator,
        therapy.value,
        therapy.value_status,
        therapy.method,
        'Local calculation' as publisher,
        therapy.coverage_note,
        therapy.submission_id
    from {{ ref('int_kpi__therapy_value') }} as therapy

    union all by name

    select
        'local' as value_basis,
        safety_valve.kpi_id,
        safety_valve.area_role,
        safety_valve.area_level,
        safety_valve.area_code,
        safety_valve.area_name,
        safety_valve.la_code,
        safety_valve.time_identifier,
        safety_valve.time_period,
        safety_valve.breakdown_topic,
        safety_valve.breakdown,
        safety_valve.numerator,
        safety_valve.denominator,
        safety_valve.value,
        safety_valve.value_label,
        safety_valve.value_status,
        safety_valve.method,
        'Local calculation' as publisher,
        safety_valve.coverage_note,
        safety_valve.submission_id
    from {{ ref('int_kpi__safety_valve_value') }} as safety_valve
),

dated_values as (
    select
        *,
        {{ period_start('time_identifier', 'time_period') }} as period_start,
        {{ period_end('time_identifier', 'time_period') }} as period_end,
        lag(period_end) over (
            partition by
                value_basis, kpi_id, area_level, area_code, {{ period_kind('time_identifier') }}, breakdown_topic, breakdown
            order by period_end
        ) as previous_period_end
    from kpi_values
)

select
    {{ surrogate_key([
        'dated_values.kpi_id', 'dated_values.area_level', 'dated_values.area_code', 'dated_values.time_identifier',
        'dated_values.time_period', 'dated_values.breakdown_topic', 'dated_values.breakdown', 'dated_values.value_basis'
    ]) }} as kpi_value_key,
    dated_values.kpi_id,
    dated_values.area_level,
    dated_values.area_code,
    dated_values.area_name,
    dated_values.area_role,
    dated_values.la_code,
    dated_values.time_identifier,
    dated_values.time_period,
    dated_values.period_start,
    dated_values.period_end,
    dated_values.breakdown_topic,
    dated_values.breakdown,
    dated_values.numerator,
    dated_values.denominator,
    dated_values.value,
    kpi.unit,
    dated_values.value_label,
    dated_values.value_status,
    case
        when dated_values.value_status = 'reported' and dated_values.method = 'estimated from bands' then 'u'
        when dated_values.value_status = 'reported' and dated_values.coverage_note is not null then 'u'
        when dated_values.value_status = 'small_base' then 'u'
        else {{ symbol_of_status('dated_values.value_status') }}
    end as symbol,
    dated_values.value_basis,
    dated_values.method,
    dated_values.coverage_note,
    dated_values.fault_rule_id,
    -- A break can fall between the periods held: months of 2023 are followed by October 2025.
    (
        select string_agg(series_break.reason, ' ' order by series_break.break_date)
        from {{ ref('series_break') }} as series_break
        where
            series_break.kpi_id = dated_values.kpi_id
            and series_break.value_basis = dated_values.value_basis
            -- Blank is every one.
            and coalesce(series_break.area_level = dated_values.area_level, true)
            and coalesce(series_break.area_code = dated_values.area_code, true)
            and coalesce(series_break.breakdown = dated_values.breakdown, true)
            and series_break.break_date > dated_values.previous_period_end
            and series_break.break_date <= dated_values.period_end
    ) as series_break_note,
    dated_values.publisher,
    dated_values.release_name,
    dated_values.period_start = max(dated_values.period_start) over (
        partition by
            dated_values.value_basis, dated_values.kpi_id, dated_values.area_level, dated_values.area_code,
            {{ period_kind('dated_values.time_identifier') }}
    ) as is_latest_period,
    dated_values.submission_id
from dated_values
inner join {{ ref('kpi_catalogue') }} as kpi -- exactly one
    on dated_values.kpi_id = kpi.kpi_id
