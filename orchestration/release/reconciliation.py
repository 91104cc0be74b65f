"""School census and EHC plans side by side for people who see no single child: counts under the board's disclosure policy,
and how many schools stand behind them."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.privacy.disclosure import Parameters, suppress

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
# cell that no table shows. How few of both returns are placed elsewhere a reader may guess: that counts as known.
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
    select day.la_code, day.census_year, day.cell_day, row_shape.*, count(counted.row_code) as cell_count
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
    * exclude (cell_day),
    coalesce(row_code in (select unnest(kept) from reconciliation_day as day where day.cell_day = shown.cell_day), false)
    and cell_count >= $threshold as is_fixed,
    true as is_shown,
    concat_ws('|', la_code, census_year, row_code) as cell_key,
    dense_rank() over (order by la_code, census_year) * 1000 + row_order as cell_order
from shown

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
    row_code = 'both' and place = 'elsewhere' as is_fixed,
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


# Rows that stay visible at the threshold or above, as far as the others can then be protected: the totals, which stand in
# other tables too, and what agrees.
_KEPT = (("census", "return", "both"), ("census", "return"), ())


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


def reconcile(connection: duckdb.DuckDBPyConnection, parameters: Parameters) -> Reconciliation:
    """Count the marts by reason, and suppress what the audience must not see or work out.

    Args:
        connection: the warehouse, or a database with its schema `marts`.
        parameters: of the audience.
    """
    given = {"threshold": parameters.threshold}
    connection.execute(f"create or replace temp table reconciliation_child as {_CHILDREN}")
    connection.execute(f"create or replace temp table reconciliation_place as {_PLACES}")
    connection.execute(
        "create or replace temp table reconciliation_day as select la_code, census_year,"
        " la_code || '|' || census_year as cell_day, null::varchar[] as kept from reconciliation_child group by all"
    )
    unsafe = [day for [day] in connection.execute("select cell_day from reconciliation_day").fetchall()]
    for kept in _KEPT:
        connection.execute(
            "update reconciliation_day set kept = ? where list_contains(?, cell_day)", [list(kept), unsafe]
        )
        connection.execute(
            f"create or replace temp table reconciliation_cell as select *, cell_count as people_count from ({_CELLS})",
            given,
        )
        connection.execute(f"create or replace temp table reconciliation_line as {_LINES}")
        pattern = suppress(connection, parameters, cells="reconciliation_cell", lines="reconciliation_line")
        lines = pattern.unprotected.column("line_key").to_pylist()
        unsafe = sorted({"|".join(line.split("|")[:2]) for line in lines})
        if not unsafe:
            break
    connection.register("reconciliation_pattern", pattern.cells)
    try:
        rows = connection.execute(
            """
            select
                label,
                reason_class,
                case when part_of is null then 0 when part_of in ('census', 'return') then 1 else 2 end,
                list(
                    if(kind is null and not list_contains(?, la_code || '|' || census_year), cell_count, null)
                    order by la_code, census_year
                )
            from reconciliation_cell
            inner join reconciliation_pattern using (cell_key)
            where label is not null
            group by label, reason_class, part_of, row_order
            order by row_order
            """,
            [unsafe],  # nothing is shown of a day that cannot be protected
        ).fetchall()
    finally:
        connection.unregister("reconciliation_pattern")
    days = connection.execute(
        """
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
    ).fetchall()
    made = [ReconciliationRow(*row) for row in rows]
    return Reconciliation(
        days=[CensusDay(*day) for day in days],
        rows=made,
        is_suppressed=any(count is None for row in made for count in row.counts),
    )


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
