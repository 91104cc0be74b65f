"""Read and judge data files in memory, writing nothing: what `cornerstone check` shows and what landing then commits."""

import csv
import hashlib
import logging
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
from python_calamine import CalamineError

from expectations.catalogue import Catalogue
from expectations.data_docs import QualityStore
from expectations.landing import LandingFailure, evaluate_landing, verdicts
from orchestration.returns.delivered import DataFile, FileRefused, open_delivered
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.recognise import read_data_file
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import UNKNOWN_PERIOD
from orchestration.returns.workspace import insert_arrow

log = logging.getLogger("cornerstone.landing")

UNREADABLE_ROW = "FILE-013"
UNREADABLE_FILE = "FILE-014"
# What parsing bytes of any origin can raise, from the standard library, Arrow, DuckDB and the workbook reader. One such
# file must not keep the others, or the next run, from landing.
PARSING_ERRORS = (
    csv.Error, pa.ArrowException, duckdb.Error, CalamineError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError
)  # fmt: skip
_ID_LENGTH = 20


@dataclass(frozen=True)
class Assessed:
    """A data file read and judged: what its submission will say. Failing places hold no value of a row."""

    submission_id: str
    source_file: str
    sha256: str
    table: str
    supplier: str
    period: str
    sequence: str
    rows_read: int
    rows_quarantined: int
    status: Literal["accepted", "refused"]
    reason: str | None
    failures: list[LandingFailure] = field(default_factory=list)
    rule_ids: tuple[str, ...] = ()

    @property
    def failures_by_rule(self) -> dict[str, int]:
        """Failing rows by rule; a rule the reader raised counts once."""
        counts = Counter(failure.rule_id for failure in self.failures)
        counts.update(rule_id for rule_id in self.rule_ids if rule_id not in counts)
        return dict(sorted(counts.items()))


@dataclass(frozen=True)
class DeliveredFile:
    """A file to be assessed: where its bytes are, the name it came under and their digest."""

    path: Path
    name: str
    sha256: str


@dataclass(frozen=True)
class AssessedDelivery:
    """A delivered file and what its data files are; `known` are data files whose bytes were dealt with before."""

    delivered: DeliveredFile
    assessed: list[Assessed]
    known: list[str]


def submission_id_of(spec: ReturnSpec, sha256: str, period: str) -> str:
    """The same bytes read by the same spec as the same period are one submission, in whatever archive they came."""
    return hashlib.sha256(f"{spec.return_id}|{spec.spec_version}|{sha256}|{period}".encode()).hexdigest()[:_ID_LENGTH]


def assess(
    connection: duckdb.DuckDBPyConnection,
    files: Iterable[DeliveredFile],
    spec: ReturnSpec,
    catalogue: Catalogue,
    known_ids: Collection[str],
    docs: QualityStore | None,
) -> list[AssessedDelivery]:
    """Read delivered files into the workspace and judge all of them in one validation.

    Args:
        connection: an open workspace of the return; afterwards it holds the rows read and a table `landing_failure`.
        files: what was delivered.
        spec: what the return is.
        catalogue: the rules.
        known_ids: submissions committed before; their data files are not read again.
        docs: where the validation result is kept; None keeps nothing.
    """
    seen = set(known_ids)
    opened: list[tuple[DeliveredFile, list[Assessed | _Read], list[str]]] = []
    for delivered in files:
        entries: list[Assessed | _Read] = []
        known: list[str] = []
        for item in _open(delivered):
            if isinstance(item, FileRefused):
                entries.append(_refused(spec, delivered, delivered.name, item))
                continue
            try:
                read = read_data_file(item, spec)
                submission_id = submission_id_of(spec, item.sha256, read.period)
                if submission_id in seen:
                    known.append(item.source_file)
                    continue
                _insert(connection, spec, submission_id, item, read)
            except FileRefused as refused:
                entries.append(_refused(spec, delivered, item.source_file, refused))
                continue
            except PARSING_ERRORS as error:
                # The kind of error and no more: its words can hold a value of the file.
                what = f"{item.source_file} cannot be read ({type(error).__name__}); save or download it again."
                entries.append(_refused(spec, delivered, item.source_file, FileRefused(UNREADABLE_FILE, what)))
                continue
            seen.add(submission_id)
            log.info("read %s: %s rows", item.source_file, f"{read.rows_read:,}")
            entries.append(_Read(submission_id, item.source_file, item.sha256, read))
        opened.append((delivered, entries, known))
    reads = [entry for _, entries, _ in opened for entry in entries if isinstance(entry, _Read)]
    judged = _judge(connection, reads, spec, catalogue, docs) if reads else {}
    return [
        AssessedDelivery(delivered, [judged[e.submission_id] if isinstance(e, _Read) else e for e in entries], known)
        for delivered, entries, known in opened
    ]


@dataclass(frozen=True)
class _Read:
    submission_id: str
    source_file: str
    sha256: str
    read: ReadFile


def _open(delivered: DeliveredFile) -> list[DataFile | FileRefused]:
    try:
        return open_delivered(delivered.path, delivered.name)
    except FileRefused as refused:
        return [refused]


