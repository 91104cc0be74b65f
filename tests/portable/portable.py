"""The models tagged `portable`, built on Spark from the landed Parquet of a store and compared with the tables of its warehouse.

Where a portable model reads one that is not, the table of the warehouse is handed over as Parquet, as a distributed
deployment would be given the conformed results of the rest; so are the control tables, which landing writes to the warehouse.
"""

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.dbt_manifest import dbt_environment, ensure_manifest
from orchestration.errors import CornerstoneError
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.sql_text import literal, quoted

PYTHON = PROJECT_DIR / ".venv-portable" / "bin" / "python"
TAG = "portable"


@dataclass(frozen=True)
class Compared:
    """One table on both engines. `missing` and `added` are rows that only DuckDB or only Spark has, counted with their number."""

    table: str
    rows: int
    missing: int
    added: int
    other_types: tuple[str, ...]
    is_contracted: bool

    @property
    def is_equal(self) -> bool:
        """The same rows to the last digit, and the same types where the model promises types."""
        return not self.missing and not self.added and not (self.is_contracted and self.other_types)


def why_not() -> str | None:
    """Why Spark cannot be started here; None where it can."""
    if not PYTHON.is_file():
        return "Spark is not installed: make portable sets it up beside the ordinary installation"
    if java_home() is None:
        return "no Java 17 or later: Spark needs one; set JAVA_HOME"
    return None


def java_home() -> str | None:
    """The Java that Spark is to run on: JAVA_HOME, else the one on the path."""
    java = shutil.which("java")
    return os.environ.get("JAVA_HOME") or (str(Path(java).resolve().parent.parent) if java else None)


def _relation(node: dict[str, Any]) -> str:
    return f"{node['schema']}.{node.get('alias') or node['identifier']}"


def portable_models(settings: Settings) -> tuple[dict[str, bool], list[str]]:
    """The portable models and the seeds they read, with whether their types are promised; and what they read besides."""
    manifest = json.loads(ensure_manifest(settings).read_text())
    nodes = {**manifest["nodes"], **manifest["sources"]}
    portable = [node for node in manifest["nodes"].values() if TAG in node["tags"] and node["resource_type"] == "model"]
    parents = {parent for node in portable for parent in node["depends_on"]["nodes"]}
    others = [nodes[name] for name in sorted(parents - {node["unique_id"] for node in portable})]
    seeds = [node for node in others if node["resource_type"] == "seed"]
    # Landed Parquet is read where it lies.
    handed_over = [node for node in others if node not in seeds and not node["config"].get("external_location")]
    built = {_relation(node): node["config"].get("contract", {}).get("enforced", False) for node in portable}
    return built | {_relation(node): True for node in seeds}, sorted({_relation(node) for node in handed_over})


def build_on_spark(settings: Settings, work: Path) -> float:
    """Build them in a folder of their own; the store is only read. Returns the seconds Spark took, start included.

    Raises:
        CornerstoneError: Spark or dbt ended with an error.
    """
    built, handed_over = portable_models(settings)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
        for name in handed_over + _added_to_seeds(warehouse):
            schema, table = name.split(".")
            place = work / "handed_over" / schema / f"{table}.parquet"
            place.parent.mkdir(parents=True, exist_ok=True)
            # Parquet has no whole numbers beyond 64 bits; DuckDB would write them as floating point.
            columns = ", ".join(
                f"cast({quoted(column)} as decimal(38, 0)) as {quoted(column)}" if of == "HUGEINT" else quoted(column)
                for column, of in _types(warehouse, name).items()
            )
            warehouse.execute(f"copy (select {columns} from {name}) to {literal(str(place))} (format parquet)")
    (work / "portable.json").write_text(json.dumps(sorted(built)))

    started = time.monotonic()
    done = subprocess.run(
        [str(PYTHON), str(Path(__file__).with_name("on_spark.py")), str(settings.dbt_project_dir), str(work)],
        env={
            **os.environ,
            **dbt_environment(settings),
            "JAVA_HOME": java_home() or "",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CornerstoneError(
            f"Spark did not build the portable models:\n{(done.stdout + done.stderr).strip()[-4000:]}"
        )
    return time.monotonic() - started


def compare(settings: Settings, work: Path) -> list[Compared]:
    """Each portable table on Spark beside that of the warehouse: every column of every row."""
    built, _ = portable_models(settings)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
        return [compared(warehouse, name, work / "tables" / name, built[name]) for name in sorted(built)]


def _types(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {name: of for name, of, *_ in connection.execute(f"describe select * from {relation}").fetchall()}


def _added_to_seeds(warehouse: duckdb.DuckDBPyConnection) -> list[str]:
    """What local returns add to seeds (macro with_local_returns): control tables named as the seed."""
    found = warehouse.execute(
        "select c.table_name from duckdb_tables() as c inner join duckdb_tables() as s using (table_name)"
        " where c.schema_name = 'control' and s.schema_name = 'seed' order by all"
    ).fetchall()
    return [f"control.{name}" for (name,) in found]


def compared(warehouse: duckdb.DuckDBPyConnection, name: str, folder: Path, is_contracted: bool) -> Compared:
    on_spark = f"read_parquet({literal(str(folder / '*.parquet'))})"
    here, there = _types(warehouse, name), _types(warehouse, on_spark)
    if set(here) != set(there):
        raise CornerstoneError(f"{name} has other columns on Spark: {', '.join(sorted(set(here) ^ set(there)))}")
    columns = ", ".join(quoted(column) for column in here)
    ours, theirs = f"select {columns} from {name}", f"select {columns} from {on_spark}"
    rows, missing, added = (
        warehouse.execute(f"select count(*) from ({query})").fetchall()[0][0]
        for query in (ours, f"({ours}) except all ({theirs})", f"({theirs}) except all ({ours})")
    )
    other = tuple(f"{column}: {here[column]}, {there[column]}" for column in here if here[column] != there[column])
    return Compared(name, rows, missing, added, other, is_contracted)
