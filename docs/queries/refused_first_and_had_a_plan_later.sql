-- Question: Of the children whose first request for an EHC needs assessment was refused, how many had a plan later?
-- Asked by: Parents, and the scrutiny committee
-- Answer: One row for each calendar year of first requests: those requests, the refused, the refused who asked again, the
--   refused who had a plan after the refusal, of them those who had it on that same request (after mediation or an appeal, or
--   because the authority changed its mind), and the median months from the first request to that plan.
-- Caveats: Late years have had less time to come to a plan: compare them at the same age only. Requests from before the year
--   that the first return tells of, and children with a plan from elsewhere, are left out.
with first_requests as (
    select
        year(first_request_date) as request_year,
        first_request_outcome_code = 'N' as is_refused,
        is_refused and request_count > 1 as has_asked_again,
        coalesce(is_refused and first_plan_start_date >= first_decision_date, false) as has_plan_later,
        first_plan_request_date = first_request_date as is_plan_on_first_request,
        months_first_request_to_plan
    from marts.fct_child_journey
    where
        first_request_date is not null
        and not is_ehc_left_censored
)

select
    request_year,
    count(*) as first_request_count,
    count(*) filter (where is_refused) as refused_count,
    count(*) filter (where has_asked_again) as asked_again_count,
    count(*) filter (where has_plan_later) as plan_later_count,
    round(100.0 * count(*) filter (where has_plan_later) / nullif(count(*) filter (where is_refused), 0), 1) as plan_later_pct,
    count(*) filter (where has_plan_later and is_plan_on_first_request) as plan_on_same_request_count,
    quantile_disc(months_first_request_to_plan, 0.5) filter (where has_plan_later) as median_months
from first_requests
group by request_year
order by request_year
