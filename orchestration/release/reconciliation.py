"""School census and EHC plans side by side for people who see no single child: counts under the board's disclosure policy,
and how many schools stand behind them."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.privacy.disclosure import Parameters
from orchestration.release.open_figures import OpenFigure, told_by_open_tables
from orchestration.release.remembered_places import PageCounts, hold_back, protect, recall, remember

# A row a child: on which side of the comparison it stands, and whether its plan is placed at a school whose return came.
_CHILDREN = """
with landed as (
    select la_code, census_period, setting_key
    from marts.fct_census_completeness
    where is_landed and setting_key is not null
    group by all
)

select
    child.la_code,
    child.census_year,
    child.reason_class,
    reason.reason_order,
    reason.reason_name,
    child.is_in_census,
    child.is_in_plan_return,
    if(landed.setting_key is not null, 'placed', 'elsewhere') as place,
    case when child.is_in_census and child.is_in_plan_return then 'both' when child.is_in_census then 'census' else 'return' end
        as side,
    if(side = 'both', 'both', side || ' ' || child.reason_code) as row_code
from marts.fct_census_plan_child as child
left join marts.dim_census_plan_reason as reason on child.reason_code = reason.reason_code
left join landed
    on
        child.la_code = landed.la_code
        and child.census_year || '-01' = landed.census_period
        and child.placement_setting_key = landed.setting_key
"""

# A row a reason and place of the plans in the return: `part` is the reason's own cell where it is all in one place, else a
# cell that no table shows.
_PLACES = """
select
    la_code,
    census_year,
    row_code,
    place,
    count(*) as cell_count,
    if(count(*) over (partition by la_code, census_year, row_code) > 1, row_code || ' ' || place, row_code)
        as part
from reconciliation_child
semi join reconciliation_day using (la_code, census_year)
where is_in_plan_return
group by la_code, census_year, row_code, place
"""

# What is counted of a census day, in order; `part_of` names the total that a count is a part of.
_CELLS = """
with row_shape as (
    select * from (values
        (10, 'census', null, null, 'Children with an EHC plan by the school census'),
        (20, 'both', 'census', 'agrees', 'in both returns'),
        (30, 'census legitimate', 'census', 'legitimate', 'in the census alone, legitimate'),
        (50, 'census to_follow_up', 'census', 'to_follow_up', 'in the census alone, to follow up'),
        (70, 'return', null, null, 'Children with a plan by the EHC plans return'),
        (71, 'placed', 'return', null, 'placed at a school whose census return came'),
        (72, 'elsewhere', 'return', null, 'placed elsewhere, or nowhere'),
        (80, 'return legitimate', 'return', 'legitimate', 'in the EHC plans return alone, legitimate'),
        (100, 'return to_follow_up', 'return', 'to_follow_up', 'in the EHC plans return alone, to follow up')
    ) as shape (row_order, row_code, part_of, reason_class, label)

    union all

    select distinct
        case side || ' ' || reason_class
            when 'census legitimate' then 30 when 'census to_follow_up' then 50 when 'return legitimate' then 80 else 100
        end + reason_order,
        row_code,
        side || ' ' || reason_class,
        reason_class,
        reason_name
    from reconciliation_child
    where side <> 'both'
),

counted as (
    select la_code, census_year, unnest([
        row_code,
        if(is_in_census, 'census', null),
        if(is_in_plan_return, 'return', null),
        if(is_in_plan_return, place, null),
        if(side <> 'both', side || ' ' || reason_class, null)
    ]) as row_code
    from reconciliation_child
),

shown as (
    select
        day.la_code,
        day.census_year,
        concat_ws('|', day.la_code, day.census_year, row_shape.row_code) as cell_key,
        row_shape.*,
        count(counted.row_code) as cell_count
    from reconciliation_day as day
    cross join row_shape
    left join counted
        on
            day.la_code = counted.la_code
            and day.census_year = counted.census_year
            and row_shape.row_code = counted.row_code
    group by all
)

select
    shown.*,
    coalesce(told.told = cell_count, false)
    or list_contains($kept, row_code) and cell_count >= $threshold
    and cell_key not in (select cell_key from places_history where is_held_back)
    and not coalesce(told.is_held_back, false) as is_fixed,
    true as is_shown,
    row_order as cell_order
from shown
left join reconciliation_open as told using (cell_key)  -- at most one

union all by name

-- Where the open tables tell how far the census and those placed at its schools are apart, or withhold it.
select
    apart.*,
    coalesce(told.told = apart.cell_count, false) as is_fixed,
    false as is_shown,
    0 as cell_order
from (
    select
        la_code,
        census_year,
        'difference' as row_code,
        concat_ws('|', la_code, census_year, 'difference') as cell_key,
        abs(sum(if(row_code = 'census', cell_count, -cell_count))) as cell_count
    from shown
    where row_code in ('census', 'placed')
    group by la_code, census_year
) as apart
inner join reconciliation_open as told using (cell_key)  -- at most one
where told.told = apart.cell_count or told.is_held_back

union all by name

