-- Children with a plan by kind of placement on a January census day, what a place costs in the financial year that holds the
-- day, and their absence and suspensions at that placement in the academic year that holds it. Absence and suspensions are
-- known from school censuses alone: how many of the children they are known of is said beside them.
with days as (
    select distinct
        la_code,
        census_year,
        census_day
    from {{ ref('int_ehc_census_view__described') }}
    where view_code = 'own_return'
),

-- An academic and a financial year that hold one January have one name: 202425.
categories as (
    select
        days.la_code,
        days.census_year,
        days.census_day,
        {{ academic_year_of_january('cast(days.census_year as varchar)') }} as year_code,
        category.dsg_category_code,
        category.dsg_category_name,
        category.category_order
    from days
    cross join {{ ref('placement_category') }} as category
),

placed as (
    select
        held.la_code,
        held.census_year,
        {{ academic_year_of_january('cast(held.census_year as varchar)') }} as year_code,
        held.child_key,
        held.age_at_31_august between 5 and 15 as is_in_absence_population,
        if(is_in_absence_population, held.child_key, null) as absence_child_key,
        line.dsg_category_code,
        held.setting_key is not null as is_in_register,
        coalesce(site.site_estab, setting.la_estab) as site_estab
    from {{ ref('fct_ehc_plan_census') }} as held
    inner join {{ ref('dim_placement_group') }} as line -- exactly one
        on held.placement_line_code = line.placement_line_code
    left join {{ ref('dim_setting') }} as setting -- at most one
        on held.setting_key = setting.setting_key
    left join {{ ref('int_census_school__site') }} as site -- at most one
        on setting.la_estab = site.la_estab
    where held.view_code = 'own_return'
),

on_roll as (
    select distinct
        pupil.la_code,
        pupil.academic_year as year_code,
        pupil.child_key,
        coalesce(site.site_estab, pupil.la_estab) as site_estab
    from {{ ref('fct_census_pupil') }} as pupil
    left join {{ ref('int_census_school__site') }} as site -- at most one
        on pupil.la_estab = site.la_estab
    where pupil.term_code = 'SPR'
),

absence as (
    select
        la_code,
        academic_year as year_code,
        child_key,
        site_estab,
        sum(possible_session_count) as possible_count,
        sum(coalesce(authorised_session_count, 0) + coalesce(unauthorised_session_count, 0)) as missed_count
    from {{ ref('fct_absence') }}
    where is_in_absence_population and possible_session_count > 0
    group by la_code, academic_year, child_key, site_estab
),

suspensions as (
    select
        la_code,
        academic_year as year_code,
        child_key,
        site_estab,
        count(*) filter (where category_code in ('SUSP', 'FIXD')) as suspension_count,
        if(suspension_count > 0, 1, 0) as is_suspended,
        count(*) filter (where category_code = 'PERM') as permanent_count
    from {{ ref('fct_suspension') }}
    where is_missing_from_later_return is not true -- withdrawn since
    group by la_code, academic_year, child_key, site_estab
),

told_terms as (
    select
        la_code,
        time_period as year_code,
        count(distinct term_number) filter (where series_code = 'census_attendance') as absence_term_count,
        count(distinct term_number) filter (where series_code = 'census_suspension') as suspension_term_count
    from {{ ref('int_census_told__period') }}
    group by la_code, time_period
),

outcomes as (
    select
        placed.la_code,
        placed.census_year,
        placed.dsg_category_code,
        count(*) as child_count,
        count(*) filter (where placed.is_in_absence_population) as absence_age_count,
        count(on_roll.child_key) as on_roll_count,
        count(absence.child_key) as absence_told_count,
        sum(absence.possible_count) as possible_count,
        sum(absence.missed_count) as missed_count,
        -- Of children of the roll alone, so that a rate has in it whom it is divided by. Where nobody is on a roll, or no
        -- term is told, nothing is known, which is not none.
        {%- for count in ['suspension_count', 'is_suspended', 'permanent_count'] %}
            sum(coalesce(suspensions.{{ count }}, 0)) filter (
                where on_roll.child_key is not null and told_terms.suspension_term_count > 0
            ) as {{ count }},
        {%- endfor %}
        count(*) filter (where placed.is_in_register) as registered_count
    from placed
    left join on_roll -- at most one
        on
            placed.la_code = on_roll.la_code
            and placed.year_code = on_roll.year_code
            and placed.child_key = on_roll.child_key
            and placed.site_estab = on_roll.site_estab
    left join absence -- at most one
        on
            placed.la_code = absence.la_code
            and placed.year_code = absence.year_code
            and placed.absence_child_key = absence.child_key
            and placed.site_estab = absence.site_estab
    left join suspensions -- at most one
        on
            placed.la_code = suspensions.la_code
            and placed.year_code = suspensions.year_code
            and placed.child_key = suspensions.child_key
            and placed.site_estab = suspensions.site_estab
    left join told_terms -- at most one
        on
            placed.la_code = told_terms.la_code
            and placed.year_code = told_terms.year_code
    group by placed.la_code, placed.census_year, placed.dsg_category_code
),

