"""A dbt build that fails says which models and tests it was, and nothing of what they hold; what dbt read is kept for the next."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.assets.models import FAILED_TESTS, PARTIAL_PARSE, dbt_failure, keep_parsed, take_parsed
from orchestration.errors import Busy
from orchestration.resources import WarehouseResource
from orchestration.settings import Settings

TABLE = {"unique_id": "model.cornerstone.dim_area", "status": "success", "failures": None, "message": "OK"}
TEST = {
    "unique_id": "test.cornerstone.unique_dim_area_area_key.0a1b",
    "status": "fail",
    "failures": 2,
    "message": "Got 2 results, A999000000001A",
}
KNOWN = {"attached_node": "model.cornerstone.dim_area", "test_metadata": {"name": "unique"}}
BROKEN = {
    "unique_id": "model.cornerstone.dim_child",
    "status": "error",
    "failures": None,
    "message": "near A999000000001A",
}


def told_of(target: Path, exit_status: int) -> dg.Failure | Busy:
    return dbt_failure(target, exit_status, WarehouseResource(database=str(target / "warehouse.duckdb"), limits={}))


def failure(target: Path, *nodes: dict[str, Any], known: dict[str, Any] = KNOWN) -> dg.Failure:
    (target / "run_results.json").write_text(json.dumps({"results": nodes}))
    (target / "manifest.json").write_text(json.dumps({"nodes": {one["unique_id"]: known for one in nodes}}))
    told = told_of(target, 1)
    assert isinstance(told, dg.Failure)
    return told


def test_failed_tests_are_told_with_their_table_and_how_many_rows(tmp_path: Path) -> None:
    told = failure(tmp_path, TABLE, TEST)
    assert str(told.description).startswith("dbt: 1 of 2 models and tests failed (unique_dim_area_area_key); see ")
    assert told.metadata[FAILED_TESTS].value == [
        {"test": "unique_dim_area_area_key", "table": "dim_area", "failing_rows": 2}
    ]


@pytest.mark.parametrize(
    ("compiled", "told"),
    [
        ("select 'not_null' as kind, 'area_key' as column_name, 3 as failing_rows", ("not_null_dim_area_area_key", 3)),
        ("select * from built_anew_since", ("holds_dim_area", 2)),
        ("select * from (select '' as kind, '' as column_name, 0 as failing_rows) where false", ("holds_dim_area", 2)),
    ],
)
def test_a_test_of_several_things_is_told_as_one_where_it_cannot_be_asked_which(
    tmp_path: Path, compiled: str, told: tuple[str, int]
) -> None:
    test = TEST | {"unique_id": "test.cornerstone.holds_dim_area.0a1b", "compiled_code": compiled}
    [failed] = failure(tmp_path, test, known=KNOWN | {"test_metadata": {"name": "holds"}}).metadata[FAILED_TESTS].value
    assert (failed["test"], failed["failing_rows"]) == told


def test_a_test_is_told_of_a_database_that_can_no_longer_be_opened(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_bytes(b"no database" * 900)
    test = TEST | {"unique_id": "test.cornerstone.joins_dim_area.0a1b", "compiled_code": "select 1"}
    told = failure(tmp_path, test, known=KNOWN | {"test_metadata": {"name": "joins"}})
    assert "1 of 1 models and tests failed (joins_dim_area)" in str(told.description)


def test_a_model_that_cannot_be_built_is_no_matter_of_data(tmp_path: Path) -> None:
    told = failure(tmp_path, TABLE, TEST, BROKEN)
    assert "2 of 3 models and tests failed (unique_dim_area_area_key, dim_child)" in str(told.description)
    assert told.metadata == {}


def test_what_dbt_says_of_values_is_not_repeated(tmp_path: Path) -> None:
    told = failure(tmp_path, TEST, BROKEN)
    assert "A999000000001A" not in f"{told.description} {told.metadata}"


def test_a_build_that_never_began_points_at_the_log(tmp_path: Path) -> None:
    told = told_of(tmp_path, 2)
    assert isinstance(told, dg.Failure)
    assert told.description == f"dbt could not start building; its log is {tmp_path / 'dbt.log'}."


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [("IO Error: No space left on device", 2, "The disk is full."), ("", -9, "dbt was killed (signal 9)")],
)
def test_a_build_that_the_machine_stopped_says_so_and_is_not_tried_again(
    tmp_path: Path, said: str, status: int, words: str
) -> None:
    (tmp_path / "dbt.log").write_text(said)
    told = told_of(tmp_path, status)
    assert isinstance(told, dg.Failure)
    assert (words in str(told.description), told.allow_retries) == (True, False)


def test_a_disk_too_full_for_the_log_is_told_by_what_dbt_said_beside(tmp_path: Path) -> None:
    warehouse = WarehouseResource(database=str(tmp_path / "warehouse.duckdb"), limits={})
    told = dbt_failure(tmp_path, 1, warehouse, "IO Error: No space left on device")
    assert isinstance(told, dg.Failure)
    assert str(told.description).startswith("The disk is full.")


def test_a_database_that_is_open_elsewhere_can_be_tried_again(tmp_path: Path) -> None:
    (tmp_path / "dbt.log").write_text(
        'Could not set lock on file "warehouse.duckdb": Conflicting lock is held in python'
    )
    assert isinstance(told_of(tmp_path, 2), Busy)


def test_what_dbt_read_in_one_step_is_handed_to_the_next_build_in_the_store(settings: Settings) -> None:
    marts, kpis = (settings.store / "dbt" / name for name in ("build_marts", "build_kpis"))
    take_parsed(settings, marts)
    assert not marts.exists()
    marts.mkdir(parents=True)
    (marts / PARTIAL_PARSE).write_bytes(b"as read for the marts")
    keep_parsed(settings, marts)
    take_parsed(settings, kpis)
    assert (kpis / PARTIAL_PARSE).read_bytes() == b"as read for the marts"
    (kpis / PARTIAL_PARSE).write_bytes(b"as read for the KPIs")
    keep_parsed(settings, kpis)
    take_parsed(settings, marts)
    assert (marts / PARTIAL_PARSE).read_bytes() == b"as read for the KPIs"


def test_a_build_that_never_read_its_project_leaves_what_was_kept(settings: Settings) -> None:
    kept = settings.store / "dbt" / PARTIAL_PARSE
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"kept")
    keep_parsed(settings, settings.store / "dbt" / "build_marts")
    assert kept.read_bytes() == b"kept"
