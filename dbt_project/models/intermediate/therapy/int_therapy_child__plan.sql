-- The EHC plan of a child on each snapshot day, as the first return known from that day on tells, else the latest there is.
with snapshots as (
    select distinct snapshot_date
    from {{ ref('int_therapy_delivery__current') }}
),

told_by as (
    select
        snapshots.snapshot_date,
        own_return.submission_id
    from snapshots
    cross join {{ ref('int_ehc_census_view__described') }} as own_return
    inner join {{ ref('stg_control__setting') }} as own_authority
        on
            own_authority.setting_name = 'la_code'
            and own_return.la_code = own_authority.setting_value
    inner join {{ ref('int_therapy_submission__known') }} as known_submission -- at most one
        on own_return.submission_id = known_submission.submission_id
    where own_return.view_code = 'own_return'
    qualify row_number() over (
        partition by snapshots.snapshot_date
        order by
            own_return.census_day >= snapshots.snapshot_date desc,
            if(own_return.census_day >= snapshots.snapshot_date, own_return.census_day, null) asc,
            own_return.census_day desc
    ) = 1
),

held as (
    select
        told_by.snapshot_date,
        plan.child_key,
        plan.active_plan_key,
        plan.start_date
    from told_by
    inner join {{ ref('int_ehc_plan__traced') }} as plan
        on told_by.submission_id = plan.submission_id
    where
        plan.start_date <= told_by.snapshot_date
        and {{ not_ended_on('plan.cease_date', 'told_by.snapshot_date') }}
    qualify row_number() over (
        partition by told_by.snapshot_date, plan.child_key
        order by plan.start_date desc, plan.source_row desc, plan.plan_key asc
    ) = 1
)

select
    held.snapshot_date,
    held.child_key,
    held.active_plan_key,
    held.start_date as plan_start_date,
    coalesce(need.need_code, 'UNKNOWN') as primary_need_code
from held
left join {{ ref('int_ehc_need__ranked') }} as need
    on
        held.active_plan_key = need.active_plan_key
        and need.is_primary
