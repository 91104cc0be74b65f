"""Read and judge data files in memory, writing nothing: what `cornerstone check` shows and what landing then commits."""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import duckdb
import pyarrow as pa

from expectations.catalogue import Catalogue, Rule
from expectations.data_docs import QualityStore
from expectations.landing import LandingFailure, evaluate_landing, verdicts
from orchestration.returns.conform import (
    all_names,
    batch_in_view,
    conform,
    copy_from_siblings,
    create_raw_tables,
    drop_raw_tables,
    find_unusable,
    insert_header,
    return_years,
)
from orchestration.returns.delivered import DataFile, DeliveredFile, FileRefused, open_delivered
from orchestration.returns.readers.flat_csv import UnreadableRow
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.readers.records import Batch, HeldRecords, Keep, RecordsRead, without_blanks
from orchestration.returns.recognise import PARSING_ERRORS, read_recognised, read_records, recognise_data_file
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import UNKNOWN_PERIOD, People, TableRows
from orchestration.returns.workspace import insert_arrow

log = logging.getLogger("cornerstone.landing")

UNREADABLE_ROW = "FILE-013"
UNREADABLE_FILE = "FILE-014"
UNLINKED_ROW = "RF-008"
UNTYPABLE_ROW = "RF-009"
PARENT_QUARANTINED = "RF-010"
_ID_LENGTH = 20
_BATCHES_AHEAD = 1  # batches of records that may wait to be typed: bounds memory
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


def assess(
    connection: duckdb.DuckDBPyConnection,
    files: Iterable[DeliveredFile],
    spec: ReturnSpec,
    catalogue: Catalogue,
    known_ids: Collection[str],
    la_code: str,
    people: People | None,
    docs: QualityStore | None,
) -> Assessment:
    """Read delivered files into the workspace and judge all of them in one validation.

    Args:
        connection: an open workspace of the return, with the landed returns that its rules compare with attached;
            afterwards it holds the rows read and a table `landing_failure`.
        files: what was delivered, in the order of receipt.
        spec: what the return is.
        catalogue: the rules.
        known_ids: submissions committed before; their data files are not read again.
        la_code: the authority of the installation: of files that do not name theirs, and what rules compare others with.
        people: whose rows the store holds; files of the other kind are refused. None while it holds nobody's.
        docs: where the validation result is kept; None keeps nothing.
    """
    connection.execute("insert into setting values ('la_code', ?)", [la_code])
    groups = _grouped(files, spec)
    complete = [group for group in groups if not group.missing]
    seen = set(known_ids)
    reads: dict[int, list[_Read]] = {}
    for number, group in enumerate(complete):
        reads[number] = []
        for unit in group.units:
            try:
                read = _read(connection, spec, unit, la_code, seen)
            except FileRefused as refused:
                group.refused.append(_refused(spec, unit.sha256, unit.source_file, refused))
                continue
            except PARSING_ERRORS as error:
                group.refused.append(
                    _refused(spec, unit.sha256, unit.source_file, _unreadable(unit.source_file, error))
                )
                continue
            if read is None:
                group.known.append(unit.source_file)
                continue
            seen.add(unit.submission_id)
            log.info("read %s: %s rows", unit.source_file, f"{sum(read.rows.values()):,}")
            reads[number].append(read)
        # Refused before in the same words, by a run that was killed or of a file sent again.
        group.known += [one.source_file for one in group.refused if one.submission_id in seen]
        group.refused = [one for one in group.refused if one.submission_id not in seen]
        seen |= {one.submission_id for one in group.refused}
    everything = [read for of_group in reads.values() for read in of_group]
    judged = _judge(connection, everything, spec, catalogue, people, docs) if everything else {}
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
                held = {table for one in unit.found if isinstance(one, HeldRecords) for table in one.tables}
                missing = [table for table in spec.files[unit.kind].required if table not in held]
                group.missing += [spec.tables[table].titles[0] for table in missing]
    return groups


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
    return any(spec.root_table in held.tables for held in found)


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
        rule_ids=(refused.rule_id,),
        files={source_file: sha256},
    )


