with named_settings as (
    select
        plan_key,
        {{ first_known('placement_line_code', '(coalesce(placement_rank, 9), source_row)') }} as placement_line_code
    from {{ ref('int_ehc_setting__classified') }}
    where setting_source = 'plan'
    group by plan_key
),

last_placements as (
    select
        plan.plan_key,
        placement.placement_line_code,
        placement.placement_rank,
        placement.entry_date,
        placement.leaving_date,
        placement.source_row,
        coalesce(placement.entry_date <= plan.cease_date, true)
        and {{ not_ended_on('placement.leaving_date', 'plan.cease_date') }} as is_on_last_day
    from {{ ref('int_ehc_plan__traced') }} as plan
    inner join {{ ref('int_ehc_setting__classified') }} as placement
        on plan.active_plan_key = placement.active_plan_key
    where
        plan.cease_date is not null
        and placement.view_code = 'own_return'
),

-- The placement on the last day, the lowest rank first; without one, the placement left last.
ceased_placements as (
    select
        plan_key,
        placement_line_code
    from last_placements
    qualify row_number() over (
        partition by plan_key
        order by
            is_on_last_day desc,
            case when not is_on_last_day then leaving_date end desc nulls last,
            placement_rank asc nulls last,
            entry_date desc nulls last,
            source_row asc
    ) = 1
)

select
    {{ surrogate_key(['plan.plan_key']) }} as ehc_plan_key,
    plan.la_code,
    {{ calendar_year_key('plan.activity_year') }} as period_key,
    cast(plan.activity_year as integer) as activity_year,
    {{ surrogate_key(['plan.request_key']) }} as ehc_request_key,
    plan.child_key,
    plan.sex_code,
    plan.ethnicity_code,
    plan.ward_code,
    plan.imd_decile,
    plan.start_date,
    plan.age_at_start,
    plan.calendar_age_at_start,
    plan.assessment_outcome_code,
    plan.transfer_la_code,
    -- Transferred in: so said, or coded as decided elsewhere or before. Neither is a new plan, whenever it began.
    coalesce(
        year(plan.start_date) = plan.activity_year
        and plan.transfer_la_code is null
        and coalesce(plan.assessment_outcome_code, '') <> 'H',
        false
    ) as is_new_in_year,
    plan.cease_date,
    plan.age_at_cease,
    plan.cease_reason_code,
    coalesce(year(plan.cease_date) = plan.activity_year, false) as is_ceased_in_year,
    cast({{ years_between('plan.start_date', 'plan.cease_date') }} as integer) as whole_years_held,
    cast(year(plan.cease_date) - year(plan.start_date) as integer) as calendar_years_held,
    plan.plan_residential_code,
    plan.plan_work_based_code,
    coalesce(plan.has_personal_budget, false) as has_personal_budget,
    coalesce(plan.has_organised_arrangements, false) as has_organised_arrangements,
    plan.direct_payment_code,
    coalesce(named_settings.placement_line_code, 'placement_unknown') as named_placement_line_code,
    coalesce(placement.placement_line_code, 'placement_unknown') as placement_line_code,
    case
        when plan.cease_date is not null
            then coalesce(
                ceased_placements.placement_line_code, named_settings.placement_line_code, 'placement_unknown'
            )
    end as ceased_placement_line_code,
    coalesce(need.need_code, 'UNKNOWN') as primary_need_code,
    coalesce(
        plan.start_date is not null
        and plan.return_year = max(plan.return_year) over (partition by plan.la_code, plan.child_key, plan.start_date),
        false
    ) as is_latest_report,
    plan.submission_id
from {{ ref('int_ehc_plan__traced') }} as plan
left join named_settings
    on plan.plan_key = named_settings.plan_key
left join ceased_placements
    on plan.plan_key = ceased_placements.plan_key
left join {{ ref('int_ehc_placement__counted') }} as placement
    on
        plan.active_plan_key = placement.active_plan_key
        and placement.view_code = 'own_return'
left join {{ ref('int_ehc_need__ranked') }} as need
    on
        plan.active_plan_key = need.active_plan_key
        and need.is_primary
