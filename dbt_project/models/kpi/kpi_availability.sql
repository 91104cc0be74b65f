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

-- What a published file could fill; the series of the school census are counted from returns alone.
recipes as (
    select
        kpi_id,
        bool_or(calculation = 'growth') as is_growth
    from {{ ref('kpi_source') }}
    where series_code not like 'census@_%' escape '@'
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
        when not_published.reason is not null then not_published.reason
        when own_values.published_value_count > 0 then 'Available from published statistics.'
        when own_values.row_count > 0
            then 'Not available: every figure of the authority is marked as not available.'
        when recipes.is_growth
            then 'Not available: needs figures for two consecutive years, and one or none has been received.'
        when recipes.kpi_id is not null or kpi.family = 'therapy_waits' and kpi.published_comparator is not null
            then 'Not available: no published file or return that holds it has been received.'
        else 'Not available from published statistics. Waits for: ' || kpi.source_return || '.'
    end as reason
from {{ ref('kpi_catalogue') }} as kpi
left join own_values -- at most one
    on kpi.kpi_id = own_values.kpi_id
left join recipes -- at most one
    on kpi.kpi_id = recipes.kpi_id
left join {{ ref('kpi_not_published') }} as not_published -- at most one
    on kpi.kpi_id = not_published.kpi_id