def _unreadable(source_file: str, error: Exception) -> FileRefused:
    # The kind of error and no more: its words can hold a value of the file.
    what = f"{source_file} cannot be read ({type(error).__name__}); save or download it again."
    return FileRefused(UNREADABLE_FILE, what)


def _read(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: _Unit, la_code: str, seen: Collection[str]
) -> _Read | None:
    """Read what becomes one submission and say which; None when it is one of `seen`."""
    if isinstance(unit.found, str):
        [file] = unit.files
        read = read_recognised(file, spec, unit.kind, unit.found)
        unit.submission_id = submission_id_of(spec, unit.sha256, read.period)
        return None if unit.submission_id in seen else _insert(connection, spec, unit, read)
    # Without a header the name says which return it is; a header is part of the bytes.
    named = "" if _has_header(unit.found, spec) else _year_in_name(unit) or ""
    unit.submission_id = submission_id_of(spec, unit.sha256, named)
    return None if unit.submission_id in seen else _insert_records(connection, spec, unit, la_code)


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
        _register_table(
            connection,
            spec,
            unit,
            read.table,
            read.period,
            read.file_period,
            read.rows_read,
            read.duplicate_columns,
            read.unknown_columns,
        )
        _keep_unreadable(connection, unit, read.table, [(unit.source_file, row) for row in read.unreadable])
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


def _register_table(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    unit: _Unit,
    table: str,
    period: str,
    file_period: str | None,
    row_count: int,
    duplicate_columns: list[str],
    unknown_columns: list[str],
) -> None:
    connection.execute(
        "insert into submission_file values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            unit.submission_id,
            spec.return_id,
            unit.source_file,
            unit.sha256,
            period,
            file_period,
            table,
            row_count,
            duplicate_columns,
            unknown_columns,
        ],
    )


def _keep_unreadable(
    connection: duckdb.DuckDBPyConnection, unit: _Unit, table: str, unreadable: list[tuple[str, UnreadableRow]]
) -> None:
    if unreadable:
        connection.executemany(
            "insert into unreadable_row values (?, ?, ?, ?, ?, ?)",
            [
                [unit.submission_id, source_file, row.source_row, table, UNREADABLE_ROW, row.row_text]
                for source_file, row in unreadable
            ],
        )


def _insert_records(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: _Unit, la_code: str) -> _Read:
    """Read records as received, type them by the spec of their year, and tell whose and of when they are."""
    assert spec.submission is not None
    assert isinstance(unit.found, list)
    file_period = _year_in_name(unit)
    with _transaction(connection):
        typing = _Typing(connection, spec, unit, file_period, la_code)
        with _beside(typing.take) as keep:
            result = read_records(list(zip(unit.files, unit.found, strict=True)), spec, unit.kind, keep)
        year = typing.finish()
        copy_from_siblings(connection, spec, year, unit.submission_id)
        find_unusable(connection, spec, year, unit.submission_id)
        rows = _register_tables(connection, spec, unit, year, file_period, result)
        supplier, sequence = _header(connection, spec, unit.submission_id)
    return _Read(
        unit.submission_id,
        unit.source_file,
        unit.sha256,
        supplier,
        str(year),
        sequence,
        rows,
        {file.source_file: file.sha256 for file in unit.files},
        unit.kind,
        {table: sheet for held in unit.found for table, sheet in held.sheets.items()},
    )


def _register_tables(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    unit: _Unit,
    year: int,
    file_period: str | None,
    result: RecordsRead,
) -> dict[str, int]:
    """Register every table of a submission, and its rows that cannot be split. Returns: rows read by table."""
    assert spec.submission is not None
    rows = {}
    for name in spec.tables:
        counted = connection.execute(
            f'select count(*) from "{name}" where submission_id = ?', [unit.submission_id]
        ).fetchone()
        unreadable = result.unreadable.get(name, [])
        rows[name] = (int(counted[0]) if counted else 0) + len(unreadable)
        is_header = name == spec.submission.header
        unknown = sorted(result.unknown_columns) if is_header else []
        _register_table(connection, spec, unit, name, str(year), file_period, rows[name], [], unknown)
        _keep_unreadable(connection, unit, name, unreadable)
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


