-- KPIs of the local waiting lists, for the authority and for each trust: counts and shares, and percentiles of days by nearest
-- rank. Completed waits and those that go on are never in one percentile.
{% set by_line = "breakdown_topic like 'Service line%' and breakdown_topic <> 'Service line and placement group'" %}
with measured as (
    {%- for kpi_id, kind, topics, numerator, denominator, denominator_measure in [
        ('therapy_waiting_total', 'waiting', by_line, 'event', none, none),
        ('therapy_within_18_weeks_pct', 'waiting', by_line, 'within_18', 'event', 'therapy_waiting_total'),
        ('therapy_over_52_weeks', 'waiting', by_line, 'over_52', none, none),
        ('therapy_over_104_weeks', 'waiting', by_line, 'over_104', none, none),
        ('therapy_referrals_received', 'received', by_line, 'event', none, none),
        (
            'therapy_referrals_accepted_pct', 'received', by_line, 'accepted', 'event',
            'therapy_referrals_received'
        ),
        ('therapy_completed_waits', 'first_contact', "breakdown_topic <> 'Total'", 'event', none, none),
        ('therapy_discharges', 'discharged', by_line, 'event', none, none),
        ('therapy_dna_rate_pct', 'appointment', by_line, 'missed', 'event', 'therapy_appointments'),
        (
            'therapy_dna_without_warning_pct', 'appointment', by_line, 'without_warning', 'event',
            'therapy_appointments'
        ),
        ('therapy_late_not_seen_pct', 'appointment', by_line, 'too_late', 'event', 'therapy_appointments'),
        ('neurodev_waiting_total', 'waiting_for_outcome', "breakdown_topic <> 'Service line'", 'event', none, none),
        (
            'ehc_health_advice_6_weeks_pct', 'advice_due', "breakdown_topic in ('Total', 'Service line')", 'in_time',
            'event', 'ehc_health_advice_due'
        )
    ] %}
        select
            '{{ kpi_id }}' as kpi_id,
            counted.*,
            {{ numerator }}_count as numerator,
            {{ numerator }}_people as numerator_people,
            '{{ kpi_id }}' as numerator_measure,
            {{ denominator ~ '_count' if denominator else 'null' }} as denominator,
            {{ denominator ~ '_people' if denominator else 'null' }} as denominator_people,
            {{ "'" ~ denominator_measure ~ "'" if denominator else 'null' }} as denominator_measure,
            {% if denominator -%}
                100 * {{ numerator }}_count / nullif({{ denominator }}_count, 0)
            {%- else -%}
                {{ numerator }}_count
            {%- endif %} as value,
            false as is_percentile,
            null as coverage_note
        from {{ ref('int_kpi__therapy_count') }} as counted
        where
            event_kind = '{{ kind }}'
            and {{ topics }}

        union all by name
    {% endfor %}
    -- A child who waits for two services is one child. What the list does not link, nobody can count.
    select
        'ehcp_children_waiting_therapy' as kpi_id,
        counted.*,
        plan_people as numerator,
        plan_people as numerator_people,
        'ehcp_children_waiting_therapy' as numerator_measure,
        plan_people as value,
        false as is_percentile,
        null as coverage_note
    from {{ ref('int_kpi__therapy_count') }} as counted
    where
        event_kind = 'waiting'
        and breakdown_topic in (
            'Total', 'Service line', 'Service line and age group', 'Service line and primary need',
            'Service line and placement group', 'Service line and ward'
        )
    {%- for kpi_id, kind, topics, days, denominator_measure in [
        ('therapy_median_wait_weeks', 'waiting', by_line, 'median_days', 'therapy_waiting_total'),
        ('therapy_p92_wait_weeks', 'waiting', by_line, 'percentile_92_days', 'therapy_waiting_total'),
        (
            'therapy_completed_median_wait_weeks', 'first_contact', "breakdown_topic <> 'Total'", 'median_days',
            'therapy_completed_waits'
        ),
        (
            'neurodev_referral_to_outcome_weeks', 'outcome',
            "therapy_line = 'NEURODEV' and breakdown_topic in ('Total', 'Pathway', 'Assessment question')",
            'median_days', 'neurodev_outcomes'
        ),
        (
            'camhs_first_contact_median_weeks', 'first_contact',
            "therapy_line = 'CAMHS' and breakdown_topic not in ('Service line', 'Pathway', 'Assessment question')",
            'median_days', 'therapy_completed_waits'
        )
    ] %}

        union all by name

        select
            '{{ kpi_id }}' as kpi_id,
            counted.*,
            event_count as denominator,
            event_people as denominator_people,
            '{{ denominator_measure }}' as denominator_measure,
            {{ days }} / 7 as value,
            true as is_percentile,
            {% if kpi_id.startswith('neurodev') -%}
                if(month_count < 3, 'Lists of ' || month_count || ' of its 3 months are held.', null)
            {%- else -%}
                null
            {%- endif %} as coverage_note
        from {{ ref('int_kpi__therapy_count') }} as counted
        where
            event_kind = '{{ kind }}'
            and {{ topics }}
    {%- endfor %}

    union all by name

    -- The workbook counts the trust's children of other authorities too: a count below it is expected.
    select
        'therapy_sitrep_difference_pct' as kpi_id,
        'provider' as area_level,
        provider.org_code as provider_code,
        monthname(comparison.snapshot_date) as time_identifier,
        cast(year(comparison.snapshot_date) as varchar) as time_period,
        'Service line' as breakdown_topic,
        service.therapy_line_name as breakdown,
        service.therapy_line_name,
        comparison.difference_count as numerator,
        comparison.published_count as denominator,
        100 * comparison.difference_count / comparison.published_count as value,
        false as is_percentile,
        comparison.submission_id
    from {{ ref('fct_therapy_wait_comparison') }} as comparison
    inner join {{ ref('dim_provider') }} as provider -- exactly one
        on comparison.provider_key = provider.provider_key
    inner join {{ ref('dim_service') }} as service -- exactly one
        on comparison.service_key = service.service_key
    where comparison.band_code = 'total' and comparison.published_count > 0
),

