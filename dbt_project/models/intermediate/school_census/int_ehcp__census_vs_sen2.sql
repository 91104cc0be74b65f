-- On each January census day: who has a plan by the schools' census (provision E), who by the authority's EHC plans
-- return, and one reason for each child that only one of them has. The first reason that holds is given, in the order below.
with days as (
    select
        census_view.la_code,
        census_view.census_year,
        census_view.census_day,
        census_view.submission_id
    from {{ ref('int_ehc_census_view__described') }} as census_view
    semi join {{ ref('int_census_return__described') }} as census
        on
            census_view.la_code = census.la_code
            and census_view.census_year = census.census_year
            and census.term_code = 'SPR'
    where census_view.view_code = 'own_return'
),

-- One row a child: with provision E if any school says so, then the row that is counted.
pupils as (
    select
        pupil.la_code,
        pupil.census_year,
        pupil.child_key,
        pupil.submission_id,
        pupil.row_person_ref,
        pupil.la_estab,
        pupil.setting_key,
        pupil.lsoa_code,
        pupil.sen_provision_code,
        coalesce(pupil.sen_provision_group = 'EHC plan', false) as is_ehc_plan
    from {{ ref('int_census_pupil__described') }} as pupil
    where
        pupil.is_on_roll
        and pupil.term_code = 'SPR'
    qualify row_number() over (
        partition by pupil.la_code, pupil.census_year, pupil.child_key
        order by
            coalesce(pupil.sen_provision_group = 'EHC plan', false) desc,
            pupil.is_counted desc,
            pupil.la_estab asc,
            pupil.row_person_ref asc
    ) = 1
),

plans as (
    select
        plan.la_code,
        plan.census_year,
        plan.child_key,
        plan.submission_id,
        person.row_person_ref,
        plan.start_date,
        plan.setting_key,
        plan.placement_line_code,
        plan.age_at_31_august
    from {{ ref('fct_ehc_plan_census') }} as plan
    left join {{ ref('int_ehc_person__returned') }} as person
        on
            plan.submission_id = person.submission_id
            and plan.child_key = person.child_key
    where plan.view_code = 'own_return'
),

met as (
    select
        coalesce(pupils.la_code, plans.la_code) as la_code,
        coalesce(pupils.census_year, plans.census_year) as census_year,
        coalesce(pupils.child_key, plans.child_key) as child_key,
        pupils.child_key is not null as is_on_roll,
        coalesce(pupils.is_ehc_plan, false) as is_in_census,
        plans.child_key is not null as is_in_sen2,
        -- Who the child is, is asked of the return that has the plan; of the census where both have.
        if(coalesce(pupils.is_ehc_plan, false), pupils.submission_id, plans.submission_id) as submission_id,
        if(coalesce(pupils.is_ehc_plan, false), pupils.row_person_ref, plans.row_person_ref) as row_person_ref,
        pupils.la_estab,
        pupils.lsoa_code,
        pupils.sen_provision_code,
        pupils.setting_key as school_key,
        plans.setting_key as placement_key,
        plans.placement_line_code,
        plans.start_date as plan_start_date,
        plans.age_at_31_august
    from pupils
    full join plans
        on
            pupils.la_code = plans.la_code
            and pupils.census_year = plans.census_year
            and pupils.child_key = plans.child_key
    where pupils.is_ehc_plan or plans.child_key is not null
),

children as (
    select
        met.*,
        days.census_day,
        days.submission_id as sen2_submission_id
    from met
    inner join days
        on
            met.la_code = days.la_code
            and met.census_year = days.census_year
),

differing as (
    select *
    from children
    where is_in_census <> is_in_sen2
),

-- What any return says of the plans of these children: a later one knows of what began or ended just after the day.
timings as (
    select
        differing.la_code,
        differing.census_year,
        differing.child_key,
        bool_or(
            coalesce(abs(datediff('day', differing.census_day, plan.start_date)) <= 30, false)
            or coalesce(abs(datediff('day', differing.census_day, plan.cease_date)) <= 30, false)
        ) as is_near,
        bool_or(coalesce(plan.cease_date <= differing.census_day and plan.cease_reason_code = '5', false))
            as is_transferred_out,
        bool_or(coalesce(plan.cease_date <= differing.census_day, false)) as is_ceased_before,
        bool_or(coalesce(plan.start_date > differing.census_day, false)) as is_started_after,
        arg_min(
            struct_pack(start_date := plan.start_date, cease_date := plan.cease_date),
            (
                least(
                    abs(datediff('day', differing.census_day, plan.start_date)),
                    abs(datediff('day', differing.census_day, plan.cease_date))
                ),
                plan.start_date,
                plan.cease_date
            )
        ) as nearest_plan
    from differing
    inner join {{ ref('fct_ehc_plan') }} as plan
        on
            differing.la_code = plan.la_code
            and differing.child_key = plan.child_key
    group by differing.la_code, differing.census_year, differing.child_key
),

