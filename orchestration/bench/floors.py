"""The quickest that any program could read the same bytes: what landing and building are set beside."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
from lxml import etree

from orchestration.bench.measure import Usage, best_of
from orchestration.sql_text import literal, quoted

CHUNK_ROWS = 250_000
"""Rows that pandas reads at a time, so that memory stays bounded."""


@dataclass(frozen=True)
class Floor:
    """One way of reading, of so many bytes. `fields`: leaves of XML or cells."""

    name: str
    files: int
    bytes: int
    rows: int
    fields: int
    usage: Usage


@dataclass(frozen=True)
class Counted:
    """What a reading came across."""

    rows: int
    fields: int
    bytes: int = 0


def walk(path: Path) -> Counted:
    """Read the text of every leaf of an XML file, and let go of what an element held when it ends."""
    leaves = 0
    for _, element in etree.iterparse(str(path), events=("end",)):
        if len(element) == 0:
            _ = element.text
            leaves += 1
        else:
            element.clear()
    return Counted(0, leaves)


def copy_csv(path: Path, target: Path) -> Counted:
    """Read a CSV file as text and write it as Parquet, all by DuckDB."""
    with _connected() as connection:
        source = f"read_csv({literal(str(path))}, all_varchar = true)"
        connection.execute(f"copy (from {source}) to {literal(str(target))} (format parquet, compression zstd)")
        written = connection.sql(f"from read_parquet({literal(str(target))})")
        return _counted(written.count("*").fetchall()[0][0], len(written.columns))


def pandas_csv(path: Path) -> Counted:
    """Read a CSV file as text by pandas."""
    rows = columns = 0
    for chunk in pd.read_csv(path, dtype=str, keep_default_na=False, chunksize=CHUNK_ROWS):
        rows, columns = rows + len(chunk), len(chunk.columns)
    return _counted(rows, columns)


def scan_parquet(path: Path) -> Counted:
    """Read every column of a Parquet file by DuckDB."""
    with _connected() as connection:
        return _drained(connection.sql(f"from read_parquet({literal(str(path))}, hive_partitioning = false)"))


def pandas_parquet(path: Path) -> Counted:
    """Read every column of a Parquet file by pandas, whole."""
    frame = pd.read_parquet(path, engine="pyarrow", partitioning=None)
    return _counted(len(frame), len(frame.columns))


def scan_tables(database: Path, schemas: Iterable[str]) -> Counted:
    """Read every column of every table of some schemas of a DuckDB file; bytes are those of the columns in memory."""
    wanted = set(schemas)
    found = []
    with _connected(database) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        for schema, table in tables:
            if schema in wanted:
                found.append(_drained(connection.sql(f"from {quoted(schema, table)}")))
    return _sum(found)


def read_all(name: str, paths: Sequence[Path], read: Callable[[Path], Counted], turns: int = 1) -> Floor:
    """Read all of some files one after the other; the quickest turn counts."""
    usage, counted = best_of(turns, lambda: _sum(map(read, paths)))
    return Floor(name, len(paths), sum(path.stat().st_size for path in paths), counted.rows, counted.fields, usage)


def _connected(database: Path | None = None) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:") if database is None else duckdb.connect(str(database), read_only=True)
    connection.execute("set enable_progress_bar = false")  # it would be drawn into standard output
    return connection


def _drained(relation: duckdb.DuckDBPyRelation) -> Counted:
    rows = size = 0
    batch: pa.RecordBatch
    for batch in relation.to_arrow_reader():
        rows, size = rows + batch.num_rows, size + batch.nbytes
    return Counted(rows, rows * len(relation.columns), size)


def _counted(rows: int, columns: int) -> Counted:
    return Counted(rows, rows * columns)


def _sum(found: Iterable[Counted]) -> Counted:
    listed = list(found)
    return Counted(sum(one.rows for one in listed), sum(one.fields for one in listed), sum(one.bytes for one in listed))
