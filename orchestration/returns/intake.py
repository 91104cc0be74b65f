"""What was gathered is read into the workspace: rows of a landed table as they are, records typed by the spec of their
period."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import duckdb
import pyarrow as pa

from orchestration.returns.calculate import calculate
from orchestration.returns.conform import (
    UNIT_RECORDS,
    Header,
    conform,
    copy_from_siblings,
    create_raw_tables,
    drop_raw_tables,
    find_unusable,
    forget_records,
    headers_received,
    in_raw_tables,
    name_submissions,
)
from orchestration.returns.delivered import FileRefused
from orchestration.returns.gather import Group, Unit
from orchestration.returns.headers import (
    dated_headers,
    has_header,
    period_in_name,
    require_named_so,
    senders_of,
    submissions_of,
)
from orchestration.returns.readers.flat_csv import UnreadableRow
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.readers.records import RecordsRead
from orchestration.returns.recognise import PARSING_ERRORS, read_recognised, read_records, unreadable_file
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.stream import WaitingRecords, taking
from orchestration.returns.submission import submission_id_of
from orchestration.returns.workspace import insert_arrow

UNREADABLE_ROW = "FILE-013"


@dataclass(frozen=True)
class ReadSubmission:
    """A submission whose rows are in the workspace, and what is known of it before it is judged.

    `rows` counts by table the rows read, those that could not be split among them; `files` are the data files with their
    digests, `kind` the kind of file of the return that they are, `sheets` the sheet of a workbook that each table stands on.
    """

    submission_id: str
    source_file: str
    sha256: str
    supplier: str
    period: str
    sequence: str
    rows: dict[str, int]
    files: dict[str, str]
    kind: str
    sheets: dict[str, str] = field(default_factory=dict)


Outcome = list[ReadSubmission] | FileRefused
"""What came of a unit: its submissions, none where all were read before, or why it is refused."""


def read_all(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    groups: list[Group],
    la_code: str,
    seen: Collection[str],
    again: Collection[str],
) -> Iterator[tuple[int, Unit, Outcome]]:
    """Read what becomes submissions, and name it.

    Args:
        connection: an open workspace of the return.
        spec: the return.
        groups: what to read: sets that are complete.
        la_code: the authority of files that do not name theirs.
        seen: submissions that are not read again.
        again: of these, those that are read and judged anew, as other submissions.

    Yields: the number of a unit's group, the unit, and what came of it: nothing if it is one of `seen` or the same as one
        before.
    """
    started = set(seen)
    records: list[tuple[int, Unit]] = []
    for number, group in enumerate(groups):
        for unit in group.units:
            if isinstance(unit.found, str):
                try:
                    found = _read(connection, spec, unit, unit.found, started, again)
                except FileRefused as refused:
                    yield number, unit, refused
                except PARSING_ERRORS as error:
                    yield number, unit, unreadable_file(unit.source_file, error)
                else:
                    started.add(unit.submission_id)
                    yield number, unit, found
                continue
            # Without a header the name says which return it is; a header is part of the bytes.
            named = "" if has_header(unit.found, spec) else period_in_name(spec, unit) or ""
            unit.submission_id = submission_id_of(spec, unit.sha256, named)
            while unit.submission_id in again:
                unit.submission_id = submission_id_of(spec, unit.submission_id, named)
            if unit.submission_id in started:
                yield number, unit, []
                continue
            started.add(unit.submission_id)
            records.append((number, unit))
    if records:
        outcomes = read_together(connection, spec, [unit for _, unit in records], la_code, seen)
        for (number, unit), outcome in zip(records, outcomes, strict=True):
            yield number, unit, outcome


def _read(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    unit: Unit,
    found: str,
    seen: Collection[str],
    again: Collection[str],
) -> list[ReadSubmission]:
    """Read a file whose rows are those of a landed table; nothing when it is one of `seen`."""
    [file] = unit.files
    read = read_recognised(file, spec, unit.kind, found)
    unit.submission_id = submission_id_of(spec, unit.sha256, read.period)
    while unit.submission_id in again:
        unit.submission_id = submission_id_of(spec, unit.submission_id, read.period)
    return [] if unit.submission_id in seen else [_insert(connection, spec, unit, read)]


def _insert(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: Unit, read: ReadFile) -> ReadSubmission:
    rows = read.rows
    wanted = spec.tables[read.table].columns
    known = rows.select([name for name in rows.column_names if name in wanted])
    for name, value in (("submission_id", unit.submission_id), ("source_file", unit.source_file)):
        known = known.append_column(name, pa.array([value] * rows.num_rows, pa.string()))
    with _transaction(connection):
        insert_arrow(connection, read.table, known)
        counted = _TableRead(
            unit.submission_id, read.table, read.period, read.rows_read, read.duplicate_columns, read.unknown_columns
        )
        _register_tables(connection, spec, unit, read.file_period, [counted])
        _keep_unreadable(
            connection, unit.submission_id, read.table, [(unit.source_file, row) for row in read.unreadable]
        )
    return ReadSubmission(
        unit.submission_id,
        unit.source_file,
        unit.sha256,
        read.supplier,
        read.period,
        read.sequence,
        {read.table: read.rows_read},
        {unit.source_file: unit.sha256},
        unit.kind,
    )


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All rows of a file or none: one that breaks its reader half-way leaves nothing behind."""
    connection.begin()
    try:
        yield
    except (FileRefused, *PARSING_ERRORS):
        connection.rollback()
        raise
    connection.commit()


