-- What each school census and each return of EHC plans says of a child on its day, and when its silence begins to count:
-- with the next return of the EHC plans; with the next census of its school, or any census from a year on. Only children of
-- whom something ever told that they have SEN or a plan.
with children_with_sen as (
    select
        la_code,
        child_key
    from {{ ref('int_census_pupil__described') }}
    where sen_provision_group in ('SEN support', 'EHC plan')

    union

    select
        la_code,
        child_key
    from {{ ref('fct_ehc_plan_census') }}
    where view_code = 'own_return'
),

census_days as (
    select
        la_code,
        term_number,
        max(census_day) as census_day
    from {{ ref('int_census_return__described') }}
    group by la_code, term_number
),

site_terms as (
    select
        la_code,
        site_estab,
        term_number,
        lead(term_number) over (partition by la_code, site_estab order by term_number) as next_site_term
    from (
        select distinct
            la_code,
            site_estab,
            term_number
        from {{ ref('int_census_return__described') }}
    ) as site_returns
),

-- A school without a return tells nothing of who left it; after a year its last word is too old.
census_silences as (
    select
        site_terms.la_code,
        site_terms.site_estab,
        site_terms.term_number,
        least(site_terms.next_site_term, min(later.term_number)) as silent_number
    from site_terms
    left join census_days as later
        on
            site_terms.la_code = later.la_code
            and site_terms.term_number + 3 <= later.term_number
    group by site_terms.la_code, site_terms.site_estab, site_terms.term_number, site_terms.next_site_term
),

census_observed as (
    select
        pupil.la_code,
        pupil.child_key,
        'school_census' as told_by,
        pupil.term_number as snapshot_number,
        census_days.census_day as snapshot_day,
        census_silences.silent_number,
        silent_days.census_day as silent_day,
        pupil.sen_provision_group,
        spring.primary_need_code,
        pupil.placement_group_code,
        pupil.setting_key,
        coalesce(setting.site_key, {{ surrogate_key(['pupil.site_estab']) }}) as site_key,
        pupil.submission_id
    from {{ ref('int_census_pupil__described') }} as pupil
    semi join children_with_sen
        on
            pupil.la_code = children_with_sen.la_code
            and pupil.child_key = children_with_sen.child_key
    inner join census_days -- exactly one
        on
            pupil.la_code = census_days.la_code
            and pupil.term_number = census_days.term_number
    inner join census_silences -- exactly one
        on
            pupil.la_code = census_silences.la_code
            and pupil.site_estab = census_silences.site_estab
            and pupil.term_number = census_silences.term_number
    left join census_days as silent_days -- at most one
        on
            census_silences.la_code = silent_days.la_code
            and census_silences.silent_number = silent_days.term_number
    left join {{ ref('int_census_child__in_spring') }} as spring -- at most one
        on
            pupil.la_code = spring.la_code
            and pupil.academic_year = spring.academic_year
            and pupil.child_key = spring.child_key
    left join {{ ref('dim_setting') }} as setting -- at most one
        on pupil.setting_key = setting.setting_key
    where pupil.is_counted
),

return_days as (
    select
        la_code,
        census_year,
        census_day,
        lead(census_year) over (partition by la_code order by census_year) as silent_number,
        lead(census_day) over (partition by la_code order by census_year) as silent_day
    from {{ ref('int_ehc_census_view__described') }}
    where view_code = 'own_return'
),

plans_observed as (
    select
        plan.la_code,
        plan.child_key,
        'ehc_plan_return' as told_by,
        plan.census_year as snapshot_number,
        plan.census_day as snapshot_day,
        return_days.silent_number,
        return_days.silent_day,
        'EHC plan' as sen_provision_group,
        nullif(plan.primary_need_code, 'UNKNOWN') as primary_need_code,
        line.placement_group_code,
        plan.setting_key,
        setting.site_key,
        plan.submission_id
    from {{ ref('fct_ehc_plan_census') }} as plan
    inner join return_days -- exactly one
        on
            plan.la_code = return_days.la_code
            and plan.census_year = return_days.census_year
    inner join {{ ref('dim_placement_group') }} as line -- exactly one
        on plan.placement_line_code = line.placement_line_code
    left join {{ ref('dim_setting') }} as setting -- at most one
        on plan.setting_key = setting.setting_key
    where plan.view_code = 'own_return'
)

select *
from census_observed

union all

select *
from plans_observed
