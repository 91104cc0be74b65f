-- Workbooks before October 2023 print no codes: the code comes from the name in later workbooks; without one the name is the key.
with organisations as (
    select
        wait.org_level,
        wait.org_name_key,
        coalesce(wait.org_code, organisation.org_code) as org_code,
        arg_max(wait.org_name, (wait.published_date, wait.org_name)) as org_name,
        max(wait.published_date) as last_published_date
    from {{ ref('stg_published_statistics__community_wait') }} as wait
    left join {{ ref('nhs_organisation') }} as organisation -- at most one: a name has one code at a level
        on
            wait.org_level = organisation.org_level
            and wait.org_name_key = organisation.org_name_key
    group by all

    union all

    -- The authority's trusts are known before any workbook arrives: their own lists name them by code.
    select
        org_level,
        upper(org_name) as org_name_key,
        org_code,
        org_name,
        null as last_published_date
    from {{ ref('provider_of_interest') }}
),

-- Names change for one code; the latest workbook's stands.
named_organisations as (
    select
        {{ surrogate_key(['org_level', 'coalesce(org_code, org_name_key)']) }} as provider_key,
        org_level,
        org_code,
        arg_max(org_name, (coalesce(last_published_date, date '1900-01-01'), org_name)) as org_name
    from organisations
    group by org_level, org_code, coalesce(org_code, org_name_key)
),

own_providers as (
    select
        provider.org_code,
        provider.la_code,
        provider.icb_code,
        provider.nhs_region_code
    from {{ ref('provider_of_interest') }} as provider
    inner join {{ ref('stg_control__setting') }} as setting
        on provider.la_code = setting.setting_value
    where setting.setting_name = 'la_code'
),

own_boards as (
    select distinct icb_code
    from own_providers
),

own_regions as (
    select distinct nhs_region_code
    from own_providers
)

select
    named_organisations.provider_key,
    named_organisations.org_level,
    named_organisations.org_code,
    named_organisations.org_name,
    own_providers.la_code,
    own_providers.icb_code,
    own_providers.nhs_region_code,
    case
        when named_organisations.org_level = 'england' then 'england'
        when own_providers.org_code is not null then 'own_provider'
        when
            named_organisations.org_level = 'icb'
            and own_boards.icb_code is not null then 'icb'
        when
            named_organisations.org_level = 'nhs_region'
            and own_regions.nhs_region_code is not null then 'nhs_region'
    end as comparator_role
from named_organisations
left join own_providers -- at most one
    on
        named_organisations.org_code = own_providers.org_code
        and named_organisations.org_level = 'provider'
left join own_boards -- at most one
    on named_organisations.org_code = own_boards.icb_code
left join own_regions -- at most one
    on named_organisations.org_code = own_regions.nhs_region_code
