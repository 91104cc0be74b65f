-- Consecutive returns repeat a suspension: child, site, first day and category say that it is the same, and the newest
-- return that has it counts. Without a first day it belongs to no term and cannot be told from others: it is left out.
with told as (
    select
        suspension.suspension_key,
        suspension.submission_id,
        suspension.source_row,
        suspension.start_date,
        if(suspension.category_code = 'FIXD', 'SUSP', suspension.category_code) as category_code,
        suspension.session_count,
        suspension.reason_1_code,
        suspension.reason_2_code,
        suspension.reason_3_code,
        suspension.sen_provision_code,
        pupil.la_code,
        pupil.la_estab,
        pupil.site_estab,
        pupil.urn,
        pupil.setting_key,
        pupil.placement_group_code,
        pupil.census_period,
        pupil.term_number as told_term_number,
        pupil.child_key,
        pupil.sex_code,
        {{ term_number_of_day('suspension.start_date') }} as term_number,
        -- The age landed is that at the start of the census's academic year, which can be a later one.
        pupil.age_at_31_august - (
            cast(left(pupil.academic_year, 4) as integer) - {{ term_number_of_day('suspension.start_date') }} // 3
        ) as age_at_31_august
    from {{ ref('stg_school_census__suspension') }} as suspension
    inner join {{ ref('int_census_pupil__described') }} as pupil
        on
            suspension.submission_id = pupil.submission_id
            and suspension.row_person_ref = pupil.row_person_ref
    where
        suspension.is_current
        and suspension.start_date is not null
),

newest as (
    select *
    from told
    qualify row_number() over (
        partition by child_key, site_estab, start_date, category_code
        order by told_term_number desc, source_row desc, suspension_key asc
    ) = 1
),

returned as (
    select distinct
        site_estab,
        term_number
    from {{ ref('int_census_return__described') }}
    where tells_events
)

select
    newest.*,
    {{ term_of_number('newest.term_number') }} as term_code,
    {{ academic_year_of_number('newest.term_number') }} as academic_year,
    -- A return tells of the two terms before it: one of those that does not repeat the suspension may have had it withdrawn.
    exists(
        select 1
        from returned
        where
            newest.site_estab = returned.site_estab
            and returned.term_number > newest.told_term_number
            and returned.term_number <= newest.term_number + 2
    ) as is_missing_from_later_return
from newest
