-- Children whose EHC plan names speech, language and communication needs (SLCN) as primary need, and who have waited over
-- 18 weeks for speech and language therapy on each trust's latest month end; beside it the share of those waiting for it
-- that could be linked to a child the authority knows.
select
    wait.snapshot_date,
    count(distinct wait.child_key) filter (where wait.primary_need_code = 'SLCN' and wait.is_over_18_weeks) as child_count,
    count(*) as waiting_count,
    round(100.0 * count(*) filter (where wait.is_known_child) / count(*), 1) as linked_pct
from {{ ref('fct_therapy_wait') }} as wait
inner join {{ ref('dim_service') }} as service
    on wait.service_key = service.service_key
where
    service.therapy_line = 'SLT'
    and wait.is_latest
    and wait.is_waiting
    and wait.is_reportable
group by wait.snapshot_date
