-- What only a spring census says of a child, for the other terms of its academic year. The row that is counted speaks;
-- where it says nothing, another school's.
with needs as (
    select
        row_person_ref,
        max(need_code) filter (where is_primary) as primary_need_code,
        max(need_code) filter (where is_secondary) as secondary_need_code
    from {{ ref('int_census_need__ranked') }}
    group by row_person_ref
),

spoken as (
    select
        pupil.la_code,
        pupil.academic_year,
        pupil.census_period,
        pupil.child_key,
        needs.primary_need_code,
        needs.secondary_need_code,
        pupil.ethnicity_code,
        row_number() over (
            partition by pupil.la_code, pupil.academic_year, pupil.child_key
            order by pupil.is_counted desc, pupil.entry_date desc nulls last, pupil.row_person_ref asc
        ) as row_order,
        -- Both needs are taken from one school.
        row_number() over (
            partition by pupil.la_code, pupil.academic_year, pupil.child_key
            order by
                needs.row_person_ref is not null desc,
                pupil.is_counted desc,
                pupil.entry_date desc nulls last,
                pupil.row_person_ref asc
        ) = 1 as is_need_row
    from {{ ref('int_census_pupil__described') }} as pupil
    left join needs
        on pupil.row_person_ref = needs.row_person_ref
    where
        pupil.is_on_roll
        and pupil.term_code = 'SPR'
)

select
    la_code,
    academic_year,
    child_key,
    max(census_period) as census_period,
    max(primary_need_code) filter (where is_need_row) as primary_need_code,
    max(secondary_need_code) filter (where is_need_row) as secondary_need_code,
    arg_min(ethnicity_code, row_order) as ethnicity_code
from spoken
group by la_code, academic_year, child_key
