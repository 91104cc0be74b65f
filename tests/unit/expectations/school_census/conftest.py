"""Sound school censuses as landing holds them: the tables of the spec, with identifiers, in one DuckDB connection."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import Rule, load_catalogue
from orchestration.returns.spec import load_spec
from orchestration.returns.workspace import open_workspace
from tests.unit.expectations.conftest import undone

HERE = Path(__file__).parent
PROJECT = Path(__file__).parents[4]


@pytest.fixture(scope="session")
def census_rules() -> dict[str, Rule]:
    """The landing rules of the return that a query checks, by id."""
    rules = load_catalogue(PROJECT / "expectations" / "rules").for_landing("school_census")
    return {rule.rule_id: rule for rule in rules}


@pytest.fixture(scope="session")
def sound_census_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_workspace(load_spec("school_census"), tmp_path_factory.mktemp("school_census") / "spill") as connection:
        connection.execute("set threads = 1")  # a few hundred rows: more threads only cost
        connection.execute((HERE / "sound_returns.sql").read_text())
        yield connection


@pytest.fixture
def sound_censuses(sound_census_world: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sound censuses; what a test changes is undone after it."""
    yield from undone(sound_census_world)
