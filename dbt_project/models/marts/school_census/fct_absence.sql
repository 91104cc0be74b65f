-- Attendance is told a term late: a return tells of the term before it, and an autumn return of the two halves of the summer
-- term in two sets, which are added here.
{%- set reasons = [
    'illness',
    'medical_appointment',
    'religious_observance',
    'study_leave',
    'traveller',
    'authorised_holiday',
    'excluded',
    'part_time_timetable',
    'other_authorised',
    'unauthorised_holiday',
    'late',
    'other_unauthorised',
    'no_reason_yet'
] %}
with sessions as (
    select
        told.row_person_ref as session_person_ref,
        sum(told.session_count) filter (where code.attendance_class = 'present') as present_count,
        sum(told.session_count) filter (where code.attendance_class = 'approved_activity') as approved_count,
        sum(told.session_count) filter (where code.attendance_class = 'authorised_absence') as authorised_count,
        sum(told.session_count) filter (where code.attendance_class = 'unauthorised_absence') as unauthorised_count,
        {%- for reason in reasons %}
            sum(told.session_count) filter (where code.absence_reason = '{{ reason }}') as {{ reason }}_count,
        {%- endfor %}
        count(*) as code_count
    from {{ ref('stg_school_census__session') }} as told
    left join {{ ref('attendance_code') }} as code
        on told.attendance_code = code.attendance_code
    where told.is_current
    group by told.row_person_ref
),

records as (
    select
        pupil.*,
        coalesce(pupil.sessions_possible, pupil.second_half_sessions_possible) is not null as has_possible,
        coalesce(pupil.sessions_possible, 0) + coalesce(pupil.second_half_sessions_possible, 0) as possible_count,
        -- Totals were collected until 2024, and stand in where a record has no session by code.
        coalesce(pupil.sessions_authorised, 0) + coalesce(pupil.second_half_sessions_authorised, 0)
            as stated_authorised_count,
        coalesce(pupil.sessions_unauthorised, 0) + coalesce(pupil.second_half_sessions_unauthorised, 0)
            as stated_unauthorised_count,
        sessions.*
    from {{ ref('int_census_pupil__described') }} as pupil
    left join sessions
        on pupil.row_person_ref = sessions.session_person_ref
    where
        coalesce(pupil.sessions_possible, pupil.second_half_sessions_possible) is not null
        or sessions.code_count > 0
),