-- No table shows the following. Differing children by place are a subtraction of two rows: a reader has them all the same.
select
    la_code,
    census_year,
    'alone ' || place as row_code,
    sum(cell_count) filter (where row_code <> 'both') as cell_count,
    false as is_fixed,
    true as is_shown,
    concat_ws('|', la_code, census_year, 'alone ' || place) as cell_key,
    0 as cell_order
from reconciliation_place
group by la_code, census_year, place
having count(*) filter (where row_code <> 'both') > 0

union all by name

select
    la_code,
    census_year,
    part as row_code,
    cell_count,
    part = 'both elsewhere' as is_fixed,
    false as is_shown,
    concat_ws('|', la_code, census_year, part) as cell_key,
    0 as cell_order
from reconciliation_place
where part <> row_code
"""

# Every total with its parts, and with theirs. Children in both returns are part of either total.
_LINES = """
with sums as (
    select la_code, census_year, part_of as line_code, part_of as total, row_code as part
    from reconciliation_cell
    where part_of is not null and row_code not in ('placed', 'elsewhere')
    union all
    select la_code, census_year, 'return', 'return', 'both' from reconciliation_cell where row_code = 'return'
    union all
    select la_code, census_year, side || ' by reason', side, row_code
    from reconciliation_cell
    cross join (values ('census'), ('return')) as sides (side)
    where row_code = 'both' or part_of in (side || ' legitimate', side || ' to_follow_up')
    union all
    select la_code, census_year, 'places', 'return', row_code
    from reconciliation_cell
    where row_code in ('placed', 'elsewhere')
    union all
    select la_code, census_year, place, place, if(row_code = 'both', part, 'alone ' || place)
    from reconciliation_place
    group by all
    union all
    select la_code, census_year, 'alone ' || place, 'alone ' || place, part from reconciliation_place where row_code <> 'both'
    union all
    select la_code, census_year, row_code || ' by place', row_code, part from reconciliation_place where part <> row_code
    union all
    select
        one.la_code,
        one.census_year,
        'difference',
        if(census.cell_count >= placed.cell_count, 'census', 'placed'),
        unnest(['difference', if(census.cell_count >= placed.cell_count, 'placed', 'census')])
    from reconciliation_cell as one
    inner join reconciliation_cell as census on census.row_code = 'census'
    inner join reconciliation_cell as placed on placed.row_code = 'placed'
    where one.row_code = 'difference'
),

members as (
    select la_code, census_year, line_code, part as row_code, false as is_total from sums
    union all
    select distinct la_code, census_year, line_code, total, true from sums
)

select
    concat_ws('|', la_code, census_year, line_code) as line_key,
    line_key as line_order,
    concat_ws('|', la_code, census_year, row_code) as cell_key,
    is_total
from members
"""


OPEN_FIGURES = Path(__file__).with_suffix(".yaml")

# Rows that stay visible at the threshold or above, as far as the others can then be protected: the totals, which stand in
# other tables too, and what agrees.
_KEPT: tuple[list[str], ...] = (["census", "return", "both"], ["census", "return"], [])


@functools.cache
def open_figures() -> tuple[OpenFigure, ...]:
    """The figures of the open tables that are a row of this table, or the difference of two."""
    content = yaml.load(OPEN_FIGURES.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return tuple(OpenFigure(**one) for one in content["open_figures"])


_DAYS = """
select
    child.la_code,
    child.census_year,
    max(child.census_day),
    coalesce(max(school.expected_schools), 0),
    coalesce(max(school.received_schools), 0)
from marts.fct_census_plan_child as child
left join (
    select
        la_code,
        census_period,
        count(*) filter (where is_expected) as expected_schools,
        count(*) filter (where is_expected and is_landed) as received_schools
    from marts.fct_census_completeness
    group by all
) as school
    on child.la_code = school.la_code and child.census_year || '-01' = school.census_period
