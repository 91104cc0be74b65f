{{ config(materialized='view') }}
{#- A view: asked of the open tables, it says what they show, and tells nothing of what they withhold. -#}
-- Every KPI of the catalogue: is there a figure for the authority, from which basis, and if not, why not?
with own_values as (
    select
        kpi_id,
        count(*) as row_count,
        count(value) as value_count,
        count(value) filter (where value_basis = 'published') as published_value_count,
        count(value) filter (where value_basis = 'local') as local_value_count,
        arg_max(time_identifier, period_start) as latest_time_identifier,
        arg_max(time_period, period_start) as latest_time_period,
        max(period_end) as latest_period_end
    from {{ ref('kpi_value') }}
    where area_role in ('own_authority', 'own_provider')
    group by kpi_id
),

-- The latest period in which anybody the authority is compared with has a published figure, and who that is.
comparators as (
    select
        kpi_value.kpi_id,
        arg_max(period.period_label, (kpi_value.period_end, kpi_value.time_identifier)) as period_label,
        bool_or(kpi_value.area_role = 'england') as has_england,
        bool_or(kpi_value.area_role = 'region') as has_region,
        bool_or(kpi_value.area_role = 'nhs_region') as has_nhs_region,
        bool_or(kpi_value.area_role = 'icb') as has_icb,
        count(distinct kpi_value.area_code) filter (where kpi_value.area_role = 'statistical_neighbour') as neighbour_count
    from (
        select *
        from {{ ref('kpi_value') }}
        where
            value_basis = 'published'
            and value is not null
            and area_role not in ('own_authority', 'own_provider')
        qualify period_end = max(period_end) over (partition by kpi_id)
    ) as kpi_value
    inner join {{ ref('dim_period') }} as period -- exactly one
        on kpi_value.time_identifier = period.time_identifier and kpi_value.time_period = period.time_period
    group by kpi_value.kpi_id
),

declared_neighbours as (
    select count(*) as declared_count
    from {{ ref('statistical_neighbour') }} as neighbour
    inner join {{ ref('stg_control__setting') }} as own_authority
        on
            own_authority.setting_name = 'la_code'
            and neighbour.la_code = own_authority.setting_value
),

-- NHS organisations publish waits, authorities all else; each is compared with its own kind.
comparator_names as (
    select
        comparators.kpi_id,
        comparators.period_label,
        concat_ws(
            ', ',
            if(comparators.has_england, 'England', null),
            if(comparators.has_region, 'the region', null),
            if(comparators.has_nhs_region, 'the NHS region', null),
            if(comparators.has_icb, 'the integrated care board', null),
            if(
                comparators.neighbour_count > 0,
                comparators.neighbour_count || ' of ' || declared_neighbours.declared_count || ' statistical neighbours',
                null
            )
        ) as held,
        concat_ws(
            ', ',
            if(not comparators.has_england, 'no figure of England', null),
            if(kpi.family <> 'therapy_waits' and not comparators.has_region, 'no regional figure', null),
            if(kpi.family = 'therapy_waits' and not comparators.has_nhs_region, 'no figure of the NHS region', null),
            if(kpi.family = 'therapy_waits' and not comparators.has_icb, 'no figure of the integrated care board', null),
            if(
                kpi.family <> 'therapy_waits' and comparators.neighbour_count = 0,
                'no figure of a statistical neighbour',
                null
            )
        ) as missing
    from comparators
    inner join {{ ref('kpi_catalogue') }} as kpi -- exactly one
        on comparators.kpi_id = kpi.kpi_id
    cross join declared_neighbours -- one row
),

published as (
    select distinct kpi_id
    from {{ ref('kpi_value') }}
    where value_basis = 'published' and value is not null
),

comparator_notes as (
    select
        published.kpi_id,
        case
            when comparator_names.kpi_id is null then ' No area it is compared with has a published figure.'
            else
                ' Comparators for ' || comparator_names.period_label || ': '
                || regexp_replace(comparator_names.held, ', ([^,]*)$', ' and \1')
                || if(comparator_names.missing = '', '', '; ' || comparator_names.missing)
                || '.'
        end as note
    from published
    left join comparator_names -- at most one
        on published.kpi_id = comparator_names.kpi_id
),

-- What is counted from returns, whether shown or not.
counted as (
    select kpi_id
    from {{ ref('int_kpi__value') }}
    where value_basis = 'local' and value is not null and comparator_role = 'own_authority'

    union

    select kpi_id
    from {{ ref('int_kpi__therapy_value') }}
    where value is not null
),

-- What a published file could fill; some series are counted from returns alone.
recipes as (
    select
        kpi_id,
        bool_or(calculation = 'growth') as is_growth
    from {{ ref('kpi_source') }}
    where
        series_code not like 'census@_%' escape '@'
        and series_code not in ('data_quality', 'phase_transfers_known', 'phase_transfers_due', 'setting_location')
    group by kpi_id
)

select
    kpi.kpi_id,
    kpi.family,
    kpi.source_return,
    coalesce(own_values.value_count > 0, false) as is_available,
    coalesce(own_values.value_count, 0) as value_count,
    coalesce(own_values.published_value_count, 0) as published_value_count,
    coalesce(own_values.local_value_count, 0) as local_value_count,
    own_values.latest_time_identifier,
    own_values.latest_time_period,
    own_values.latest_period_end,
    case
        when own_values.published_value_count > 0 and own_values.local_value_count > 0
            then 'Available from published statistics and from the authority''s own returns.'
        when own_values.local_value_count > 0 then 'Available from the authority''s own returns.'
        when counted.kpi_id is not null and own_values.published_value_count > 0
            then 'Available from published statistics. Figures from the authority''s own returns are withheld.'
        when counted.kpi_id is not null then 'Withheld: no figure from the authority''s own returns can be shown here.'
        when own_values.published_value_count > 0
            then concat_ws(' ', 'Available from published statistics.', not_published.reason)
        when not_published.reason is not null then 'Not available. ' || not_published.reason
        when own_values.row_count > 0
            then 'Not available: every figure of the authority is marked as not available.'
        when recipes.is_growth
            then 'Not available: needs figures for two consecutive years, and one or none has been received.'
        when recipes.kpi_id is not null or kpi.family = 'therapy_waits' and kpi.published_comparator is not null
            then 'Not available: no published file or return that holds it has been received.'
        else 'Not available from published statistics. Waits for: ' || kpi.source_return || '.'
    end || coalesce(comparator_notes.note, '') as reason
from {{ ref('kpi_catalogue') }} as kpi
left join counted -- at most one
    on kpi.kpi_id = counted.kpi_id
left join own_values -- at most one
    on kpi.kpi_id = own_values.kpi_id
left join recipes -- at most one
    on kpi.kpi_id = recipes.kpi_id
left join {{ ref('kpi_not_published') }} as not_published -- at most one
    on kpi.kpi_id = not_published.kpi_id
left join comparator_notes -- at most one
    on kpi.kpi_id = comparator_notes.kpi_id
