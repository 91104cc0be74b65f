-- KPIs of the local waiting lists, for the authority and for each trust: counts and shares of requests that no rule found an
-- error in, and percentiles of days by nearest rank. Completed waits and those that go on are never in one percentile.
{% set advice_day_limit = 42 %}
{% set by_line = "breakdown_topic like 'Service line%'" %}
{% set advice_due_date = 'cast(referral.referral_received_date + ' ~ advice_day_limit ~ ' as date)' %}
with lines as (
    select
        delivered.provider_code,
        delivered.therapy_line,
        service.service_key,
        service.therapy_line_name,
        delivered.snapshot_date,
        date_trunc('month', delivered.snapshot_date) as month_start,
        delivered.submission_id
    from {{ ref('int_therapy_line__delivered') }} as delivered
    inner join {{ ref('dim_service') }} as service -- exactly one
        on delivered.therapy_line = service.therapy_line
),

line_months as (
    select distinct
        therapy_line,
        month_start
    from lines
),

line_trusts as (
    select distinct
        therapy_line,
        provider_code
    from lines
),

-- A trust whose list of a line is held for another month, and not for this one, is missing from the authority's figure.
missing_lists as (
    select
        line_months.therapy_line,
        line_months.month_start,
        string_agg(line_trusts.provider_code, ', ' order by line_trusts.provider_code) as provider_codes
    from line_months
    inner join line_trusts -- one month to many trusts
        on line_months.therapy_line = line_trusts.therapy_line
    left join lines -- at most one
        on
            line_months.therapy_line = lines.therapy_line
            and line_months.month_start = lines.month_start
            and line_trusts.provider_code = lines.provider_code
    where lines.provider_code is null
    group by line_months.therapy_line, line_months.month_start
),

-- What is counted: requests that wait at month end, and what happened in the month. A list on which nobody waits is a nought.
events as (
    select
        lines.*,
        'waiting' as event_kind,
        wait.therapy_wait_key is not null as is_counted,
        coalesce(wait.child_key, wait.therapy_referral_key) as person_key,
        wait.wait_days,
        wait.is_within_18_weeks,
        wait.is_over_52_weeks,
        wait.is_over_104_weeks,
        wait.has_ehc_plan,
        wait.is_known_child,
        wait.primary_need_code,
        wait.sex_code,
        wait.age_at_snapshot as age,
        wait.ward_code,
        wait.nd_pathway_code,
        wait.nd_question_code
    from lines
    left join {{ ref('fct_therapy_wait') }} as wait -- one list to many
        on
            lines.submission_id = wait.submission_id
            and lines.service_key = wait.service_key
            and wait.is_waiting
            and wait.is_reportable

    union all by name

    select
        lines.*,
        'waiting_for_outcome' as event_kind,
        wait.therapy_wait_key is not null as is_counted,
        coalesce(wait.child_key, wait.therapy_referral_key) as person_key,
        wait.outcome_wait_days as wait_days,
        wait.sex_code,
        wait.age_at_snapshot as age,
        wait.ward_code,
        wait.nd_pathway_code,
        wait.nd_question_code
    from lines
    left join {{ ref('fct_therapy_wait') }} as wait -- one list to many
        on
            lines.submission_id = wait.submission_id
            and lines.service_key = wait.service_key
            and wait.is_waiting_for_outcome
            and wait.is_reportable
    where lines.therapy_line = 'NEURODEV'
    -- Advice is due six weeks after the request, unless it was sent back, or closed otherwise than with the advice before.
    {%- for kind, day, days, condition, own_columns in [
        (
            'received', 'referral.referral_received_date', 'null', "referral.referral_purpose_code = 'CORE'",
            {
                'is_accepted': "referral.status_code <> 'rejected'",
                'source_of_referral_code': 'referral.source_of_referral_code'
            }
        ),
        (
            'discharged', 'referral.ended_date', 'null',
            "referral.referral_purpose_code = 'CORE' and referral.status_code in ('discharged', 'nullified')"
            ~ " and not referral.is_vanished",
            {'referral_closure_reason_code': 'referral.referral_closure_reason_code'}
        ),
        (
            'outcome', 'referral.assessment_outcome_date', 'referral.outcome_wait_days',
            'referral.outcome_wait_days is not null', {}
        ),
        (
            'first_contact', 'referral.first_contact_date', 'referral.first_contact_wait_days',
            'referral.first_contact_wait_days is not null',
            {'source_of_referral_code': 'referral.source_of_referral_code'}
        ),
        (
            'advice_due', advice_due_date, 'null',
            "referral.referral_purpose_code = 'EHC_ADVICE' and referral.status_code <> 'rejected'"
            ~ ' and (referral.advice_days is not null or coalesce(referral.ended_date >= ' ~ advice_due_date ~ ', true))',
            {'is_in_time': 'referral.advice_days <= ' ~ advice_day_limit}
        )
    ] %}

        union all by name

        select
            lines.*,
            '{{ kind }}' as event_kind,
            referral.therapy_referral_key is not null as is_counted,
            coalesce(referral.child_key, referral.therapy_referral_key) as person_key,
            {{ days }} as wait_days,
            referral.has_ehc_plan,
            referral.primary_need_code,
            referral.sex_code,
            referral.age_at_referral as age,
            referral.ward_code,
            {%- for column, value in own_columns.items() %}
                {{ value }} as {{ column }},
            {%- endfor %}
            referral.nd_pathway_code,
            referral.nd_question_code
        from lines
        left join {{ ref('fct_therapy_referral') }} as referral -- one list to many
            on
                {{ provider_key('lines.provider_code') }} = referral.provider_key
                and lines.service_key = referral.service_key
                and lines.month_start = date_trunc('month', {{ day }})
                and referral.is_reportable
                and {{ condition }}
    {%- endfor %}

    union all by name

    select
        lines.*,
        'appointment' as event_kind,
        true as is_counted,
        coalesce(appointment.child_key, appointment.therapy_referral_key) as person_key,
        appointment.is_missed,
        appointment.attendance_status_code = '3' as is_missed_without_warning,
        appointment.attendance_status_code = '7' as is_too_late_to_be_seen,
        appointment.has_ehc_plan,
        appointment.primary_need_code,
        appointment.sex_code,
        appointment.age_at_contact as age,
        appointment.ward_code,
        appointment.location_type_code,
        appointment.consultation_type_code
    from lines
    inner join {{ ref('fct_therapy_appointment') }} as appointment -- one list to many
        on
            {{ provider_key('lines.provider_code') }} = appointment.provider_key
            and lines.service_key = appointment.service_key
            and lines.month_start = date_trunc('month', appointment.contact_date)
            and lines.snapshot_date >= appointment.contact_date
            and (appointment.is_attended or appointment.is_missed)
            and appointment.is_reportable
),

