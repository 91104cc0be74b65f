"""The in-memory DuckDB in which files are read and checked before anything is written."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.returns.conform import define_macros
from orchestration.returns.kpis import known_kpi_ids
from orchestration.returns.spec import ReturnSpec
from orchestration.sql_text import literal


def load_encryption(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the httpfs extension from its wheel: DuckDB's only safe encryption lives in it."""
    wheel = Path(str(files("duckdb_extension_httpfs")))
    extension = next(wheel.glob("extensions/*/httpfs.duckdb_extension"))
    connection.execute(f"load {literal(str(extension))}")


def limit(connection: duckdb.DuckDBPyConnection, limits: Mapping[str, str]) -> None:
    """Hold a connection to what it may take of memory and disk (`Settings.database_limits`)."""
    for name, value in limits.items():
        connection.execute(f"set {name} = {literal(value)}")


@contextmanager
def private_database(spill_dir: Path, limits: Mapping[str, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database for identifiers of children.

    Whatever spills to disk is encrypted and goes to `spill_dir`, for its owner alone, which is emptied at start and end.
    """
    shutil.rmtree(spill_dir, ignore_errors=True)
    spill_dir.mkdir(parents=True, mode=0o700)
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute("set enable_progress_bar = false")  # it would be drawn into standard output
            load_encryption(connection)
            connection.execute("set temp_file_encryption = true")
            connection.execute(f"set temp_directory = {literal(str(spill_dir))}")
            limit(connection, limits)
            yield connection
    finally:
        shutil.rmtree(spill_dir, ignore_errors=True)


@contextmanager
def open_workspace(spec: ReturnSpec, spill_dir: Path, limits: Mapping[str, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory (`private_database`) with an empty table for everything the return lands.

    Tables besides the landed ones: `setting` (name, value; filled by who judges), `submission_file` (one row a submission
    and table read), `unreadable_row` (rows that could not be split into columns), `unusable_row` (rows that hang from
    nothing or cannot be typed), `unknown_text` (what stood under names that the return does not have), `calculated_cell`
    (cells that are made from others, as given and as made again), `code_label` (the labels of the return's codes) and
    `known_kpi` (ids of the KPIs of the catalogue).
    """
    with private_database(spill_dir, limits) as connection:
        for name, table in spec.tables.items():
            connection.execute(f'create table "{name}" ({table.received_sql})')
        connection.execute(
            "create table submission_file (submission_id varchar, return_id varchar, source_file varchar, sha256 varchar,"
            " period varchar, file_period varchar, table_name varchar, row_count bigint, duplicate_columns varchar[],"
            " unknown_columns varchar[])"
        )
        connection.execute(
            "create table unreadable_row (submission_id varchar, source_file varchar, source_row bigint,"
            " table_name varchar, rule_id varchar, row_text varchar)"
        )
        connection.execute(
            "create table unusable_row (submission_id varchar, source_file varchar, source_row bigint,"
            " table_name varchar, rule_id varchar)"
        )
        connection.execute("create table setting (name varchar, value varchar)")
        connection.execute(
            "create table unknown_text (submission_id varchar, table_name varchar, source_file varchar, source_row bigint,"
            " column_name varchar, given varchar)"
        )
        connection.execute(
            "create table calculated_cell (submission_id varchar, table_name varchar, source_file varchar,"
            " source_row bigint, column_name varchar, calculation varchar, given decimal(38, 4), computed decimal(38, 4))"
        )
        connection.execute("create table known_kpi (kpi_id varchar)")
        connection.execute("create table code_label (code_set varchar, code varchar, label varchar)")
        labels = [(name, code, label) for name, held in spec.codes.items() for code, label in held.codes.items()]
        insert_arrow(
            connection,
            "code_label",
            pa.table({name: [row[i] for row in labels] for i, name in enumerate(("code_set", "code", "label"))})
            if labels
            else pa.table({"code": pa.array([], pa.string())}),
        )
        insert_arrow(connection, "known_kpi", pa.table({"kpi_id": known_kpi_ids()}))
        define_macros(connection)
        yield connection


def attach_reference(connection: duckdb.DuckDBPyConnection, return_id: str, tables: Mapping[str, str]) -> None:
    """Put landed tables of another return into a schema named after it, for rules that compare with them.

    `tables` gives each table's relation (SQL) of the rows that count.
    """
    connection.execute(f'create schema "{return_id}"')
    for name, relation in tables.items():
        connection.execute(f'create table "{return_id}"."{name}" as from {relation}')


def run_abreast(
    connection: duckdb.DuckDBPyConnection, tasks: Sequence[Callable[[duckdb.DuckDBPyConnection], None]]
) -> None:
    """Run tasks that do not need one another, each on a cursor of its own, as many at a time as there are processors.

    DuckDB divides a query by 122,880 rows, which few tables of a return have: each task by itself would keep one busy.
    Temporary tables and macros belong to a connection: a task does not see those of `connection`.
    """

    def run(task: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        with connection.cursor() as own:
            task(own)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
        for done in [workers.submit(run, task) for task in tasks]:
            done.result()


def insert_arrow(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Append an Arrow table by column name; columns the table has and `rows` lacks become null."""
    connection.register("arrow_rows", rows)
    try:
        connection.execute(f'insert into "{table}" by name select * from arrow_rows')
    finally:
        connection.unregister("arrow_rows")
