-- Local month-end lists beside the national workbook of the trust. The workbook counts all the trust's children, also those
-- of other authorities, and defines neither waiting nor its age limit: its difference from the local count is expected. Where
-- the delivery declares how many those are, the two together are laid beside it.
with lines as (
    select
        delivered.submission_id,
        delivered.therapy_line,
        {{ provider_key('delivered.provider_code') }} as provider_key,
        service.service_key,
        {{ month_key('delivered.snapshot_date') }} as period_key,
        delivered.snapshot_date
    from {{ ref('int_therapy_line__delivered') }} as delivered
    inner join {{ ref('dim_service') }} as service -- exactly one
        on delivered.therapy_line = service.therapy_line
    where service.is_published
),

waits as (
    select *
    from {{ ref('fct_therapy_wait') }}
    where is_waiting and is_reportable
),

-- Every band, the one that workbooks had before they split it among them: it is the sum of those after it.
counts as (
    select
        lines.submission_id,
        lines.therapy_line,
        lines.provider_key,
        lines.service_key,
        lines.period_key,
        lines.snapshot_date,
        band.band_code,
        count(waits.therapy_wait_key) as waiting_count,
        count(waits.therapy_wait_key) filter (where waits.is_sitrep_counted) as sitrep_counted_count,
        count(waits.therapy_wait_key) filter (where waits.is_sitrep_counted and not waits.is_resident)
            as sitrep_counted_not_resident_count
    from lines
    cross join {{ ref('waiting_band') }} as band
    left join waits
        on
            lines.submission_id = waits.submission_id
            and lines.service_key = waits.service_key
            and case band.band_code
                when 'total' then true
                when 'w52_plus' then waits.is_over_52_weeks
                else band.band_code = waits.band_code
            end
    group by all
),

-- The latest file known of each month and line.
published as (
    select cell.*
    from {{ ref('fct_community_wait_published') }} as cell
    inner join {{ ref('int_therapy_submission__known') }} as known_submission -- at most one
        on cell.submission_id = known_submission.submission_id
    qualify dense_rank() over (partition by cell.period_key, cell.service_key order by cell.vintage_rank) = 1
)

select
    {{ surrogate_key(['counts.provider_key', 'counts.service_key', 'counts.period_key', 'counts.band_code']) }}
        as therapy_wait_comparison_key,
    own_authority.setting_value as la_code,
    counts.provider_key,
    counts.service_key,
    counts.period_key,
    counts.snapshot_date,
    counts.band_code,
    cast(counts.waiting_count as bigint) as waiting_count,
    cast(counts.sitrep_counted_count as bigint) as sitrep_counted_count,
    cast(counts.sitrep_counted_not_resident_count as bigint) as sitrep_counted_not_resident_count,
    published.waiting_count as published_count,
    coalesce(published.value_status, 'not_published') as published_status,
    published.fault_rule_id,
    cast(counts.waiting_count - published.waiting_count as bigint) as difference_count,
    cast(counts.sitrep_counted_count - published.waiting_count as bigint) as sitrep_difference_count,
    declared.declared_count,
    cast(counts.sitrep_counted_count + declared.declared_count as bigint) as accounted_count,
    cast(counts.sitrep_counted_count + declared.declared_count - published.waiting_count as bigint)
        as accounted_difference_count,
    counts.submission_id,
    published.submission_id as published_submission_id
from counts
inner join {{ ref('stg_control__setting') }} as own_authority -- exactly one
    on own_authority.setting_name = 'la_code'
left join published -- at most one
    on
        counts.provider_key = published.provider_key
        and counts.service_key = published.service_key
        and counts.period_key = published.period_key
        and counts.band_code = published.band_code
left join {{ ref('int_therapy_wait__declared') }} as declared -- at most one
    on
        counts.submission_id = declared.submission_id
        and counts.therapy_line = declared.therapy_line
        and counts.band_code = declared.band_code
