"""What a reader who kept pages of earlier releases knows of the counts of new ones: places, the returns beside each other, and rows
set aside.

The pages are counted from the marts, so the ledger of the open tables does not have them: each release keeps the counts behind
them in `restricted/`, and the next reads those of every release people have read that is still in the store, of the same
authority and the same day. As in `remembered`, a count that moved by few is held back, here however large it is, and so is one
that was suppressed and is the same still. Counts that were told and are the same still may be hidden again, because a count
that moved would stand alone among them; but nothing that is hidden may follow from them and from the sums of then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.privacy.disclosure import Parameters, Pattern, suppress
from orchestration.release.exports import PLACES_COUNTS
from orchestration.release.ledger import read_releases
from orchestration.release.remembered import compare
from orchestration.settings import Settings
from orchestration.sql_text import literal

# Every count that moved by few is held back.
_HOWEVER_LARGE = 2**63 - 1

_COLUMNS = """
create temp table if not exists places_counts (
    network varchar, la_code varchar, day date, cell_key varchar, cell_count bigint, is_shown boolean, is_suppressed boolean,
    sums varchar[], totals varchar[]
)
"""

_ABOUT = "network = $network and la_code is not distinct from $la_code and day is not distinct from $day"

# The sums of earlier releases, with the counts of now where they are the same, and where they are not with counts of then,
# named by the first release that had them. A sum in which nothing has changed tells nothing new.
_THEN = """
create or replace temp table places_version as
select
    earlier.*,
    if(
        coalesce(earlier.earlier_count = cell.cell_count, false),
        earlier.cell_key,
        earlier.cell_key || ' in ' || min(earlier.release_id) over (partition by earlier.cell_key, earlier.earlier_count)
    ) as then_key
from places_earlier as earlier
left join {cells} as cell using (cell_key);  -- at most one

create or replace temp table places_line_then as
with member as (
    select release_id, unnest(sums) as line, then_key, then_key <> cell_key as is_of_then, false as is_total from places_version
    union all
    select release_id, unnest(totals), then_key, then_key <> cell_key, true from places_version
),

told_once as (
    select line, min(release_id) as release_id
    from (
        select release_id, line, list((is_total, then_key) order by is_total, then_key) as members
        from member
        group by release_id, line
        having bool_or(is_of_then)
    )
    group by line, members
)

select line_key, line_key as line_order, cell_key, is_total from {lines}
union all
select line || ' in ' || release_id as line_key, line_key, then_key, is_total
from member
semi join told_once using (release_id, line);

create or replace temp table places_cell_then as
select cell_key, cell_count, people_count, is_fixed, is_shown, cell_order from {cells}
union all
select then_key, any_value(earlier_count), any_value(earlier_count), bool_or(was_told), false, then_key
from places_version
where then_key <> cell_key
group by then_key;

create or replace temp table places_history_then (
    cell_key varchar, is_held_back boolean, is_told boolean, was_suppressed boolean
);

insert into places_history_then
select cell_key, is_held_back and was_suppressed, is_told, was_suppressed from places_history
union all
select cell_key, is_held_back, is_told, was_suppressed from {withheld}
union all
select then_key, false, bool_or(was_told), bool_or(was_suppressed)
from places_version
where then_key <> cell_key
group by then_key;
"""


@dataclass(frozen=True)
class PageCounts:
    """Counts of a page and the sums they stand in: relations as `disclosure.suppress` reads them, under a name that is the same in
    every release, and of one authority and day where they are of such."""

    name: str
    cells: str
    lines: str
    la_code: str | None = None
    day: date | None = None

    @property
    def about(self) -> dict[str, object]:
        """By what earlier releases are asked for them."""
        return {"network": self.name, "la_code": self.la_code, "day": self.day}


def earlier_files(settings: Settings) -> dict[str, Path]:
    """What the releases that people have read kept behind their places pages, by release, as far as these are in the store."""
    files = {one.release_id: settings.releases_dir / one.release_id / PLACES_COUNTS for one in read_releases(settings)}
    return {release_id: path for release_id, path in files.items() if path.is_file()}


def keep_counts(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write what `remember` noted, a row a count: network, la_code, day, cell_key, cell_count, is_shown, is_suppressed, and the
    sums it is part of and the total of. The file has counts that are suppressed: it is for `restricted/`."""
    connection.execute(_COLUMNS)
    connection.execute(
        f"copy (from places_counts order by network, cell_key) to {literal(str(path))} (format parquet, compression zstd)"
    )
    connection.execute("drop table places_counts")


