-- Where a child with a plan was placed on each snapshot day. The return that tells of the plan has the dates of its
-- placements; a plan that ended before that return's census day has none there, and the census day before stands in.
with dated as (
    select
        plan.snapshot_date,
        plan.child_key,
        placement.placement_line_code
    from {{ ref('int_therapy_child__plan') }} as plan
    inner join {{ ref('int_ehc_setting__classified') }} as placement -- one plan to many
        on plan.active_plan_key = placement.active_plan_key
    where
        placement.view_code = 'own_return'
        and coalesce(placement.entry_date <= plan.snapshot_date, true)
        and {{ not_ended_on('placement.leaving_date', 'plan.snapshot_date') }}
    -- As on census day: the lowest rank counts, so that a secondary placement counts where there is no other.
    qualify row_number() over (
        partition by plan.snapshot_date, plan.child_key
        order by
            placement.placement_rank asc nulls last,
            placement.entry_date desc nulls last,
            placement.source_row asc,
            placement.setting_row_key asc
    ) = 1
),

census_days as (
    select
        held.child_key,
        held.census_day,
        placement.placement_line_code
    from {{ ref('int_ehc_plan__held') }} as held
    inner join {{ ref('stg_control__setting') }} as own_authority
        on
            own_authority.setting_name = 'la_code'
            and held.la_code = own_authority.setting_value
    inner join {{ ref('int_therapy_submission__known') }} as known_submission -- at most one
        on held.submission_id = known_submission.submission_id
    inner join {{ ref('int_ehc_placement__counted') }} as placement -- at most one
        on
            held.active_plan_key = placement.active_plan_key
            and held.view_code = placement.view_code
    where held.view_code = 'own_return'
),

before as (
    select
        plan.snapshot_date,
        plan.child_key,
        arg_max(census_days.placement_line_code, census_days.census_day) as placement_line_code
    from {{ ref('int_therapy_child__plan') }} as plan
    inner join census_days -- one child to many
        on
            plan.child_key = census_days.child_key
            and plan.snapshot_date >= census_days.census_day
    group by plan.snapshot_date, plan.child_key
)

select
    plan.snapshot_date,
    plan.child_key,
    coalesce(dated.placement_line_code, before.placement_line_code, 'placement_unknown') as placement_line_code,
    case
        when dated.placement_line_code is not null then 'dated_placement'
        when before.placement_line_code is not null then 'census_day_before'
        else 'unknown'
    end as placement_basis_code
from {{ ref('int_therapy_child__plan') }} as plan
left join dated -- at most one
    on
        plan.snapshot_date = dated.snapshot_date
        and plan.child_key = dated.child_key
left join before -- at most one
    on
        plan.snapshot_date = before.snapshot_date
        and plan.child_key = before.child_key
