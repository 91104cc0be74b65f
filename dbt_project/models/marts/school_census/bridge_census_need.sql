select
    {{ surrogate_key(['pupil.row_person_ref', 'need.need_code']) }} as census_need_key,
    pupil.la_code,
    pupil.census_period,
    {{ surrogate_key(['pupil.row_person_ref']) }} as census_pupil_key,
    pupil.child_key,
    need.need_code,
    need.need_rank,
    need.is_primary,
    pupil.submission_id
from {{ ref('int_census_pupil__described') }} as pupil
inner join {{ ref('int_census_need__ranked') }} as need
    on
        pupil.submission_id = need.submission_id
        and pupil.row_person_ref = need.row_person_ref
where pupil.is_on_roll
