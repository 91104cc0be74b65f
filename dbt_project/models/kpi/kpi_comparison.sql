-- The authority's (or its trusts') published cell beside the same cell of each comparator; its local cell beside the same
-- comparators, and beside what is published of it. A cell without a published comparator has no row.
with own_values as (
    select
        kpi_value.*,
        kpi.polarity
    from {{ ref('kpi_value') }} as kpi_value
    inner join {{ ref('kpi_catalogue') }} as kpi -- exactly one
        on kpi_value.kpi_id = kpi.kpi_id
    where kpi_value.area_role in ('own_authority', 'own_provider')
),

published_values as (
    select *
    from {{ ref('kpi_value') }}
    where value_basis = 'published'
),

compared as (
    select
        own_values.*,
        if(
            comparator.area_role in ('own_authority', 'own_provider'), 'published_same_cell', comparator.area_role
        ) as comparator_type,
        comparator.kpi_value_key as comparator_key,
        comparator.area_code as comparator_code,
        comparator.area_name as comparator_name,
        comparator.value as comparator_value,
        comparator.symbol as comparator_symbol,
        -- Ranks are of rates only: a rank of counts would rank the size of the authority.
        own_values.value is not null and own_values.unit in ('percent', 'percentage_points', 'ratio') as is_ranked,
        comparator.area_role = 'statistical_neighbour' and comparator.value is not null as is_ranked_neighbour,
        if(own_values.polarity = 'lower', comparator.value < own_values.value, comparator.value > own_values.value)
            as is_comparator_better
    from own_values
    inner join published_values as comparator -- one own cell to many comparators
        on
            own_values.kpi_id = comparator.kpi_id
            and own_values.time_identifier = comparator.time_identifier
            and own_values.time_period = comparator.time_period
            and own_values.breakdown_topic = comparator.breakdown_topic
            and own_values.breakdown = comparator.breakdown
            and (own_values.value_basis = 'local' or own_values.publisher = comparator.publisher)
    where
        comparator.area_role not in ('own_authority', 'own_provider')
        or (
            own_values.value_basis = 'local'
            and own_values.area_level = comparator.area_level
            and own_values.area_code = comparator.area_code
        )
),

-- A local value ranks among the neighbours' published ones, in the place of the authority's own. Ties share the better rank.
ranked as (
    select
        *,
        case
            when is_ranked
                then
                    1
                    + count(*) filter (where is_ranked_neighbour and is_comparator_better) over (partition by kpi_value_key)
        end as neighbour_rank,
        case
            when is_ranked then 1 + count(*) filter (where is_ranked_neighbour) over (partition by kpi_value_key)
        end as neighbour_count
    from compared
)

select
    {{ surrogate_key(['kpi_value_key', 'comparator_key']) }} as kpi_comparison_key,
    kpi_value_key,
    kpi_id,
    area_level,
    area_code,
    area_name,
    la_code,
    time_identifier,
    time_period,
    period_start,
    period_end,
    breakdown_topic,
    breakdown,
    unit,
    comparator_type,
    comparator_code,
    comparator_name,
    value,
    symbol,
    comparator_value,
    comparator_symbol,
    cast(value - comparator_value as decimal(18, 4)) as difference,
    cast(neighbour_rank as integer) as neighbour_rank,
    cast(neighbour_count as integer) as neighbour_count,
    cast(case when neighbour_count >= 4 then ceil(4.0 * neighbour_rank / neighbour_count) end as integer)
        as neighbour_quartile,
    is_latest_period
from ranked