-- A percentile of a few waits is the wait of one child: none below ten. One that is the longest wait is marked.
judged as (
    select
        *,
        -- So few wait longer (fewer than 4) that it tells how many are beyond 18 or 52 weeks.
        coalesce(kpi_id = 'therapy_p92_wait_weeks' and denominator - (92 * denominator + 99) // 100 < 4, false) as is_extreme,
        case
            when is_percentile and denominator between 1 and 9 then 'small_base'
            when value is not null then 'reported'
            when denominator = 0 then 'not_applicable'
            else 'not_available'
        end as value_status
    from measured
),

areas as (
    select
        judged.*,
        coalesce(provider.org_code, area.area_code) as area_code,
        coalesce(provider.org_name, area.area_name) as area_name,
        if(judged.area_level = 'provider', 'own_provider', 'own_authority') as area_role,
        -- A figure about plans and needs knows of them by its children alone.
        if(
            judged.kpi_id = 'ehcp_children_waiting_therapy'
            or judged.breakdown_topic in ('Service line and EHC plan', 'Service line and primary need'),
            'At least ' || judged.linked_at_least_pct || ' per cent of '
            || case judged.event_kind
                when 'waiting' then 'requests waiting'
                when 'received' then 'referrals received'
                when 'first_contact' then 'waits completed'
                when 'discharged' then 'requests closed'
                when 'appointment' then 'appointments kept or missed'
            end
            || if(judged.is_of_all_lines, '', ', in the whole service,')
            || ' are linked to a child that the authority knows.',
            null
        ) as linkage_note,
        own_authority.setting_value as la_code
    from judged
    inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
        on own_authority.setting_name = 'la_code'
    left join {{ ref('dim_provider') }} as provider -- exactly one, of a trust's figure
        on {{ provider_key('judged.provider_code') }} = provider.provider_key
    left join {{ ref('dim_area') }} as area -- exactly one, of the authority's figure
        on
            judged.area_level = area.area_level
            and own_authority.setting_value = area.la_code
)

select
    kpi_id,
    area_role,
    area_level,
    area_code,
    area_name,
    la_code,
    time_identifier,
    time_period,
    breakdown_topic,
    breakdown,
    therapy_line_name,
    cast(trust_count as integer) as trust_count,
    cast(numerator as decimal(18, 4)) as numerator,
    cast(numerator_people as bigint) as numerator_people,
    numerator_measure,
    cast(denominator as decimal(18, 4)) as denominator,
    cast(denominator_people as bigint) as denominator_people,
    denominator_measure,
    cast(case when value_status = 'reported' then value end as decimal(18, 4)) as value,
    value_status,
    is_extreme,
    if(is_percentile, 'nearest rank of waits', 'computed from local counts') as method,
    nullif(concat_ws(' ', linkage_note, coverage_note, 'Without the list of ' || missing_provider_codes || '.'), '') as coverage_note,
    submission_id
from areas
where area_code is not null
