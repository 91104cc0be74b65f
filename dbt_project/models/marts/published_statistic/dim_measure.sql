-- The unit decides which faults can apply: only a count can be negative by mistake or a copied-down total.
with measures as (
    select distinct
        series_code,
        unnest(map_keys(measures)) as measure_code
    from {{ ref('int_published_statistic__row') }}
)

select
    {{ surrogate_key(['measures.series_code', 'measures.measure_code']) }} as measure_key,
    measures.series_code,
    measures.measure_code,
    coalesce(alias.measure_name, measures.measure_code) as measure_name,
    coalesce(alias.measure_label, measures.measure_code) as measure_label,
    {{ measure_unit('measures.series_code', 'measures.measure_code') }} as unit
from measures
left join {{ ref('measure_alias') }} as alias -- at most one
    on measures.measure_code = alias.measure_code