-- What is known now of the latest quarter of the year: the outturn, until then what was expected.
latest_costs as (
    select
        la_code,
        financial_year,
        placement_code,
        cost_basis,
        quarter,
        unit_cost_outturn_gbp is not null as is_outturn,
        if(is_outturn, unit_cost_outturn_gbp, unit_cost_forecast_gbp) as unit_cost_gbp,
        if(is_outturn, average_places_outturn, average_places_forecast) as average_places
    from {{ ref('fct_placement_activity') }}
    where is_current
    qualify row_number() over (
        partition by la_code, financial_year, placement_code, cost_basis order by quarter desc
    ) = 1
),

costs as (
    select
        la_code,
        financial_year,
        placement_code,
        {%- for basis in ['TOPUP', 'FULL'] %}
            max(unit_cost_gbp) filter (where cost_basis = '{{ basis }}') as {{ basis | lower }}_unit_cost_gbp,
            max(average_places) filter (where cost_basis = '{{ basis }}') as {{ basis | lower }}_average_places,
        {%- endfor %}
        max(quarter) as quarter,
        bool_and(is_outturn) as is_outturn
    from latest_costs
    group by la_code, financial_year, placement_code
)

select
    {{ surrogate_key(['category.la_code', 'category.census_year', 'category.dsg_category_code']) }} as placement_outcome_key,
    category.la_code,
    {{ census_period_key('category.census_year') }} as period_key,
    cast(category.census_year as integer) as census_year,
    category.census_day,
    category.year_code as financial_year,
    category.dsg_category_code,
    category.dsg_category_name,
    category.category_order,
    costs.topup_unit_cost_gbp,
    cast(costs.topup_average_places as decimal(9, 1)) as topup_average_places,
    costs.full_unit_cost_gbp,
    cast(costs.full_average_places as decimal(9, 1)) as full_average_places,
    costs.quarter as cost_quarter,
    costs.is_outturn as is_cost_outturn,
    cast(coalesce(outcomes.child_count, 0) as integer) as child_count,
    cast(coalesce(outcomes.registered_count, 0) as integer) as registered_count,
    cast(coalesce(outcomes.on_roll_count, 0) as integer) as on_roll_count,
    cast(coalesce(outcomes.absence_age_count, 0) as integer) as absence_age_count,
    cast(coalesce(outcomes.absence_told_count, 0) as integer) as absence_told_count,
    cast(100.0 * outcomes.absence_told_count / nullif(outcomes.absence_age_count, 0) as decimal(5, 1)) as absence_told_pct,
    cast(coalesce(told_terms.absence_term_count, 0) as integer) as absence_term_count,
    cast(outcomes.possible_count as bigint) as possible_session_count,
    cast(outcomes.missed_count as bigint) as missed_session_count,
    cast(100.0 * outcomes.missed_count / nullif(outcomes.possible_count, 0) as decimal(5, 1)) as absence_pct,
    cast(100.0 * outcomes.on_roll_count / nullif(outcomes.child_count, 0) as decimal(5, 1)) as on_roll_pct,
    cast(coalesce(told_terms.suspension_term_count, 0) as integer) as suspension_term_count,
    cast(outcomes.suspension_count as integer) as suspension_count,
    cast(outcomes.is_suspended as integer) as suspended_child_count,
    cast(outcomes.permanent_count as integer) as permanent_exclusion_count
from categories as category
left join outcomes -- at most one
    on
        category.la_code = outcomes.la_code
        and category.census_year = outcomes.census_year
        and category.dsg_category_code = outcomes.dsg_category_code
left join told_terms -- at most one
    on
        category.la_code = told_terms.la_code
        and category.year_code = told_terms.year_code
left join costs -- at most one
    on
        category.la_code = costs.la_code
        and category.year_code = costs.financial_year
        and category.dsg_category_code = costs.placement_code
