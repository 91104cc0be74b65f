"""The working database: who may open it, and the control tables that dbt reads beside the landed Parquet.

DuckDB takes one writer and, while it writes, no reader in another process. So only the dbt steps, the gates and the
release open it, each under an operating-system lock; people read releases.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.errors import DISK_FULL, Busy, CornerstoneError, room_wanted, says_disk_full, says_locked
from orchestration.linkage.child_key import LINK_COLUMNS
from orchestration.locking import exclusive_lock
from orchestration.release.ledger import write_published_forecasts
from orchestration.returns.again import RULE_FAILURES
from orchestration.returns.kpis import local_return_ids, seed_rows
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.submission import (
    People,
    Submission,
    current_submissions,
    landing_dirs,
    people_in,
    read_submissions,
    return_dir,
)
from orchestration.returns.workspace import limit
from orchestration.settings import Settings
from orchestration.sql_text import literal

LOCK_WAIT_SECONDS = 1800.0
OPEN_WAIT_SECONDS = 120.0
OPEN_RETRY_SECONDS = 2.0

log = logging.getLogger("cornerstone.warehouse")

_SUBMISSION_TABLE = """
create or replace table control.submission (
    submission_id varchar, return_id varchar, period varchar, supplier varchar, sequence varchar, received_at timestamp,
    spec_version varchar, source_file varchar, sha256 varchar, table_name varchar, rows_read bigint, rows_landed bigint,
    rows_quarantined bigint, status varchar, reason varchar, supersedes varchar, is_current boolean
)
"""
_STATED_CELL_TABLE = """
create or replace table control.stated_cell (
    la_code varchar, release_name varchar, series_code varchar, time_period varchar, breakdown_topic varchar,
    breakdown varchar, measure_code varchar, stated_value bigint, reason varchar
)
"""
# What the returns that bring their KPIs add to seeds of these names (macro `with_local_returns`).
_SEED_TABLES = {
    "kpi_definition": """
        kpi_id varchar, title varchar, family varchar, definition varchar, numerator varchar, denominator varchar,
        unit varchar, source_return varchar, breakdowns varchar, frequency varchar, polarity varchar,
        is_judged_by_size boolean, statutory_basis varchar, outcome_statement varchar, aspiration varchar,
        published_comparator varchar, owner_role varchar, caveats varchar, evidence_confidence varchar
    """,
    "kpi_source": """
        kpi_id varchar, source_rank integer, calculation varchar, breakdown_topic varchar, breakdown varchar,
        part varchar, series_code varchar, measure_code varchar, weight integer, is_split_by_person boolean,
        is_january_stock boolean, is_january_base boolean, whole_topic varchar
    """,
    "kpi_breakdown_topic": "breakdown_topic varchar, is_withheld boolean",
    "kpi_target": """
        kpi_id varchar, target_kind varchar, target_value decimal(18, 4), unit varchar, tolerance decimal(18, 4),
        applies_from date, applies_to date, due_date date, is_rated boolean, target_label varchar, source varchar
    """,
    "additive_measure": """
        line_code varchar, total_series_code varchar, total_measure_code varchar, part_series_code varchar,
        part_measure_code varchar
    """,
}


@contextmanager
def warehouse_lock(warehouse_path: Path, holder: str) -> Iterator[None]:
    """Be the only one to touch the working database: for a dbt process of ours, or a connection of our own."""
    with exclusive_lock(warehouse_path.with_suffix(".lock"), wait_seconds=LOCK_WAIT_SECONDS, holder=holder):
        yield


@contextmanager
def open_warehouse(warehouse_path: Path, holder: str, limits: Mapping[str, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-write connection under the lock, held to `limits`; closed, and the lock released, whatever the body does.

    What spills to disk lies beside the database, where its owner alone can read, and as it does: pseudonymised.

    Raises:
        CornerstoneError: another process holds the lock or the file, the file is not a database, or the disk or the memory that
            may be taken is full.
    """
    with warehouse_lock(warehouse_path, holder):
        connection = _connect(warehouse_path)
        try:
            connection.execute("set enable_progress_bar = false")  # it would be drawn into standard output
            limit(connection, limits)
            yield connection
        except duckdb.Error as error:
            if wanted := room_wanted(str(error)):
                raise CornerstoneError(wanted) from None
            raise
        finally:
            connection.close()


