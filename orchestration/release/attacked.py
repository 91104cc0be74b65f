"""The attack on the open tables: what a reader of a release sees, and what of the rest can be worked out.

Writes `disclosure.attacked_cell`, by which the open gate judges whether there may be a release.
"""

from typing import Any

import duckdb

from orchestration.privacy.disclosure import DisclosurePolicy

# What is seen is taken from the open tables. A value that is shown counts as telling every count behind it, which is more
# than its numerator, its denominator and a rounded percentage do. That a count is suppressed tells that it is not nought,
# because the policy shows noughts; and of small counts it tells so whatever else is suppressed. What an earlier release told
# and is the same still is known whatever this one suppresses, as is that a count it suppressed is no nought.
_CELLS = """
create temp table attacked as
select
    cell.cell_key,
    cell.cell_count,
    cell.people_count,
    cell.people_count between 1 and $threshold - 1 as is_small,
    cell.is_fixed or coalesce(history.is_told, false) or seen.cell_key is not null as is_seen,
    cell.is_fixed
    or coalesce(history.is_told, false)
    or (cell.is_shown and cell.people_count = 0 and not $zero_is_disclosive) as is_given,
    if(
        (cell.kind is not null or coalesce(history.was_suppressed, false)) and cell.cell_count > 0 and not $zero_is_disclosive,
        1,
        0
    ) as least,
    if(is_small or coalesce(history.was_suppressed, false), least, 0) as given_least,
    cell.kind is not null or (is_small and not cell.is_fixed) as is_at_stake,
    cell.cell_order
from disclosure.cell as cell
left join disclosure.cell_history as history using (cell_key)  -- at most one
left join (
    select distinct value_cell.cell_key
    from disclosure.value_cell as value_cell
    inner join kpi_open.kpi_value as kpi_value using (kpi_value_key)  -- at most one
    where coalesce(kpi_value.value, kpi_value.numerator, kpi_value.denominator) is not null
) as seen using (cell_key)  -- at most one
"""

# To the reader a line without a rest is an exact sum where lines of its kind never have one. Where some have one, as the
# plans with exceptions beside those without, and in a share, he knows only that the parts are no more than the total.
_LINES = """
create temp table attacked_line as
with line as (
    select
        line_key,
        max(cell_key) filter (where is_total) as total_key,
        regexp_replace(total_key, '^apart from ', '') as about,
        bool_or(cell_key = 'rest of ' || line_key) as has_rest
    from disclosure.line
    group by line_key
),

kind as (
    select
        line.line_key,
        line.has_rest,
        case
            when ends_with(line.line_key, ' within ' || line.total_key) then 'share'
            when ends_with(line.line_key, ' of ' || line.about) then left(line.line_key, length(line.line_key) - length(line.about))
            else line.line_key
        end as code,
        cell.series_code,
        cell.measure_code
    from line
    left join intermediate.int_kpi__local_cell as cell on line.about = cell.cell_key  -- at most one
),

open_ended as (
    select line_key, 'rest of ' || line_key as cell_key
    from kind
    qualify
        not has_rest and (code = 'share' or bool_or(has_rest) over (partition by code, series_code, measure_code))
)

select line_key, cell_key, is_total from disclosure.line
union all
select line_key, cell_key, false as is_total from open_ended;

insert into attacked
select
    cell_key, 0 as cell_count, 0 as people_count, false as is_small, false as is_seen, false as is_given, 0 as least, 0 as given_least,
    false as is_at_stake, row_number() over (order by cell_key) + (select max(cell_order) from disclosure.cell) as cell_order
from (select distinct cell_key from attacked_line anti join attacked using (cell_key));
"""

# All that a line hides is a count as well: where it is one of few people, it is at stake like what it is made of.
_HIDDEN = """
create temp table attacked_hidden as
select
    line.line_key,
    'hidden of ' || line.line_key as cell_key,
    cast(sum(cell.cell_count) as bigint) as cell_count,
    cast(sum(cell.people_count) as bigint) as people_count
from attacked_line as line
inner join attacked as cell using (cell_key)  -- exactly one
where not line.is_total and not cell.is_seen
group by line.line_key
having count_if(cell.cell_count > 0) > 1 and sum(cell.people_count) between 1 and $threshold - 1
"""
_AND_HIDDEN = """
insert into attacked
select
    cell_key, cell_count, people_count, true as is_small, false as is_seen, false as is_given, 0 as least, 0 as given_least,
    true as is_at_stake, row_number() over (order by cell_key) + (select max(cell_order) from attacked) as cell_order
from attacked_hidden;

insert into attacked_line
select hidden.cell_key as line_key, line.cell_key, false as is_total
from attacked_hidden as hidden
inner join attacked_line as line using (line_key)  -- one to many
inner join attacked as cell on line.cell_key = cell.cell_key  -- exactly one
where not line.is_total and not cell.is_seen
union all
select cell_key as line_key, cell_key, true as is_total from attacked_hidden;
"""

