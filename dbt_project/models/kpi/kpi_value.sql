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
        cast(null as string) as value_label,
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
        null as coverage_note,
        wait.submission_id
    from {{ ref('int_kpi__community_wait') }} as wait
    inner join {{ ref('dim_provider') }} as provider -- exactly one
        on wait.provider_key = provider.provider_key

    union all

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
        null as value_label,
        therapy.value_status,
        therapy.method,
        null as fault_rule_id,
        'Local calculation' as publisher,
        null as release_name,
        therapy.coverage_note,
        therapy.submission_id
    from {{ ref('int_kpi__therapy_value') }} as therapy

    union all

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
        null as fault_rule_id,
        'Local calculation' as publisher,
        null as release_name,
        safety_valve.coverage_note,
        safety_valve.submission_id
    from {{ ref('int_kpi__safety_valve_value') }} as safety_valve
),

dated_values as (
    select
        *,
        {{ period_start('time_identifier', 'time_period') }} as period_start,
        {{ period_end('time_identifier', 'time_period') }} as period_end,
        {{ period_kind('time_identifier') }} as period_kind
    from kpi_values
),

followed as (
    select
        *,
        lag(period_end) over (
            partition by value_basis, kpi_id, area_level, area_code, period_kind, breakdown_topic, breakdown
            order by period_end
        ) as previous_period_end
    from dated_values
)

select
    {{ surrogate_key([
        'followed.kpi_id', 'followed.area_level', 'followed.area_code', 'followed.time_identifier',
        'followed.time_period', 'followed.breakdown_topic', 'followed.breakdown', 'followed.value_basis'
    ]) }} as kpi_value_key,
    followed.kpi_id,
    followed.area_level,
    followed.area_code,
    followed.area_name,
    followed.area_role,
    followed.la_code,
    followed.time_identifier,
    followed.time_period,
    followed.period_start,
    followed.period_end,
    followed.breakdown_topic,
    followed.breakdown,
    followed.numerator,
    followed.denominator,
    followed.value,
    kpi.unit,
    followed.value_label,
    followed.value_status,
    case
        when followed.value_status = 'reported' and followed.method = 'estimated from bands' then 'u'
        when followed.value_status = 'reported' and followed.coverage_note is not null then 'u'
        when followed.value_status = 'small_base' then 'u'
        else {{ symbol_of_status('followed.value_status') }}
    end as symbol,
    followed.value_basis,
    followed.method,
    followed.coverage_note,
    followed.fault_rule_id,
    -- A break can fall between the periods held: months of 2023 are followed by October 2025.
    (
        select {{ joined_text('series_break.reason', ' ', 'series_break.break_date') }}
        from {{ ref('series_break') }} as series_break
        where
            series_break.kpi_id = followed.kpi_id
            and series_break.value_basis = followed.value_basis
            -- Blank is every one.
            and coalesce(series_break.area_level = followed.area_level, true)
            and coalesce(series_break.area_code = followed.area_code, true)
            and coalesce(series_break.breakdown = followed.breakdown, true)
            and series_break.break_date > followed.previous_period_end
            and series_break.break_date <= followed.period_end
    ) as series_break_note,
    followed.publisher,
    followed.release_name,
    followed.period_start = max(followed.period_start) over (
        partition by
            followed.value_basis, followed.kpi_id, followed.area_level, followed.area_code, followed.period_kind
    ) as is_latest_period,
    followed.submission_id
from followed
inner join {{ ref('kpi_catalogue') }} as kpi -- exactly one
    on followed.kpi_id = kpi.kpi_id
