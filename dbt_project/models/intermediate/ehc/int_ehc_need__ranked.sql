-- A type given twice for one plan is one need; its better rank counts.
with needs as (
    select
        submission_id,
        active_plan_key,
        sen_type_code as need_code,
        min(sen_type_rank) as need_rank,
        min(source_row) as source_row
    from {{ ref('stg_sen2__need') }}
    where is_current and sen_type_code is not null
    group by submission_id, active_plan_key, sen_type_code
),

-- The primary need is of rank 1; of two with that rank the first is it, and the other is the secondary one.
ordered as (
    select
        *,
        row_number() over (partition by active_plan_key order by need_rank nulls last, source_row, need_code) as need_order,
        coalesce(min(need_rank) over (partition by active_plan_key) = 1, false) as has_primary
    from needs
)

select
    submission_id,
    active_plan_key,
    need_code,
    need_rank,
    has_primary and need_order = 1 as is_primary,
    need_order = if(has_primary, 2, 1) as is_secondary
from ordered
