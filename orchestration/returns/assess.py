"""Read and judge data files in memory, writing nothing: what `cornerstone check` shows and what landing then commits."""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from expectations.catalogue import Catalogue, Rule
from expectations.data_docs import QualityStore
from expectations.landing import LandingFailure, evaluate_landing, verdicts
from orchestration.returns.calculate import calculate
from orchestration.returns.conform import (
    UNIT_RECORDS,
    Header,
    batch_in_view,
    complete_headers,
    conform,
    copy_from_siblings,
    create_raw_tables,
    drop_raw_tables,
    find_unusable,
    forget_records,
    headers_received,
    in_raw_tables,
    name_submissions,
    of_unit,
)
from orchestration.returns.delivered import DataFile, DeliveredFile, FileRefused, open_delivered
from orchestration.returns.earlier import accepted_before, add_judged, judged_again, pair_with_earlier
from orchestration.returns.places import said_places
from orchestration.returns.readers.flat_csv import UnreadableRow
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.readers.records import Batch, HeldRecords, Keep, RecordsRead, without_blanks
from orchestration.returns.recognise import PARSING_ERRORS, read_recognised, read_records, recognise_data_file
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import UNKNOWN_PERIOD, People, Submission, TableRows, current_submissions
from orchestration.returns.workspace import insert_arrow

log = logging.getLogger("cornerstone.landing")

UNREADABLE_ROW = "FILE-013"
UNREADABLE_FILE = "FILE-014"
UNLINKED_ROW = "RF-008"
UNTYPABLE_ROW = "RF-009"
PARENT_QUARANTINED = "RF-010"
_ID_LENGTH = 20
_TYPED_AT_ONCE = 20_000  # records of one file that are worth typing by themselves
_BATCHES_AHEAD = 1  # batches of records that may wait to be taken: bounds memory
_DATE_IN_NAME = re.compile(r"\d{1,2}[-_. ]\d{1,2}[-_. ]\d{4}|\d{4}[-_. ]\d{1,2}[-_. ]\d{1,2}|\d{8,}")
_YEAR_IN_NAME = re.compile(r"(?<!\d)20\d{2}(?!\d)")


@dataclass(frozen=True)
class Assessed:
    """A data file, or a set of them, read and judged: what its submission will say.

    `files` are the data files with their digests, `kind` the kind of file of the return that they are, `sheets` the sheet
    of a workbook that each table stands on. Failing places hold no value of a row. `not_judged` gives, by rule, why a rule
    could not be judged: that is neither a pass nor a failure.
    """

    submission_id: str
    source_file: str
    sha256: str
    tables: dict[str, TableRows]
    supplier: str
    period: str
    sequence: str
    status: Literal["accepted", "refused"]
    reason: str | None
    failures: list[LandingFailure] = field(default_factory=list)
    rule_ids: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    kind: str = ""
    sheets: dict[str, str] = field(default_factory=dict)
    not_judged: dict[str, str] = field(default_factory=dict)
    people: People | None = None
    is_draft: bool = False

    @property
    def rows_read(self) -> int:
        """Rows in the file, of all tables."""
        return sum(rows.rows_read for rows in self.tables.values())

    @property
    def rows_quarantined(self) -> int:
        """Rows set aside, of all tables."""
        return sum(rows.rows_quarantined for rows in self.tables.values())

    @property
    def failures_by_rule(self) -> dict[str, int]:
        """Failing rows by rule; a rule the reader raised counts once."""
        counts = Counter(failure.rule_id for failure in self.failures)
        counts.update(rule_id for rule_id in self.rule_ids if rule_id not in counts)
        return dict(sorted(counts.items()))


@dataclass(frozen=True)
class AssessedDelivery:
    """Files received together, what their data files are, and the data files whose bytes were dealt with before."""

    delivered: list[DeliveredFile]
    assessed: list[Assessed]
    known: list[str]


@dataclass(frozen=True)
class Incomplete:
    """Files received that belong to a set whose other files have not come: what the set is called, and what it lacks."""

    name: str
    delivered: list[DeliveredFile]
    missing: list[str]


@dataclass(frozen=True)
class Assessment:
    """Every delivered file is in a delivery or in an incomplete set."""

    deliveries: list[AssessedDelivery]
    incomplete: list[Incomplete]


def submission_id_of(spec: ReturnSpec, sha256: str, period: str) -> str:
    """The same bytes read by the same spec as the same period are one submission, in whatever archive they came."""
    return hashlib.sha256(f"{spec.return_id}|{spec.spec_version}|{sha256}|{period}".encode()).hexdigest()[:_ID_LENGTH]


@dataclass
class _Unit:
    """What becomes one submission: a data file, or the files of a set."""

    kind: str
    found: str | list[HeldRecords]
    files: list[DataFile]
    set_name: str | None = None
    submission_id: str = ""

    @property
    def sha256(self) -> str:
        """The digest of what is read: the file's own, or that of its set's digests whatever their order."""
        digests = sorted(file.sha256 for file in self.files)
        return digests[0] if len(digests) == 1 else hashlib.sha256("|".join(digests).encode()).hexdigest()

    @property
    def source_file(self) -> str:
        if len(self.files) == 1:
            return self.files[0].source_file
        return f"{self.files[0].source_file} and {len(self.files) - 1} more"


