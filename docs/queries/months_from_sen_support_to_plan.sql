-- Question: How long were children on SEN support before they had an EHC plan, and has it become longer?
-- Asked by: Parents, and the cabinet member for children
-- Answer: One row for each calendar year in which first plans began: those new plans; the children whom a school census had on
--   SEN support before, with the median months that this is known to have lasted (at least); of them those whose start the
--   censuses saw, with the median months and the month by which nine of ten had the plan.
-- Caveats: A child who was on SEN support when a census first had it may have been for years: it is in the first median alone,
--   which grows with the censuses held. Where the start was seen, it was up to a term before that census. Left out are plans from
--   other authorities, and those that began, or whose first request came, before the year that the first return of plans tells
--   of: its own year is short of them. That the first median rises from year to year says nothing of longer waits.
with new_plans as (
    select
        year(first_plan_start_date) as plan_year,
        sen_support_before_plan_code = 'seen' as was_on_sen_support,
        was_on_sen_support and not is_sen_support_left_censored as is_start_seen,
        months_sen_support_to_plan
    from marts.fct_child_journey
    where
        first_plan_origin_code = 'new'
        and not is_ehc_left_censored
)

select
    plan_year,
    count(*) as new_plan_count,
    count(*) filter (where was_on_sen_support) as after_sen_support_count,
    quantile_disc(months_sen_support_to_plan, 0.5) filter (where was_on_sen_support) as median_months_at_least,
    count(*) filter (where is_start_seen) as start_seen_count,
    quantile_disc(months_sen_support_to_plan, 0.5) filter (where is_start_seen) as median_months,
    quantile_disc(months_sen_support_to_plan, 0.9) filter (where is_start_seen) as nine_of_ten_months
from new_plans
group by plan_year
order by plan_year
