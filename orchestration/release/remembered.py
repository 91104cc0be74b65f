"""What a reader who kept earlier releases knows of the counts of a new one.

Such a reader can subtract an earlier release from the new one. Three things follow. A count that moved by few is held back,
because the two numbers would show these few; so is one that was suppressed and is the same still. A count that was told and
is the same still is known, whatever the new release does with it: it stays shown where it has a row, and counts as seen where
it has none, because its table is merged or withheld by now. And the sums of an earlier release still hold between its numbers:
where some of the counts of a sum have changed and others have not, what was hidden together then can be taken from what is
hidden together now. Who did not keep count of what changed can only guess; the guess that is right is the one guarded against.
"""

import duckdb

from orchestration.privacy.disclosure import Parameters
from orchestration.release.ledger import Ledger
from orchestration.sql_text import literal

# A count that moves by 1 to the threshold less one is told to the approver; below this many thresholds it is not shown.
THRESHOLDS_HELD_BACK = 10

# A figure tells its numerator, its denominator and, of a growth, what both add to; a mean of money or a difference does not
# tell each count behind it.
_EARLIER = """
create or replace table disclosure.ledger_release as select unnest([{releases}]::varchar[]) as release_id;

create or replace table disclosure.told_value as
select
    kpi_value_key,
    kpi_id,
    time_identifier,
    breakdown_topic,
    list(distinct cast(denominator - numerator as bigint)) as rest_counts
from {ledger}
where counts is not null and symbol is distinct from 'c' and coalesce(numerator, denominator, value) is not null
group by all;

create or replace table disclosure.earlier_count as
select
    release_id,
    behind.cell_key as cell_key,
    behind.cell_count as earlier_count,
    bool_or(symbol is distinct from 'c') as was_shown,
    bool_or(
        symbol is distinct from 'c'
        and coalesce(behind.cell_count in (abs(numerator), denominator, numerator + denominator), false)
    ) as was_told,
    bool_or(behind.is_suppressed) as was_suppressed
from (select release_id, symbol, numerator, denominator, unnest(counts) as behind from {ledger})
group by all;

-- What several releases made of the same counts is told once.
create or replace table disclosure.earlier_sum as
with told_once as (
    select line_key, min(release_id) as release_id
    from (
        select
            release_id, line_key, list((is_total, cell_key, cell_count, is_published) order by is_total, cell_key) as members
        from {sums}
        group by release_id, line_key
    )
    group by line_key, members
)

select release_id, line_key, cell_key, is_total, cell_count, is_published
from {sums}
semi join told_once using (release_id, line_key);
"""

_COMPARED = """
create or replace {kind} {difference} as
select
    cell.cell_key,
    cell.cell_count,
    max(earlier.release_id) as earlier_release_id,
    arg_max(earlier.earlier_count, earlier.release_id) as earlier_count,
    bool_or(least(earlier.earlier_count, cell.cell_count) < {held_below}) as is_held_back
from {earlier} as earlier
inner join {cells} as cell using (cell_key)  -- exactly one, where it is still counted
where
    cell.is_shown
    and not cell.is_fixed
    and earlier.was_shown
    and abs(cell.cell_count - earlier.earlier_count) between 1 and {threshold} - 1
group by cell.cell_key, cell.cell_count;

create or replace {kind} {history} as
select
    cell.cell_key,
    coalesce(bool_or(earlier.was_told) filter (where earlier.earlier_count = cell.cell_count), false) as is_told,
    coalesce(bool_or(earlier.was_suppressed) filter (where earlier.earlier_count = cell.cell_count), false)
        as was_suppressed,
    coalesce(bool_and(not earlier.was_told) filter (where earlier.earlier_count = cell.cell_count), false)
    and coalesce(bool_or(earlier.was_suppressed) filter (where earlier.earlier_count = cell.cell_count), false)
    or coalesce(bool_or(difference.is_held_back), false) as is_held_back
from {earlier} as earlier
inner join {cells} as cell using (cell_key)  -- exactly one, where it is still counted
left join {difference} as difference using (cell_key)  -- at most one
where not cell.is_fixed
group by cell.cell_key;
"""