class _Typing:
    """Types batches of records as they are read, where the first holds the header, which says what year they are of.

    Otherwise they wait in tables of text until all are read.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        spec: ReturnSpec,
        unit: _Unit,
        file_period: str | None,
        la_code: str,
    ) -> None:
        self._connection, self._spec, self._unit = connection, spec, unit
        self._file_period, self._la_code = file_period, la_code
        self._year: int | None = None
        self._is_waiting = False

    def take(self, batch: Batch) -> None:
        """Type a batch, or let it wait."""
        assert self._spec.submission is not None
        batch = {name: without_blanks(rows) for name, rows in batch.items()}
        if self._year is None and (self._is_waiting or self._spec.submission.header not in batch):
            self._wait()
            for name, rows in batch.items():
                insert_arrow(self._connection, f"raw_{name}", rows)
            return
        with batch_in_view(self._connection, self._spec, batch) as held:
            if self._year is None:
                self._year = _year(self._spec, self._unit, return_years(self._connection, self._spec, held))
            conform(self._connection, self._spec, self._year, self._unit.submission_id, held)

    def _wait(self) -> None:
        if not self._is_waiting:
            create_raw_tables(self._connection, self._spec)
            self._is_waiting = True

    def finish(self) -> int:
        """Type what waited. Returns: the year."""
        if self._year is None:
            self._wait()
            held = all_names(self._spec)
            years = return_years(self._connection, self._spec, held)
            if not years and self._file_period is not None:
                named = int(self._file_period)
                insert_header(self._connection, self._spec, self._unit.source_file, named, self._la_code)
                years = [named]
            self._year = _year(self._spec, self._unit, years)
            conform(self._connection, self._spec, self._year, self._unit.submission_id, held)
            drop_raw_tables(self._connection, self._spec)
        _require_one_header(self._connection, self._spec, self._unit)
        return self._year


def _year_in_name(unit: _Unit) -> str | None:
    """The one year that the names of the files carry, dates aside."""
    years = {year for file in unit.files for year in _YEAR_IN_NAME.findall(_DATE_IN_NAME.sub(" ", file.source_file))}
    return years.pop() if len(years) == 1 else None


def _require_one_header(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, unit: _Unit) -> None:
    assert spec.submission is not None
    row = connection.execute(
        f'select count(*) from "{spec.submission.header}" where submission_id = ?', [unit.submission_id]
    ).fetchone()
    assert row is not None
    if row[0] > 1:
        raise FileRefused("RF-006", f"{unit.source_file} holds {row[0]} headers; send one return at a time.")


def _year(spec: ReturnSpec, unit: _Unit, years: list[int | None]) -> int:
    """The year of the return, of those its headers say; without one, or with one of which nothing is known, refused."""
    year = years[0] if years else None
    if year is None:
        raise FileRefused(
            "RF-005",
            f"{unit.source_file} does not say which year it is for; give it a header with the year, or name the year in its file name.",
        )
    if year not in spec.years:
        raise FileRefused(
            "RF-011",
            f"{unit.source_file} is for {year}; what is known of {spec.title} is {min(spec.years)} to {max(spec.years)}.",
        )
    return year


def _header(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, submission_id: str) -> tuple[str, str]:
    """The supplier and the sequence that the header gives; numbers are padded so that text orders them."""
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
    row = connection.execute(
        f"select coalesce({header.supplier}, 'unknown'), concat_ws('#', {', '.join(texts)})"
        f' from "{header.header}" where submission_id = ?',
        [submission_id],
    ).fetchone()
    assert row is not None
    return f"{header.supplier_prefix}{row[0]}", str(row[1])


def _judge(
    connection: duckdb.DuckDBPyConnection,
    reads: list[_Read],
    spec: ReturnSpec,
    catalogue: Catalogue,
    people: People | None,
    docs: QualityStore | None,
) -> dict[str, Assessed]:
    """Great Expectations' verdict on every submission read, in the order of receipt."""
    log.info("checking %s submission(s) against the rules of %s", len(reads), spec.title)
    outcome = evaluate_landing(connection, catalogue.for_landing(spec.return_id), docs=docs)
    not_judged = _not_judged(outcome.not_judged, spec)
    failures = [*outcome.failures, *_reader_failures(connection, catalogue)]
    verdict = verdicts(
        failures,
        {read.submission_id: sum(read.rows.values()) for read in reads},
        refuse_above_share=catalogue.refusing_share(spec.return_id),
    )
    _register_failures(connection, failures)
    if spec.holds_records:
        failures += _quarantine_children(connection, spec, catalogue, failures)
    of_submission: dict[str, list[LandingFailure]] = {read.submission_id: [] for read in reads}
    for failure in failures:
        of_submission[failure.submission_id].append(failure)
    touched = _quarantining_tables(failures)

    def quarantined(table: str, submission_id: str) -> int:
        return _quarantined(connection, spec, table, submission_id) if table in touched else 0

    judged = {}
    for read in reads:
        own = verdict[read.submission_id]
        whose = _whose(connection, spec, read.submission_id)
        status, rule_ids, reason = own.status, own.rule_ids, None
        if status == "refused":
            reason = f"{read.source_file}: {_because(own.reason, rule_ids, catalogue)}"
        elif whose and people and whose != people:
            other = _of_others(read.source_file, whose)
            status, rule_ids, reason = "refused", (other.rule_id,), str(other)
        else:
            people = people or whose
        refused = status == "refused"
        judged[read.submission_id] = Assessed(
            submission_id=read.submission_id,
            source_file=read.source_file,
            sha256=read.sha256,
            tables={
                table: _table_rows(rows, rows if refused else quarantined(table, read.submission_id))
                for table, rows in read.rows.items()
            },
            supplier=read.supplier,
            period=read.period,
            sequence=read.sequence,
            status=status,
            reason=reason,
            failures=of_submission[read.submission_id],
            rule_ids=rule_ids,
            files=read.files,
            kind=read.kind,
            sheets=read.sheets,
            not_judged=not_judged,
            people=whose,
        )
    return judged