class _TableRead(NamedTuple):
    """A table of a submission and how many rows of it were read."""

    submission_id: str
    table_name: str
    period: str
    row_count: int
    duplicate_columns: list[str]
    unknown_columns: list[str]


def _register_tables(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    unit: Unit,
    file_period: str | None,
    tables: list[_TableRead],
) -> None:
    names = pa.list_(pa.string())
    types = {"row_count": pa.int64(), "duplicate_columns": names, "unknown_columns": names}
    rows = pa.table(
        {
            name: pa.array([getattr(table, name) for table in tables], types.get(name, pa.string()))
            for name in _TableRead._fields
        }
    )
    shared = {
        "return_id": spec.return_id,
        "source_file": unit.source_file,
        "sha256": unit.sha256,
        "file_period": file_period,
    }
    for name, value in shared.items():
        rows = rows.append_column(name, pa.array([value] * len(tables), pa.string()))
    insert_arrow(connection, "submission_file", rows)


def _keep_unreadable(
    connection: duckdb.DuckDBPyConnection, submission_id: str, table: str, unreadable: list[tuple[str, UnreadableRow]]
) -> None:
    if unreadable:
        connection.executemany(
            "insert into unreadable_row values (?, ?, ?, ?, ?, ?)",
            [
                [submission_id, source_file, row.source_row, table, UNREADABLE_ROW, row.row_text]
                for source_file, row in unreadable
            ],
        )


@dataclass
class _Received:
    """The records of a unit as received: the number theirs come after, what its reader could not place, and its headers."""

    unit: Unit
    after: int
    result: RecordsRead
    headers: list[Header] = field(default_factory=list)


def read_together(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    units: list[Unit],
    la_code: str,
    seen: Collection[str],
    first: int = 0,
) -> list[Outcome]:
    """Read the records of units, type them by the spec of their period, and tell whose and of when they are.

    What can break is one file's fault alone: where typing breaks, each unit is read by itself. The records of the units are
    numbered apart from `first` on.

    Returns: what came of each unit, in their order.
    """
    create_raw_tables(connection, spec)
    try:
        with _transaction(connection):
            waiting = WaitingRecords(connection)
            received = [_receive(connection, spec, unit, number, waiting) for number, unit in enumerate(units, first)]
            waiting.insert()
            received = _with_headers(connection, spec, received, la_code)
            typed = iter(_typed(connection, spec, [one for one in received if isinstance(one, _Received)], seen))
        return [one if isinstance(one, FileRefused) else next(typed) for one in received]
    except PARSING_ERRORS as error:
        if len(units) == 1:
            return [unreadable_file(units[0].source_file, error)]
    finally:
        drop_raw_tables(connection, spec)
    return [
        outcome
        for number, unit in enumerate(units, first)
        for outcome in read_together(connection, spec, [unit], la_code, seen, number)
    ]


