"""The unit tests of the dbt models: rules with a date or a count in them, on cases worked out by hand."""

from pathlib import Path

from tests.unit.dbt_project.conftest import build, new_store, run_dbt


def test_every_unit_test_of_the_models_passes(tmp_path: Path) -> None:
    landing = new_store(tmp_path)
    landing.register()
    build(landing.settings)
    run_dbt(landing.settings, "test", "--select", "test_type:unit")
