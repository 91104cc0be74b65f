-- What the KPIs of the waiting lists count: requests that wait at month end, and what happened in the month, without rows that
-- a rule found an error in. A list on which nobody waits is a nought.
{% set advice_day_limit = 42 %}
{% set advice_due_date = 'cast(referral.referral_received_date + ' ~ advice_day_limit ~ ' as date)' %}
with events as (
    select
        held_list.*,
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
        wait.placement_group_code,
        wait.sex_code,
        wait.age_at_snapshot as age,
        wait.ward_code,
        wait.nd_pathway_code,
        wait.nd_question_code
    from {{ ref('int_kpi__therapy_list') }} as held_list
    left join {{ ref('fct_therapy_wait') }} as wait -- one list to many
        on
            held_list.submission_id = wait.submission_id
            and held_list.service_key = wait.service_key
            and wait.is_waiting
            and wait.is_reportable

    union all by name

    select
        held_list.*,
        'waiting_for_outcome' as event_kind,
        wait.therapy_wait_key is not null as is_counted,
        coalesce(wait.child_key, wait.therapy_referral_key) as person_key,
        wait.is_known_child,
        wait.outcome_wait_days as wait_days,
        wait.sex_code,
        wait.age_at_snapshot as age,
        wait.ward_code,
        wait.nd_pathway_code,
        wait.nd_question_code
    from {{ ref('int_kpi__therapy_list') }} as held_list
    left join {{ ref('fct_therapy_wait') }} as wait -- one list to many
        on
            held_list.submission_id = wait.submission_id
            and held_list.service_key = wait.service_key
            and wait.is_waiting_for_outcome
            and wait.is_reportable
    where held_list.therapy_line = 'NEURODEV'
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
            held_list.*,
            '{{ kind }}' as event_kind,
            referral.therapy_referral_key is not null as is_counted,
            coalesce(referral.child_key, referral.therapy_referral_key) as person_key,
            referral.is_known_child,
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
        from {{ ref('int_kpi__therapy_list') }} as held_list
        left join {{ ref('fct_therapy_referral') }} as referral -- one list to many
            on
                {{ provider_key('held_list.provider_code') }} = referral.provider_key
                and held_list.service_key = referral.service_key
                and held_list.month_start = date_trunc('month', {{ day }})
                and referral.is_reportable
                and {{ condition }}
    {%- endfor %}

    union all by name

    select
        held_list.*,
        'appointment' as event_kind,
        true as is_counted,
        coalesce(appointment.child_key, appointment.therapy_referral_key) as person_key,
        appointment.is_known_child,
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
    from {{ ref('int_kpi__therapy_list') }} as held_list
    inner join {{ ref('fct_therapy_appointment') }} as appointment -- one list to many
        on
            {{ provider_key('held_list.provider_code') }} = appointment.provider_key
            and held_list.service_key = appointment.service_key
            and held_list.month_start = date_trunc('month', appointment.contact_date)
            and held_list.snapshot_date >= appointment.contact_date
            and (appointment.is_attended or appointment.is_missed)
            and appointment.is_reportable
)

select
    events.*,
    -- As in the school census: wards of other authorities are one item.
    if(ward.la_code <> own_authority.setting_value, 'elsewhere', events.ward_code) as ward_item,
    if(
        events.event_kind = 'outcome',
        'Financial year Q' || ((month(events.month_start) + 8) % 12 // 3 + 1),
        monthname(events.month_start)
    ) as time_identifier,
    if(
        events.event_kind = 'outcome',
        (year(events.month_start) - if(month(events.month_start) < 4, 1, 0))
        || right(cast(year(events.month_start) + if(month(events.month_start) < 4, 0, 1) as varchar), 2),
        cast(year(events.month_start) as varchar)
    ) as time_period
from events
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
left join {{ ref('dim_area') }} as ward -- at most one
    on
        ward.area_level = 'ward'
        and events.ward_code = ward.area_code