def _receive(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: Unit, number: int, waiting: WaitingRecords
) -> _Received | FileRefused:
    """Take the records of a unit, numbered apart from those of others; one that is refused leaves none behind."""
    assert isinstance(unit.found, list)
    after = number * UNIT_RECORDS
    try:
        with taking(connection, spec, unit, after, waiting) as keep:
            result = read_records(list(zip(unit.files, unit.found, strict=True)), spec, unit.kind, keep)
        return _Received(unit, after, result)
    except duckdb.Error:  # the transaction, with the records of other units, cannot be saved
        raise
    except FileRefused as refused:
        outcome = refused
    except PARSING_ERRORS as error:
        outcome = unreadable_file(unit.source_file, error)
    waiting.insert()
    _forget(connection, spec, unit, after)
    return outcome


def _with_headers(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, received: list[_Received | FileRefused], la_code: str
) -> list[_Received | FileRefused]:
    """Units with their headers; one whose headers do not say of when it is leaves nothing behind."""
    of_after: dict[int, list[Header]] = {}
    for header in headers_received(connection, spec):
        of_after.setdefault((header.record - 1) // UNIT_RECORDS * UNIT_RECORDS, []).append(header)
    outcomes: list[_Received | FileRefused] = []
    for one in received:
        if isinstance(one, FileRefused):
            outcomes.append(one)
            continue
        try:
            own = of_after.get(one.after, [])
            one.headers = dated_headers(connection, spec, one.unit, one.after, own, la_code)
            outcomes.append(one)
        except FileRefused as refused:
            _forget(connection, spec, one.unit, one.after)
            outcomes.append(refused)
    return outcomes


def _forget(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: Unit, after: int) -> None:
    forget_records(connection, spec, after)
    _forget_submissions(connection, spec, [unit.submission_id])


def _forget_submissions(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, submission_ids: Collection[str]
) -> None:
    for name in [*spec.tables, "unusable_row", "unknown_text", "calculated_cell"]:
        connection.execute(f'delete from "{name}" where submission_id in (select unnest(?))', [list(submission_ids)])


def _typed(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, received: list[_Received], seen: Collection[str]
) -> list[Outcome]:
    """Type the records that wait, all units of periods that are collected alike together, and say what became of each unit."""
    of_unit = [submissions_of(one.unit, one.headers, seen) for one in received]
    name_submissions(
        connection,
        [
            (header.record, submission_id, str(header.period))
            for of_header in of_unit
            for submission_id, header in of_header.items()
        ],
    )
    waiting = in_raw_tables(connection, spec)
    of_when = {str(header.period) for of_header in of_unit for header in of_header.values()}
    for periods in spec.collected_alike(of_when):
        conform(connection, spec, periods, waiting)
        copy_from_siblings(connection, spec, periods)
        calculate(connection, spec)
        find_unusable(connection, spec, periods)
    for one, of_header in zip(received, of_unit, strict=True):
        _count_what_is_left(connection, spec, one.unit, of_header)
    unknown = _unknown_names(connection)
    rows_read = _rows_read(connection, spec)
    senders = senders_of(connection, spec)
    outcomes: list[Outcome] = []
    for one, of_header in zip(received, of_unit, strict=True):
        try:
            require_named_so(spec, one.unit, of_header, senders)
        except FileRefused as refused:
            _forget_submissions(connection, spec, of_header)
            outcomes.append(refused)
            continue
        _keep_unknown(connection, of_header, one.result)
        assert isinstance(one.unit.found, list)
        sheets = {spec.sources[source][0]: sheet for held in one.unit.found for source, sheet in held.sheets.items()}
        rows = _register_records(connection, spec, one, of_header, rows_read, unknown)
        outcomes.append(
            [
                ReadSubmission(
                    submission_id,
                    one.unit.source_file,
                    one.unit.sha256,
                    senders[submission_id][0],
                    str(header.period),
                    senders[submission_id][1],
                    rows[submission_id],
                    {file.source_file: file.sha256 for file in one.unit.files},
                    one.unit.kind,
                    sheets,
                )
                for submission_id, header in of_header.items()
            ]
        )
    return outcomes


def _count_what_is_left(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: Unit, of_header: Collection[str]
) -> None:
    """Take rows that were taken out of the files since they came from what their header says there are."""
    assert spec.submission is not None
    counts = {
        column.counts_rows_of: name
        for name, column in spec.tables[spec.submission.header].columns.items()
        if column.counts_rows_of is not None
    }
    for file in unit.files:
        for table, rows in file.rows_cut.items():
            if table in counts:
                connection.execute(
                    f'update "{spec.submission.header}" set "{counts[table]}" = "{counts[table]}" - ?'
                    " where submission_id in (select unnest(?))",
                    [rows, list(of_header)],
                )


def _keep_unknown(connection: duckdb.DuckDBPyConnection, of_header: Collection[str], result: RecordsRead) -> None:
    """Keep what stood under names that the return does not have."""
    for texts in result.unknown_texts:
        if texts.num_rows:
            [table] = set(texts.column("table_name").to_pylist())
            connection.register("unknown_rows", texts)
            connection.execute(
                f"""
                insert into unknown_text by name
                select own.submission_id, unknown_rows.*
                from unknown_rows
                inner join "{table}" as own using (source_file, source_row)
                where own.submission_id in (select unnest(?))
                """,
                [list(of_header)],
            )
            connection.unregister("unknown_rows")


def _rows_read(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> dict[tuple[str, str], int]:
    """Typed rows by table and submission, of the submissions being read."""
    return {
        (name, submission_id): int(count)
        for name in spec.tables
        for submission_id, count in connection.execute(
            f'select submission_id, count(*) from "{name}"'
            " where submission_id in (select submission_id from root_submission) group by all"
        ).fetchall()
    }


def _unknown_names(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """The names of which `unknown_text` holds texts, by submission being read."""
    found: dict[str, set[str]] = {}
    for submission_id, name in connection.execute(
        "select distinct submission_id, column_name from unknown_text"
        " where submission_id in (select submission_id from root_submission)"
    ).fetchall():
        found.setdefault(submission_id, set()).add(name)
    return found


def _register_records(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    received: _Received,
    of_header: dict[str, Header],
    rows_read: dict[tuple[str, str], int],
    unknown: dict[str, set[str]],
) -> dict[str, dict[str, int]]:
    """Register every table of each submission, and the rows that cannot be split, which count as the first one's.

    Returns: rows read by submission and table.
    """
    assert spec.submission is not None
    unit, result = received.unit, received.result
    first = next(iter(of_header), "")
    rows: dict[str, dict[str, int]] = {submission_id: {} for submission_id in of_header}
    tables = []
    for submission_id, header in of_header.items():
        for name in spec.tables:
            unreadable = result.unreadable.get(name, []) if submission_id == first else []
            count = rows_read.get((name, submission_id), 0) + len(unreadable)
            rows[submission_id][name] = count
            said = (
                sorted(result.unknown_columns | unknown.get(submission_id, set()))
                if name == spec.submission.header
                else []
            )
            tables.append(_TableRead(submission_id, name, str(header.period), count, [], said))
            _keep_unreadable(connection, submission_id, name, unreadable)
    _register_tables(connection, spec, unit, period_in_name(spec, unit), tables)
    return rows
