"""Sound safety valve returns as landing holds them, in one DuckDB connection: one submitted (q3) and one final (final)."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import Rule, load_catalogue
from orchestration.returns.assess import assess
from orchestration.returns.delivered import delivered_file
from orchestration.returns.spec import load_spec
from orchestration.returns.workspace import open_workspace
from orchestration.settings import Settings
from tests.invented_safety_valve import write_return
from tests.unit.expectations.conftest import undone

PROJECT = Path(__file__).parents[4]


@pytest.fixture(scope="session")
def safety_valve_rules() -> dict[str, Rule]:
    """The landing rules of the return that a query checks, by id."""
    rules = load_catalogue(PROJECT / "expectations" / "rules").for_landing("safety_valve")
    return {rule.rule_id: rule for rule in rules}


@pytest.fixture(scope="session")
def sound_safety_valve_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("safety_valve")
    settings = Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "key")
    (folder / "files").mkdir()
    paths = [
        write_return(folder / "files", settings),
        write_return(folder / "files", settings, "2025-26Q4", final=True),
    ]
    spec = load_spec("safety_valve")
    with open_workspace(spec, folder / "spill") as connection:
        connection.execute("set threads = 1")  # a few rows: more threads only cost
        catalogue = load_catalogue(PROJECT / "expectations" / "rules")
        found = assess(connection, map(delivered_file, paths), spec, catalogue, (), "372", None, None)
        for delivery, name in zip(found.deliveries, ("q3", "final"), strict=True):
            [assessed] = delivery.assessed
            for table in [*spec.tables, "submission_file", "calculated_cell"]:
                connection.execute(
                    f"update {table} set submission_id = ? where submission_id = ?", [name, assessed.submission_id]
                )
        yield connection


@pytest.fixture
def sound_returns(sound_safety_valve_world: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sound returns; what a test changes is undone after it."""
    yield from undone(sound_safety_valve_world)
