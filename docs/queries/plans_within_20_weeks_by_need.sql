-- Question: Whose plans were issued within 20 weeks: does it depend on the child's primary need?
-- Asked by: Parents, inspectors of the area
-- Answer: One row for each primary need, and one for all needs at the top: plans issued in the latest year without an exception
--   to the 20 weeks, of them those within 20 weeks (140 days), the percentage, and the median days.
-- Caveats: The definition of DfE's published table (fct_ehc_statistic counts it); a plan whose days cannot be read counts as
--   late. With few plans of a need a percentage says little.
select
    coalesce(need.need_name, 'All needs') as primary_need,
    count(*) as plan_count,
    count(*) filter (where request.issue_band = 'within_20_weeks') as within_20_weeks_count,
    round(100.0 * count(*) filter (where request.issue_band = 'within_20_weeks') / count(*), 1) as within_20_weeks_pct,
    quantile_disc(request.days_to_issue, 0.5) as median_days
from marts.fct_ehc_request as request
inner join marts.dim_need as need
    on request.primary_need_code = need.need_code
where
    request.is_in_20_week_population_without_exceptions
    and request.activity_year = (select max(latest.activity_year) from marts.fct_ehc_request as latest)
group by grouping sets ((), (need.need_name, need.need_order))
having count(*) > 0
order by need.need_order nulls first
