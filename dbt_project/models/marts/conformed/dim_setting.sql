select
    {{ surrogate_key(['establishment.urn']) }} as setting_key,
    establishment.urn,
    establishment.establishment_name as setting_name,
    establishment.la_code,
    establishment.la_name,
    establishment.la_code || lpad(establishment.establishment_number, 4, '0') as la_estab,
    establishment.la_code = own_authority.setting_value as is_in_own_authority,
    establishment.type_code,
    establishment.type_name,
    establishment.type_group_code,
    establishment.type_group_name,
    coalesce(establishment.status_code in ('1', '3'), false) as is_open,
    establishment.open_date,
    establishment.close_date,
    establishment.phase_name,
    establishment.statutory_low_age,
    establishment.statutory_high_age,
    establishment.school_capacity as school_capacity_count,
    establishment.pupil_count,
    establishment.resourced_provision_name,
    establishment.resourced_provision_capacity as resourced_provision_capacity_count,
    establishment.sen_unit_capacity as sen_unit_capacity_count,
    establishment.trust_name,
    establishment.lsoa_code,
    versioned.site_key,
    versioned.site_estab,
    versioned.valid_from,
    versioned.valid_to,
    versioned.is_current,
    versioned.predecessor_urn,
    versioned.successor_urn,
    establishment.submission_id
from {{ ref('stg_establishment_register__establishment') }} as establishment
inner join {{ ref('int_setting__versioned') }} as versioned -- exactly one
    on establishment.urn = versioned.urn
inner join {{ ref('stg_control__setting') }} as own_authority
    on own_authority.setting_name = 'la_code'
