-- Suspensions and permanent exclusions in each period told. One that a later return of the school no longer tells of is
-- taken as withdrawn: published counts are of those upheld.
with phases as (
    {{ school_phases() }}
)

select
    period.la_code,
    suspension.submission_id,
    period.time_identifier,
    period.time_period,
    suspension.child_key,
    suspension.category_code,
    suspension.sen_provision_group,
    {{ census_phase('suspension.placement_group_code', 'phases.phase_code') }} as phase_item,
    coalesce(
        nullif(roll.year_group_item, 'unknown'), {{ year_group_of_age('suspension.age_at_31_august') }}
    ) as year_group_item,
    if(suspension.sex_code in ('F', 'M'), suspension.sex_code, 'U') as sex_item,
    case
        when suspension.sen_provision_group in ('SEN support', 'EHC plan')
            then coalesce(suspension.derived_primary_need_code, 'UNKNOWN')
    end as need_item,
    coalesce(roll.ward_item, 'unknown') as ward_item,
    coalesce(setting.urn, suspension.la_estab) as school_item
from {{ ref('fct_suspension') }} as suspension
inner join {{ ref('int_census_told__period') }} as period -- one term to the periods it is part of
    on
        suspension.la_code = period.la_code
        and period.series_code = 'census_suspension'
        and {{ term_number('suspension.term_code', 'suspension.academic_year') }} = period.term_number
left join phases -- at most one
    on
        suspension.la_code = phases.la_code
        and suspension.la_estab = phases.la_estab
        and suspension.census_period = phases.census_period
left join {{ ref('int_census_statistic__roll') }} as roll -- at most one
    on
        suspension.la_code = roll.la_code
        and suspension.academic_year = roll.time_period
        and suspension.child_key = roll.child_key
        and roll.term_code = 'SPR'
left join {{ ref('dim_setting') }} as setting -- at most one
    on suspension.setting_key = setting.setting_key
where
    suspension.category_code in ('SUSP', 'PERM')
    and not suspension.is_missing_from_later_return
