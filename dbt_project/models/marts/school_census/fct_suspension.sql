select
    {{ surrogate_key(['suspension.child_key', 'suspension.la_estab', 'suspension.start_date', 'suspension.category_code']) }}
        as suspension_key,
    suspension.la_code,
    {{ term_key('suspension.term_code', 'suspension.academic_year') }} as period_key,
    suspension.academic_year,
    suspension.term_code,
    suspension.child_key,
    suspension.setting_key,
    suspension.urn,
    suspension.la_estab,
    suspension.site_estab,
    suspension.placement_group_code,
    suspension.start_date,
    suspension.category_code,
    cast(suspension.session_count as integer) as session_count,
    suspension.reason_1_code,
    suspension.reason_2_code,
    suspension.reason_3_code,
    suspension.sen_provision_code,
    provision.sen_provision_group,
    case when provision.sen_provision_group in ('SEN support', 'EHC plan') then spring.primary_need_code end
        as derived_primary_need_code,
    case
        when provision.sen_provision_group in ('SEN support', 'EHC plan') and spring.primary_need_code is not null
            then spring.census_period
    end as need_census_period,
    cast(suspension.age_at_31_august as integer) as age_at_31_august,
    suspension.sex_code,
    suspension.census_period,
    suspension.is_missing_from_later_return,
    suspension.submission_id
from {{ ref('int_census_suspension__told') }} as suspension
left join {{ ref('sen_provision') }} as provision
    on suspension.sen_provision_code = provision.sen_provision_code
left join {{ ref('int_census_child__in_spring') }} as spring
    on
        suspension.la_code = spring.la_code
        and suspension.academic_year = spring.academic_year
        and suspension.child_key = spring.child_key