# A sum of an earlier release stands as that release made it, so that an item that has come or gone since is part of it or not:
# with the counts of now where they are the same, and with counts of then, named by the first release that had them, where they
# are not. One that is as it was tells nothing new, nor does one that by no chain of sums has to do with the counts of now.
_SUMS = """
create temp table disclosure_sum_then as
with recursive version as (
    select
        earlier.cell_key,
        earlier.cell_count,
        coalesce(earlier.cell_count = any_value(cell.cell_count), false) as is_as_now,
        if(is_as_now, earlier.cell_key, earlier.cell_key || ' in ' || min(earlier.release_id)) as then_key,
        bool_or(earlier.is_published) or coalesce(bool_or(told.was_told), false) as is_known,
        coalesce(bool_or(told.was_suppressed), false) as was_suppressed
    from disclosure.earlier_sum as earlier
    left join disclosure_cell as cell using (cell_key)  -- at most one
    left join disclosure.earlier_count as told  -- at most one a release
        on earlier.cell_key = told.cell_key and earlier.cell_count = told.earlier_count
    group by earlier.cell_key, earlier.cell_count
),

member as (
    select line_key || ' in ' || release_id as line_key, is_total, version.* exclude (cell_key)
    from disclosure.earlier_sum
    inner join version using (cell_key, cell_count)  -- exactly one
),

as_now as (
    select line_key
    from (
        select line_key, list((is_total, then_key) order by is_total, then_key) as members from member group by line_key
    )
    semi join (
        select list((is_total, cell_key) order by is_total, cell_key) as members from disclosure.line group by line_key
    ) using (members)
),

other as (
    from member anti join as_now using (line_key)
),

tied as (
    select line_key from other where is_as_now
    union
    select further.line_key
    from tied
    inner join other as near using (line_key)  -- one to many
    inner join other as further using (then_key)  -- one to few
    where not near.is_as_now
)

select line_key, is_total, then_key, cell_count, is_known, was_suppressed
from other
semi join tied using (line_key);

create temp table disclosure_cell_then as
select
    then_key as cell_key,
    any_value(cell_count) as cell_count,
    bool_or(is_known) as is_known,
    bool_or(was_suppressed) as was_suppressed
from disclosure_sum_then
anti join disclosure_cell on disclosure_sum_then.then_key = disclosure_cell.cell_key
group by then_key;

insert into disclosure_cell
select
    cell_key,
    cell_count,
    cell_count as people_count,
    is_known as is_fixed,
    false as is_shown,
    row_number() over (order by cell_key) + (select max(cell_order) from disclosure_cell) as cell_order
from disclosure_cell_then;

insert into disclosure.cell_history by name
select cell_key, is_known as is_told, was_suppressed, false as is_held_back
from disclosure_cell_then;

create or replace table disclosure.line_then as
select
    line_key,
    dense_rank() over (order by line_key) + (select coalesce(max(line_order), 0) from disclosure.line) as line_order,
    then_key as cell_key,
    is_total
from disclosure_sum_then;

insert into disclosure.line from disclosure.line_then;

drop table disclosure_sum_then;
drop table disclosure_cell_then;
"""


def read_earlier(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    """Read what was published into schema `disclosure` of the warehouse.

    Makes `ledger_release` (release_id), `told_value` (kpi_value_key, kpi_id, time_identifier, breakdown_topic: the local
    figures that a release showed; rest_counts: by how many the numerator of each was short of its denominator),
    `earlier_count` (release_id, cell_key, earlier_count, was_shown: a figure shown was computed from it, was_told: such a
    figure says it, was_suppressed) and `earlier_sum` (release_id, line_key, cell_key, is_total, cell_count, is_published: a
    row a count of a sum, with the first release that made it of such counts).
    """
    releases = ", ".join(literal(one) for one in ledger.release_ids)
    connection.execute(_EARLIER.format(ledger=ledger.relation, sums=ledger.sums, releases=releases))


def compare_with_earlier(connection: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """Say which counts must not be shown because of what was shown before, and which are known because of it.

    A count that differs from an earlier published one by 1 to the threshold less one would show, beside it, so few children:
    it is listed, and below ten times the threshold held back; the figure that was published stays what the public knows.
    A count that was suppressed and is the same still is held back too: the sums around it may have moved so that nothing else
    hides it, and with it the counts it protected then. One that was told and is the same still is known, and stays shown: to
    hide it would protect nobody. What a national body publishes for the same cell is exempt.

    Args:
        connection: the warehouse, with `disclosure_cell` and `disclosure.line` as disclosure control made them, after
            `read_earlier`. The sums of earlier releases and the counts of theirs that have changed are added to both.
        parameters: of the audience.

    Makes `disclosure.small_difference` (cell_key, cell_count, earlier_release_id, earlier_count, is_held_back: a row a count,
    beside the latest release it differs from) and `disclosure.cell_history` (cell_key, is_held_back, is_told, was_suppressed:
    what `disclosure.suppress` reads) and `disclosure.line_then` (the sums of then that were added).
    """
    compare(
        connection,
        parameters,
        cells="disclosure_cell",
        earlier="disclosure.earlier_count",
        difference="disclosure.small_difference",
        history="disclosure.cell_history",
        held_below=THRESHOLDS_HELD_BACK * parameters.threshold,
        is_temporary=False,
    )
    connection.execute(_SUMS)


def compare(
    connection: duckdb.DuckDBPyConnection,
    parameters: Parameters,
    *,
    cells: str,
    earlier: str,
    difference: str,
    history: str,
    held_below: int,
    is_temporary: bool,
) -> None:
    """Compare counts with those of earlier releases.

    Args:
        connection: sees the relations.
        parameters: of the audience.
        cells: a relation with cell_key, cell_count, is_shown, is_fixed.
        earlier: a relation with release_id, cell_key, earlier_count, was_shown, was_told, was_suppressed.
        difference: table to make, as `disclosure.small_difference`.
        history: table to make, as `disclosure.cell_history`.
        held_below: a count that moved by few is held back where it or the earlier one is below this.
        is_temporary: whether the tables to make are temporary.
    """
    connection.execute(
        _COMPARED.format(
            cells=cells,
            earlier=earlier,
            difference=difference,
            history=history,
            threshold=parameters.threshold,
            held_below=held_below,
            kind="temp table" if is_temporary else "table",
        )
    )


def compared_releases(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The releases that the open tables were compared with."""
    return {one for [one] in connection.execute("select release_id from disclosure.ledger_release").fetchall()}
