-- The authority's (or its trusts') own cells, published and local, each beside what it can be judged by: the same published cell
-- of each comparator; what is published of a local cell; the period before; the target.
{#- Series that differ in these are never set beside each other in time. -#}
{% set series = ['value_basis', 'kpi_id', 'area_level', 'area_code', 'breakdown_topic', 'breakdown'] %}

with own_values as (
    select
        kpi_value.*,
        kpi.polarity,
        kpi.is_judged_by_size,
        -- A forecast of one financial year is not the period before one of the next.
        kpi.family = 'finance_safety_valve' as is_of_one_year,
        {{ period_kind('kpi_value.time_identifier') }} as period_kind,
        not coalesce(topic.is_withheld, true) as is_shown_topic
    from {{ ref('kpi_value') }} as kpi_value
    inner join {{ ref('kpi_catalogue') }} as kpi -- exactly one
        on kpi_value.kpi_id = kpi.kpi_id
    left join {{ ref('kpi_breakdown_topic') }} as topic -- at most one
        on kpi_value.breakdown_topic = topic.breakdown_topic
    where kpi_value.area_role in ('own_authority', 'own_provider')
),

published_values as (
    select *
    from {{ ref('kpi_value') }}
    where value_basis = 'published'
),

beside_published as (
    select
        own_values.*,
        if(
            comparator.area_role in ('own_authority', 'own_provider'), 'published_same_cell', comparator.area_role
        ) as comparator_type,
        comparator.kpi_value_key as comparator_key,
        comparator.kpi_value_key as comparator_value_key,
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
            when is_ranked and is_among_neighbours
                then
                    1
                    + count(*) filter (where is_ranked_neighbour and is_comparator_better) over (partition by kpi_value_key)
        end as neighbour_rank,
        case
            when is_ranked and is_among_neighbours
                then 1 + count(*) filter (where is_ranked_neighbour) over (partition by kpi_value_key)
        end as neighbour_count
    from (
        select
            *,
            bool_or(is_ranked_neighbour) over (partition by kpi_value_key) as is_among_neighbours
        from beside_published
    ) as beside_ranked
),

-- The period that ends the day before, of the same kind. Terms differ in length and season: the same term a year before. A
-- break of the series in between leaves nothing to compare with. Schools, wards and what else is withheld from the open tables
-- have too few children for a trend.
beside_previous as (
    select
        own_values.*,
        'previous_period' as comparator_type,
        previous.kpi_value_key as comparator_key,
        previous.kpi_value_key as comparator_value_key,
        previous.area_code as comparator_code,
        previous.area_name || ', ' || previous.time_identifier || ' ' || previous.time_period as comparator_name,
        previous.value as comparator_value,
        previous.symbol as comparator_symbol,
        (own_values.coverage_note is null) <> (previous.coverage_note is null) as is_differently_covered
    from own_values
    inner join own_values as previous -- at most one
        on
            {%- for column in series %}
                own_values.{{ column }} = previous.{{ column }}
                and
            {%- endfor %} own_values.period_kind = previous.period_kind
            and case
                when own_values.period_kind = 'term'
                    then
                        own_values.time_identifier = previous.time_identifier
                        and previous.period_start = own_values.period_start - to_years(1)
                else previous.period_end = own_values.period_start - to_days(1)
            end
    where
        own_values.is_shown_topic
        and own_values.series_break_note is null
        and not (
            own_values.is_of_one_year
            and own_values.period_kind = 'financial quarter'
            and own_values.time_period <> previous.time_period
        )
),

beside_target as (
    select
        own_values.*,
        'target' as comparator_type,
        'target ' || kpi_target.target_label as comparator_key,
        kpi_target.target_kind as comparator_code,
        kpi_target.target_label as comparator_name,
        kpi_target.target_value as comparator_value,
        kpi_target.tolerance,
        coalesce(own_values.period_end < kpi_target.due_date, false) as is_before_due
    from own_values
    inner join {{ ref('kpi_target') }} as kpi_target -- at most one of a period
        on
            own_values.kpi_id = kpi_target.kpi_id
            and own_values.period_start >= kpi_target.applies_from
            and coalesce(own_values.period_end <= kpi_target.applies_to, true)
    where
        kpi_target.is_rated
        and kpi_target.target_kind <> 'planning_figure'
        and own_values.unit = kpi_target.unit
        and own_values.polarity <> 'neutral'
        and own_values.is_shown_topic
        -- Another method measures something else than the target is of.
        and own_values.breakdown_topic <> 'Method'
),

compared as (
    select *
    from ranked

    union all by name

    select *
    from beside_previous

    union all by name

    select *
    from beside_target
),

explained as (
    select
        compared.*,
        published_difference.outcome as published_outcome,
        published_difference.reason as published_reason
    from compared
    left join {{ ref('int_kpi__published_difference') }} as published_difference -- at most one
        on
            compared.comparator_type = 'published_same_cell'
            and compared.kpi_value_key = published_difference.kpi_value_key
),

-- How much better the own value is than the comparator's.
judged as (
    select
        *,
        case
            when is_judged_by_size then abs(comparator_value) - abs(value)
            when polarity = 'lower' then comparator_value - value
            else value - comparator_value
        end as gain,
        -- Half of the last digit that is shown: a whole number, or one or two decimals.
        case when unit in ('count', 'gbp') then 0.5 when unit = 'ratio' then 0.005 else 0.05 end as least_change
    from explained
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
    value_basis,
    comparator_type,
    comparator_value_key,
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
    case
        when comparator_type <> 'previous_period' or gain is null then null
        -- An incomplete period is no better or worse than a whole one.
        when is_differently_covered then null
        when abs(gain) < least_change then 'stable'
        when polarity = 'neutral' then 'neutral'
        when gain > 0 then 'improving'
        else 'worsening'
    end as direction,
    case
        when comparator_type <> 'target' or gain is null then null
        when gain >= 0 then 'met'
        when is_before_due then 'not_due'
        when gain >= -tolerance then 'within_tolerance'
        else 'missed'
    end as rating,
    published_outcome as difference_outcome,
    published_reason as difference_reason,
    is_latest_period
from judged
