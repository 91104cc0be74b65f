select
    landed.submission_id,
    submission.is_current,
    landed.source_row,
    landed.row_person_ref,
    landed.need_key,
    landed.sen_type_code,
    cast(landed.sen_type_rank_code as integer) as sen_type_rank
from {{ source('school_census', 'census_sen_need') }} as landed
inner join {{ ref('stg_control__submission') }} as submission
    on landed.submission_id = submission.submission_id
