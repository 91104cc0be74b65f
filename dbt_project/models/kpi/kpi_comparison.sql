-- The authority's (or its trusts') published cell beside the same cell of each comparator, and its local cell beside what is
-- published of it.
with own_values as (
    select
        kpi_value.*,
        kpi.polarity
    from {{ ref('kpi_value') }} as kpi_value
    inner join {{ ref('kpi_catalogue') }} as kpi -- exactly one
        on kpi_value.kpi_id = kpi.kpi_id
    where kpi_value.area_role in ('own_authority', 'own_provider')
),

-- Ranks are of rates only: a rank of counts would rank the size of the authority. Ties share the better rank.
ranked_neighbours as (
    select
        kpi_value.kpi_value_key,
        rank() over (
            partition by
                kpi_value.kpi_id, kpi_value.time_identifier, kpi_value.time_period,
                kpi_value.breakdown_topic, kpi_value.breakdown
            order by case when kpi.polarity = 'lower' then kpi_value.value else -kpi_value.value end
        ) as neighbour_rank,
        count(*) over (
            partition by
                kpi_value.kpi_id, kpi_value.time_identifier, kpi_value.time_period,
                kpi_value.breakdown_topic, kpi_value.breakdown
        ) as neighbour_count
    from {{ ref('kpi_value') }} as kpi_value
    inner join {{ ref('kpi_catalogue') }} as kpi -- exactly one
        on kpi_value.kpi_id = kpi.kpi_id
    where
        kpi_value.area_role in ('own_authority', 'statistical_neighbour')
        and kpi_value.value_basis = 'published'
        and kpi_value.value is not null
        and kpi_value.unit in ('percent', 'percentage_points', 'ratio')
)

select
    {{ surrogate_key(['own_values.kpi_value_key', 'comparator.kpi_value_key']) }} as kpi_comparison_key,
    own_values.kpi_value_key,
    own_values.kpi_id,
    own_values.area_level,
    own_values.area_code,
    own_values.area_name,
    own_values.la_code,
    own_values.time_identifier,
    own_values.time_period,
    own_values.period_start,
    own_values.period_end,
    own_values.breakdown_topic,
    own_values.breakdown,
    own_values.unit,
    if(own_values.value_basis = 'local', 'published_same_cell', comparator.area_role) as comparator_type,
    comparator.area_code as comparator_code,
    comparator.area_name as comparator_name,
    own_values.value,
    own_values.symbol,
    comparator.value as comparator_value,
    comparator.symbol as comparator_symbol,
    cast(own_values.value - comparator.value as decimal(18, 4)) as difference,
    cast(ranked_neighbours.neighbour_rank as integer) as neighbour_rank,
    cast(ranked_neighbours.neighbour_count as integer) as neighbour_count,
    cast(
        case
            when ranked_neighbours.neighbour_count >= 4
                then ceil(4.0 * ranked_neighbours.neighbour_rank / ranked_neighbours.neighbour_count)
        end as integer
    ) as neighbour_quartile,
    own_values.is_latest_period
from own_values
inner join {{ ref('kpi_value') }} as comparator -- one own cell to many comparators
    on
        own_values.kpi_id = comparator.kpi_id
        and own_values.time_identifier = comparator.time_identifier
        and own_values.time_period = comparator.time_period
        and own_values.breakdown_topic = comparator.breakdown_topic
        and own_values.breakdown = comparator.breakdown
        and comparator.value_basis = 'published'
        and if(
            own_values.value_basis = 'local',
            own_values.area_level = comparator.area_level and own_values.area_code = comparator.area_code,
            own_values.publisher = comparator.publisher
            and comparator.area_role not in ('own_authority', 'own_provider')
        )
left join ranked_neighbours -- at most one
    on own_values.kpi_value_key = ranked_neighbours.kpi_value_key