def recall(connection: duckdb.DuckDBPyConnection, files: Mapping[str, Path], page: PageCounts) -> None:
    """Read what earlier releases kept of a page's counts into `places_earlier`."""
    kept = " union all ".join(
        f"select {literal(release_id)} as release_id, * from read_parquet({literal(str(path))})"
        for release_id, path in files.items()
    )
    connection.execute(_COLUMNS)
    connection.execute(f"delete from places_counts where {_ABOUT}", page.about)
    connection.execute(
        f"""
        create or replace temp table places_earlier as
        select
            release_id,
            cell_key,
            cell_count as earlier_count,
            is_shown and not is_suppressed as was_shown,
            was_shown as was_told,
            is_suppressed as was_suppressed,
            sums,
            totals
        from ({kept or "select null::varchar as release_id, * from places_counts limit 0"})
        where {_ABOUT}
        """,
        page.about,
    )
    connection.execute(
        """
        create or replace temp table places_history (
            cell_key varchar, is_held_back boolean, is_told boolean, was_suppressed boolean
        )
        """
    )


def hold_back(connection: duckdb.DuckDBPyConnection, parameters: Parameters, page: PageCounts) -> None:
    """Say in `places_history` (cell_key, is_held_back, is_told, was_suppressed) what the counts are beside earlier ones.

    Args:
        connection: sees the relations, after `recall`.
        parameters: of the audience.
        page: the counts; fixed are those that the open tables tell.

    Makes `places_known` (cell_key, is_known: whether the open tables tell it, or counts it follows from). Such a count is not held
    back, for that would protect nobody.
    """
    given = suppress(connection, parameters, cells=page.cells, lines=page.lines, attacked=False).cells
    compare(
        connection,
        parameters,
        cells=page.cells,
        earlier="places_earlier",
        difference="places_difference",
        history="places_compared",
        held_below=_HOWEVER_LARGE,
        is_temporary=True,
    )
    connection.register("places_given", given)
    try:
        connection.execute(
            """
            create or replace temp table places_known as select cell_key, is_known from places_given;

            insert into places_history
            select
                cell_key,
                (compared.is_held_back or compared.was_suppressed) and not known.is_known as is_held_back,
                compared.is_told,
                compared.was_suppressed
            from places_compared as compared
            inner join places_known as known using (cell_key)  -- exactly one
            """
        )
    finally:
        connection.unregister("places_given")


def protect(
    connection: duckdb.DuckDBPyConnection,
    parameters: Parameters,
    page: PageCounts,
    *,
    told: str,
    guessed: str = "false",
) -> set[str]:
    """Suppress what must not be shown alone, beside earlier releases or the open tables, and attack what is left.

    Args:
        connection: sees the relations, after `hold_back`.
        parameters: of the audience.
        page: the counts.
        told: what the open tables say of the cells: cell_key, told (null where they withhold it), and is_held_back, is_told,
            was_suppressed as the history of `disclosure.suppress` has them.
        guessed: SQL condition on `cell` for counts that a reader of earlier releases is taken to know besides.

    Returns: the hidden cells that can be worked out or were not tested, and do not follow from the open tables.

    Makes `places_pattern` (cell_key, kind), and `places_cell_then`, `places_line_then` and `places_history_then`: the same with the
    counts and sums of earlier releases.
    """
    pattern = _suppress_beside_earlier(connection, parameters, cells=page.cells, lines=page.lines, withheld=told)
    connection.register("places_found", pattern.cells)
    connection.register("places_unprotected", pattern.unprotected)
    try:
        connection.execute("create or replace temp table places_pattern as select cell_key, kind from places_found")
        given_away = connection.execute(
            f"""
            select distinct cell_key
            from places_unprotected
            inner join {page.lines} using (line_key)
            inner join places_pattern as pattern using (cell_key)
            inner join places_known as known using (cell_key)
            where pattern.kind is not null and not known.is_known
            """
        ).fetchall()
    finally:
        connection.unregister("places_found")
        connection.unregister("places_unprotected")
    return {cell_key for (cell_key,) in given_away}.union(
        _worked_out(connection, parameters, cells=page.cells, lines=page.lines, told=told, history=told, given=None),
        _worked_out(
            connection,
            parameters,
            cells="places_cell_then",
            lines="places_line_then",
            told=told,
            history="places_history_then",
            given=guessed,
        ),
    )