def _not_judged(rules: list[Rule], spec: ReturnSpec) -> dict[str, str]:
    """Why rules could not be judged, by rule; said in the log, too."""
    reasons = {
        rule.rule_id: f"It compares with {' and '.join(rule.needs)}, of which nothing was at hand." for rule in rules
    }
    if reasons:
        log.warning("not judged of %s: %s. %s", spec.title, ", ".join(reasons), next(iter(reasons.values())))
    return reasons


def _whose(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, submission_id: str) -> People | None:
    """Whose rows a submission in the workspace holds; nobody's where it is neither invented nor about people."""
    if spec.invented is not None:
        row = connection.execute(
            f"select coalesce(bool_and(coalesce({spec.invented.condition}, false)), false)"
            f' from "{spec.invented.table}" where submission_id = ?',
            [submission_id],
        ).fetchone()
        if row is not None and row[0]:
            return "invented"
    return None if spec.personal_data == "none" else "real"


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


def _quarantined(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, table: str, submission_id: str) -> int:
    row = connection.execute(
        f'select (select count(*) from "{table}" as landed where submission_id = $1 and {is_quarantined(spec, table)})'
        " + (select count(*) from unreadable_row where submission_id = $1 and table_name = $2)",
        [submission_id, table],
    ).fetchone()
    return int(row[0]) if row else 0


def _table_rows(read: int, quarantined: int) -> TableRows:
    return TableRows(read, read - quarantined, quarantined)


def _because(reason: str | None, rule_ids: tuple[str, ...], catalogue: Catalogue) -> str:
    first = catalogue.rule(rule_ids[0]) if rule_ids else None
    return f"{reason or ''} {first.label if first else ''} {first.action if first else ''}".strip()


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
