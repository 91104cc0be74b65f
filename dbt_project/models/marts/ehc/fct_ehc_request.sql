{#- Which day ends the 20 weeks, and which indicators leave a case out, is not published: dbt_project.yml sets both. -#}
{%- set issue_date = var('twenty_week_end') -%}
with clocked as (
    select
        *,
        {{ issue_date }} as issue_date,
        case
            when request_outcome_code in ('Y', 'N') then {{ clock_days('received_date', 'request_outcome_date') }}
        end as days_to_decision,
        case
            when assessment_outcome_code = 'N' then {{ clock_days('received_date', 'assessment_outcome_date') }}
        end as days_to_refusal_to_issue,
        case
            when assessment_outcome_code = 'Y' then {{ clock_days('received_date', issue_date) }}
        end as days_to_issue
    from {{ ref('int_ehc_request__traced') }}
),

decided as (
    select
        *,
        coalesce(
            year(received_date) = activity_year and coalesce(request_outcome_code, '') <> 'H', false
        ) as is_received_in_year,
        -- A decision without a date is one of the year in which the request was received.
        coalesce(
            request_outcome_code in ('Y', 'N')
            and year(coalesce(request_outcome_date, received_date)) = activity_year,
            false
        ) as is_decided_in_year,
        case
            when assessment_outcome_code in ('Y', 'N', 'A')
                then coalesce(year(assessment_outcome_date) = activity_year, false)
            -- A withdrawal needs no date; the return that tells of it is that of its year.
            when assessment_outcome_code = 'W' then coalesce(year(assessment_outcome_date) = activity_year, true)
            else false
        end as is_assessment_in_year,
        case
            when assessment_key is null then 'no_assessment'
            when assessment_outcome_code = 'H' then 'historical'
            when coalesce(assessment_outcome_code, '') <> 'Y' then 'not_issued'
            when transfer_la_code is not null then 'transferred_in'
            when issue_date is null then 'not_issued_yet'
            when year(issue_date) <> activity_year then 'issued_in_another_year'
            when {{ any_true(var('twenty_week_excluding_indicators')) }} then 'mediation_or_tribunal'
            when received_date is null and request_outcome_code = 'H' then 'historical_without_request_date'
            else 'counted'
        end as twenty_week_status
    from clocked
)

select
    {{ surrogate_key(['request_key']) }} as ehc_request_key,
    la_code,
    {{ calendar_year_key('activity_year') }} as period_key,
    cast(activity_year as integer) as activity_year,
    child_key,
    sex_code,
    ethnicity_code,
    ward_code,
    imd_decile,
    age_at_received,
    coalesce(primary_need_code, 'UNKNOWN') as primary_need_code,
    received_date,
    request_source_code,
    coalesce(is_in_youth_accommodation, false) as is_in_youth_accommodation,
    request_outcome_code,
    request_outcome_date,
    coalesce(has_request_mediation, false) as has_request_mediation,
    coalesce(has_request_tribunal, false) as has_request_tribunal,
    exported_la_code,
    assessment_outcome_code,
    assessment_outcome_date,
    coalesce(has_assessment_mediation, false) as has_assessment_mediation,
    coalesce(has_assessment_tribunal, false) as has_assessment_tribunal,
    coalesce(has_other_mediation, false) as has_other_mediation,
    coalesce(has_other_tribunal, false) as has_other_tribunal,
    coalesce(has_20_week_exception, false) as has_20_week_exception,
    case when plan_key is not null then {{ surrogate_key(['plan_key']) }} end as ehc_plan_key,
    plan_start_date,
    plan_cease_date,
    transfer_la_code,
    is_received_in_year,
    is_decided_in_year,
    cast(days_to_decision as integer) as days_to_decision,
    days_to_decision <= 42 as is_decided_within_6_weeks,
    -- A refusal that is changed later stays a refusal; only the later steps show the change.
    coalesce(request_outcome_code = 'N' and assessment_key is not null, false) as is_refusal_to_assess_overturned,
    assessment_key is not null as has_assessment,
    is_assessment_in_year,
    cast(days_to_refusal_to_issue as integer) as days_to_refusal_to_issue,
    days_to_refusal_to_issue <= 112 as is_refused_to_issue_within_16_weeks,
    coalesce(assessment_outcome_code = 'N' and plan_key is not null, false) as is_refusal_to_issue_overturned,
    cast(days_to_issue as integer) as days_to_issue,
    twenty_week_status,
    twenty_week_status = 'counted' as is_in_20_week_population,
    twenty_week_status = 'counted' and not coalesce(has_20_week_exception, false)
        as is_in_20_week_population_without_exceptions,
    -- Published bands: 140 days are in time, 364 days are not yet over a year.
    case
        when days_to_issue <= 140 then 'within_20_weeks'
        when days_to_issue <= 364 then '20_to_52_weeks'
        when days_to_issue > 364 then 'over_52_weeks'
    end as issue_band,
    case
        when exported_la_code is not null then null
        when request_outcome_code = 'A' then 'request'
        when assessment_outcome_code = 'A' then 'assessment'
        when request_outcome_code = 'Y' and assessment_key is null then 'assessment'
        when assessment_outcome_code = 'Y' and assessment_outcome_date is null and plan_key is null then 'issue'
    end as open_stage,
    cast({{ clock_days('received_date', 'census_day') }} as integer) as days_from_request_to_census_day,
    -- Several returns can tell of one request; the latest knows most. Without a date nothing tells that it is the same.
    coalesce(
        received_date is not null
        and return_year = max(return_year) over (partition by la_code, child_key, received_date),
        false
    ) as is_latest_report,
    submission_id
from decided
