-- Children of the SEN2 returns and school censuses known: a request linked to none of them is of a child the authority has
-- no record of, or could not be recognised.
with persons as (
    select
        submission_id,
        child_key
    from {{ ref('int_ehc_person__returned') }}

    union

    select
        submission_id,
        child_key
    from {{ ref('int_census_pupil__described') }}
)

select distinct persons.child_key
from persons
inner join {{ ref('int_therapy_submission__known') }} as known_submission -- at most one
    on persons.submission_id = known_submission.submission_id
where persons.child_key is not null
