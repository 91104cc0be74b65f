"""The therapy marts as they were known on a past day, built anew beside the store."""

import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.dbt_manifest import run_dbt
from orchestration.durable import write_private
from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock
from orchestration.release.exports import column_comments, in_one_transaction, new_database
from orchestration.returns.workspace import limit
from orchestration.settings import Settings
from orchestration.sql_text import literal, quoted
from orchestration.warehouse import warehouse_lock
from orchestration.worklist.counted import require_place

VARIABLE = "therapy_known_at"
KNOWN = "int_therapy_submission__known"
REBUILT = ("models/intermediate", "models/marts/therapy")


@dataclass(frozen=True)
class KnownAt:
    """What was written: how many accepted submissions were `known` at the end of the day, and by return those `left_out`."""

    day: date
    known: int
    left_out: dict[str, int]
    path: Path


def write_known_at(settings: Settings, day: date, out: Path) -> KnownAt:
    """Write the dimensions and the therapy marts, as known at the end of a day, to a DuckDB file that its owner alone can read.

    Nothing of the store changes: a copy of the working database is built over, with the same models and data tests as a run
    has, and thrown away. What the day does not undo is written at `therapy_known_at` in dbt_project.yml.

    Args:
        settings: where the store is.
        day: submissions received by its end count.
        out: file to write, .duckdb; outside repository, store and inbox, since it holds rows about children.

    Raises:
        CornerstoneError: nothing is built yet, nothing had been received by that day, the place will not do, or dbt fails.
    """
    require_place(settings, out, (".duckdb",))
    if not settings.warehouse_path.is_file():
        raise CornerstoneError("Nothing is built yet to look back at; `cornerstone run` builds it.")
    with (
        exclusive_lock(settings.store / "known_at.lock", wait_seconds=2, holder="cornerstone known-at"),
        tempfile.TemporaryDirectory(dir=settings.store, prefix=".known_at_") as folder,
    ):
        # dbt finds what it built by the name of the database, which is that of the file
        copied = Path(folder) / settings.warehouse_path.name
        with warehouse_lock(settings.warehouse_path, holder="cornerstone known-at"):
            shutil.copyfile(settings.warehouse_path, copied)
        known, left_out = _submissions(copied, day)
        selected = [f"{KNOWN}+,path:{path}" for path in REBUILT]
        run_dbt(
            settings,
            [
                *("build", "--exclude-resource-type", "unit_test", "--select", *selected),
                *("--vars", f"{{{VARIABLE}: '{day}'}}"),
                *("--target-path", str(Path(folder) / "target"), "--log-path", str(Path(folder) / "logs")),
            ],
            warehouse=copied,
        )
        made = Path(folder) / "made.duckdb"
        with duckdb.connect(str(copied)) as connection:
            limit(connection, settings.database_limits)
            _export(connection, made, day)
        write_private(out, made.read_bytes())
    return KnownAt(day, known, left_out, out)


def _submissions(warehouse: Path, day: date) -> tuple[int, dict[str, int]]:
    """Accepted submissions known at the end of the day, and those received later by return."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        counted = connection.execute(
            """
            select
                return_id,
                count(*) filter (where cast(received_at as date) <= $day),
                count(*) filter (where cast(received_at as date) > $day)
            from staging.stg_control__submission
            group by return_id
            order by return_id
            """,
            {"day": day},
        ).fetchall()
    known = sum(earlier for _, earlier, _ in counted)
    if not known:
        raise CornerstoneError(f"Nothing had been received by the end of {day}; choose a later day.")
    return known, {return_id: later for return_id, _, later in counted if later}


def _export(connection: duckdb.DuckDBPyConnection, made: Path, day: date) -> None:
    tables = connection.execute(
        """
        select table_name from duckdb_tables()
        where schema_name = 'marts' and table_name <> 'dim_child_history'
            and (starts_with(table_name, 'dim_') or starts_with(table_name, 'fct_therapy_'))
        order by table_name
        """
    ).fetchall()
    with new_database(connection, made, "made"), in_one_transaction(connection):
        connection.execute("create schema made.marts")
        for (table,) in tables:
            connection.execute(f"create table {quoted('made', 'marts', table)} as from {quoted('marts', table)}")
        for schema, table, column, comment in column_comments(connection, ["marts"]):
            if (table,) in tables:
                connection.execute(f"comment on column {quoted('made', schema, table, column)} is {literal(comment)}")
        connection.execute("create table made.marts.known_at (known_at_date date)")
        connection.execute(
            "comment on table made.marts.known_at is"
            " 'The day at whose end what is in the facts was known; dimensions are as they are today. No release:"
            " no gate has passed them.'"
        )
        connection.execute("insert into made.marts.known_at values (?)", [day])
