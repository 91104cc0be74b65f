-- Marts that follow the invented children of the EHC plans returns, in which no rule finds anything: their plans as
-- milestones, the path of one of them, two children of whom census and return disagree, the placements of two Januaries, and
-- one child who is not on a list beside three of a month of birth whom health knows.
insert into marts.fct_child_milestone by name
select
    'plan-' || child_key as child_milestone_key,
    la_code,
    child_key,
    'plan' as milestone_code,
    min(start_date) as milestone_date
from marts.fct_ehc_plan
group by la_code, child_key;

insert into marts.fct_child_journey by name
select
    'journey-' || child_key as child_journey_key,
    '372' as la_code,
    date '2025-01-10' as first_request_date,
    date '2025-02-10' as first_decision_date,
    first_plan_origin_code,
    first_plan_request_date,
    date '2025-06-10' as first_plan_start_date,
    date '2025-06-10' as first_plan_cease_date,
    date '2025-03-01' as first_therapy_referral_date,
    date '2025-03-01' as first_therapy_contact_date,
    child_key
from (
    values ('child-2501', 'new', date '2025-01-10'), ('child-2502', 'transferred_in', date '2025-07-01')
) as paths (child_key, first_plan_origin_code, first_plan_request_date);

insert into marts.fct_census_plan_child by name
select
    '2025-' || child_key as census_plan_child_key,
    '372' as la_code,
    2025 as census_year,
    child_key,
    is_in_census,
    is_in_plan_return
from (
    values ('child-1', true, true), ('child-2', true, false), ('child-3', false, true)
) as compared (child_key, is_in_census, is_in_plan_return);

insert into marts.fct_census_plan_spell by name
select
    'spell-' || child_key as census_plan_spell_key,
    '372' as la_code,
    child_key,
    1 as census_count,
    1 as follow_up_count,
    'to_follow_up' as last_reason_class,
    true as is_open
from marts.fct_census_plan_child
where is_in_census <> is_in_plan_return;

insert into marts.fct_placement_outcome by name
select
    census_year || dsg_category_code as placement_outcome_key,
    la_code,
    census_year,
    dsg_category_code,
    if(dsg_category_code = 'MdSSA', 1, count(*) - 1) as child_count,
    1 as on_roll_count,
    1 as absence_age_count,
    1 as absence_told_count,
    1 as suspended_child_count
from marts.fct_ehc_plan_census
cross join (values ('MmSoA'), ('MdSSA')) as categories (dsg_category_code)
where view_code = 'own_return'
group by la_code, census_year, dsg_category_code;

insert into marts.fct_plan_therapy_wait by name
select
    'not listed' as plan_therapy_wait_key,
    '372' as la_code,
    date '2025-10-31' as snapshot_date,
    'child-1' as child_key,
    'slt' as service_key,
    false as is_waiting;

insert into marts.fct_early_years_health by name
select
    'month' as early_years_health_key,
    '372' as la_code,
    '2022-05' as birth_month,
    3 as child_count,
    2 as known_count,
    1 as known_by_number_count,
    1 as known_by_likeness_count,
    1 as not_known_count,
    1 as not_known_waiting_count,
    1 as not_known_over_18_weeks_count;
