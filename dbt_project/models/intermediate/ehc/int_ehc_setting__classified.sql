{%- set establishment_type %}lpad(coalesce(by_urn.type_code, by_ukprn.type_code), 2, '0'){% endset -%}
-- Settings of placements and of plans, found in the schools register and put on a line of the placement statistics.
with settings as (
    select
        'placement' as setting_source,
        submission_id,
        row_person_ref,
        source_row,
        active_plan_key,
        null as plan_key,
        placement_key as setting_row_key,
        urn,
        ukprn,
        sen_setting_code,
        placement_rank,
        is_in_sen_unit,
        is_in_resourced_provision,
        entry_date,
        leaving_date,
        residential_code,
        work_based_code
    from {{ ref('stg_sen2__placement') }}
    where is_current

    union all

    select
        'plan' as setting_source,
        submission_id,
        row_person_ref,
        source_row,
        null as active_plan_key,
        plan_key,
        plan_setting_key as setting_row_key,
        urn,
        ukprn,
        sen_setting_code,
        placement_rank,
        is_in_sen_unit,
        is_in_resourced_provision,
        null as entry_date,
        null as leaving_date,
        null as residential_code,
        null as work_based_code
    from {{ ref('stg_sen2__plan_setting') }}
    where is_current
),

-- A closed school and its successor, or the parts of a college, can share a UKPRN: the one that stood on the day counts,
-- else the one that is open.
establishment_by_ukprn as (
    select
        census_days.census_day,
        versioned.ukprn,
        versioned.urn,
        versioned.type_code
    from (select distinct census_day from {{ ref('int_ehc_census_view__described') }}) as census_days
    cross join {{ ref('int_setting__versioned') }} as versioned
    where versioned.ukprn is not null
    qualify row_number() over (
        partition by census_days.census_day, versioned.ukprn
        order by {{ stood_on('versioned', 'census_days.census_day') }} desc, versioned.is_open desc, versioned.urn
    ) = 1
),

register as (
    select count(*) > 0 as is_landed
    from {{ ref('int_setting__versioned') }}
),

found as (
    select
        settings.*,
        census_view.la_code,
        census_view.view_code,
        census_view.census_year,
        census_view.census_day,
        -- Ages are landed at the 31 August before the return's own census day.
        person.age_at_31_august - (census_view.return_year - census_view.census_year) as age_at_31_august,
        coalesce(by_urn.urn, by_ukprn.urn) as register_urn,
        case
            when by_urn.urn is not null or by_ukprn.urn is not null then 'establishment_type'
            when settings.ukprn is not null and register.is_landed then 'ukprn'
            when settings.sen_setting_code is not null then 'sen_setting'
        end as input_kind,
        case
            when by_urn.urn is not null or by_ukprn.urn is not null then {{ establishment_type }}
            when settings.ukprn is not null and register.is_landed then 'not in register'
            else settings.sen_setting_code
        end as input_code
    from settings
    inner join {{ ref('int_ehc_census_view__described') }} as census_view
        on
            settings.submission_id = census_view.submission_id
            and (census_view.view_code = 'own_return' or settings.setting_source = 'placement')
    inner join {{ ref('int_ehc_person__returned') }} as person
        on
            settings.submission_id = person.submission_id
            and settings.row_person_ref = person.row_person_ref
    cross join register
    left join {{ ref('int_setting__versioned') }} as by_urn
        on settings.urn = by_urn.urn
    left join establishment_by_ukprn as by_ukprn
        on
            settings.ukprn = by_ukprn.ukprn
            and census_view.census_day = by_ukprn.census_day
)

select
    found.setting_source,
    found.submission_id,
    found.la_code,
    found.view_code,
    found.census_year,
    found.census_day,
    found.source_row,
    found.active_plan_key,
    found.plan_key,
    found.setting_row_key,
    found.placement_rank,
    found.urn,
    found.ukprn,
    found.sen_setting_code,
    found.is_in_sen_unit,
    found.is_in_resourced_provision,
    found.entry_date,
    found.leaving_date,
    found.residential_code,
    found.work_based_code,
    found.register_urn,
    -- No entry date: the placement counts as begun. The last day itself counts, as it does for plans.
    (
        found.setting_source = 'placement'
        and coalesce(found.entry_date <= found.census_day, true)
        and {{ not_ended_on('found.leaving_date', 'found.census_day') }}
    ) as is_on_census_day,
    coalesce(
        case when found.is_in_sen_unit then line_mapping.sen_unit_line_code end,
        case when found.is_in_resourced_provision then line_mapping.resourced_provision_line_code end,
        -- Compulsory school age in the published tables: 5 to 15 at 31 August.
        case when found.age_at_31_august between 5 and 15 then line_mapping.compulsory_school_age_line_code end,
        line_mapping.placement_line_code,
        'placement_unknown'
    ) as placement_line_code
from found
left join {{ ref('placement_line_mapping') }} as line_mapping
    on
        found.input_kind = line_mapping.input_kind
        and found.input_code = line_mapping.input_code
