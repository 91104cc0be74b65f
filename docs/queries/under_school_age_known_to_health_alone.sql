-- Question: How many children under school age wait for or have a therapy, and no return of the authority knows them yet?
-- Asked by: The early years and early help board
-- Answer: One row for each month of birth and service, on the latest lists: children with an open request, of them those in no
--   EHC plans return and no school census, the percentage, those of them who wait, and who wait over 18 weeks.
-- Caveats: Few children before nursery age can be known, so read each age stage by itself. A child who was not recognised counts
--   as not known; one of two services is in two rows, so services are not to be added up.
select
    known.birth_month,
    known.age_stage_code as age_stage,
    service.therapy_line_name as service,
    sum(known.child_count) as child_count,
    sum(known.not_known_count) as not_known_count,
    round(100.0 * sum(known.not_known_count) / sum(known.child_count), 1) as not_known_pct,
    sum(known.not_known_waiting_count) as not_known_waiting_count,
    sum(known.not_known_over_18_weeks_count) as not_known_over_18_weeks_count
from marts.fct_early_years_health as known
inner join marts.dim_service as service
    on known.service_key = service.service_key
group by known.birth_month, known.age_stage_code, service.therapy_line_name
order by known.birth_month, service.therapy_line_name
