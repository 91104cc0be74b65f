-- What the latest return that says it says; a later blank does not erase what was known.
with persons as (
    select
        child_key,
        birth_month,
        sex_code,
        ethnicity_code,
        ward_code,
        return_year,
        return_year || '-01' as return_month,
        submission_id,
        row_person_ref
    from {{ ref('int_ehc_person__returned') }}

    union all

    select
        child_key,
        birth_month,
        sex_code,
        ethnicity_code,
        ward_code,
        census_year as return_year,
        census_period as return_month,
        submission_id,
        row_person_ref
    from {{ ref('int_census_pupil__described') }}

    union all

    select
        child_key,
        birth_month,
        nullif(sex_code, 'U') as sex_code,
        null as ethnicity_code,
        ward_code,
        year(snapshot_date) as return_year,
        strftime(snapshot_date, '%Y-%m') as return_month,
        submission_id,
        row_person_ref
    from {{ ref('int_therapy_request__linked') }}
    where child_key is not null
)

select
    child_key,
    arg_max(birth_month, (return_month, submission_id, row_person_ref)) as birth_month,
    arg_max(sex_code, (return_month, submission_id, row_person_ref)) as sex_code,
    arg_max(ethnicity_code, (return_month, submission_id, row_person_ref)) as ethnicity_code,
    arg_max(ward_code, (return_month, submission_id, row_person_ref)) as ward_code,
    cast(min(return_year) as integer) as first_return_year,
    cast(max(return_year) as integer) as last_return_year
from persons
group by child_key
