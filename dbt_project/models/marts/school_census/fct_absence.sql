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

-- Leavers have no provision of their own: that of the last census before in which the child was on roll stands in, of the
-- same school where two schools had the child then.
last_on_roll as (
    select
        leaver.la_code,
        leaver.la_estab,
        leaver.census_period,
        leaver.child_key,
        arg_max(
            struct_pack(code := earlier.sen_provision_code, period := earlier.census_period),
            (earlier.census_period, earlier.la_estab = leaver.la_estab, earlier.is_counted, earlier.row_person_ref)
        ) as found
    from enrolments as leaver
    inner join {{ ref('int_census_pupil__described') }} as earlier
        on
            leaver.la_code = earlier.la_code
            and leaver.child_key = earlier.child_key
            and leaver.census_period > earlier.census_period
            and earlier.is_on_roll
            and earlier.sen_provision_code is not null
    where not leaver.is_on_roll
    group by leaver.la_code, leaver.la_estab, leaver.census_period, leaver.child_key
),

termed as (
    select
        enrolments.* exclude (sen_provision_code),
        {{ term_of_number('enrolments.term_number') }} as term_code,
        {{ academic_year_of_number('enrolments.term_number') }} as academic_year,
        coalesce(enrolments.sen_provision_code, last_on_roll.found.code) as sen_provision_code,
        case
            when enrolments.sen_provision_code is not null then 'census_day'
            when last_on_roll.found.code is not null then 'last_on_roll'
            else 'unknown'
        end as sen_provision_basis,
        if(
            enrolments.sen_provision_code is not null, enrolments.census_period, last_on_roll.found.period
        ) as sen_provision_census_period
    from enrolments
    left join last_on_roll
        on
            enrolments.la_code = last_on_roll.la_code
            and enrolments.la_estab = last_on_roll.la_estab
            and enrolments.census_period = last_on_roll.census_period
            and enrolments.child_key = last_on_roll.child_key
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
