select
    {{ surrogate_key(['held.la_code', 'held.census_year', 'held.view_code', 'held.child_key']) }} as ehc_plan_census_key,
    held.la_code,
    {{ census_period_key('held.census_year') }} as period_key,
    cast(held.census_year as integer) as census_year,
    held.census_day,
    held.view_code,
    held.child_key,
    {{ surrogate_key(['held.plan_key']) }} as ehc_plan_key,
    held.start_date,
    held.age_at_start,
    held.calendar_age_at_start,
    -- The published tables subtract calendar years: a plan of the January itself is less than a year in place.
    cast(held.census_year - year(held.start_date) as integer) as years_in_place,
    cast(held.age_at_31_august_of_census as integer) as age_at_31_august,
    held.sex_code,
    held.ethnicity_code,
    held.ward_code,
    held.imd_decile,
    coalesce(placement.placement_line_code, 'placement_unknown') as placement_line_code,
    case when placement.setting_row_key is not null then {{ surrogate_key(['placement.setting_row_key']) }} end
        as ehc_placement_key,
    case when placement.register_urn is not null then {{ surrogate_key(['placement.register_urn']) }} end as setting_key,
    cast(placement.placement_rank as integer) as placement_rank,
    cast(coalesce(placement.placement_count, 0) as integer) as placement_count,
    coalesce(primary_need.need_code, 'UNKNOWN') as primary_need_code,
    secondary_need.need_code as secondary_need_code,
    placement.residential_code,
    placement.work_based_code,
    coalesce(held.has_personal_budget, false) as has_personal_budget,
    coalesce(held.has_organised_arrangements, false) as has_organised_arrangements,
    held.direct_payment_code,
    held.transfer_la_code,
    held.phase_transfer_due_date,
    held.phase_transfer_final_date,
    cast(held.plan_count as integer) as plan_count,
    held.submission_id
from {{ ref('int_ehc_plan__held') }} as held
left join {{ ref('int_ehc_placement__counted') }} as placement
    on
        held.active_plan_key = placement.active_plan_key
        and held.view_code = placement.view_code
left join {{ ref('int_ehc_need__ranked') }} as primary_need
    on
        held.active_plan_key = primary_need.active_plan_key
        and primary_need.is_primary
left join {{ ref('int_ehc_need__ranked') }} as secondary_need
    on
        held.active_plan_key = secondary_need.active_plan_key
        and secondary_need.is_secondary
