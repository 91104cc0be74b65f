"""What holds of a model is asked in one test and told by column: nothing where all is well, and each thing that is not."""

import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.assets.models import FAILED_TESTS, dbt_failure
from orchestration.resources import WarehouseResource
from orchestration.settings import Settings
from tests.unit.dbt_project.conftest import run_dbt

TESTS = ("holds_kpi_target", "joins_kpi_target", "holds_kpi_definition", "holds_service_line", "joins_need_service")


@pytest.fixture
def store(empty_warehouse_path: Path, tmp_path: Path) -> Settings:
    settings = Settings(store=tmp_path / "store", raw=tmp_path / "raw")
    settings.store.mkdir()
    shutil.copy(empty_warehouse_path, settings.warehouse_path)
    return settings


def test_what_does_not_hold_is_told_by_column_and_the_number_of_its_rows(store: Settings) -> None:
    with duckdb.connect(str(store.warehouse_path)) as connection:
        connection.execute("update seed.kpi_target set source = null where target_kind = 'agreement'")
        [without_source] = connection.execute("select count(*) from seed.kpi_target where source is null").fetchone()
        # One KPI that there is not, twice, and of a kind that there is not; a kind that is absent is no wrong one.
        connection.execute(
            "insert into seed.kpi_target by name select 'a_kpi' as kpi_id, unnest(['wish', null]) as target_kind,"
            " 1 as target_value, 'Much' as target_label, 'Somebody' as source"
        )
        # A column that is unique alone may be absent twice; columns that are unique together may not.
        connection.execute("insert into seed.kpi_definition by name select null as kpi_id from range(2)")
        connection.execute("insert into seed.kpi_definition from seed.kpi_definition where kpi_id is not null limit 1")
        connection.execute("insert into seed.service_line by name select null as age_group from range(3)")
        connection.execute("insert into seed.need_service by name select null as therapy_line")
    with pytest.raises(AssertionError):
        run_dbt(store, "test", "--select", *TESTS)
    target = store.store / "target"
    told = dbt_failure(target, 1, WarehouseResource(database=str(store.warehouse_path), limits={}))
    assert isinstance(told, dg.Failure)
    assert without_source > 0
    failed = [
        ("accepted_values_kpi_target_target_kind", "kpi_target", 1),
        ("not_null_kpi_target_source", "kpi_target", without_source),
        ("relationships_kpi_target_kpi_id", "kpi_target", 2),
        ("unique_kpi_definition_kpi_id", "kpi_definition", 2),
        ("unique_together_kpi_target_kpi_id__target_label", "kpi_target", 2),
        ("unique_together_service_line_age_group__service_line_code", "service_line", 3),
    ]
    assert (
        sorted((one["test"], one["table"], one["failing_rows"]) for one in told.metadata[FAILED_TESTS].value) == failed
    )
    assert f"dbt: 4 of {len(TESTS)} models and tests failed" in str(told.description)
    assert all(name in str(told.description) for name, _, _ in failed)


def test_what_holds_passes(store: Settings) -> None:
    run_dbt(store, "test", "--select", *TESTS)
