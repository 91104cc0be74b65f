{#-
    Group of an ATTENDANCE STATUS of the NHS Data Dictionary: 5 and 6 are seen, 3 and 7 missed without warning or too late
    to be seen, 2 and 4 cancelled. NULL where no outcome is recorded.
-#}
{% macro contact_group(attendance_status_code) -%}
case
        when {{ attendance_status_code }} in ('5', '6') then 'attended'
        when {{ attendance_status_code }} in ('3', '7') then 'missed'
        when {{ attendance_status_code }} in ('2', '4') then 'cancelled'
    end
{%- endmacro %}

{#- A date that has come by the snapshot; NULL where it lies after it. -#}
{% macro come_by(date, snapshot_date) -%}
case when {{ date }} <= {{ snapshot_date }} then {{ date }} end
{%- endmacro %}

{#- Percentile of whole days by nearest rank: value number (p x N + 99) div 100 in ascending order; NULL of no days. -#}
{% macro nearest_rank(percent, days) -%}
list_extract(list_sort(list({{ days }})), cast(({{ percent }} * count({{ days }}) + 99) // 100 as integer))
{%- endmacro %}

{#- Key in dim_period of the month that holds a day. -#}
{% macro month_key(day) -%}
{{ surrogate_key(['lower(monthname(' ~ day ~ '))', 'year(' ~ day ~ ')']) }}
{%- endmacro %}

{#- Key of a trust in dim_provider. -#}
{% macro provider_key(provider_code) -%}
{{ surrogate_key(["'provider'", provider_code]) }}
{%- endmacro %}

{#- Key of a service request in fct_therapy_referral. -#}
{% macro therapy_referral_key(request) -%}
{{ surrogate_key([request ~ '.provider_code', request ~ '.service_request_ref']) }}
{%- endmacro %}

{#- The breakdowns that an event of the waiting lists counts in: a list of topic and item, whose item is NULL where it is in none. -#}
{% macro therapy_places() -%}
[
            { 'topic': 'Service line', 'item': therapy_line_name },
            { 'topic': 'Service line and age group', 'item': therapy_line_name || ', ' || {{ age_group('age', 'age') }} },
            {
                'topic': 'Service line and sex',
                'item': therapy_line_name || ', ' || case sex_code when 'M' then 'male' when 'F' then 'female' end
            },
            {
                'topic': 'Service line and EHC plan',
                -- Of whom nobody can say, is in neither.
                'item': therapy_line_name
                || case has_ehc_plan when true then ', with an EHC plan' when false then ', without an EHC plan' end
            },
            { 'topic': 'Service line and primary need', 'item': therapy_line_name || ', ' || primary_need_code },
            { 'topic': 'Service line and placement group', 'item': therapy_line_name || ', ' || placement_group_code },
            {
                'topic': 'Service line and ward',
                'item': if(area_level = 'local_authority', therapy_line_name || ', ' || ward_item, null)
            },
            {
                'topic': 'Service line and source of referral',
                'item': therapy_line_name || ', ' || source_of_referral_code
            },
            {
                'topic': 'Service line and closure reason',
                'item': therapy_line_name || ', ' || referral_closure_reason_code
            },
            { 'topic': 'Service line and contact location', 'item': therapy_line_name || ', ' || location_type_code },
            {
                'topic': 'Service line and consultation type',
                'item': therapy_line_name || case consultation_type_code when '01' then ', initial' when '02' then ', follow-up' end
            },
            { 'topic': 'Total', 'item': 'Total' },
            { 'topic': 'Pathway', 'item': nd_pathway_code },
            { 'topic': 'Assessment question', 'item': nd_question_code }
        ]
{%- endmacro %}
