"""Sound safety valve returns as landing holds them, in one DuckDB connection.

Judged are one submitted (q3) and one final (final); before them were accepted the final one of the year before (last_year) and
two of their own (q2 and q4). The schools register has the one school that they name.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import Rule, load_catalogue
from orchestration.returns.assess import assess
from orchestration.returns.delivered import delivered_file
from orchestration.returns.earlier import add_judged, attach_earlier, pair_with_earlier
from orchestration.returns.spec import load_spec
from orchestration.returns.workspace import attach_reference, open_workspace
from orchestration.settings import Settings
from tests.invented_safety_valve import write_return
from tests.unit.expectations.conftest import undone

PROJECT = Path(__file__).parents[4]
RETURNS = {
    "last_year": ("2024-25Q4", True), "q2": ("2025-26Q2", False), "q3": ("2025-26Q3", False), "q4": ("2025-26Q4", False),
    "final": ("2025-26Q4", True),
}  # fmt: skip
JUDGED = ("q3", "final")
SCHOOL = "select '999001' as urn, '1' as status_code, '01-09-1990' as open_date, null::varchar as close_date"


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
    paths = [write_return(folder / "files", settings, quarter, final=final) for quarter, final in RETURNS.values()]
    spec = load_spec("safety_valve")
    with open_workspace(spec, folder / "spill", {}) as connection:
        connection.execute("set threads = 1")  # a few rows: more threads only cost
        attach_reference(connection, "establishment_register", {"establishment": f"({SCHOOL})"})
        catalogue = load_catalogue(PROJECT / "expectations" / "rules")
        found = assess(connection, map(delivered_file, paths), spec, catalogue, (), "372", "E08000018", None, None)
        for delivery, name in zip(found.deliveries, RETURNS, strict=True):
            [assessed] = delivery.assessed
            for table in [*spec.tables, "submission_file", "calculated_cell"]:
                connection.execute(
                    f"update {table} set submission_id = ? where submission_id = ?", [name, assessed.submission_id]
                )
        attach_earlier(connection, spec, dict.fromkeys(spec.tables))
        add_judged(connection, spec, list(RETURNS))
        pair_with_earlier(connection, [], [(name, "372") for name in RETURNS], ())
        for table in [*spec.tables, "submission_file", "calculated_cell", "earlier_return"]:
            connection.execute(f"delete from {table} where submission_id not in {JUDGED}")
        yield connection


@pytest.fixture
def sound_returns(sound_safety_valve_world: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sound returns; what a test changes is undone after it."""
    yield from undone(sound_safety_valve_world)
