-- Question: How many children whose EHC plan names speech, language and communication needs (SLCN) as primary need have waited
--   over 18 weeks for speech and language therapy?
-- Asked by: Inspectors of the area, and the scrutiny committee
-- Answer: One row for each latest month end (one, where all trusts are up to date): those children (child_count), all requests
--   that wait for the therapy (waiting_count), and how many of these are of a child the authority knows (linked_pct).
-- Caveats: A child who could not be linked to a plan is not counted, so with a low linked_pct the number is too small. A child
--   with two requests counts once. 18 weeks are over after 126 days.
select
    wait.snapshot_date,
    count(distinct wait.child_key) filter (where wait.primary_need_code = 'SLCN' and wait.is_over_18_weeks) as child_count,
    count(*) as waiting_count,
    round(100.0 * count(*) filter (where wait.is_known_child) / count(*), 1) as linked_pct
from marts.fct_therapy_wait as wait
inner join marts.dim_service as service
    on wait.service_key = service.service_key
where
    service.therapy_line = 'SLT'
    and wait.is_latest
    and wait.is_waiting
    and wait.is_reportable
group by wait.snapshot_date
order by wait.snapshot_date
