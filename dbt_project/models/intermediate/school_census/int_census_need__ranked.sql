-- A type given twice for one pupil is one need; its better rank counts. Of two of one rank the first is the primary need.
with needs as (
    select
        submission_id,
        row_person_ref,
        sen_type_code as need_code,
        min(sen_type_rank) as need_rank,
        min(source_row) as source_row
    from {{ ref('stg_school_census__sen_need') }}
    where is_current and sen_type_code is not null
    group by submission_id, row_person_ref, sen_type_code
),

ordered as (
    select
        *,
        row_number() over (partition by row_person_ref order by need_rank nulls last, source_row, need_code) as need_order,
        coalesce(min(need_rank) over (partition by row_person_ref) = 1, false) as has_primary
    from needs
)

select
    submission_id,
    row_person_ref,
    need_code,
    cast(need_rank as integer) as need_rank,
    has_primary and need_order = 1 as is_primary,
    need_order = if(has_primary, 2, 1) as is_secondary
from ordered
