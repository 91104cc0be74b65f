"""A release is checked twice: against the warehouse before anyone can read it, and against its manifest on request."""

import hashlib
from pathlib import Path

import duckdb

from orchestration.release.digest import content_digest, relation_digest
from orchestration.release.ees import suppressed_values
from orchestration.release.ees_rules import Context, Finding, check_open_data
from orchestration.release.errors import ReleaseUnsound
from orchestration.release.exports import (
    CSV_FOLDER,
    OPEN_DATABASE,
    OPEN_SCHEMAS,
    PARQUET_FOLDER,
    RESTRICTED_DATABASE,
    RESTRICTED_SCHEMAS,
    SPREADSHEET,
    existing_database,
    parquet_relations,
)
from orchestration.release.inventory import Inventory, count_rows
from orchestration.release.manifest import MANIFEST, Manifest, ReleasedFile
from orchestration.release.spreadsheet import SheetContent, read_contents
from orchestration.sql_text import literal, quoted


def verify_built(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    inventory: Inventory,
    *,
    csv_rows: dict[str, int],
    sheets: dict[str, SheetContent],
) -> None:
    """Open every data file just built and compare it with the warehouse: row counts, and every value by digest.

    Args:
        connection: the warehouse connection.
        folder: the release folder being built.
        inventory: what the gates passed.
        csv_rows: rows by stem of the CSV files.
        sheets: what the sheets of KPI values of the spreadsheet hold, by name.

    Raises:
        ReleaseUnsound: naming the first file that differs.
    """
    for file, schema_names in ((OPEN_DATABASE, OPEN_SCHEMAS), (RESTRICTED_DATABASE, RESTRICTED_SCHEMAS)):
        verify_database(connection, folder / file, inventory, schema_names=schema_names)
    digests = {(table.schema_name, table.table_name): table.digest for table in inventory.tables}
    for schema, name in parquet_relations(inventory):
        path = folder / PARQUET_FOLDER / f"{name}.parquet"
        released = relation_digest(connection, f"read_parquet({literal(str(path))})", name=path.name)
        if released != (digests.get((schema, name)) or content_digest(connection, schema, name)):
            raise ReleaseUnsound(f"{path.name} does not hold what {schema}.{name} holds; nothing was released.")
    for stem, rows in csv_rows.items():
        path = folder / CSV_FOLDER / f"{stem}.csv"
        layout = "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"'"
        found = count_rows(connection, f"read_csv({literal(str(path))}, {layout})")
        if found != rows:
            raise ReleaseUnsound(f"{path.name} holds {found} rows and should hold {rows}; nothing was released.")
    written = read_contents(folder / SPREADSHEET)
    for label, content in sheets.items():
        if written.get(label) != content:
            raise ReleaseUnsound(
                f"Sheet {label} of {SPREADSHEET.name} holds {written.get(label)} and should hold {content}; "
                f"nothing was released."
            )


def verify_open_data(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[Finding]:
    """Check the CSV files just written against the rules of DfE's Explore Education Statistics (EES).

    Returns:
        What only warns.

    Raises:
        ReleaseUnsound: a rule that stops a release fails; names the first file and how many findings there are.
    """
    authorities = connection.execute(
        """
        select 'x', area_code, area_name
        from marts.dim_area
        where area_level = 'local_authority'
        order by all
        """
    ).fetchall()
    findings = check_open_data(folder, Context(authorities, suppressed_values(connection)))
    failures = [finding for finding in findings if finding.severity == "fail"]
    if failures:
        first = failures[0]
        more = f" ({len(failures) - 1} more)" if failures[1:] else ""
        raise ReleaseUnsound(
            f"{first.file} breaks {first.rule_id} of the open data standards: {first.sentence}{more}; nothing was released."
        )
    return findings


def verify_database(
    connection: duckdb.DuckDBPyConnection, path: Path, inventory: Inventory, *, schema_names: dict[str, str]
) -> None:
    """Compare every table and view of a released database with the warehouse.

    Raises:
        ReleaseUnsound: a table or view differs.
    """
    with existing_database(connection, path, "release_check"):
        for table in inventory.tables:
            if table.schema_name in schema_names:
                schema = schema_names[table.schema_name]
                rows = count_rows(connection, quoted("release_check", schema, table.table_name))
                digest = content_digest(connection, schema, table.table_name, database="release_check")
                if (rows, digest) != (table.rows, table.digest):
                    raise ReleaseUnsound(
                        f"{path.name} holds other rows in {schema}.{table.table_name} than the gate passed; "
                        f"nothing was released."
                    )
        for view in inventory.views:
            if view.schema_name in schema_names:
                schema = schema_names[view.schema_name]
                released = count_rows(connection, quoted("release_check", schema, view.view_name))
                if released != count_rows(connection, quoted(view.schema_name, view.view_name)):
                    raise ReleaseUnsound(
                        f"{path.name} shows other rows in view {schema}.{view.view_name} than the warehouse; "
                        f"nothing was released."
                    )


def file_record(folder: Path, path: Path) -> ReleasedFile:
    """Path (relative to the release folder), size and SHA-256 of a file."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ReleasedFile(path=path.relative_to(folder).as_posix(), bytes=path.stat().st_size, sha256=digest)


def record_files(folder: Path) -> list[ReleasedFile]:
    """Every file of a release folder except the manifest itself, by path."""
    return [file_record(folder, path) for path in sorted(folder.rglob("*")) if path.is_file() and path.name != MANIFEST]


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Recompute the digest of every file of a complete release; one that had to be removed must be gone.

    Raises:
        ReleaseUnsound: one sentence that names what was altered, removed or added.
    """
    removed = {removal.path for removal in manifest.removals}
    recorded = {record.path: record for record in manifest.files if record.path not in removed}
    found = {record.path: record for record in record_files(folder)}
    faults = {
        "altered": sorted(path for path in recorded.keys() & found.keys() if recorded[path] != found[path]),
        "missing": sorted(recorded.keys() - found.keys()),
        "added": sorted(found.keys() - recorded.keys()),
    }
    if any(faults.values()):
        told = "; ".join(f"{kind}: {', '.join(paths)}" for kind, paths in faults.items() if paths)
        raise ReleaseUnsound(
            f"Release {manifest.release_id} is not what was published ({told}); restore it from a backup, or roll back "
            f"to a sound release."
        )
