"""A dbt build that fails says which models and tests it was, and nothing of what they hold."""

import json
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.assets.models import FAILED_TESTS, dbt_failure

TABLE = {"unique_id": "model.cornerstone.dim_area", "status": "success", "failures": None, "message": "OK"}
TEST = {
    "unique_id": "test.cornerstone.unique_dim_area_area_key.0a1b",
    "status": "fail",
    "failures": 2,
    "message": "Got 2 results, A999000000001A",
}
BROKEN = {
    "unique_id": "model.cornerstone.dim_child",
    "status": "error",
    "failures": None,
    "message": "near A999000000001A",
}


def failure(target: Path, *nodes: dict[str, Any]) -> dg.Failure:
    (target / "run_results.json").write_text(json.dumps({"results": nodes}))
    (target / "manifest.json").write_text(
        json.dumps({"nodes": {TEST["unique_id"]: {"attached_node": "model.cornerstone.dim_area"}}})
    )
    return dbt_failure(target)


def test_failed_tests_are_told_with_their_table_and_how_many_rows(tmp_path: Path) -> None:
    told = failure(tmp_path, TABLE, TEST)
    assert str(told.description).startswith("dbt: 1 of 2 models and tests failed (unique_dim_area_area_key); see ")
    assert told.metadata[FAILED_TESTS].value == [
        {"test": "unique_dim_area_area_key", "table": "dim_area", "failing_rows": 2}
    ]


def test_a_model_that_cannot_be_built_is_no_matter_of_data(tmp_path: Path) -> None:
    told = failure(tmp_path, TABLE, TEST, BROKEN)
    assert "2 of 3 models and tests failed (unique_dim_area_area_key, dim_child)" in str(told.description)
    assert told.metadata == {}


def test_what_dbt_says_of_values_is_not_repeated(tmp_path: Path) -> None:
    told = failure(tmp_path, TEST, BROKEN)
    assert "A999000000001A" not in f"{told.description} {told.metadata}"


def test_a_build_that_never_began_points_at_the_log(tmp_path: Path) -> None:
    assert dbt_failure(tmp_path).description == f"dbt could not start building; its log is {tmp_path / 'dbt.log'}."