def _refused(spec: ReturnSpec, delivered: DeliveredFile, source_file: str, refused: FileRefused) -> Assessed:
    return Assessed(
        submission_id=submission_id_of(spec, f"{delivered.sha256}/{source_file}", UNKNOWN_PERIOD),
        source_file=source_file,
        sha256=delivered.sha256,
        table="",
        supplier="",
        period=UNKNOWN_PERIOD,
        sequence="",
        rows_read=0,
        rows_quarantined=0,
        status="refused",
        reason=str(refused),
        rule_ids=(refused.rule_id,),
    )


def _insert(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, submission_id: str, item: DataFile, read: ReadFile
) -> None:
    connection.begin()
    try:
        _insert_rows(connection, spec, submission_id, item, read)
    except duckdb.Error:
        connection.rollback()
        raise
    connection.commit()


def _insert_rows(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, submission_id: str, item: DataFile, read: ReadFile
) -> None:
    rows = read.rows
    wanted = spec.tables[read.table].columns
    known = rows.select([name for name in rows.column_names if name in wanted])
    for name, value in (("submission_id", submission_id), ("source_file", item.source_file)):
        known = known.append_column(name, pa.array([value] * rows.num_rows, pa.string()))
    insert_arrow(connection, read.table, known)
    connection.execute(
        "insert into submission_file values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            submission_id,
            spec.return_id,
            item.source_file,
            item.sha256,
            read.period,
            read.file_period,
            read.table,
            read.rows_read,
            read.duplicate_columns,
            read.unknown_columns,
        ],
    )
    if read.unreadable:
        connection.executemany(
            "insert into unreadable_row values (?, ?, ?, ?, ?, ?)",
            [
                [submission_id, item.source_file, row.source_row, read.table, UNREADABLE_ROW, row.row_text]
                for row in read.unreadable
            ],
        )


def _judge(
    connection: duckdb.DuckDBPyConnection,
    reads: list[_Read],
    spec: ReturnSpec,
    catalogue: Catalogue,
    docs: QualityStore | None,
) -> dict[str, Assessed]:
    """Great Expectations' verdict on every submission read."""
    log.info("checking %s data file(s) against the rules of %s", len(reads), spec.title)
    outcome = evaluate_landing(connection, catalogue.for_landing(spec.return_id), docs=docs)
    rule = catalogue.rule(UNREADABLE_ROW)
    unreadable = [
        LandingFailure(rule.rule_id, rule.severity, "quarantine", table, submission_id, source_file, source_row, None)
        for table, submission_id, source_file, source_row in connection.execute(
            "select table_name, submission_id, source_file, source_row from unreadable_row order by all"
        ).fetchall()
    ]
    failures = [*outcome.failures, *unreadable]
    _register_failures(connection, failures)
    verdict = verdicts(
        failures,
        {entry.submission_id: entry.read.rows_read for entry in reads},
        refuse_above_share=catalogue.refusing_share(spec.return_id),
    )
    judged = {}
    for entry in reads:
        own = verdict[entry.submission_id]
        refused = own.status == "refused"
        reason = f"{entry.source_file}: {_because(own.reason, own.rule_ids, catalogue)}" if refused else None
        judged[entry.submission_id] = Assessed(
            submission_id=entry.submission_id,
            source_file=entry.source_file,
            sha256=entry.sha256,
            table=entry.read.table,
            supplier=entry.read.supplier,
            period=entry.read.period,
            sequence=entry.read.sequence,
            rows_read=entry.read.rows_read,
            rows_quarantined=entry.read.rows_read if refused else _quarantined(connection, spec, entry),
            status=own.status,
            reason=reason,
            failures=[failure for failure in failures if failure.submission_id == entry.submission_id],
            rule_ids=own.rule_ids,
        )
    return judged


def is_quarantined(spec: ReturnSpec, table: str) -> str:
    """SQL that is true for a row of `table`, under the alias `landed`, that fails a quarantining rule."""
    cell = spec.tables[table].cell or "null"
    return (
        "exists (select 1 from landing_failure as failed where failed.effect = 'quarantine'"
        " and failed.submission_id = landed.submission_id and failed.source_row = landed.source_row"
        f" and (failed.cell is null or failed.cell = {cell}))"
    )


def _quarantined(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, entry: _Read) -> int:
    row = connection.execute(
        f'select count(*) from "{entry.read.table}" as landed'
        f" where submission_id = ? and {is_quarantined(spec, entry.read.table)}",
        [entry.submission_id],
    ).fetchone()
    return len(entry.read.unreadable) + (int(row[0]) if row else 0)


def _because(reason: str | None, rule_ids: tuple[str, ...], catalogue: Catalogue) -> str:
    first = catalogue.rule(rule_ids[0]) if rule_ids else None
    return f"{reason or ''} {first.label if first else ''} {first.action if first else ''}".strip()


def _register_failures(connection: duckdb.DuckDBPyConnection, failures: list[LandingFailure]) -> None:
    connection.execute(
        "create or replace table landing_failure (rule_id varchar, severity varchar, effect varchar, table_name varchar,"
        " submission_id varchar, source_file varchar, source_row bigint, cell varchar)"
    )
    if failures:
        rows = {name: [getattr(failure, name) for failure in failures] for name in LandingFailure._fields}
        types = {"source_row": pa.int64()}
        arrow = pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in rows.items()})
        insert_arrow(connection, "landing_failure", arrow)
