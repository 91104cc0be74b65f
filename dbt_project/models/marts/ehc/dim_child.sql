-- What the latest return that says it says; a later blank does not erase what was known.
select
    child_key,
    arg_max(birth_month, (return_year, submission_id, row_person_ref)) as birth_month,
    arg_max(sex_code, (return_year, submission_id, row_person_ref)) as sex_code,
    arg_max(ethnicity_code, (return_year, submission_id, row_person_ref)) as ethnicity_code,
    arg_max(ward_code, (return_year, submission_id, row_person_ref)) as ward_code,
    cast(min(return_year) as integer) as first_return_year,
    cast(max(return_year) as integer) as last_return_year
from {{ ref('int_ehc_person__returned') }}
group by child_key