requests as (
    select
        differing.la_code,
        differing.census_year,
        differing.child_key,
        bool_or(request.open_stage is not null) as is_in_assessment,
        bool_or(request.exported_la_code is not null) as is_exported
    from differing
    inner join {{ ref('fct_ehc_request') }} as request
        on
            differing.sen2_submission_id = request.submission_id
            and differing.child_key = request.child_key
    group by differing.la_code, differing.census_year, differing.child_key
),

described as (
    select
        differing.*,
        -- The directory says where the neighbourhood lies. Without one nothing is said.
        coalesce(area.area_code <> home.la_ons_code, false) as is_home_elsewhere,
        case when not differing.is_in_sen2 then timings.nearest_plan.start_date end as absent_plan_start_date,
        case when not differing.is_in_sen2 then timings.nearest_plan.cease_date end as absent_plan_cease_date,
        coalesce(timings.is_near, false) as is_near,
        coalesce(timings.is_transferred_out, false) as is_transferred_out,
        coalesce(timings.is_ceased_before, false) as is_ceased_before,
        coalesce(timings.is_started_after, false) as is_started_after,
        coalesce(requests.is_in_assessment, false) as is_in_assessment,
        coalesce(requests.is_exported, false) as is_exported,
        requests.child_key is not null as is_known,
        line.placement_group_code,
        coalesce(setting.la_code <> differing.la_code, false) as is_placed_elsewhere,
        census.return_key is not null as is_placement_landed
    from differing
    left join timings
        on
            differing.la_code = timings.la_code
            and differing.census_year = timings.census_year
            and differing.child_key = timings.child_key
    left join requests
        on
            differing.la_code = requests.la_code
            and differing.census_year = requests.census_year
            and differing.child_key = requests.child_key
    left join {{ ref('dim_area') }} as home
        on
            home.area_level = 'lsoa'
            and differing.lsoa_code = home.area_code
    left join {{ ref('dim_area') }} as area
        on
            area.area_level = 'local_authority'
            and area.area_code like 'E%'
            and differing.la_code = area.la_code
    left join {{ ref('dim_placement_group') }} as line
        on differing.placement_line_code = line.placement_line_code
    left join {{ ref('dim_setting') }} as setting
        on differing.placement_key = setting.setting_key
    left join {{ ref('int_census_return__described') }} as census
        on
            differing.la_code = census.la_code
            and differing.census_year = census.census_year
            and census.term_code = 'SPR'
            and differing.placement_key = census.setting_key
    -- Two returns of one school under two numbers are one school here.
    qualify row_number() over (
        partition by differing.la_code, differing.census_year, differing.child_key order by census.return_key
    ) = 1
),

explained as (
    select
        la_code,
        census_year,
        child_key,
        absent_plan_start_date,
        absent_plan_cease_date,
        case
            -- In the census alone.
            when is_in_census and (is_transferred_out or is_exported or is_home_elsewhere)
                then 'plan_of_another_authority'
            when is_in_census and is_near then 'plan_began_or_ended_within_30_days'
            when is_in_census and is_ceased_before then 'plan_had_ceased'
            when is_in_census and is_started_after then 'plan_began_later'
            when is_in_census and is_in_assessment then 'in_assessment'
            when is_in_census and is_known then 'request_without_plan'
            when is_in_census then 'not_in_sen2'
            -- In SEN2 alone, yet at a school that says another provision.
            when is_on_roll and is_near then 'plan_began_or_ended_within_30_days'
            when is_on_roll then 'on_roll_with_other_provision'
            -- In SEN2 alone, and at no school of a return.
            when is_placed_elsewhere then 'placed_in_another_authority'
            when placement_line_code in ('mainstream_independent', 'special_independent') then 'independent_school'
            when
                placement_group_code = 'fe_total'
                or (
                    age_at_31_august >= 16
                    and placement_group_code not in ('mainstream_total', 'special_total', 'ap_pru_total')
                )
                then 'post_16'
            when
                placement_group_code = 'nm_early_years'
                or (age_at_31_august <= 3 and placement_group_code = 'placement_unknown')
                then 'early_years'
            when placement_group_code = 'ed_elsewhere' then 'educated_elsewhere'
            when is_near then 'plan_began_or_ended_within_30_days'
            when placement_key is null then 'placement_not_recorded'
            when not is_placement_landed then 'school_return_missing'
            else 'not_on_roll_where_placed'
        end as reason_code
    from described
)

select
    children.la_code,
    children.census_year,
    children.census_day,
    children.child_key,
    children.is_in_census,
    children.is_in_sen2,
    coalesce(children.school_key, children.placement_key) as setting_key,
    children.la_estab,
    children.sen_provision_code,
    children.placement_key,
    children.placement_line_code,
    coalesce(children.plan_start_date, explained.absent_plan_start_date) as plan_start_date,
    explained.absent_plan_cease_date as plan_cease_date,
    children.submission_id,
    children.row_person_ref,
    reason.reason_code,
    reason.reason_class
from children
left join explained
    on
        children.la_code = explained.la_code
        and children.census_year = explained.census_year
        and children.child_key = explained.child_key
left join {{ ref('census_plan_reason') }} as reason
    on coalesce(explained.reason_code, 'in_both') = reason.reason_code