def _worked_out(
    connection: duckdb.DuckDBPyConnection,
    parameters: Parameters,
    *,
    cells: str,
    lines: str,
    told: str,
    history: str,
    given: str | None,
) -> set[str]:
    """Hidden counts that a reader can work out, and that what is known anyway does not tell.

    The reader has the page and the open tables; where `given` is a condition also the earlier pages, and guesses which counts have
    not changed since. What this reader learns of counts that are not few and moved is what the guess and the open tables give.
    """
    from orchestration.privacy.attack import attack  # the solver takes long to load

    is_beside_earlier = given is not None
    connection.execute(
        f"""
        create or replace temp table places_attacked as
        with history as (
            select cell_key, bool_or(is_told) as is_told, bool_or(was_suppressed) as was_suppressed from {history} group by cell_key
        )

        select
            cell.cell_key,
            cell.cell_count,
            coalesce(told.told = cell.cell_count, false)
            or cell.is_shown and cell.cell_count = 0 and not $zero_is_disclosive
            or $is_beside_earlier and (coalesce(history.is_told, false) or {given or "false"}) as is_given,
            is_given or cell.is_shown and pattern.kind is null as is_seen,
            -- Of a kind nothing of which is shown, a suppressed count may be nought.
            (cell.cell_count > 0 and (pattern.kind is not null or coalesce(history.was_suppressed, false)))::bigint as least,
            if(cell.cell_count < $threshold or coalesce(history.was_suppressed, false), least, 0) as given_least,
            pattern.kind is not null and not ($is_beside_earlier and moved.cell_key is not null)
            or cell.cell_count between 1 and $threshold - 1 and (pattern.kind is not null or not is_given) as is_at_stake,
            cell.cell_order
        from {cells} as cell
        left join places_pattern as pattern using (cell_key)
        left join {told} as told using (cell_key)
        left join history using (cell_key)
        left join places_difference as moved using (cell_key)
        """,
        {
            "threshold": parameters.threshold,
            "zero_is_disclosive": parameters.zero_is_disclosive,
            "is_beside_earlier": is_beside_earlier,
        },
    )
    found = attack(connection, cells="places_attacked", lines=lines, exact=False)
    return {one["cell_key"] for one in found.to_pylist() if one["outcome"] not in ("kept", "given")}


def _suppress_beside_earlier(
    connection: duckdb.DuckDBPyConnection, parameters: Parameters, *, cells: str, lines: str, withheld: str
) -> Pattern:
    connection.execute(_THEN.format(cells=cells, lines=lines, withheld=withheld))
    # First what hides few children from whoever knows the counts told before, then what hides the counts that moved.
    beside = suppress(
        connection, parameters, cells="places_cell_then", lines="places_line_then", history="places_history_then"
    )
    if not connection.execute("select 1 from places_earlier limit 1").fetchall():
        return beside
    connection.register("places_beside", beside.cells)
    try:
        connection.execute(
            """
            create or replace temp table places_hidden as
            select cell_key, true as is_held_back, false as is_told, false as was_suppressed
            from (
                select cell_key from places_beside where kind is not null
                union
                select cell_key from places_history where is_held_back
            )
            """
        )
    finally:
        connection.unregister("places_beside")
    return suppress(connection, parameters, cells=cells, lines=lines, history="places_hidden")


def remember(connection: duckdb.DuckDBPyConnection, page: PageCounts) -> None:
    """Note the counts, what `places_pattern` suppresses of them and the sums they stand in for `keep_counts`."""
    connection.execute(
        f"""
        insert into places_counts by name
        select
            $network as network,
            $la_code as la_code,
            $day as day,
            cell.cell_key,
            cell.cell_count,
            cell.is_shown,
            pattern.kind is not null as is_suppressed,
            coalesce(list(line.line_key order by line.line_key) filter (where not line.is_total), []) as sums,
            coalesce(list(line.line_key order by line.line_key) filter (where line.is_total), []) as totals
        from {page.cells} as cell
        inner join places_pattern as pattern using (cell_key)
        left join {page.lines} as line using (cell_key)
        group by all
        """,
        page.about,
    )
