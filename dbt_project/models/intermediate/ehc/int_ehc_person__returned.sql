select
    person.submission_id,
    person.row_person_ref,
    link.child_key,
    sen2_return.la_code,
    sen2_return.return_year,
    person.birth_month,
    person.sex_code,
    person.ethnicity_code,
    person.lsoa_code,
    person.ward_code,
    person.imd_decile,
    person.age_at_31_august
from {{ ref('stg_sen2__person') }} as person
inner join {{ ref('stg_sen2__return') }} as sen2_return
    on person.submission_id = sen2_return.submission_id
left join {{ ref('stg_control__child_key') }} as link
    on
        person.submission_id = link.submission_id
        and person.row_person_ref = link.row_person_ref
where person.is_current
