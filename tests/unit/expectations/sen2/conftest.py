"""Four sound SEN2 returns, and the landing rules that judge them."""

from collections.abc import Callable, Iterator

import duckdb
import pytest

from expectations.catalogue import Catalogue, Rule
from tests.unit.expectations.conftest import undone


@pytest.fixture(scope="session")
def sen2_rules(catalogue: Catalogue) -> dict[str, Rule]:
    """The landing rules of the return that a query checks, by id."""
    return {rule.rule_id: rule for rule in catalogue.for_landing("sen2")}


@pytest.fixture
def sound_returns(sound_records: Callable[[str], duckdb.DuckDBPyConnection]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sound returns; what a test changes is undone after it."""
    yield from undone(sound_records("sen2"))
