select
    submission_id,
    row_person_ref,
    child_key,
    match_strength
from {{ source('control', 'child_key') }}
