"""Rules of a return with sound records of its own have cases in its folder: each lets its passing case pass, and it alone
finds its failing case."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import Catalogue, Rule
from orchestration.returns.spec import load_spec
from tests.unit.expectations.conftest import CASES_OF_RETURNS, findings, undone

WITH_SOUND_RECORDS = [
    name for name in CASES_OF_RETURNS if (Path(__file__).parent / name / "sound_returns.sql").is_file()
]
EVERY_CASE = [(return_id, rule_id) for return_id in WITH_SOUND_RECORDS for rule_id in CASES_OF_RETURNS[return_id]]
every_rule = pytest.mark.parametrize(("return_id", "rule_id"), EVERY_CASE)
every_return = pytest.mark.parametrize("return_id", WITH_SOUND_RECORDS)


@pytest.fixture
def rules(return_id: str, catalogue: Catalogue) -> dict[str, Rule]:
    """The landing rules of the return that a query checks, by id."""
    return {rule.rule_id: rule for rule in catalogue.for_landing(return_id)}


@pytest.fixture
def sound(
    return_id: str, sound_records: Callable[[str], duckdb.DuckDBPyConnection]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sound records of the return; what a test changes is undone after it."""
    yield from undone(sound_records(return_id))


@every_return
def test_every_case_is_of_a_rule_of_the_return_and_has_two_ways(return_id: str, rules: dict[str, Rule]) -> None:
    cases = CASES_OF_RETURNS[return_id]
    assert set(cases) <= set(rules)
    assert all({"passes", "fails"} <= set(case) <= {"passes", "fails", "places", "also"} for case in cases.values())


@every_return
def test_no_rule_finds_anything_in_sound_records(
    return_id: str, rules: dict[str, Rule], sound: duckdb.DuckDBPyConnection
) -> None:
    assert findings(sound, rules.values()) == {}
    spec = load_spec(return_id)
    tables = [spec.person.table] if spec.person else list(spec.tables)
    held = {table: len(sound.execute(f"from {table}").fetchall()) for table in tables}
    assert min(held.values()) > (10 if spec.person else 0)


@every_rule
def test_a_rule_lets_what_is_right_pass(
    return_id: str, rule_id: str, rules: dict[str, Rule], sound: duckdb.DuckDBPyConnection
) -> None:
    sound.execute(CASES_OF_RETURNS[return_id][rule_id]["passes"])
    assert findings(sound, [rules[rule_id]]) == {}


@every_rule
def test_a_rule_alone_finds_what_it_is_for(
    return_id: str, rule_id: str, rules: dict[str, Rule], sound: duckdb.DuckDBPyConnection
) -> None:
    case = CASES_OF_RETURNS[return_id][rule_id]
    sound.execute(case["fails"])
    assert findings(sound, rules.values()) == {rule_id: case.get("places", 1), **case.get("also", {})}


@every_rule
def test_a_failure_is_placed_in_a_row_of_the_rules_table_or_in_the_whole_return(
    return_id: str, rule_id: str, rules: dict[str, Rule], sound: duckdb.DuckDBPyConnection
) -> None:
    rule, tables = rules[rule_id], load_spec(return_id).tables
    if rule.table not in tables:
        pytest.skip(f"{rule.table} holds no records of the return")
    assert set(rule.columns) <= set(tables[rule.table].columns)
    sound.execute(CASES_OF_RETURNS[return_id][rule_id]["fails"])
    places = sound.execute(
        f"""
        select landed.record is not null, failing.source_row is null
        from ({rule.failing_rows}) as failing
        left join {rule.table} as landed using (submission_id, source_file, source_row)
        """
    ).fetchall()
    assert places
    assert all(is_row != is_whole_return for is_row, is_whole_return in places)
    assert not (rule.level == "row" and any(is_whole_return for _, is_whole_return in places))
