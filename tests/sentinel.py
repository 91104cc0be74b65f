"""A search for planted identifiers in everything below a folder, in what files hold and not only in their bytes.

Compressed and columnar files hide a name from a search of bytes: Parquet, DuckDB, SQLite and workbooks are read cell by
cell, archives are unpacked, the rest is read as text in UTF-8 and UTF-16. `plant_control` makes one of each kind, so that
a test can prove the search would find what it says is not there.
"""

import contextlib
import gzip
import io
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

_SQLITE = b"SQLite format 3\x00"
_ZLIB = b"\x78"


@dataclass(frozen=True)
class Found:
    """A planted identifier, the file that holds it and where in it."""

    sentinel: str
    path: str
    place: str


class UnreadableError(Exception):
    """A file that should be readable is not, so that nothing can be said of what it holds."""


def scan(folder: Path, sentinels: Iterable[str], *, leave_out: Iterable[Path] = ()) -> list[Found]:
    """Every planted identifier below `folder`, file names included; case is ignored.

    Args:
        folder: where to look.
        sentinels: what was planted.
        leave_out: folders that may hold them (the vault, the archive).

    Raises:
        UnreadableError: a Parquet, DuckDB, SQLite or zip file cannot be opened; a sealed one belongs in `leave_out`.
    """
    wanted = [(sentinel, sentinel.lower()) for sentinel in sentinels]
    skipped = [path.resolve() for path in leave_out]
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(path.resolve().is_relative_to(skip) for skip in skipped):
            continue
        for place, text in [("its name", str(path.relative_to(folder))), *_texts(path.name, path.read_bytes(), path)]:
            lowered = text.lower()
            found += [Found(sentinel, str(path), place) for sentinel, low in wanted if low in lowered]
    return found


def _texts(name: str, content: bytes, path: Path | None) -> Iterator[tuple[str, str]]:
    """What a file holds as text, with where; always its bytes too."""
    yield "its bytes", content.decode("utf-8", "ignore")
    for encoding in ("utf-16-le", "utf-16-be"):
        yield f"its bytes as {encoding}", content.decode(encoding, "ignore")
    if content.startswith(b"PAR1") or content[8:12] == b"DUCK" or content.startswith(_SQLITE):
        if path is None:  # inside an archive
            import tempfile

            with tempfile.TemporaryDirectory() as folder:
                inner = Path(folder) / "member"
                inner.write_bytes(content)
                yield from _cells(content, inner)
        else:
            yield from _cells(content, path)
    elif content.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for member in archive.namelist():
                    yield f"a member's name in {name}", member
                    for place, text in _texts(member, archive.read(member), None):
                        yield f"{member}: {place}", text
        except zipfile.BadZipFile as error:
            raise UnreadableError(name) from error
    elif content.startswith(b"\x1f\x8b"):
        yield from _texts(name, gzip.decompress(content), None)


def _cells(content: bytes, path: Path) -> Iterator[tuple[str, str]]:
    if content.startswith(_SQLITE):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
            for table in tables:
                for row in database.execute(f'select * from "{table}"'):
                    yield f"table {table}", "\x1f".join(map(_value_text, row))
        return
    try:
        if content.startswith(b"PAR1"):
            with duckdb.connect() as connection:
                yield from _rows(connection, f"read_parquet('{path}', hive_partitioning = false)", "a row")
        else:
            with duckdb.connect(str(path), read_only=True) as connection:
                for schema, table, definition in connection.execute(
                    "select table_schema, table_name, '' from information_schema.tables where table_type <> 'VIEW'"
                    " union all select schema_name, view_name, sql from duckdb_views() where not internal"
                ).fetchall():
                    yield f"{schema}.{table}", definition
                    if not definition:
                        yield from _rows(connection, f'"{schema}"."{table}"', f"{schema}.{table}")
    except duckdb.Error as error:
        raise UnreadableError(str(path)) from error


def _value_text(value: object) -> str:
    """A cell of SQLite as text; Dagster keeps some compressed."""
    if not isinstance(value, bytes):
        return str(value)
    if value[:1] == _ZLIB:
        with contextlib.suppress(zlib.error):  # what begins like one need not be one
            value = zlib.decompress(value)
    return value.decode("utf-8", "ignore")


def _rows(connection: duckdb.DuckDBPyConnection, relation: str, place: str) -> Iterator[tuple[str, str]]:
    result = connection.execute(f"select cast(columns(*) as varchar) from {relation}")
    while rows := result.fetchmany(5000):
        yield place, "\x1e".join("\x1f".join(cell or "" for cell in row) for row in rows)


def plant_control(folder: Path, sentinel: str) -> list[Path]:
    """One file of every kind that holds `sentinel` where a search of bytes does not see it.

    Returns: the files; a scan that does not name each of them proves nothing.
    """
    from openpyxl import Workbook

    folder.mkdir(parents=True, exist_ok=True)
    # Among many like it, so that Parquet and DuckDB encode and compress it.
    values = f"(select case when range = 777 then '{sentinel}' else 'filler ' || range end as given from range(3000))"
    suffixes = (
        "parquet",
        "duckdb",
        "sqlite",
        "db",
        "xlsx",
        "csv.gz",
        "zip",
        "txt",
        "log",
        "html",
        "json",
        "duckdb.wal",
    )
    paths = [folder / f"control.{suffix}" for suffix in suffixes]
    parquet, database, sqlite, compressed, workbook, gz, archive, utf16, *plain = paths
    duckdb.sql(f"copy {values} to '{parquet}' (format parquet, compression zstd)")
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"create table control as {values}")
        connection.execute("checkpoint")
    with sqlite3.connect(sqlite) as connection_lite:
        connection_lite.execute("create table control (given blob)")
        connection_lite.execute("insert into control values (?)", [sentinel.encode()])
    with sqlite3.connect(compressed) as connection_lite:
        connection_lite.execute("create table control (given blob)")
        connection_lite.execute("insert into control values (?)", [zlib.compress(f"{sentinel} ".encode() * 50)])
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([sentinel])
    book.save(workbook)
    gz.write_bytes(gzip.compress(f"given\n{sentinel}\n".encode()))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(parquet, "inner.parquet")
    utf16.write_text(sentinel, encoding="utf-16")
    for path in plain:
        path.write_text(f"before {sentinel} after")
    return paths
