"""The unit tests of the dbt models: rules with a date or a count in them, on cases worked out by hand."""

import shutil
from pathlib import Path

from tests.unit.dbt_project.conftest import new_store, run_dbt


def test_every_unit_test_of_the_models_passes(empty_warehouse_path: Path, tmp_path: Path) -> None:
    landing = new_store(tmp_path)
    shutil.copy(empty_warehouse_path, landing.settings.warehouse_path)
    run_dbt(landing.settings, "test", "--select", "test_type:unit")
