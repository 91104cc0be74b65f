"""What runs on two engines says nothing that one of them alone knows, and the comparison sees one digit."""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.dbt_manifest import ensure_manifest
from orchestration.settings import Settings
from tests.portable.portable import TAG, Compared, compared, portable_models

# Words of DuckDB that Spark refuses. The list is what came up, not all there are: building on Spark (make portable) is the proof.
DUCKDB_ONLY = re.compile(
    r"\bvarchar\b|union all by name|\b(exclude|replace) \(\s*(case|\w+,|\w+\))|\b(unnest|arg_min|arg_max|string_agg|list_\w+"
    r"|try_strptime|strftime|regexp_full_match|regexp_matches|to_years|to_months|to_days|datesub|any_value)\(|datediff\('|::| // ",
)
ENGINE = "macros/engine.sql"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ensure_manifest(Settings()).read_text())
    return found


def _macros(manifest: dict[str, Any], names: list[str]) -> set[str]:
    """Macros of the project that these use, and those that these use in turn."""
    own = [name for name in names if name.startswith("macro.cornerstone.")]
    return set(own).union(*(_macros(manifest, manifest["macros"][name]["depends_on"]["macros"]) for name in own))


def test_portable_models_leave_the_words_of_one_engine_to_its_macros(manifest: dict[str, Any]) -> None:
    models = [node for node in manifest["nodes"].values() if TAG in node["tags"] and node["resource_type"] == "model"]
    texts = {node["original_file_path"]: node["raw_code"] for node in models}
    for node in models:
        for name in _macros(manifest, node["depends_on"]["macros"]):
            macro = manifest["macros"][name]
            if not macro["original_file_path"].endswith(ENGINE):
                texts[name] = macro["macro_sql"]
    assert len(models) > 50
    assert {where: found[0] for where, text in texts.items() if (found := DUCKDB_ONLY.search(text))} == {}


@pytest.mark.parametrize(
    "text", ["cast(a as varchar)", "select * exclude (a)", "arg_max(a, b)", "a // b", "union all by name"]
)
def test_a_word_of_duckdb_is_seen(text: str) -> None:
    assert DUCKDB_ONLY.search(text)


def test_every_word_of_the_engines_is_there_for_both(manifest: dict[str, Any]) -> None:
    names = [macro["name"] for macro in manifest["macros"].values() if macro["original_file_path"].endswith(ENGINE)]
    dispatched = {name for name in names if "__" not in name}
    assert dispatched
    assert {name for name in names if "__" in name} == {
        f"{e}__{name}" for e in ("default", "spark") for name in dispatched
    }


def test_what_is_handed_over_is_what_the_readme_says() -> None:
    _, handed_over = portable_models(Settings())
    assert handed_over == [
        "control.child_key",
        "control.setting",
        "control.submission",
        "intermediate.int_ehc_statistic__published_cell",
        "intermediate.int_kpi__community_wait",
        "intermediate.int_kpi__local_return_cell",
        "intermediate.int_kpi__published_cell",
        "intermediate.int_kpi__return_cell",
        "intermediate.int_kpi__safety_valve_cell",
        "intermediate.int_kpi__safety_valve_component",
        "intermediate.int_kpi__safety_valve_value",
        "intermediate.int_kpi__therapy_cell",
        "intermediate.int_kpi__therapy_component",
        "intermediate.int_kpi__therapy_value",
        "marts.dim_area",
        "marts.dim_provider",
        "marts.fct_census_statistic",
    ]


@pytest.mark.parametrize(
    ("on_spark", "missing", "added", "other_types", "is_equal"),
    [
        ("(1, 0.1234), (2, null), (2, null)", 0, 0, (), True),
        ("(2, null), (1, 0.1234), (2, null)", 0, 0, (), True),  # in another order
        ("(1, 0.1235), (2, null), (2, null)", 1, 1, (), False),  # the last digit
        ("(1, 0.1234), (2, null)", 1, 0, (), False),  # a row twice here and once there
        ("(1, 0.1234), (2, 0), (2, null)", 1, 1, (), False),  # nought is not blank
    ],
)
def test_every_digit_of_every_row_is_compared(
    tmp_path: Path, on_spark: str, missing: int, added: int, other_types: tuple[str, ...], is_equal: bool
) -> None:
    rows = "select cast(a as integer) as a, cast(b as decimal(18, 4)) as b from (values {}) as t (a, b)"
    with duckdb.connect() as warehouse:
        warehouse.execute(f"create view told as {rows.format('(1, 0.1234), (2, null), (2, null)')}")
        warehouse.execute(f"copy ({rows.format(on_spark)}) to '{tmp_path}/part.parquet'")
        found = compared(warehouse, "told", tmp_path, is_contracted=True)
    assert found == Compared("told", 3, missing, added, other_types, is_contracted=True)
    assert found.is_equal is is_equal


def test_a_promised_type_is_part_of_being_equal(tmp_path: Path) -> None:
    with duckdb.connect() as warehouse:
        warehouse.execute("create view told as select cast(1 as decimal(18, 4)) as a")
        warehouse.execute(f"copy (select cast(1 as double) as a) to '{tmp_path}/part.parquet'")
        promised = compared(warehouse, "told", tmp_path, is_contracted=True)
        free = compared(warehouse, "told", tmp_path, is_contracted=False)
    assert promised.other_types == ("a: DECIMAL(18,4), DOUBLE",)
    assert (promised.is_equal, free.is_equal) == (False, True)