-- Each event once for every place it counts in: whose area, which breakdown, which period.
placed as (
    select
        events.*,
        -- As in the school census: wards of other authorities are one item.
        if(ward.la_code <> own_authority.setting_value, 'elsewhere', events.ward_code) as ward_item,
        unnest(['local_authority', 'provider']) as area_level,
        missing_lists.provider_codes as missing_provider_codes
    from events
    inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
        on own_authority.setting_name = 'la_code'
    left join {{ ref('dim_area') }} as ward -- at most one
        on
            ward.area_level = 'ward'
            and events.ward_code = ward.area_code
    left join missing_lists -- at most one
        on
            events.therapy_line = missing_lists.therapy_line
            and events.month_start = missing_lists.month_start
),

timed as (
    select
        *,
        if(
            event_kind = 'outcome',
            'Financial year Q' || ((month(month_start) + 8) % 12 // 3 + 1),
            monthname(month_start)
        ) as time_identifier,
        if(
            event_kind = 'outcome',
            (year(month_start) - if(month(month_start) < 4, 1, 0))
            || right(cast(year(month_start) + if(month(month_start) < 4, 0, 1) as varchar), 2),
            cast(year(month_start) as varchar)
        ) as time_period
    from placed
),

split as (
    select
        *,
        unnest({{ therapy_places() }}) as place
    from timed
),

counted as (
    select
        area_level,
        if(area_level = 'provider', provider_code, null) as provider_code,
        time_identifier,
        time_period,
        place['topic'] as breakdown_topic,
        place['item'] as breakdown,
        -- Of children with a plan and of advice, all lines make one total; every other total is of one line.
        place['topic'] = 'Total' and event_kind in ('waiting', 'advice_due') as is_of_all_lines,
        if(is_of_all_lines, null, therapy_line) as therapy_line,
        if(is_of_all_lines, null, therapy_line_name) as therapy_line_name,
        event_kind,
        count(distinct provider_code) as trust_count,
        count(*) filter (where is_counted) as event_count,
        count(distinct person_key) as event_people,
        count(*) filter (where is_within_18_weeks) as within_18_count,
        count(distinct person_key) filter (where is_within_18_weeks) as within_18_people,
        count(*) filter (where is_over_52_weeks) as over_52_count,
        count(distinct person_key) filter (where is_over_52_weeks) as over_52_people,
        count(*) filter (where is_over_104_weeks) as over_104_count,
        count(distinct person_key) filter (where is_over_104_weeks) as over_104_people,
        {%- for name, condition in [
            ('accepted', 'is_counted and is_accepted'),
            ('in_time', 'is_in_time'),
            ('missed', 'is_missed'),
            ('without_warning', 'is_missed_without_warning'),
            ('too_late', 'is_too_late_to_be_seen')
        ] %}
            count(*) filter (where {{ condition }}) as {{ name }}_count,
            count(distinct person_key) filter (where {{ condition }}) as {{ name }}_people,
        {%- endfor %}
        case when count(has_ehc_plan) > 0 then count(distinct person_key) filter (where has_ehc_plan) end as plan_people,
        count(*) filter (where is_known_child) as known_count,
        {{ nearest_rank(50, 'wait_days') }} as median_days,
        {{ nearest_rank(92, 'wait_days') }} as percentile_92_days,
        count(distinct month_start) as month_count,
        max(if(area_level = 'local_authority', missing_provider_codes, null)) as missing_provider_codes,
        max(submission_id) as submission_id
    from split
    where place['item'] is not null
    group by all
),

measured as (
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
        from counted
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
        -- Of all lines together, of a hundred or more, in steps of five and never all: an exact share would give away how
        -- few are not linked.
        if(
            breakdown_topic = 'Total' and event_count >= 100,
            'At least ' || least(95, 5 * (20 * known_count // event_count))
            || ' per cent of requests waiting are linked to a child that the authority knows.',
            null
        ) as coverage_note
    from counted
    where
        event_kind = 'waiting'
        and breakdown_topic in (
            'Total', 'Service line', 'Service line and age group', 'Service line and primary need', 'Service line and ward'
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
        from counted
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
        coalesce(kpi_id = 'therapy_p92_wait_weeks' and (92 * denominator + 99) // 100 = denominator, false) as is_extreme,
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
    nullif(concat_ws(' ', coverage_note, 'Without the list of ' || missing_provider_codes || '.'), '') as coverage_note,
    submission_id
from areas
where area_code is not null