@dataclass
class _Group:
    """Delivered files that share a submission, so that they are dealt with together."""

    delivered: list[DeliveredFile]
    units: list[_Unit] = field(default_factory=list)
    refused: list[Assessed] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Read:
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


_Outcome = list[_Read] | FileRefused


def assess(
    connection: duckdb.DuckDBPyConnection,
    files: Iterable[DeliveredFile],
    spec: ReturnSpec,
    catalogue: Catalogue,
    known_ids: Collection[str],
    la_code: str,
    la_ons_code: str,
    people: People | None,
    docs: QualityStore | None,
    before: Sequence[Submission] = (),
) -> Assessment:
    """Read delivered files into the workspace and judge them together.

    Args:
        connection: an open workspace of the return, with the landed returns that its rules compare with attached;
            afterwards it holds the rows read and a table `landing_failure`.
        files: what was delivered, in the order of receipt.
        spec: what the return is.
        catalogue: the rules.
        known_ids: submissions committed before; their data files are not read again.
        la_code: the authority of the installation: of files that do not name theirs, and what rules compare others with.
        la_ons_code: its ONS code, by which returns say where a child lives.
        people: whose rows the store holds; files of the other kind are refused. None while it holds nobody's.
        docs: where the validation result is kept; None keeps nothing.
        before: every submission of the return, in the order received: what new ones are compared with.
    """
    connection.execute(
        "insert into setting values ('la_code', ?), ('la_ons_code', ?), ('people', ?)", [la_code, la_ons_code, people]
    )
    groups = _grouped(files, spec)
    complete = [group for group in groups if not group.missing]
    seen = set(known_ids)
    again = {one.submission_id for one in judged_again(before, catalogue.about_earlier(spec.return_id))}
    reads: dict[int, list[_Read]] = {number: [] for number in range(len(complete))}
    for number, unit, outcome in _read_all(connection, spec, complete, la_code, seen, again):
        if isinstance(outcome, FileRefused):
            complete[number].refused.append(_refused(spec, unit.sha256, unit.source_file, outcome))
        elif not outcome:
            complete[number].known.append(unit.source_file)
        else:
            rows = sum(sum(read.rows.values()) for read in outcome)
            log.info("read %s: %s rows", unit.source_file, f"{rows:,}")
            reads[number] += outcome
    for group in complete:
        # Refused before in the same words, by a run that was killed or of a file sent again.
        group.known += [one.source_file for one in group.refused if one.submission_id in seen]
        group.refused = [one for one in group.refused if one.submission_id not in seen]
        seen |= {one.submission_id for one in group.refused}
    everything = [read for of_group in reads.values() for read in of_group]
    judged = _judge(connection, everything, spec, catalogue, people, docs, before) if everything else {}
    return Assessment(
        [
            AssessedDelivery(
                group.delivered, [judged[read.submission_id] for read in reads[number]] + group.refused, group.known
            )
            for number, group in enumerate(complete)
        ],
        [
            Incomplete(next((unit.set_name or "" for unit in group.units), ""), group.delivered, group.missing)
            for group in groups
            if group.missing
        ],
    )


def _open(delivered: DeliveredFile) -> list[DataFile | FileRefused]:
    try:
        return open_delivered(delivered)
    except FileRefused as refused:
        return [refused]


def _grouped(files: Iterable[DeliveredFile], spec: ReturnSpec) -> list[_Group]:
    """Open and recognise delivered files; those that hold parts of one set come together."""
    groups: list[_Group] = []
    of_set: dict[tuple[str, str], _Group] = {}
    for delivered in files:
        group = _Group([delivered])
        groups.append(group)
        for item in _open(delivered):
            if isinstance(item, FileRefused):
                group.refused.append(_refused(spec, delivered.sha256, delivered.name, item))
                continue
            try:
                kind, found = recognise_data_file(item, spec)
            except FileRefused as refused:
                group.refused.append(_refused(spec, delivered.sha256, item.source_file, refused))
                continue
            except PARSING_ERRORS as error:
                unreadable = _unreadable(item.source_file, error)
                group.refused.append(_refused(spec, delivered.sha256, item.source_file, unreadable))
                continue
            if isinstance(found, str):
                group.units.append(_Unit(kind, found, [item]))
            elif found.set_name is None:
                group.units.append(_Unit(kind, [found], [item]))
            else:
                set_key = (kind, found.set_name)
                if set_key in of_set and of_set[set_key] is not group:
                    groups.remove(group)
                    group = _merged(of_set, of_set[set_key], group)
                of_set[set_key] = group
                _add_to_set(group, kind, found, item)
    for group in groups:
        for unit in group.units:
            if unit.set_name is not None:
                group.missing += _missing(spec, unit)
    return groups


def _missing(spec: ReturnSpec, unit: _Unit) -> list[str]:
    """What a set lacks of the tables that the periods it says it is of collect; that it says so comes first."""
    found = [one for one in unit.found if isinstance(one, HeldRecords)]
    held = {table for one in found for table in one.tables}
    periods = sorted({period for one in found for period in one.periods})
    of_period = [source for period in periods for source in spec.for_period(period).files[unit.kind].required]
    required = list(dict.fromkeys(of_period)) or spec.files[unit.kind].required
    if spec.terms and not periods:  # which tables there should be depends on the term
        required = [source for source in required if spec.sources[source][0] == spec.root_table]
    return [spec.sources[source][1].titles[0] for source in required if source not in held]