# A percentage that has been published for the same cell without its counts, where the local one rounds to it: as many
# decimals as it has, at least one.
_SHARES = """
create temp table attacked_share as
with published as (
    select
        own.kpi_value_key,
        own.kpi_value_key || ' as ' || published.kpi_value_key as share_key,
        published.value,
        case
            when published.value * 10 = round(published.value * 10) then 0.05
            when published.value * 100 = round(published.value * 100) then 0.005
            when published.value * 1000 = round(published.value * 1000) then 0.0005
            else 0.00005
        end as half
    from kpi.kpi_value as own
    inner join kpi_open.kpi_value as published  -- at most one a publication
        using (kpi_id, area_level, area_code, time_identifier, time_period, breakdown_topic, breakdown)
    where
        own.value_basis = 'local'
        and own.unit in ('percent', 'ratio')
        and published.value_basis <> 'local'
        and published.numerator is null
        and abs(100 * own.numerator / nullif(own.denominator, 0) - published.value) <= half
)

select
    published.share_key,
    component.cell_key,
    component.part = 'numerator' as is_numerator,
    component.weight,
    published.value - published.half as lowest,
    published.value + published.half as highest
from published
inner join intermediate.int_kpi__local_component as component using (kpi_value_key)  -- one to many
semi join attacked using (cell_key)
"""

_TEMPORARY = ("attacked", "attacked_line", "attacked_hidden", "attacked_share")


def attack_open_tables(
    connection: duckdb.DuckDBPyConnection, policy: DisclosurePolicy, *, seconds: float = 600
) -> dict[str, Any]:
    """Write `disclosure.attacked_cell`: what a reader can work out of each count at stake.

    At stake are suppressed counts and those of few people that nobody shows: rests of a total, differences, populations of
    shares less their numerators, and what a line hides together. The reader knows what the open tables show, every
    published figure, what earlier releases told (`remembered`), which counts add to which, and the policy.

    Args:
        connection: the warehouse, with schemas `disclosure` and `kpi_open` built from each other.
        policy: the declared policy.
        seconds: of the clock; what is not settled by then is untested, and stops the release. The standard borough takes ten.

    Returns:
        What the manifest says of it (`Disclosure`): protection_width, attacked_cells, given_cells, recovered_cells,
        untested_cells, and tightest_interval, None where no count attacked has an upper end.

    Raises:
        CornerstoneError: the counts contradict themselves.
    """
    from orchestration.privacy.attack import attack  # SciPy takes half a second to load

    parameters = policy.open_parameters
    few = {"threshold": parameters.threshold}
    connection.execute(_CELLS, few | {"zero_is_disclosive": parameters.zero_is_disclosive})
    connection.execute(_LINES)
    connection.execute(_HIDDEN, few)
    connection.execute(_AND_HIDDEN)
    connection.execute(_SHARES)
    attacked = attack(
        connection,
        cells="attacked",
        lines="attacked_line",
        shares="attacked_share",
        protection_width=policy.open_release.protection_width,
        seconds=seconds,
    )
    connection.register("attacked_result", attacked)
    try:
        connection.execute("create table disclosure.attacked_cell as from attacked_result")
    finally:
        connection.unregister("attacked_result")
    for table in _TEMPORARY:
        connection.execute(f"drop table temp.{table}")
    counted = connection.execute(
        """
        select
            count(*) as attacked_cells,
            count(*) filter (where outcome = 'given') as given_cells,
            count(*) filter (where outcome = 'recovered') as recovered_cells,
            count(*) filter (where outcome = 'untested') as untested_cells,
            min(upper - lower) filter (where outcome in ('kept', 'recovered')) as tightest_interval
        from disclosure.attacked_cell
        """
    ).to_arrow_table()
    return {"protection_width": policy.open_release.protection_width, **counted.to_pylist()[0]}
