-- What the KPIs of the return count. This model is found by its name, and has these columns: a count for each measure, year and item
-- of a breakdown, Total for the whole; `people_count` is how many people are behind it, by which small counts are withheld. A measure of
-- which each count is about nobody, as of a plan's actions, has null there, and its small counts are shown: only then take it out of
-- the columns that are never absent (_models.yml).
with counted as (
    select
        cover.submission_id,
        cover.return_year,
        kind.code_label as kind_label,
        line.made_count,
        line.met_count
    from {{ ref('stg_my_return__line') }} as line
    inner join {{ ref('stg_my_return__cover') }} as cover -- exactly one
        on line.submission_id = cover.submission_id
    inner join {{ ref('stg_control__code') }} as kind -- exactly one
        on
            kind.return_id = 'my_return'
            and kind.code_set = 'request_kind'
            and line.request_kind_code = kind.code
    where cover.is_current
),

measured as (
    select
        submission_id,
        return_year,
        kind_label,
        'made' as measure_code,
        made_count as cell_count
    from counted

    union all

    select
        submission_id,
        return_year,
        kind_label,
        'met' as measure_code,
        met_count as cell_count
    from counted
)

select
    measure_code,
    'Calendar year' as time_identifier,
    cast(return_year as varchar) as time_period,
    case when grouping(kind_label) = 1 then 'Total' else 'Kind of request' end as cell_topic,
    case when grouping(kind_label) = 1 then 'Total' else kind_label end as cell_breakdown,
    cast(sum(cell_count) as bigint) as cell_count,
    cast(sum(cell_count) as bigint) as people_count,
    cast(null as varchar) as coverage_note,
    submission_id
from measured
group by grouping sets ((measure_code, return_year, submission_id), (measure_code, return_year, submission_id, kind_label))
