with needs as (
    select
        row_person_ref,
        max(need_code) filter (where is_primary) as primary_need_code,
        max(need_code) filter (where is_secondary) as secondary_need_code
    from {{ ref('int_census_need__ranked') }}
    group by row_person_ref
),

pupils as (
    select
        pupil.*,
        needs.row_person_ref is not null as has_need,
        needs.primary_need_code,
        needs.secondary_need_code,
        spring.primary_need_code as spring_primary_need_code,
        spring.secondary_need_code as spring_secondary_need_code,
        spring.ethnicity_code as spring_ethnicity_code,
        spring.census_period as spring_period,
        coalesce(pupil.sen_provision_group in ('SEN support', 'EHC plan'), false) as has_sen
    from {{ ref('int_census_pupil__described') }} as pupil
    left join needs
        on pupil.row_person_ref = needs.row_person_ref
    left join {{ ref('int_census_child__in_spring') }} as spring
        on
            pupil.la_code = spring.la_code
            and pupil.academic_year = spring.academic_year
            and pupil.child_key = spring.child_key
    where pupil.is_on_roll
)

select
    {{ surrogate_key(['row_person_ref']) }} as census_pupil_key,
    la_code,
    {{ term_key('term_code', 'academic_year') }} as period_key,
    census_period,
    academic_year,
    term_code,
    census_day,
    child_key,
    is_counted,
    enrolment_status_code,
    setting_key,
    urn,
    la_estab,
    phase_code,
    placement_group_code,
    sen_provision_code,
    sen_provision_group,
    primary_need_code,
    secondary_need_code,
    -- Needs are told in spring alone: in the other terms, and of a pupil whose school tells none, those of that year's
    -- spring census stand here, of pupils who have SEN in this one.
    case when has_need then primary_need_code when has_sen then spring_primary_need_code end
        as derived_primary_need_code,
    case when has_need then secondary_need_code when has_sen then spring_secondary_need_code end
        as derived_secondary_need_code,
    case
        when has_need then census_period
        when has_sen and coalesce(spring_primary_need_code, spring_secondary_need_code) is not null then spring_period
    end as need_census_period,
    cast(age_at_31_august as integer) as age_at_31_august,
    year_group_code,
    sex_code,
    ethnicity_code,
    coalesce(ethnicity_code, spring_ethnicity_code) as derived_ethnicity_code,
    case
        when ethnicity_code is not null then census_period
        when spring_ethnicity_code is not null then spring_period
    end as ethnicity_census_period,
    is_fsm_eligible,
    coalesce(is_in_sen_unit, false) as is_in_sen_unit,
    coalesce(is_in_resourced_provision, false) as is_in_resourced_provision,
    coalesce(has_top_up_funding, false) as has_top_up_funding,
    coalesce(is_part_time, false) as is_part_time,
    entry_date,
    lsoa_code,
    ward_code,
    cast(imd_decile as integer) as imd_decile,
    submission_id
from pupils