-- A pupil who left a school and came back has two records there; their sessions are of one enrolment.
enrolments as (
    select
        la_code,
        la_estab,
        census_period,
        child_key,
        term_number - 1 as term_number,
        max(site_estab) as site_estab,
        min(submission_id) as submission_id,
        max(urn) as urn,
        max(setting_key) as setting_key,
        max(placement_group_code) as placement_group_code,
        -- The age landed is that at the start of the census's academic year; the term told of can be of the year before.
        max(age_at_31_august)
        - (max(cast(left(academic_year, 4) as integer)) - (term_number - 1) // 3) as age_at_31_august,
        arg_max(sex_code, is_on_roll) as sex_code,
        bool_or(is_on_roll) as is_on_roll,
        max(sen_provision_code) filter (where is_on_roll) as sen_provision_code,
        sum(possible_count) filter (where has_possible) as possible_count,
        sum(present_count) as present_count,
        sum(approved_count) as approved_count,
        sum(if(code_count > 0, coalesce(authorised_count, 0), stated_authorised_count)) as authorised_count,
        sum(if(code_count > 0, coalesce(unauthorised_count, 0), stated_unauthorised_count)) as unauthorised_count,
        {%- for reason in reasons %}
            sum({{ reason }}_count) as {{ reason }}_count,
        {%- endfor %}
        bool_and(coalesce(code_count, 0) > 0 or stated_authorised_count + stated_unauthorised_count = 0) as is_told_by_reason
    from records
    group by la_code, la_estab, census_period, child_key, term_number
),

-- The provision of a term is that of its own census, which comes before the one that tells of its attendance; of the same
-- site where two schools had the child then. Leavers have none in the return that tells of them: that of the last census
-- before in which the child was on roll stands in.
before as (
    select
        enrolments.la_code,
        enrolments.la_estab,
        enrolments.census_period,
        enrolments.child_key,
        arg_max(
            struct_pack(
                code := earlier.sen_provision_code, period := earlier.census_period, term_number := earlier.term_number
            ),
            (earlier.term_number, earlier.site_estab = enrolments.site_estab, earlier.is_counted, earlier.row_person_ref)
        ) as found
    from enrolments
    inner join {{ ref('int_census_pupil__described') }} as earlier
        on
            enrolments.la_code = earlier.la_code
            and enrolments.child_key = earlier.child_key
            and enrolments.term_number >= earlier.term_number
            and (enrolments.term_number = earlier.term_number or not enrolments.is_on_roll)
            and earlier.is_on_roll
            and earlier.sen_provision_code is not null
    group by enrolments.la_code, enrolments.la_estab, enrolments.census_period, enrolments.child_key
),

judged as (
    select
        enrolments.*,
        before.found,
        case
            when before.found.term_number = enrolments.term_number then 'census_of_term'
            when enrolments.sen_provision_code is not null then 'census_after_term'
            when before.found.code is not null then 'last_on_roll'
            else 'unknown'
        end as sen_provision_basis
    from enrolments
    left join before -- at most one
        on
            enrolments.la_code = before.la_code
            and enrolments.la_estab = before.la_estab
            and enrolments.census_period = before.census_period
            and enrolments.child_key = before.child_key
),

termed as (
    select
        * exclude (sen_provision_code, found),
        {{ term_of_number('term_number') }} as term_code,
        {{ academic_year_of_number('term_number') }} as academic_year,
        if(sen_provision_basis = 'census_after_term', sen_provision_code, found.code) as sen_provision_code,
        if(sen_provision_basis = 'census_after_term', census_period, found.period) as sen_provision_census_period
    from judged
)

select
    {{ surrogate_key(['termed.la_estab', 'termed.census_period', 'termed.child_key']) }} as absence_key,
    termed.la_code,
    {{ term_key('termed.term_code', 'termed.academic_year') }} as period_key,
    termed.academic_year,
    termed.term_code,
    termed.census_period,
    termed.child_key,
    termed.setting_key,
    termed.urn,
    termed.la_estab,
    termed.site_estab,
    termed.placement_group_code,
    termed.is_on_roll,
    termed.sen_provision_code,
    provision.sen_provision_group,
    termed.sen_provision_basis,
    termed.sen_provision_census_period,
    case when provision.sen_provision_group in ('SEN support', 'EHC plan') then spring.primary_need_code end
        as derived_primary_need_code,
    case
        when provision.sen_provision_group in ('SEN support', 'EHC plan') and spring.primary_need_code is not null
            then spring.census_period
    end as need_census_period,
    cast(termed.age_at_31_august as integer) as age_at_31_august,
    coalesce(termed.age_at_31_august between 5 and 15, false) as is_in_absence_population,
    termed.sex_code,
    cast(termed.possible_count as integer) as possible_session_count,
    cast(termed.present_count as integer) as present_session_count,
    cast(termed.approved_count as integer) as approved_activity_session_count,
    cast(termed.authorised_count as integer) as authorised_session_count,
    cast(termed.unauthorised_count as integer) as unauthorised_session_count,
    termed.is_told_by_reason,
    {%- for reason in reasons %}
        cast(if(termed.is_told_by_reason, coalesce(termed.{{ reason }}_count, 0), null) as integer)
            as {{ reason }}_session_count,
    {%- endfor %}
    termed.submission_id
from termed
left join {{ ref('sen_provision') }} as provision
    on termed.sen_provision_code = provision.sen_provision_code
left join {{ ref('int_census_child__in_spring') }} as spring
    on
        termed.la_code = spring.la_code
        and termed.academic_year = spring.academic_year
        and termed.child_key = spring.child_key
