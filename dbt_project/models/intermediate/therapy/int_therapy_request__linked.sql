-- Service requests over the snapshots with the child, the service and what is known of the child's EHC plan on the day.
with plan_returns as (
    select count(*) > 0 as is_held
    from {{ ref('int_ehc_census_view__described') }} as own_return
    inner join {{ ref('stg_control__setting') }} as own_authority
        on
            own_authority.setting_name = 'la_code'
            and own_return.la_code = own_authority.setting_value
    inner join {{ ref('int_therapy_submission__known') }} as known_submission -- at most one
        on own_return.submission_id = known_submission.submission_id
    where own_return.view_code = 'own_return'
),

own_area as (
    select
        area.la_code,
        area.area_code
    from {{ ref('dim_area') }} as area
    inner join {{ ref('stg_control__setting') }} as own_authority
        on
            own_authority.setting_name = 'la_code'
            and area.la_code = own_authority.setting_value
    where area.area_level = 'local_authority'
)

select
    request.*,
    link.child_key,
    link.match_strength,
    known.child_key is not null as is_known_child,
    own_authority.setting_value as la_code,
    request.residence_la_code = own_area.area_code as is_resident,
    case when service.therapy_line is not null then {{ surrogate_key(['service.age_group', 'service.service_line_code']) }} end
        as service_key,
    -- Without a return of EHC plans, or of a child not known from one, nobody can say.
    case
        when plan.child_key is not null then true
        when plan_returns.is_held and known.child_key is not null then false
    end as has_ehc_plan,
    plan.primary_need_code,
    line.placement_group_code
from {{ ref('int_therapy_request__history') }} as request
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
cross join plan_returns -- one row
left join own_area -- at most one
    on own_authority.setting_value = own_area.la_code
left join {{ ref('service_line') }} as service -- at most one
    on request.therapy_line = service.therapy_line
left join {{ ref('stg_control__child_key') }} as link -- at most one
    on
        request.submission_id = link.submission_id
        and request.row_person_ref = link.row_person_ref
left join {{ ref('int_therapy_child__known') }} as known -- at most one
    on link.child_key = known.child_key
left join {{ ref('int_therapy_child__plan') }} as plan -- at most one
    on
        request.snapshot_date = plan.snapshot_date
        and link.child_key = plan.child_key
left join {{ ref('int_therapy_child__placed') }} as placed -- exactly one, of a child with a plan
    on
        plan.snapshot_date = placed.snapshot_date
        and plan.child_key = placed.child_key
left join {{ ref('dim_placement_group') }} as line -- at most one
    on placed.placement_line_code = line.placement_line_code
