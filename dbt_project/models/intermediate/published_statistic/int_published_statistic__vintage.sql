-- Only cells published more than once: the rank of each vintage, 1 for the one that stands.
with contested_subjects as (
    select subject_key
    from {{ ref('int_published_statistic__row') }}
    group by subject_key
    having count(*) > 1
),

contested_cells as (
    select
        published_row.row_key,
        published_row.subject_key,
        published_row.release_year,
        published_row.release_revision,
        published_row.is_release_file,
        published_row.supply_order,
        published_row.source_file,
        published_row.source_row,
        {{ unpivoted_measures('published_row.measures') }}
    from {{ ref('int_published_statistic__row') }} as published_row
    inner join contested_subjects
        on published_row.subject_key = contested_subjects.subject_key
),

ranked_cells as (
    select
        row_key,
        measure_code,
        count(*) over (partition by subject_key, measure_code) as vintage_count,
        row_number() over (
            partition by subject_key, measure_code
            order by
                release_year desc,
                release_revision desc,
                is_release_file desc,
                supply_order desc,
                source_file asc,
                source_row asc
        ) as vintage_rank
    from contested_cells
)

select
    row_key,
    measure_code,
    cast(vintage_rank as integer) as vintage_rank
from ranked_cells
where vintage_count > 1
