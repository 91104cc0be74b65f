-- What the needs of each child with a plan call for, beside what the waiting lists say of the child. Who has a plan on the
-- day is said once, by int_therapy_child__plan, and who waits by fct_therapy_wait.
with plans as (
    select
        plan.snapshot_date,
        plan.child_key,
        plan.active_plan_key,
        plan.plan_start_date,
        plan.primary_need_code,
        placed.placement_line_code,
        placed.placement_basis_code
    from {{ ref('int_therapy_child__plan') }} as plan
    inner join {{ ref('int_therapy_child__placed') }} as placed -- exactly one
        on
            plan.snapshot_date = placed.snapshot_date
            and plan.child_key = placed.child_key
),

-- A service of which no trust sent a list for the month is not one that nobody waits for.
lines as (
    select distinct
        therapy_line,
        snapshot_date,
        snapshot_date = max(snapshot_date) over (partition by therapy_line) as is_latest
    from {{ ref('int_therapy_line__delivered') }}
),

-- Two needs can call for one service: the primary one is named, then the one that is closer to it.
called_for as (
    select
        plans.snapshot_date,
        plans.child_key,
        lines.therapy_line,
        arg_min(need.need_code, (not need.is_primary, need_call.match_code, need.need_code)) as need_code,
        arg_min(need_call.match_code, (not need.is_primary, need_call.match_code, need.need_code)) as match_code,
        bool_or(need.is_primary) as is_primary_need
    from plans
    inner join {{ ref('int_ehc_need__ranked') }} as need -- one plan to many
        on plans.active_plan_key = need.active_plan_key
    inner join {{ ref('need_service') }} as need_call -- one need to many
        on need.need_code = need_call.need_code
    inner join lines -- at most one
        on
            plans.snapshot_date = lines.snapshot_date
            and need_call.therapy_line = lines.therapy_line
    group by plans.snapshot_date, plans.child_key, lines.therapy_line
),

-- A child with two requests of one service waits once, as long as the longer.
listed as (
    select
        wait.snapshot_date,
        wait.child_key,
        service.therapy_line,
        bool_or(wait.is_waiting) as is_waiting,
        count(*) filter (where wait.is_waiting) as waiting_request_count,
        max(wait.wait_days) as wait_days,
        arg_max(wait.band_code, wait.wait_days) as band_code,
        arg_max(
            wait.provider_key, (wait.is_waiting, coalesce(wait.wait_days, 0), wait.therapy_wait_key)
        ) as provider_key
    from {{ ref('fct_therapy_wait') }} as wait
    inner join {{ ref('dim_service') }} as service -- exactly one
        on wait.service_key = service.service_key
    where wait.has_ehc_plan and wait.is_reportable
    group by wait.snapshot_date, wait.child_key, service.therapy_line
),

met as (
    select
        coalesce(called_for.snapshot_date, listed.snapshot_date) as snapshot_date,
        coalesce(called_for.child_key, listed.child_key) as child_key,
        coalesce(called_for.therapy_line, listed.therapy_line) as therapy_line,
        called_for.child_key is not null as is_called_for,
        called_for.need_code,
        called_for.match_code,
        called_for.is_primary_need,
        case when listed.is_waiting then 'waiting' when listed.is_waiting is not null then 'in_treatment' else 'not_on_list' end
            as list_status_code,
        coalesce(listed.is_waiting, false) as is_waiting,
        coalesce(listed.waiting_request_count, 0) as waiting_request_count,
        listed.wait_days,
        listed.band_code,
        listed.provider_key
    from called_for
    full join listed -- one to one
        on
            called_for.snapshot_date = listed.snapshot_date
            and called_for.child_key = listed.child_key
            and called_for.therapy_line = listed.therapy_line
)

select
    {{ surrogate_key(['own_authority.setting_value', 'met.snapshot_date', 'met.child_key', 'met.therapy_line']) }}
        as plan_therapy_wait_key,
    own_authority.setting_value as la_code,
    {{ month_key('met.snapshot_date') }} as period_key,
    met.snapshot_date,
    lines.is_latest,
    met.child_key,
    service.service_key,
    met.provider_key,
    plans.plan_start_date,
    plans.primary_need_code,
    plans.placement_line_code,
    plans.placement_basis_code,
    met.is_called_for,
    met.need_code as calling_need_code,
    met.match_code,
    coalesce(met.is_primary_need, false) as is_primary_need,
    met.list_status_code,
    met.is_waiting,
    cast(met.waiting_request_count as integer) as waiting_request_count,
    met.wait_days,
    met.band_code,
    met.is_waiting and not coalesce(band.is_within_18_weeks, false) as is_over_18_weeks,
    coalesce(band.is_over_52_weeks, false) as is_over_52_weeks,
    coalesce(band.is_over_104_weeks, false) as is_over_104_weeks
from met
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
inner join plans -- exactly one
    on
        met.snapshot_date = plans.snapshot_date
        and met.child_key = plans.child_key
inner join lines -- exactly one
    on
        met.snapshot_date = lines.snapshot_date
        and met.therapy_line = lines.therapy_line
inner join {{ ref('dim_service') }} as service -- exactly one
    on met.therapy_line = service.therapy_line
left join {{ ref('waiting_band') }} as band -- at most one
    on met.band_code = band.band_code