group by child.la_code, child.census_year
order by child.la_code, child.census_year
"""


@dataclass(frozen=True)
class CensusDay:
    """A January census day of an authority, and what its counts rest on. `received_schools` are of those expected."""

    la_code: str
    census_year: int
    census_day: date
    expected_schools: int
    received_schools: int


@dataclass(frozen=True)
class ReconciliationRow:
    """One count on every day, in the order of the days; None where it is suppressed. `depth`: 0 a total, 1 and 2 its parts."""

    label: str
    reason_class: str | None
    depth: int
    counts: list[int | None]


@dataclass(frozen=True)
class Reconciliation:
    """School census against EHC plans return: days, and rows of counts. Both are empty where not both returns have come."""

    days: list[CensusDay]
    rows: list[ReconciliationRow]
    is_suppressed: bool


@dataclass(frozen=True)
class Completeness:
    """How many schools a census rests on. Shares are of those expected; None where the register does not say."""

    la_code: str
    census_period: str
    census_day: date
    expected_schools: int
    received_schools: int
    unexpected_schools: int
    school_pct: float | None
    pupil_pct: float | None
    missing_schools: list[str]


def reconcile(
    connection: duckdb.DuckDBPyConnection, parameters: Parameters, *, database: str, earlier: Mapping[str, Path]
) -> Reconciliation:
    """Count the marts by reason, and suppress what the audience must not see or work out.

    What the open tables show counts as known. What earlier releases told of the same census day is remembered, and what this one
    tells is kept for `remembered_places.keep_counts`. Nothing is shown of a day that cannot be protected.

    Args:
        connection: the warehouse, with the open database attached as `database`.
        parameters: of the audience.
        database: alias of the open database.
        earlier: what `remembered_places.keep_counts` kept of earlier releases, by release.
    """
    connection.execute(f"create or replace temp table reconciliation_child as {_CHILDREN}")
    days = [CensusDay(*day) for day in connection.execute(_DAYS).fetchall()]
    columns = (
        "la_code varchar, census_year integer, row_order integer, label varchar, reason_class varchar, depth integer"
    )
    connection.execute(f"create or replace temp table reconciliation_row ({columns}, cell_count bigint)")
    for day in days:
        _protect_day(connection, parameters, day, database=database, earlier=earlier)
    rows = connection.execute(
        """
        select label, reason_class, depth, list(cell_count order by la_code, census_year)
        from reconciliation_row
        group by label, reason_class, depth, row_order
        order by row_order
        """
    ).fetchall()
    made = [ReconciliationRow(*row) for row in rows]
    return Reconciliation(days, made, is_suppressed=any(count is None for row in made for count in row.counts))


def _protect_day(
    connection: duckdb.DuckDBPyConnection,
    parameters: Parameters,
    day: CensusDay,
    *,
    database: str,
    earlier: Mapping[str, Path],
) -> None:
    """Add the rows of one census day to `reconciliation_row`."""
    key = f"{day.la_code}|{day.census_year}"
    connection.execute(
        "create or replace temp table reconciliation_day as select ? as la_code, ? as census_year",
        [day.la_code, day.census_year],
    )
    connection.execute(f"create or replace temp table reconciliation_place as {_PLACES}")
    told_by_open_tables(
        connection,
        [
            replace(
                one,
                numerator=one.numerator and f"{key}|{one.numerator}",
                denominator=one.denominator and f"{key}|{one.denominator}",
            )
            for one in open_figures()
        ],
        table="reconciliation_open",
        database=database,
        la_code=day.la_code,
        period=f"{day.census_year - 1}{day.census_year % 100:02d}",
    )
    # How few of both returns are placed elsewhere a reader may guess: that counts as known.
    connection.execute(
        "insert into reconciliation_open select concat_ws('|', la_code, census_year, part), cell_count, false, false, false"
        " from reconciliation_place where part = 'both elsewhere'"
    )
    page = PageCounts("reconciliation", "reconciliation_cell", "reconciliation_line", day.la_code, day.census_day)
    recall(connection, earlier, page)
    _count_day(connection, parameters, kept=[])
    hold_back(connection, parameters, page)
    for kept in _KEPT:
        _count_day(connection, parameters, kept=kept)
        is_safe = not protect(connection, parameters, page, told="reconciliation_open")
        if is_safe:
            break
    connection.execute(
        """
        insert into reconciliation_row
        select
            la_code, census_year, row_order, label, reason_class,
            case when part_of is null then 0 when part_of in ('census', 'return') then 1 else 2 end,
            if(kind is null and $is_safe, cell_count, null)
        from reconciliation_cell
        inner join places_pattern using (cell_key)
        where label is not null
        """,
        {"is_safe": is_safe},
    )
    if is_safe:
        remember(connection, page)


def _count_day(connection: duckdb.DuckDBPyConnection, parameters: Parameters, *, kept: list[str]) -> None:
    """Make the relations of the cells and lines of a day; fixed are those that the open tables tell, and the rows `kept`."""
    connection.execute(
        f"create or replace temp table reconciliation_cell as select *, cell_count as people_count from ({_CELLS})",
        {"threshold": parameters.threshold, "kept": kept},
    )
    connection.execute(f"create or replace temp table reconciliation_line as {_LINES}")


def census_completeness(connection: duckdb.DuckDBPyConnection) -> list[Completeness]:
    """How complete each school census is, the oldest first."""
    rows: list[tuple[Any, ...]] = connection.execute(
        """
        select
            school.la_code,
            school.census_period,
            max(school.census_day),
            count(*) filter (where is_expected) as expected_schools,
            count(*) filter (where is_expected and is_landed) as received_schools,
            count(*) filter (where not is_expected),
            100.0 * received_schools / nullif(expected_schools, 0),
            100.0 * sum(register_pupil_count) filter (where is_expected and is_landed)
            / nullif(sum(register_pupil_count) filter (where is_expected), 0),
            coalesce(
                list(coalesce(setting_name, school_code) order by setting_name, school_code)
                filter (where is_expected and not is_landed),
                []
            )
        from marts.fct_census_completeness as school
        left join marts.dim_setting as setting using (setting_key)
        group by school.la_code, school.census_period
        order by school.la_code, school.census_period
        """
    ).fetchall()
    return [Completeness(*row) for row in rows]
