-- Attendance of each enrolment in each period told, of children aged 5 to 15. An enrolment without possible sessions has
-- no rate. A school before and after it became an academy is one. Of a period of several terms the SEN provision of the
-- latest census of its academic year holds.
with enrolments as (
    select
        period.la_code,
        period.time_identifier,
        period.time_period,
        absence.child_key,
        absence.site_estab,
        max(absence.submission_id) as submission_id,
        arg_max(
            struct_pack(
                sen_provision_group := absence.sen_provision_group,
                need_code := absence.derived_primary_need_code
            ),
            (
                coalesce(
                    absence.sen_provision_census_period < (cast(left(absence.academic_year, 4) as integer) + 1) || '-09', false
                ),
                coalesce(absence.sen_provision_census_period, ''),
                period.term_number
            )
        ) as provision,
        arg_max(
            struct_pack(
                la_estab := absence.la_estab,
                placement_group_code := absence.placement_group_code,
                census_period := absence.census_period,
                setting_key := absence.setting_key,
                sex_code := absence.sex_code,
                age_at_31_august := absence.age_at_31_august
            ),
            period.term_number
        ) as latest,
        sum(absence.possible_session_count) as possible_count,
        sum(coalesce(absence.authorised_session_count, 0) + coalesce(absence.unauthorised_session_count, 0))
            as missed_count
    from {{ ref('fct_absence') }} as absence
    inner join {{ ref('int_census_told__period') }} as period -- one term to the periods it is part of
        on
            absence.la_code = period.la_code
            and period.series_code = 'census_attendance'
            and {{ term_number('absence.term_code', 'absence.academic_year') }} = period.term_number
    where
        absence.is_in_absence_population
        and absence.possible_session_count > 0
    group by period.la_code, period.time_identifier, period.time_period, absence.child_key, absence.site_estab
),

phases as (
    {{ school_phases() }}
)

select
    enrolments.la_code,
    enrolments.submission_id,
    enrolments.time_identifier,
    enrolments.time_period,
    enrolments.provision['sen_provision_group'] as sen_provision_group,
    cast(enrolments.possible_count as integer) as possible_count,
    cast(enrolments.missed_count as integer) as missed_count,
    10 * enrolments.missed_count >= enrolments.possible_count as is_persistent,
    {{ census_phase('enrolments.latest.placement_group_code', 'phases.phase_code') }} as phase_item,
    coalesce(
        nullif(roll.year_group_item, 'unknown'), {{ year_group_of_age('enrolments.latest.age_at_31_august') }}
    ) as year_group_item,
    if(enrolments.latest.sex_code in ('F', 'M'), enrolments.latest.sex_code, 'U') as sex_item,
    case
        when enrolments.provision.sen_provision_group in ('SEN support', 'EHC plan')
            then coalesce(enrolments.provision.need_code, 'UNKNOWN')
    end as need_item,
    coalesce(roll.ward_item, 'unknown') as ward_item,
    coalesce(setting.urn, enrolments.latest.la_estab) as school_item
from enrolments
left join phases -- at most one
    on
        enrolments.la_code = phases.la_code
        and enrolments.latest.la_estab = phases.la_estab
        and enrolments.latest.census_period = phases.census_period
left join {{ ref('int_census_statistic__roll') }} as roll -- at most one
    on
        enrolments.la_code = roll.la_code
        and enrolments.time_period = roll.time_period
        and enrolments.child_key = roll.child_key
        and roll.term_code = 'SPR'
left join {{ ref('dim_setting') }} as setting -- at most one
    on enrolments.latest.setting_key = setting.setting_key
