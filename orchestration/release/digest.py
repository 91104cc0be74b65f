"""The content digest: one number that says whether two tables hold the same rows.

It is what a gate's verdict is about and what a release is compared with, so it is defined once, here:
column names and types in their order, then every row, whatever order the rows are stored in.
"""

import hashlib
import json
import re

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.sql_text import quoted

# Types whose text is exact, independent of session settings, and the same again after a round trip through Parquet.
# Floating point is left out because a sum depends on the order of its terms; HUGEINT because Parquet turns it into
# floating point; TIMESTAMP WITH TIME ZONE because its text depends on the session.
DIGESTIBLE_TYPE = re.compile(
    r"^(BOOLEAN|U?(TINYINT|SMALLINT|INTEGER|BIGINT)|DECIMAL\(\d+,\d+\)|VARCHAR|BLOB|UUID|DATE|TIME|TIMESTAMP)$"
)
REPLACEMENTS = {
    "FLOAT": "DECIMAL",
    "DOUBLE": "DECIMAL",
    "HUGEINT": "BIGINT or DECIMAL",
    "UHUGEINT": "BIGINT or DECIMAL",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP in UTC",
}

# Row hashes of a large table are sorted a sixteenth at a time: the share that has to be in memory at once. The result does
# not depend on it.
SORTED_AT_ONCE = 100_000
SORTED_SHARES = 16
FIRST_BYTES = 256


def content_digest(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, *, database: str | None = None
) -> str:
    """SHA-256 (hex) of a table's column names, column types and rows.

    Args:
        connection: an open connection; a temporary table is made in it and dropped.
        schema: schema of the table.
        table: name of the table (or view).
        database: attached database; the connection's own when None.

    Raises:
        CornerstoneError: the table does not exist, or a column is of a type whose text is not exact.
    """
    names = (schema, table) if database is None else (database, schema, table)
    return relation_digest(connection, quoted(*names), name=f"{schema}.{table}")


def relation_digest(connection: duckdb.DuckDBPyConnection, relation: str, *, name: str) -> str:
    """The same digest for anything that can follow `from`; `name` is what an error calls it."""
    columns = digestible_columns(connection, relation, name=name)
    # Length before text: ('ab', 'c') differs from ('a', 'bc'), and NULL ('-') from the empty string ('0:').
    row_text = ", ".join(
        f"coalesce(length({column}::varchar)::varchar || ':' || {column}::varchar, '-')"
        for column in (quoted(column_name) for column_name, _ in columns)
    )
    # Ordered aggregation over all rows at once cannot spill, so only the 32-byte row hashes are kept (a table can
    # spill), and each share of them is sorted by itself.
    [(row_count,)] = connection.execute(
        f"create or replace temp table release_row_hash as "
        f"select unhex(sha256(concat({row_text}))) as row_hash from {relation}"
    ).fetchall()
    try:
        groups: list[tuple[str, str]] = []
        step = FIRST_BYTES // (SORTED_SHARES if row_count > SORTED_AT_ONCE else 1)
        for first_byte in range(0, FIRST_BYTES, step):
            last_byte = first_byte + step - 1
            groups += connection.execute(
                """
                select
                    substr(hex(row_hash), 1, 2) as first_byte,
                    sha256(string_agg(hex(row_hash), '' order by row_hash)) as group_hash
                from release_row_hash
                where row_hash >= unhex(?) and row_hash <= unhex(?)
                group by first_byte
                order by first_byte
                """,
                [f"{first_byte:02X}", f"{last_byte:02X}" + "FF" * 31],
            ).fetchall()
    finally:
        connection.execute("drop table if exists temp.release_row_hash")
    return hashlib.sha256(json.dumps([columns, groups]).encode()).hexdigest()


def digestible_columns(connection: duckdb.DuckDBPyConnection, relation: str, *, name: str) -> list[tuple[str, str]]:
    """(name, type) of every column, in order.

    Raises:
        CornerstoneError: no such relation, or a type whose text is not exact.
    """
    try:
        described = connection.execute(f"describe select * from {relation}").fetchall()
    except duckdb.CatalogException as error:
        raise CornerstoneError(f"There is no table {name} to take a digest of; build it, then run again.") from error
    columns = [(str(row[0]), str(row[1])) for row in described]
    for column, column_type in columns:
        if not DIGESTIBLE_TYPE.match(column_type):
            replacement = REPLACEMENTS.get(column_type, "an exact, flat type such as DECIMAL, BIGINT or VARCHAR")
            raise CornerstoneError(
                f"Column {name}.{column} is {column_type}, whose text is not exact, so the content of the table cannot "
                f"be proven; make it {replacement} in the model."
            )
    return columns
