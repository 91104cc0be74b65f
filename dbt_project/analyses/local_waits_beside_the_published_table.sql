-- Each trust's latest month with published waits, side by side and band by band: what NHS England published, the requests of
-- the local list that the trust says it counts, the children of other authorities it declares, the two together and what is
-- left. Blank where the delivery declares nothing.
select
    comparison.snapshot_date,
    provider.org_name as trust,
    service.therapy_line_name as service_line,
    comparison.band_code as waiting_band,
    comparison.published_count,
    comparison.sitrep_counted_count as counted_count,
    comparison.declared_count,
    comparison.accounted_count as counted_and_declared_count,
    comparison.accounted_difference_count as difference_left
from {{ ref('fct_therapy_wait_comparison') }} as comparison
inner join {{ ref('dim_provider') }} as provider
    on comparison.provider_key = provider.provider_key
inner join {{ ref('dim_service') }} as service
    on comparison.service_key = service.service_key
where comparison.published_count is not null
qualify comparison.snapshot_date = max(comparison.snapshot_date) over (partition by provider.org_code)
order by provider.org_name, service.therapy_line_name, comparison.band_code
