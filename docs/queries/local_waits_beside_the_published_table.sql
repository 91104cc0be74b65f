-- Question: Do the trusts' waiting lists that the authority holds agree with what NHS England publishes?
-- Asked by: The health and wellbeing board, and the trust
-- Answer: One row for each trust, service line and waiting band of the trust's latest published month: what was published, the
--   requests of the local list that the trust says it counts, the children of other authorities it declares, the two together,
--   and what is left (0: list and declaration account for every child).
-- Caveats: Blank where the delivery declares nothing: the published figure has children of other authorities that no list has; a
--   list can also have some.
select
    comparison.snapshot_date,
    organisation.org_name as trust,
    service.therapy_line_name as service_line,
    comparison.band_code as waiting_band,
    comparison.published_count,
    comparison.sitrep_counted_count as counted_count,
    comparison.declared_count,
    comparison.accounted_count as counted_and_declared_count,
    comparison.accounted_difference_count as difference_left
from marts.fct_therapy_wait_comparison as comparison
inner join marts.dim_provider as organisation
    on comparison.provider_key = organisation.provider_key
inner join marts.dim_service as service
    on comparison.service_key = service.service_key
where comparison.published_count is not null
qualify comparison.snapshot_date = max(comparison.snapshot_date) over (partition by organisation.org_code)
order by
    organisation.org_name, service.therapy_line_name,
    try_cast(regexp_extract(comparison.band_code, '[0-9]+') as integer) nulls first, comparison.band_code