def _merged(of_set: dict[tuple[str, str], _Group], into: _Group, other: _Group) -> _Group:
    into.delivered += other.delivered
    into.units += other.units
    into.refused += other.refused
    for key, group in of_set.items():
        if group is other:
            of_set[key] = into
    return into


def _add_to_set(group: _Group, kind: str, found: HeldRecords, item: DataFile) -> None:
    unit = next((unit for unit in group.units if (unit.kind, unit.set_name) == (kind, found.set_name)), None)
    if unit is None:
        group.units.append(_Unit(kind, [found], [item], found.set_name))
        return
    assert isinstance(unit.found, list)
    # Of two files with the same table the later received counts.
    for position, held in enumerate(unit.found):
        if held.tables == found.tables:
            unit.found[position], unit.files[position] = found, item
            return
    unit.found.append(found)
    unit.files.append(item)


def _has_header(found: list[HeldRecords], spec: ReturnSpec) -> bool:
    headers = {source for source, (table, _) in spec.sources.items() if table == spec.root_table}
    return any(headers & set(held.tables) for held in found)


def _refused(spec: ReturnSpec, sha256: str, source_file: str, refused: FileRefused) -> Assessed:
    return Assessed(
        submission_id=submission_id_of(spec, f"{sha256}/{source_file}/{refused}", UNKNOWN_PERIOD),
        source_file=source_file,
        sha256=sha256,
        tables={},
        supplier="",
        period=UNKNOWN_PERIOD,
        sequence="",
        status="refused",
        reason=str(refused),
        rule_ids=(spec.reader_rules.get(refused.rule_id, refused.rule_id),),
        files={source_file: sha256},
    )


def _unreadable(source_file: str, error: Exception) -> FileRefused:
    # The kind of error and no more: its words can hold a value of the file.
    what = f"{source_file} cannot be read ({type(error).__name__}); save or download it again."
    return FileRefused(UNREADABLE_FILE, what)


def _read_all(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    groups: list[_Group],
    la_code: str,
    seen: Collection[str],
    again: Collection[str],
) -> Iterator[tuple[int, _Unit, _Outcome]]:
    """Read what becomes submissions; with each unit the number of its group, and what came of it, nothing if it is one of
    `seen` or the same as one before. Those of `again` were refused and are judged anew, as other submissions."""
    started = set(seen)
    records: list[tuple[int, _Unit]] = []
    for number, group in enumerate(groups):
        for unit in group.units:
            if isinstance(unit.found, str):
                try:
                    found = _read(connection, spec, unit, unit.found, started)
                except FileRefused as refused:
                    yield number, unit, refused
                except PARSING_ERRORS as error:
                    yield number, unit, _unreadable(unit.source_file, error)
                else:
                    started.add(unit.submission_id)
                    yield number, unit, found
                continue
            # Without a header the name says which return it is; a header is part of the bytes.
            named = "" if _has_header(unit.found, spec) else _period_in_name(spec, unit) or ""
            unit.submission_id = submission_id_of(spec, unit.sha256, named)
            while unit.submission_id in again:
                unit.submission_id = submission_id_of(spec, unit.submission_id, named)
            if unit.submission_id in started:
                yield number, unit, []
                continue
            started.add(unit.submission_id)
            records.append((number, unit))
    if records:
        outcomes = _read_together(connection, spec, [unit for _, unit in records], la_code, seen)
        for (number, unit), outcome in zip(records, outcomes, strict=True):
            yield number, unit, outcome


def _read(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: _Unit, found: str, seen: Collection[str]
) -> list[_Read]:
    """Read a file whose rows are those of a landed table; nothing when it is one of `seen`."""
    [file] = unit.files
    read = read_recognised(file, spec, unit.kind, found)
    unit.submission_id = submission_id_of(spec, unit.sha256, read.period)
    return [] if unit.submission_id in seen else [_insert(connection, spec, unit, read)]


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


