select
    {{ surrogate_key(['placement.setting_row_key']) }} as ehc_placement_key,
    placement.la_code,
    {{ census_period_key('placement.census_year') }} as period_key,
    cast(placement.census_year as integer) as census_year,
    placement.census_day,
    {{ surrogate_key(['active_plan.request_key']) }} as ehc_request_key,
    person.child_key,
    placement.placement_rank,
    placement.entry_date,
    placement.leaving_date,
    placement.is_on_census_day,
    coalesce(counted.setting_row_key = placement.setting_row_key, false) as is_counted,
    placement.placement_line_code,
    case when placement.register_urn is not null then {{ surrogate_key(['placement.register_urn']) }} end as setting_key,
    placement.urn,
    placement.ukprn,
    placement.sen_setting_code,
    coalesce(placement.is_in_sen_unit, false) as is_in_sen_unit,
    coalesce(placement.is_in_resourced_provision, false) as is_in_resourced_provision,
    placement.residential_code,
    placement.work_based_code,
    placement.submission_id
from {{ ref('int_ehc_setting__classified') }} as placement
inner join {{ ref('stg_sen2__active_plan') }} as active_plan
    on
        placement.submission_id = active_plan.submission_id
        and placement.active_plan_key = active_plan.active_plan_key
inner join {{ ref('int_ehc_person__returned') }} as person
    on
        active_plan.submission_id = person.submission_id
        and active_plan.row_person_ref = person.row_person_ref
left join {{ ref('int_ehc_placement__counted') }} as counted
    on
        placement.active_plan_key = counted.active_plan_key
        and counted.view_code = 'own_return'
where
    placement.setting_source = 'placement'
    and placement.view_code = 'own_return'