def _connect(warehouse_path: Path) -> duckdb.DuckDBPyConnection:
    """Open the database, waiting while another program has it open.

    Our own lock keeps our steps apart; what it cannot see is the dbt process of a run that was killed, which lives on
    until it finishes, or a person's database tool.
    """
    deadline = time.monotonic() + OPEN_WAIT_SECONDS
    is_told = False
    while True:
        try:
            return duckdb.connect(str(warehouse_path))
        except duckdb.IOException as error:
            if says_disk_full(str(error)):
                raise CornerstoneError(DISK_FULL) from None
            if not says_locked(str(error)):
                raise CornerstoneError(
                    f"{warehouse_path.name} cannot be opened: it is damaged, or may not be written by this user. Where it is"
                    " damaged, delete it: it is rebuilt from the landed files at the next run."
                ) from error
            if time.monotonic() >= deadline:
                raise Busy(
                    f"{warehouse_path.name} cannot be opened: another program has it open. Close that program and run again."
                ) from error
            if not is_told:
                log.info("another program has %s open; waiting for it", warehouse_path.name)
                is_told = True
            time.sleep(OPEN_RETRY_SECONDS)


def write_control_tables(connection: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Tell the warehouse which submissions there are, which count, what releases forecast, and the settings models may read.

    Returns: how many submissions were registered.
    """
    write_empty_tables(settings)
    connection.execute("create schema if not exists control")
    submissions = [submission for return_id in return_ids() for submission in read_submissions(settings, return_id)]
    current: set[str] = set()
    for return_id in return_ids():
        own = [submission for submission in submissions if submission.return_id == return_id]
        current |= {submission.submission_id for submission in current_submissions(own).values()}
    connection.execute("begin")
    connection.execute(_SUBMISSION_TABLE)
    registered = [_submission_row(submission, current) for submission in submissions]
    _insert(connection, "control.submission", sorted(registered, key=lambda row: str(row["submission_id"])))
    connection.execute(
        "create or replace table control.refused_submission as"
        " select submission_id, return_id, period, supplier, rows_read, received_at"
        " from control.submission where status = 'refused'"
    )
    connection.execute(
        "create or replace table control.submission_table"
        " (submission_id varchar, table_name varchar, rows_read bigint, rows_landed bigint, rows_quarantined bigint)"
    )
    counted = [
        {"submission_id": submission.submission_id, "table_name": name} | asdict(rows)
        for submission in submissions
        for name, rows in sorted(submission.tables.items())
    ]
    _insert(connection, "control.submission_table", counted)
    connection.execute(
        "create or replace table control.rule_failure"
        " (rule_id varchar, submission_id varchar, source_file varchar, source_row bigint, table_name varchar)"
    )
    failures = [
        str(path)
        for return_id in return_ids()
        for folder in landing_dirs(settings, return_id)
        if (path := folder / f"{RULE_FAILURES}.parquet").is_file()
    ]
    if failures:
        connection.execute(
            "insert into control.rule_failure by name"
            " select rule_id, submission_id, source_file, source_row, table_name from read_parquet(?)"
            " semi join control.submission using (submission_id)",  # files read again left their earlier reading behind
            [failures],
        )
    connection.execute("create or replace table control.rule_not_judged (rule_id varchar, submission_id varchar)")
    not_judged = [
        {"rule_id": rule_id, "submission_id": one.submission_id} for one in submissions for rule_id in one.not_judged
    ]
    _insert(connection, "control.rule_not_judged", not_judged)
    columns = ", ".join(f"{name} {type_}" for name, type_ in LINK_COLUMNS.items())
    connection.execute(f"create or replace table control.child_key ({columns})")
    if settings.child_link_path.is_file():
        connection.execute(
            "insert into control.child_key by name select * from read_parquet(?, hive_partitioning = false)",
            [str(settings.child_link_path)],
        )
    added = seed_rows(local_return_ids())
    for name, seed_columns in _SEED_TABLES.items():
        connection.execute(f"create or replace table control.{name} ({seed_columns})")
        _insert(connection, f"control.{name}", added[name])
    connection.execute(
        "create or replace table control.code (return_id varchar, code_set varchar, code varchar, label varchar)"
    )
    codes = [
        {"return_id": return_id, "code_set": name, "code": code, "label": label}
        for return_id in local_return_ids()
        for name, code_set in load_spec(return_id).codes.items()
        for code, label in code_set.codes.items()
    ]
    _insert(connection, "control.code", codes)
    people = people_in(submissions)
    _write_stated_cells(connection, settings, people)
    write_published_forecasts(connection, settings)
    connection.execute("create or replace table control.setting (name varchar, value varchar)")
    connection.execute(
        "insert into control.setting values ('la_code', ?), ('la_ons_code', ?)",
        [settings.la_code, settings.la_ons_code],
    )
    if people is not None:
        connection.execute("insert into control.setting values ('people', ?)", [people])
    connection.execute("commit")
    return len(submissions)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        connection.register("new_rows", pa.Table.from_pylist(list(rows)))
        connection.execute(f"insert into {table} by name select * from new_rows")
        connection.unregister("new_rows")


def _write_stated_cells(connection: duckdb.DuckDBPyConnection, settings: Settings, people: People | None) -> None:
    """What the invented borough of this store says it holds in cells that it does not meet; nothing in any other store."""
    connection.execute(_STATED_CELL_TABLE)
    stated = settings.synthetic_dir / "calibration.csv"
    if people == "invented" and stated.is_file():
        connection.execute(
            """
            insert into control.stated_cell by name
            select la_code, release as release_name, "table" as series_code, period as time_period, breakdown_topic,
                breakdown, measure as measure_code, generated as stated_value, reason
            from read_csv(?, header = true, all_varchar = true, nullstr = '')
            where status <> 'met' and reason is not null
            """,
            [str(stated)],
        )


def _submission_row(submission: Submission, current: set[str]) -> dict[str, object]:
    row = asdict(submission)
    tables = row.pop("tables")
    row["table_name"] = next(iter(tables)) if len(tables) == 1 else None
    row |= {name: getattr(submission, name) for name in ("rows_read", "rows_landed", "rows_quarantined")}
    for name in ("landing", "delivery_sha256", "failures", "files", "notes", "not_judged", "people", "is_draft"):
        del row[name]
    row["is_current"] = submission.submission_id in current
    return row


def write_empty_tables(settings: Settings) -> None:
    """A zero-row typed Parquet of every table a return can land, so that models always find their sources."""
    with duckdb.connect(":memory:") as connection:
        for return_id in return_ids():
            folder = return_dir(settings, return_id) / "_none"
            folder.mkdir(parents=True, exist_ok=True)
            spec = load_spec(return_id)
            for name in spec.tables:
                partial = folder / f"{name}.parquet.partial"
                connection.execute(f'create or replace table "{name}" ({spec.landed_sql(name)})')
                connection.execute(f'copy "{name}" to {literal(str(partial))} (format parquet)')
                partial.replace(folder / f"{name}.parquet")


def prepare_store(settings: Settings) -> None:
    """Make the store's folders with the modes they must have. Nothing here is shared but what `release` shares.

    Raises:
        CornerstoneError: the store or the inbox cannot be a folder where the settings put it.
    """
    # Whatever this process makes from now on is its owner's alone; a release sets the modes of what it shares.
    os.umask(0o077)
    _make(settings.store, 0o711, "CORNERSTONE_STORE")  # readers of a release pass through; they cannot list it
    for folder in (
        settings.archive_dir,
        settings.vault_dir,
        settings.landed_dir,
        settings.quality_dir,
        settings.dagster_home,
    ):
        _make(folder, 0o700, "CORNERSTONE_STORE")
    for return_id in return_ids():
        _make(settings.inbox_dir / return_id, 0o700, "CORNERSTONE_RAW")


def _make(folder: Path, mode: int, setting: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError):
        raise CornerstoneError(
            f"The folder {folder} cannot be made: a part of that path is a file, or takes no folders. Correct {setting} or the path."
        ) from None
    folder.chmod(mode)