def _insert(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: _Unit, read: ReadFile) -> _Read:
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
    return _Read(
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
    unit: _Unit,
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

    unit: _Unit
    after: int
    result: RecordsRead
    headers: list[Header] = field(default_factory=list)


def _read_together(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    units: list[_Unit],
    la_code: str,
    seen: Collection[str],
    first: int = 0,
) -> list[_Outcome]:
    """Read the records of units, type them by the spec of their period, and tell whose and of when they are.

    What can break is one file's fault alone: where typing breaks, each unit is read by itself.
    """
    create_raw_tables(connection, spec)
    try:
        with _transaction(connection):
            waiting = _Waiting(connection)
            received = [_receive(connection, spec, unit, number, waiting) for number, unit in enumerate(units, first)]
            waiting.insert()
            received = _with_headers(connection, spec, received, la_code)
            typed = iter(_typed(connection, spec, [one for one in received if isinstance(one, _Received)], seen))
        return [one if isinstance(one, FileRefused) else next(typed) for one in received]
    except PARSING_ERRORS as error:
        if len(units) == 1:
            return [_unreadable(units[0].source_file, error)]
    finally:
        drop_raw_tables(connection, spec)
    return [
        outcome
        for number, unit in enumerate(units, first)
        for outcome in _read_together(connection, spec, [unit], la_code, seen, number)
    ]


def _receive(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: _Unit, number: int, waiting: "_Waiting"
) -> _Received | FileRefused:
    """Take the records of a unit, numbered apart from those of others; one that is refused leaves none behind."""
    assert isinstance(unit.found, list)
    after = number * UNIT_RECORDS
    try:
        with _beside(_Arriving(connection, spec, unit, after, waiting).take) as keep:
            result = read_records(list(zip(unit.files, unit.found, strict=True)), spec, unit.kind, keep)
        return _Received(unit, after, result)
    except duckdb.Error:  # the transaction, with the records of other units, cannot be saved
        raise
    except FileRefused as refused:
        outcome = refused
    except PARSING_ERRORS as error:
        outcome = _unreadable(unit.source_file, error)
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
            one.headers = _headers(connection, spec, one, of_after.get(one.after, []), la_code)
            outcomes.append(one)
        except FileRefused as refused:
            _forget(connection, spec, one.unit, one.after)
            outcomes.append(refused)
    return outcomes


def _forget(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: _Unit, after: int) -> None:
    forget_records(connection, spec, after)
    _forget_submissions(connection, spec, [unit.submission_id])


def _typed(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, received: list[_Received], seen: Collection[str]
) -> list[_Outcome]:
    """Type the records that wait, all units of a period together, and say what became of each unit."""
    of_unit = [_submissions_of(one.unit, one.headers, seen) for one in received]
    name_submissions(
        connection,
        [
            (header.record, submission_id, str(header.period))
            for of_header in of_unit
            for submission_id, header in of_header.items()
        ],
    )
    waiting = in_raw_tables(connection, spec)
    for period in sorted({str(header.period) for of_header in of_unit for header in of_header.values()}):
        conform(connection, spec, period, waiting)
        copy_from_siblings(connection, spec, period)
        calculate(connection, spec)
        find_unusable(connection, spec, period)
    unknown = _unknown_names(connection)
    rows_read = _rows_read(connection, spec)
    senders = _senders(connection, spec)
    outcomes: list[_Outcome] = []
    for one, of_header in zip(received, of_unit, strict=True):
        try:
            _require_named_so(spec, one.unit, of_header, senders)
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
                _Read(
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


def _submissions_of(unit: _Unit, headers: list[Header], seen: Collection[str]) -> dict[str, Header]:
    """The submissions that headers make, without those of `seen`, in the order in which they are to be committed."""
    ids = [
        hashlib.sha256(f"{unit.submission_id}|{header.record}".encode()).hexdigest()[:_ID_LENGTH]
        for header in headers[:-1]
    ]
    named = dict(zip([*ids, unit.submission_id], headers, strict=True))
    return {submission_id: header for submission_id, header in named.items() if submission_id not in seen}


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


def _forget_submissions(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, submission_ids: Collection[str]
) -> None:
    for name in [*spec.tables, "unusable_row", "unknown_text", "calculated_cell"]:
        connection.execute(f'delete from "{name}" where submission_id in (select unnest(?))', [list(submission_ids)])


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
    _register_tables(connection, spec, unit, _period_in_name(spec, unit), tables)
    return rows


@contextmanager
def _beside(take: Keep) -> Iterator[Keep]:
    """Take batches while the next are read: DuckDB works beside Python, a batch behind it."""
    with ThreadPoolExecutor(max_workers=1) as worker:
        waiting: list[Future[None]] = []

        def keep(batch: Batch) -> None:
            while len(waiting) > _BATCHES_AHEAD:
                waiting.pop(0).result()
            waiting.append(worker.submit(take, batch))

        yield keep
        for taken in waiting:
            taken.result()


class _Waiting:
    """Records that wait in tables of text to be typed with those of other units; small batches go there together."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._rows: dict[str, list[pa.Table]] = {}
        self._count = 0

    def add(self, batch: Batch) -> None:
        """Let a batch wait."""
        for name, rows in batch.items():
            self._rows.setdefault(name, []).append(rows)
            self._count += rows.num_rows
        if self._count >= _TYPED_AT_ONCE:
            self.insert()

    def insert(self) -> None:
        """Put into the tables what is not in them yet."""
        for name, rows in self._rows.items():
            together = without_blanks(pa.concat_tables(rows, promote_options="default"))
            insert_arrow(self._connection, f"raw_{name}", together)
        self._rows.clear()
        self._count = 0


class _Arriving:
    """Takes batches of the records of a unit, whose numbers come after `after`.

    Small batches wait. Many records at a time are typed as they come instead, where the one header that a file of the kind
    has came first, which says of when they are. Headers always wait.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        spec: ReturnSpec,
        unit: _Unit,
        after: int,
        waiting: _Waiting,
    ) -> None:
        self._connection, self._spec, self._unit, self._after = connection, spec, unit, after
        self._waiting = waiting
        self._period: str | None = None

    def take(self, batch: Batch) -> None:
        """Type a batch, or let it wait."""
        assert self._spec.submission is not None
        batch = {name: _numbered_after(rows, self._after) for name, rows in batch.items()}
        if self._spec.submission.header in batch:
            self._waiting.add({self._spec.submission.header: batch.pop(self._spec.submission.header)})
        is_large = sum(rows.num_rows for rows in batch.values()) >= _TYPED_AT_ONCE
        if is_large and (period := self._known_period()) is not None:
            batch = {name: without_blanks(rows) for name, rows in batch.items()}
            with batch_in_view(self._connection, self._spec, batch) as held:
                conform(self._connection, self._spec, period, held)
        else:
            self._waiting.add(batch)

    def _known_period(self) -> str | None:
        """The period of the records, once their one header has come; None while it is not known."""
        if self._period is None and not self._spec.files[self._unit.kind].holds_several:
            self._waiting.insert()
            headers = headers_received(self._connection, self._spec, of_unit(self._after))
            if len(headers) == 1 and headers[0].period and self._spec.knows_period(headers[0].period):
                self._period = headers[0].period
                name_submissions(self._connection, [(headers[0].record, self._unit.submission_id, str(self._period))])
        return self._period


def _numbered_after(rows: pa.Table, after: int) -> pa.Table:
    """Records with their numbers moved up by `after`; one of no header that can be told counts as the first one's."""
    roots = rows.column("root_record") if "root_record" in rows.column_names else pa.nulls(rows.num_rows, pa.int64())
    numbers = {
        "record": rows.column("record"),
        "parent_record": rows.column("parent_record"),
        "root_record": pc.coalesce(roots, pa.scalar(1, pa.int64())),
    }
    others = {name: rows.column(name) for name in rows.column_names if name not in numbers}
    return pa.table(others | {name: pc.add(column, after) for name, column in numbers.items()})


def _period_in_name(spec: ReturnSpec, unit: _Unit) -> str | None:
    """The one period that the names of the files carry, dates aside; of a return made every year, the year, and of one made
    every month or quarter, none."""
    if spec.first_period:
        return None
    if spec.terms:
        periods = {period for file in unit.files if (period := _said_by_name(spec, file).get("period"))}
    else:
        periods = {
            year for file in unit.files for year in _YEAR_IN_NAME.findall(_DATE_IN_NAME.sub(" ", file.source_file))
        }
    return periods.pop() if len(periods) == 1 else None


def _said_by_name(spec: ReturnSpec, file: DataFile) -> dict[str, str]:
    """What the patterns of the spec find in a file's name: its period, its supplier."""
    assert spec.submission is not None
    name = PurePosixPath(file.source_file).name
    for pattern in spec.submission.file_names:
        if found := re.search(pattern, name, re.IGNORECASE):
            parts = found.groupdict()
            year = int(parts["year"]) + (2000 if len(parts["year"]) == 2 else 0)
            said = {"supplier": parts.get("supplier"), "period": spec.period_of(year, parts["term"])}
            return {what: text for what, text in said.items() if text}
    return {}


def _require_named_so(
    spec: ReturnSpec, unit: _Unit, of_header: dict[str, Header], senders: dict[str, tuple[str, str]]
) -> None:
    """A name that says whose or of when its file is says what the header says.

    Raises:
        FileRefused: RF-014 it does not.
    """
    assert spec.submission is not None
    prefix = spec.submission.supplier_prefix
    suppliers = {senders[submission_id][0].removeprefix(prefix) for submission_id in of_header}
    periods = {str(header.period) for header in of_header.values()}
    for file in unit.files:
        said = _said_by_name(spec, file)
        for what, held in (("period", periods), ("supplier", suppliers)):
            if what in said and said[what] not in held:
                [named, headed] = [
                    ", ".join(sorted(spec.said_period(one) if what == "period" else one for one in texts))
                    for texts in ({said[what]}, held)
                ]
                raise FileRefused(
                    "RF-014",
                    f"{file.source_file} is named for {named}, but its header says {headed}; find out which is right,"
                    " and correct the header or the name.",
                )


def _headers(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, received: _Received, headers: list[Header], la_code: str
) -> list[Header]:
    """The headers received of a unit, each of a known period; where files have none that says one, that of their name."""
    unit, after = received.unit, received.after
    file_period = _period_in_name(spec, unit)
    if len(headers) > 1 and not spec.files[unit.kind].holds_several:
        raise FileRefused("RF-006", f"{unit.source_file} holds {len(headers)} headers; send one return at a time.")
    has_none = not headers or (spec.files[unit.kind].flat and not any(header.said for header in headers))
    if has_none and file_period is not None:
        if not spec.knows_period(file_period):
            raise _unknown_period(spec, unit, file_period)
        complete_headers(connection, spec, unit.source_file, file_period, la_code, after)
        headers = headers_received(connection, spec, of_unit(after))
    when = "month" if spec.first_month else "financial year and quarter" if spec.first_quarter else ""
    when = when or ("term and year" if spec.terms else "year")
    for header in headers:
        if header.period is not None and not spec.knows_period(header.period):
            raise _unknown_period(spec, unit, header.period)
    if not headers or any(header.period is None for header in headers):
        other = "" if spec.first_period else f", or name the {when} in its file name"
        raise FileRefused(
            "RF-005",
            f"{unit.source_file} does not say which {when} it is for; give it a header with the {when}{other}.",
        )
    return headers


def _unknown_period(spec: ReturnSpec, unit: _Unit, period: str) -> FileRefused:
    if spec.first_period:
        known = f"begins with {spec.first_period}"
    else:
        known = "is " + " to ".join(spec.said_period(known) for known in (min(spec.periods), max(spec.periods)))
    return FileRefused(
        "RF-011", f"{unit.source_file} is for {spec.said_period(period)}; what is known of {spec.title} {known}."
    )


def _senders(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> dict[str, tuple[str, str]]:
    """The supplier and the sequence that the header of each submission gives; numbers are padded so that text orders
    them."""
    assert spec.submission is not None
    header = spec.submission
    columns = spec.tables[header.header].columns
    parts = {
        "INTEGER": "lpad(cast({} as varchar), 10, '0')",
        "TIMESTAMP": "strftime({}, '%Y-%m-%dT%H:%M:%S')",
        "DATE": "strftime({}, '%Y-%m-%d')",
        "VARCHAR": "{}",
    }
    texts = [f"coalesce({parts[columns[name].type].format(name)}, '')" for name in header.sequence]
    rows = connection.execute(
        f"select submission_id, coalesce({' || '.join(header.supplier)}, 'unknown'), concat_ws('#', {', '.join(texts)})"
        f' from "{header.header}" where submission_id in (select submission_id from root_submission)',
    ).fetchall()
    return {
        submission_id: (f"{header.supplier_prefix}{supplier}", str(sequence))
        for submission_id, supplier, sequence in rows
    }


class _Verdict(NamedTuple):
    """Whether a submission can be used, and why not."""

    status: Literal["accepted", "refused"]
    reason: str | None
    rule_ids: tuple[str, ...]


def _judge(
    connection: duckdb.DuckDBPyConnection,
    reads: list[_Read],
    spec: ReturnSpec,
    catalogue: Catalogue,
    people: People | None,
    docs: QualityStore | None,
    before: Sequence[Submission],
) -> dict[str, Assessed]:
    """Great Expectations' verdict on every submission read.

    They are judged in the order of receipt; those of a return that is compared with earlier ones, in that of their periods
    and sequences.
    """
    log.info("checking %s submission(s) against the rules of %s", len(reads), spec.title)
    drafts = _drafts(connection, spec)
    about_earlier = catalogue.about_earlier(spec.return_id)
    rules = catalogue.for_landing(spec.return_id)
    compares = bool(about_earlier) and _has_schema(connection, spec.return_id)
    alone = [rule for rule in rules if not compares or rule.rule_id not in about_earlier]
    outcome = evaluate_landing(connection, alone, docs=docs)
    failures = _softened(catalogue, drafts, outcome.failures) + _reader_failures(connection, catalogue)
    if compares:
        turns = sorted(reads, key=lambda read: (read.period, read.sequence, read.submission_id not in drafts))
        add_judged(connection, spec, [read.submission_id for read in reads])
        beside = [rule for rule in rules if rule.rule_id in about_earlier]
        judged, compared = _judge_in_turn(
            connection, turns, spec, catalogue, failures, beside, people, docs, before, drafts
        )
        failures += compared
    else:
        judged = _verdicts(connection, reads, spec, catalogue, failures, people, before, drafts)
    not_judged = _not_judged(outcome.not_judged, spec)
    _register_failures(connection, failures)
    if spec.holds_records:
        failures += _quarantine_children(connection, spec, catalogue, failures)
    of_submission: dict[str, list[LandingFailure]] = {read.submission_id: [] for read in reads}
    for failure in failures:
        of_submission[failure.submission_id].append(failure)
    quarantined = _quarantined(connection, spec, _quarantining_tables(failures))
    invented = _invented(connection, spec)
    return {
        read.submission_id: Assessed(
            submission_id=read.submission_id,
            source_file=read.source_file,
            sha256=read.sha256,
            tables={
                table: _table_rows(
                    rows,
                    rows
                    if judged[read.submission_id].status == "refused"
                    else quarantined.get((table, read.submission_id), 0),
                )
                for table, rows in read.rows.items()
            },
            supplier=read.supplier,
            period=read.period,
            sequence=read.sequence,
            status=judged[read.submission_id].status,
            reason=judged[read.submission_id].reason,
            failures=of_submission[read.submission_id],
            rule_ids=judged[read.submission_id].rule_ids,
            files=read.files,
            kind=read.kind,
            sheets=read.sheets,
            not_judged=not_judged,
            people=_whose(spec, read, invented),
            is_draft=read.submission_id in drafts,
        )
        for read in reads
    }


def _judge_in_turn(
    connection: duckdb.DuckDBPyConnection,
    turns: list[_Read],
    spec: ReturnSpec,
    catalogue: Catalogue,
    failures: list[LandingFailure],
    beside: list[Rule],
    people: People | None,
    docs: QualityStore | None,
    before: Sequence[Submission],
    drafts: Collection[str],
) -> tuple[dict[str, _Verdict], list[LandingFailure]]:
    """The verdict on each submission in its turn, beside those accepted before it, and the failures that only these show.

    What is refused is nobody's earlier return. `failures` are those that a submission has by itself, whatever came before
    it: the rules that find these are judged once, and only `beside`, which compare, again for each that they refuse.
    """
    refused = {failure.submission_id for failure in failures if failure.effect == "refuse"}
    while True:
        pair_with_earlier(
            connection,
            [(one.submission_id, one.supplier) for one in accepted_before(before)],
            [(read.submission_id, read.supplier) for read in turns],
            {*drafts, *refused},
        )
        found = evaluate_landing(connection, beside, docs=docs, suite_name="landing_beside_earlier")
        compared = _softened(catalogue, drafts, found.failures)
        judged = _verdicts(connection, turns, spec, catalogue, [*failures, *compared], people, before, drafts)
        # What comes after one that is refused was compared with it: it is compared again without.
        wrong = [read.submission_id for read in turns if judged[read.submission_id].status == "refused"]
        if refused.issuperset(wrong):
            return judged, compared
        refused.add(next(submission_id for submission_id in wrong if submission_id not in refused))


def _verdicts(
    connection: duckdb.DuckDBPyConnection,
    turns: list[_Read],
    spec: ReturnSpec,
    catalogue: Catalogue,
    failures: list[LandingFailure],
    people: People | None,
    before: Sequence[Submission],
    drafts: Collection[str],
) -> dict[str, _Verdict]:
    """What each submission comes to in its turn: by its failures, by whose rows the store holds, and by its sequence."""
    last = {which: submission.sequence for which, submission in current_submissions(list(before)).items()}
    by_failures = verdicts(
        failures,
        {read.submission_id: sum(read.rows.values()) for read in turns},
        refuse_above_share=catalogue.refusing_share(spec.return_id),
    )
    invented = _invented(connection, spec)
    of_submission: dict[str, list[LandingFailure]] = {read.submission_id: [] for read in turns}
    for failure in failures:
        of_submission[failure.submission_id].append(failure)
    found = {}
    for read in turns:
        own = by_failures[read.submission_id]
        whose = _whose(spec, read, invented)
        of_when = read.supplier, read.period
        if own.status == "refused":
            because = _because(own.reason, own.rule_ids, catalogue)
            where = _where(spec, read, own.rule_ids, of_submission[read.submission_id], catalogue)
            reason = f"{read.source_file}: {f'{because} {where}'.strip()}"
            found[read.submission_id] = _Verdict("refused", reason, own.rule_ids)
        elif whose and people and whose != people:
            other = _of_others(read.source_file, whose)
            found[read.submission_id] = _Verdict("refused", str(other), (other.rule_id,))
        elif spec.submission and (rule := spec.submission.sequence_rule) and read.sequence <= last.get(of_when, ""):
            blank = "" if read.sequence else f"It gives no {' and no '.join(spec.submission.sequence)}."
            reason = f"{read.source_file}: {_because(blank, (rule,), catalogue)}"
            found[read.submission_id] = _Verdict("refused", reason, (rule,))
        else:
            people = people or whose
            if read.submission_id not in drafts:  # a draft uses up no version
                last[of_when] = max(read.sequence, last.get(of_when, ""))
            found[read.submission_id] = _Verdict("accepted", None, own.rule_ids)
    return found


def _whose(spec: ReturnSpec, read: _Read, invented: Collection[str]) -> People | None:
    if read.submission_id in invented:
        return "invented"
    return None if spec.personal_data == "none" else "real"


def _has_schema(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    found = connection.execute("select 1 from duckdb_schemas() where schema_name = ?", [name]).fetchone()
    return found is not None


def _not_judged(rules: list[Rule], spec: ReturnSpec) -> dict[str, str]:
    """Why rules could not be judged, by rule; said in the log, too."""
    reasons = {
        rule.rule_id: f"It compares with {' and '.join(rule.needs)}, of which nothing was at hand." for rule in rules
    }
    for reason in dict.fromkeys(reasons.values()):
        ids = ", ".join(rule_id for rule_id, why in reasons.items() if why == reason)
        log.warning("not judged of %s: %s. %s", spec.title, ids, reason)
    return reasons


def _invented(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> set[str]:
    """The submissions in the workspace that hold invented people, every row of their marking table saying so."""
    if spec.invented is None:
        return set()
    rows = connection.execute(
        f'select submission_id from "{spec.invented.table}" group by all'
        f" having bool_and(coalesce({spec.invented.condition}, false))"
    ).fetchall()
    return {submission_id for (submission_id,) in rows}


def _of_others(source_file: str, whose: People) -> FileRefused:
    """A file of real people for a store of invented ones, or the other way about."""
    if whose == "real":
        what = (
            f"{source_file} is of real people, and this store holds invented ones; drop the file again after `cornerstone"
            " clean-store`, which deletes every file received, or with another folder named in CORNERSTONE_STORE."
        )
    else:
        what = (
            f"{source_file} is of the invented borough, and this store holds real people; try it in a store of its own: name"
            " another folder in CORNERSTONE_STORE, and drop the file again."
        )
    return FileRefused("FILE-015", what)


def _drafts(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> set[str]:
    """The submissions in the workspace that are drafts."""
    if spec.draft is None:
        return set()
    rows = connection.execute(f'select submission_id from "{spec.draft.table}" where {spec.draft.condition}').fetchall()
    return {submission_id for (submission_id,) in rows}


def _softened(catalogue: Catalogue, drafts: Collection[str], failures: list[LandingFailure]) -> list[LandingFailure]:
    """Failures in which what would refuse a draft flags it; a rule about the file as a whole refuses a draft, too."""
    return [
        failure._replace(severity="warn", effect="flag")
        if failure.effect == "refuse"
        and failure.submission_id in drafts
        and catalogue.rule(failure.rule_id).level != "file"
        else failure
        for failure in failures
    ]


def _reader_failures(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> list[LandingFailure]:
    """Rows that the readers could not split, link or type; each is set aside by the rule that says so."""
    rows = connection.execute(
        "select rule_id, table_name, submission_id, source_file, source_row from unreadable_row"
        " union all select rule_id, table_name, submission_id, source_file, source_row from unusable_row order by all"
    ).fetchall()
    return [
        LandingFailure(rule_id, catalogue.rule(rule_id).severity, "quarantine", table, submission_id, file, row, None)
        for rule_id, table, submission_id, file, row in rows
    ]


def _quarantine_children(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, catalogue: Catalogue, failures: list[LandingFailure]
) -> list[LandingFailure]:
    """Register, parents first, the records that hang from a quarantined one: without it they say nothing."""
    rule = catalogue.rule(PARENT_QUARANTINED)
    found: list[LandingFailure] = []
    touched = _quarantining_tables(failures)
    for name, table in spec.tables.items():
        if table.parent not in touched:
            continue
        rows = connection.execute(
            f"""
            select landed.submission_id, landed.source_file, landed.source_row
            from "{name}" as landed
            inner join (select * from "{table.parent}" as landed where {is_quarantined(spec, table.parent)}) as parent
                on parent.submission_id = landed.submission_id and parent.record = landed.parent_record
            where not {is_quarantined(spec, name)}
            order by all
            """
        ).fetchall()
        inherited = [
            LandingFailure(
                rule.rule_id, rule.severity, "quarantine", name, submission_id, source_file, source_row, None
            )
            for submission_id, source_file, source_row in rows
        ]
        _insert_failures(connection, inherited)
        found += inherited
        touched |= _quarantining_tables(inherited)
    return found


def _quarantining_tables(failures: list[LandingFailure]) -> set[str]:
    return {failure.table_name for failure in failures if failure.effect == "quarantine"}


def is_quarantined(spec: ReturnSpec, table: str) -> str:
    """SQL that is true for a row of `table`, under the alias `landed`, that fails a quarantining rule."""
    cell = spec.tables[table].cell
    same_cell = f" and (failed.cell is null or failed.cell = {cell})" if cell else ""
    return (
        "exists (select 1 from landing_failure as failed where failed.effect = 'quarantine'"
        f" and failed.table_name = '{table}' and failed.submission_id = landed.submission_id"
        f" and failed.source_file = landed.source_file and failed.source_row = landed.source_row{same_cell})"
    )


def _quarantined(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, tables: Collection[str]
) -> dict[tuple[str, str], int]:
    """Rows set aside of `tables`, those that could not be split among them, by table and submission."""
    found: Counter[tuple[str, str]] = Counter()
    for name in (name for name in spec.tables if name in tables):
        for submission_id, count in connection.execute(
            f"""
            select submission_id, count(*) from "{name}" as landed where {is_quarantined(spec, name)} group by all
            union all
            select submission_id, count(*) from unreadable_row where table_name = '{name}' group by all
            """
        ).fetchall():
            found[name, submission_id] += count
    return dict(found)


def _table_rows(read: int, quarantined: int) -> TableRows:
    return TableRows(read, read - quarantined, quarantined)


def _because(reason: str | None, rule_ids: tuple[str, ...], catalogue: Catalogue) -> str:
    """Why, and of the first rule what should be and what to do."""
    first = catalogue.rule(rule_ids[0]) if rule_ids else None
    return f"{reason or ''} {first.label if first else ''} {first.action if first else ''}".strip()


def _where(
    spec: ReturnSpec,
    read: _Read,
    rule_ids: tuple[str, ...],
    failures: list[LandingFailure],
    catalogue: Catalogue,
) -> str:
    """The first few places where the rules that refuse a submission fail.

    Of a rule that compares it with others the fault may lie there: only a place that it names itself is said.
    """
    rules = [catalogue.rule(rule_id) for rule_id in rule_ids]
    return said_places(
        spec,
        spec.files[read.kind].shape,
        read.sheets,
        [failure for rule_id in rule_ids for failure in failures if failure.rule_id == rule_id],
        {rule.rule_id: rule.columns for rule in rules if not rule.needs},
    )


def _register_failures(connection: duckdb.DuckDBPyConnection, failures: list[LandingFailure]) -> None:
    connection.execute(
        "create or replace table landing_failure (rule_id varchar, severity varchar, effect varchar, table_name varchar,"
        " submission_id varchar, source_file varchar, source_row bigint, cell varchar)"
    )
    _insert_failures(connection, failures)


def _insert_failures(connection: duckdb.DuckDBPyConnection, failures: list[LandingFailure]) -> None:
    if failures:
        rows = {name: [getattr(failure, name) for failure in failures] for name in LandingFailure._fields}
        types = {"source_row": pa.int64()}
        arrow = pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in rows.items()})
        insert_arrow(connection, "landing_failure", arrow)
