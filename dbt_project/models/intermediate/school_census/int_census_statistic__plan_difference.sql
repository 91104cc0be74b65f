-- Each child with a plan by the school census of January, where it is on roll, and by SEN2, where it is placed: of the plans
-- only those placed at a school whose return has come, so that the two sides are of the same schools.
with schools as (
    select
        la_code,
        census_year,
        setting_key,
        min(academic_year) as academic_year,
        min({{ census_phase('placement_group_code', 'phase_code') }}) as phase_item
    from {{ ref('int_census_return__described') }}
    where term_code = 'SPR' and setting_key is not null
    group by la_code, census_year, setting_key
),

children as (
    select
        difference.la_code,
        difference.census_year,
        difference.child_key,
        difference.is_in_census,
        difference.is_in_sen2,
        difference.setting_key,
        difference.reason_code,
        difference.reason_class,
        plan.submission_id as plan_submission_id,
        plan.setting_key as placement_key,
        placed.setting_key is not null as is_placed_at_a_school,
        coalesce(
            nullif(roll.year_group_item, 'unknown'), {{ year_group_of_age('plan.age_at_31_august') }}
        ) as year_group_item,
        roll.submission_id as roll_submission_id
    from {{ ref('int_ehcp__census_vs_sen2') }} as difference
    left join {{ ref('fct_ehc_plan_census') }} as plan -- at most one
        on
            difference.la_code = plan.la_code
            and difference.census_year = plan.census_year
            and difference.child_key = plan.child_key
            and plan.view_code = 'own_return'
    left join schools as placed -- at most one
        on
            plan.la_code = placed.la_code
            and plan.census_year = placed.census_year
            and plan.setting_key = placed.setting_key
    left join {{ ref('int_census_statistic__roll') }} as roll -- at most one
        on
            difference.la_code = roll.la_code
            and {{ academic_year_of_january('cast(difference.census_year as varchar)') }} = roll.time_period
            and difference.child_key = roll.child_key
            and roll.term_code = 'SPR'
),

reasoned as (
    select
        *,
        -- Both say that there is a plan, and not that it is at a school of the census.
        if(is_in_census and is_in_sen2 and not is_placed_at_a_school, 'in_both_placed_elsewhere', reason_code)
            as reason_item,
        if(is_in_census and is_in_sen2 and not is_placed_at_a_school, 'to_follow_up', reason_class) as reason_class_item
    from children
),

sides as (
    select
        *,
        'census' as side,
        setting_key as counted_key,
        roll_submission_id as submission_id
    from reasoned
    where is_in_census

    union all by name

    select
        *,
        'sen2' as side,
        placement_key as counted_key,
        plan_submission_id as submission_id
    from reasoned
    where is_in_sen2 and is_placed_at_a_school
)

select
    sides.la_code,
    sides.submission_id,
    'Spring term' as time_identifier,
    {{ academic_year_of_january('cast(sides.census_year as varchar)') }} as time_period,
    sides.side,
    sides.reason_class_item,
    sides.reason_item,
    sides.year_group_item,
    coalesce(schools.phase_item, 'unknown') as phase_item,
    coalesce(setting.urn, 'unknown') as school_item
from sides
left join schools -- at most one
    on
        sides.la_code = schools.la_code
        and sides.census_year = schools.census_year
        and sides.counted_key = schools.setting_key
left join {{ ref('dim_setting') }} as setting -- at most one
    on sides.counted_key = setting.setting_key
