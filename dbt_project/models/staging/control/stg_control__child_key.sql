select
    submission_id,
    row_person_ref,
    child_key,
    match_strength,
    told_as
from {{ source('control', 'child_key') }}
