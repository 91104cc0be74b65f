"""The files people open: DuckDB databases and Parquet, copied from the warehouse inside DuckDB."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.release.errors import ReleaseRefused
from orchestration.release.inventory import Inventory, relocated_view
from orchestration.sql_text import literal, quoted

# The oldest storage version DuckDB writes: files open in every release since 1.0.
STORAGE_VERSION = "v1.0.0"

OPEN_DATABASE = Path("open/send_kpis.duckdb")
RESTRICTED_DATABASE = Path("restricted/send_marts.duckdb")
PLACES_COUNTS = Path("restricted/places_counts.parquet")
PARQUET_FOLDER = Path("open/parquet")
CSV_FOLDER = Path("open/csv")
SPREADSHEET = Path("open/send_kpis.xlsx")
EVIDENCE_FOLDER = Path("evidence")

# Released schema by warehouse schema. The restricted KPIs are named apart: they are not suppressed. With them stand views
# that are for finance and data officers alone.
OPEN_SCHEMAS = {"kpi_open": "kpi"}
RESTRICTED_SCHEMAS = {"marts": "marts", "kpi": "kpi_internal", "kpi_internal": "kpi_internal"}


@contextmanager
def new_database(connection: duckdb.DuckDBPyConnection, path: Path, alias: str) -> Iterator[None]:
    """Attach a new database file for writing; checkpointed and detached at the end."""
    connection.execute(f"attach {literal(str(path))} as {quoted(alias)} (storage_version {literal(STORAGE_VERSION)})")
    try:
        yield
        connection.execute(f"checkpoint {quoted(alias)}")
    finally:
        connection.execute(f"detach {quoted(alias)}")


@contextmanager
def in_one_transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """What is written to one database: thousands of statements, most of them comments, of which each alone waits for the disk."""
    connection.execute("begin transaction")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


@contextmanager
def existing_database(connection: duckdb.DuckDBPyConnection, path: Path, alias: str) -> Iterator[None]:
    """Attach a database file for reading, as people do."""
    connection.execute(f"attach {literal(str(path))} as {quoted(alias)} (read_only)")
    try:
        yield
    finally:
        connection.execute(f"detach {quoted(alias)}")


def copy_schemas(
    connection: duckdb.DuckDBPyConnection, inventory: Inventory, *, database: str, schema_names: dict[str, str]
) -> None:
    """Copy tables, views and their comments from the warehouse into an attached database.

    Args:
        connection: the warehouse connection, with `database` attached for writing.
        inventory: what to copy.
        database: alias of the attached database.
        schema_names: released schema by warehouse schema; other schemas are left out.
    """
    for schema in dict.fromkeys(schema_names.values()):
        connection.execute(f"create schema {quoted(database, schema)}")
    for table in inventory.tables:
        if table.schema_name in schema_names:
            target = quoted(database, schema_names[table.schema_name], table.table_name)
            connection.execute(f"create table {target} as from {quoted(table.schema_name, table.table_name)}")
    for view in inventory.views:
        # A view is released as a definition over the copied tables; it has no digest because it holds no rows: the
        # digests of the tables it reads cover them.
        if view.schema_name in schema_names:
            statement = relocated_view(connection, view, database=database, schema_names=schema_names)
            try:
                connection.execute(statement)
            except (duckdb.BinderException, duckdb.CatalogException) as error:
                raise ReleaseRefused(
                    f"View {view.schema_name}.{view.view_name} does not stand on the released tables and earlier "
                    f"views alone; name columns by table or alias only, and build the views it reads before it."
                ) from error
    copy_comments(connection, database=database, schema_names=schema_names)


def copy_comments(connection: duckdb.DuckDBPyConnection, *, database: str, schema_names: dict[str, str]) -> None:
    """Carry over the comments on tables, views and columns (dbt's descriptions)."""
    schemas = list(schema_names)
    relations = connection.execute(
        """
        select 'table', schema_name, table_name, comment from duckdb_tables()
        where database_name = current_database() and comment is not null and list_contains(?, schema_name)
        union all
        select 'view', schema_name, view_name, comment from duckdb_views()
        where database_name = current_database() and comment is not null and list_contains(?, schema_name)
        """,
        [schemas, schemas],
    ).fetchall()
    for kind, schema, name, comment in relations:
        target = quoted(database, schema_names[schema], name)
        connection.execute(f"comment on {kind} {target} is {literal(comment)}")
    for schema, table, column, comment in column_comments(connection, schemas):
        target = quoted(database, schema_names[schema], table, column)
        connection.execute(f"comment on column {target} is {literal(comment)}")


def column_comments(connection: duckdb.DuckDBPyConnection, schemas: list[str]) -> list[tuple[str, str, str, str]]:
    """(schema, table or view, column, comment) of every described column of the warehouse's schemas."""
    return connection.execute(
        """
        select schema_name, table_name, column_name, comment
        from duckdb_columns()
        where database_name = current_database() and comment is not null and list_contains(?, schema_name)
        order by schema_name, table_name, column_index
        """,
        [schemas],
    ).fetchall()


def write_parquet(connection: duckdb.DuckDBPyConnection, inventory: Inventory, folder: Path) -> None:
    """One Parquet file for every KPI table and family view, rows in a fixed order."""
    for schema, name in parquet_relations(inventory):
        path = literal(str(folder / f"{name}.parquet"))
        connection.execute(
            f"copy (from {quoted(schema, name)} order by all) to {path} (format parquet, compression zstd)"
        )


def parquet_relations(inventory: Inventory) -> list[tuple[str, str]]:
    """(schema, name) of what is released as Parquet: everything in the open schemas."""
    tables = [(table.schema_name, table.table_name) for table in inventory.tables]
    views = [(view.schema_name, view.view_name) for view in inventory.views]
    return [(schema, name) for schema, name in tables + views if schema in OPEN_SCHEMAS]
