-- Pupils of each census, each once, under what they are counted by. Needs and ethnicity are told in spring alone, and a need
-- is that of a pupil with SEN.
select
    pupil.la_code,
    pupil.submission_id,
    {{ term_identifier('pupil.term_code') }} as time_identifier,
    pupil.academic_year as time_period,
    pupil.term_code,
    pupil.child_key,
    pupil.sen_provision_group,
    {{ census_phase('pupil.placement_group_code', 'pupil.phase_code') }} as phase_item,
    {{ census_year_group('pupil.year_group_code') }} as year_group_item,
    if(pupil.sex_code in ('F', 'M'), pupil.sex_code, 'U') as sex_item,
    case
        when pupil.term_code = 'SPR' and pupil.sen_provision_group in ('SEN support', 'EHC plan')
            then coalesce(pupil.derived_primary_need_code, 'UNKNOWN')
    end as need_item,
    if(pupil.is_fsm_eligible, 'eligible', 'not_eligible') as fsm_item,
    case when pupil.term_code = 'SPR' then coalesce(ethnicity.ethnicity_major_group_name, 'Unclassified') end
        as ethnicity_item,
    coalesce(cast((pupil.imd_decile + 1) // 2 as varchar), 'unknown') as deprivation_item,
    case
        when pupil.ward_code is null then 'unknown'
        when ward.la_ons_code <> area.area_code then 'elsewhere'
        else pupil.ward_code
    end as ward_item,
    coalesce(setting.urn, pupil.la_estab) as school_item
from {{ ref('fct_census_pupil') }} as pupil
left join {{ ref('dim_ethnicity') }} as ethnicity -- at most one
    on pupil.ethnicity_code = ethnicity.ethnicity_code
left join {{ ref('dim_setting') }} as setting -- at most one
    on pupil.setting_key = setting.setting_key
left join {{ ref('dim_area') }} as ward -- at most one
    on
        pupil.ward_code = ward.area_code
        and ward.area_level = 'ward'
left join {{ ref('dim_area') }} as area -- at most one
    on
        pupil.la_code = area.la_code
        and area.area_level = 'local_authority'
        and area.area_code like 'E%'
where pupil.is_counted
