"""Every model is documented: its grain, and every column that the built relation really has."""

import re
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.returns.kpis import FAMILY as LOCAL_FAMILY
from orchestration.returns.kpis import load_kpis, local_return_ids
from orchestration.settings import PROJECT_DIR

DBT_PROJECT = PROJECT_DIR / "dbt_project"
DOCUMENTED_SCHEMAS = ("seed", "staging", "marts", "kpi", "kpi_internal")


def described() -> dict[str, dict[str, Any]]:
    """YAML of each model and seed, by name."""
    entries: dict[str, dict[str, Any]] = {}
    for path in sorted([*(DBT_PROJECT / "models").rglob("*.yml"), *(DBT_PROJECT / "seeds").rglob("*.yml")]):
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for entry in [*document.get("models", []), *document.get("seeds", [])]:
            assert entry["name"] not in entries, entry["name"]
            entries[entry["name"]] = entry
    return entries


def documentation_gaps(built: dict[str, list[str]], entries: dict[str, dict[str, Any]]) -> list[str]:
    """Relations and columns that are built but not described, and columns described but not built."""
    gaps = []
    for relation, columns in built.items():
        entry = entries.get(relation, {})
        texts = {column["name"]: column.get("description", "") for column in entry.get("columns", [])}
        if not entry.get("description", "").strip():
            gaps.append(relation)
        gaps += [f"{relation}.{column}" for column in columns if not texts.get(column, "").strip()]
        gaps += [f"{relation}.{column} (not built)" for column in texts if column not in columns]
    return gaps


def test_every_relation_and_column_is_described(empty_warehouse: duckdb.DuckDBPyConnection) -> None:
    built: dict[str, list[str]] = {}
    for relation, column in empty_warehouse.execute(
        "select table_name, column_name from duckdb_columns() where schema_name in (select unnest(?)) order by all",
        [list(DOCUMENTED_SCHEMAS)],
    ).fetchall():
        built.setdefault(relation, []).append(column)
    assert {"fct_published_statistic", "kpi_value", "stg_published_statistics__ees_row"} <= built.keys()
    assert documentation_gaps(built, described()) == []


def test_an_undocumented_column_is_found() -> None:
    entries = {"dim_area": {"description": "One row per area.", "columns": [{"name": "area_key", "description": " "}]}}
    assert documentation_gaps({"dim_area": ["area_key", "area_name"], "dim_new": []}, entries) == [
        "dim_area.area_key",
        "dim_area.area_name",
        "dim_new",
    ]


def test_every_mart_and_kpi_states_its_grain() -> None:
    for name, entry in described().items():
        if name.startswith(("dim_", "fct_", "bridge_", "kpi_", "stg_", "int_")):
            assert "ne row per " in entry["description"], name


def test_column_comments_reach_the_database(empty_warehouse: duckdb.DuckDBPyConnection) -> None:
    uncommented = empty_warehouse.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' and comment is null"
    ).fetchall()
    assert uncommented == []


def test_each_family_view_has_a_column_for_each_of_its_kpis(empty_warehouse: duckdb.DuckDBPyConnection) -> None:
    missing = empty_warehouse.execute(
        "select kpi_id from kpi.kpi_catalogue as kpi where not exists (select 1 from duckdb_columns() as col"
        " where col.schema_name = 'kpi' and col.table_name = 'kpi_' || kpi.family and col.column_name = kpi.kpi_id)"
        " and kpi.family <> ?",
        [LOCAL_FAMILY],  # a view of these would be a list of all local returns
    ).fetchall()
    assert empty_warehouse.execute(
        "select count(*) from kpi.kpi_catalogue where family = ?", [LOCAL_FAMILY]
    ).fetchall() == [(sum(len(load_kpis(return_id).kpis) for return_id in local_return_ids()),)]
    assert missing == []


def test_a_model_file_has_the_name_of_a_described_model() -> None:
    names = {path.stem for path in Path(DBT_PROJECT / "models").rglob("*.sql")}
    assert names <= described().keys()


def test_no_seed_carries_a_mark_that_only_its_maker_can_read() -> None:
    marked = [
        f"{path.name}: {line}"
        for path in sorted((DBT_PROJECT / "seeds").rglob("*.csv"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\[[MCDX]\b[^\]]*\]", line)
    ]
    assert marked == []
