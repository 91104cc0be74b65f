"""Every rule has a case that it lets pass and a case that it, and no other rule, finds."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from expectations.catalogue import LANDING_LEVELS, Catalogue, Rule, load_catalogue
from expectations.engine import evaluate
from orchestration.returns.kpis import load_kpis, local_return_ids
from tests.unit.expectations.conftest import CASES_OF_RETURNS, findings

HERE = Path(__file__).parent
OWNERS = {
    "Data engineer", "Performance and intelligence lead", "Head of SEND", "SEN2 data officer", "Community health contract lead",
    "Schools finance lead",
}  # fmt: skip
# And whoever answers for the figures of a return that brings them with it.
OWNERS |= {kpi.owner_role for return_id in local_return_ids() for kpi in load_kpis(return_id).kpis.values()}
CASES: dict[str, dict[str, Any]] = {
    rule_id: case
    for path in (HERE / "rule_cases.yaml", *sorted(HERE.glob("*/mart_rule_cases.yaml")))
    for rule_id, case in yaml.load(path.read_text(), Loader=yaml.CSafeLoader).items()
}
CATALOGUE = load_catalogue(Path(__file__).parents[3] / "expectations" / "rules")
# Rules of returns about people, and of local ones, have sound records and cases of their own, in folders named after the returns.
WITH_OWN_RECORDS = {rule_id for cases in CASES_OF_RETURNS.values() for rule_id in cases}
CHECKED = [
    rule
    for rule in CATALOGUE.rules
    if not rule.is_reader_raised and (rule.rule_id in CASES or rule.rule_id not in WITH_OWN_RECORDS)
]


@pytest.fixture
def world(request: pytest.FixtureRequest) -> duckdb.DuckDBPyConnection:
    """The sound data that a rule is about."""
    rule: Rule = request.getfixturevalue("rule")
    name = "sound_landing" if rule.level in LANDING_LEVELS else "sound_warehouse"
    connection: duckdb.DuckDBPyConnection = request.getfixturevalue(name)
    return connection


def rules_beside(rule: Rule) -> list[Rule]:
    """The rules that are judged together with this one: those of landing, or of the same gate."""
    levels = LANDING_LEVELS if rule.level in LANDING_LEVELS else {rule.level}
    return [other for other in CHECKED if other.level in levels]


def test_every_rule_that_a_query_checks_has_a_passing_and_a_failing_case() -> None:
    assert sorted(CASES) == sorted(rule.rule_id for rule in CHECKED)
    assert all({"passes", "fails"} <= set(case) <= {"passes", "fails", "places", "also"} for case in CASES.values())


@pytest.mark.parametrize("rule", CHECKED, ids=lambda rule: rule.rule_id)
def test_a_rule_lets_what_is_right_pass(rule: Rule, world: duckdb.DuckDBPyConnection) -> None:
    world.execute(CASES[rule.rule_id]["passes"])
    assert rule.rule_id not in findings(world, [rule])


@pytest.mark.parametrize("rule", CHECKED, ids=lambda rule: rule.rule_id)
def test_a_rule_alone_finds_what_it_is_for(rule: Rule, world: duckdb.DuckDBPyConnection) -> None:
    world.execute(CASES[rule.rule_id]["fails"])
    case = CASES[rule.rule_id]
    assert findings(world, rules_beside(rule)) == {rule.rule_id: case.get("places", 1), **case.get("also", {})}


def test_great_expectations_finds_nothing_in_sound_submissions(
    catalogue: Catalogue, sound_landing: duckdb.DuckDBPyConnection
) -> None:
    results = evaluate(sound_landing, catalogue.for_landing("published_statistics"), suite_name="landing", docs=None)
    assert all(result.success for result in results)


@pytest.mark.parametrize("level", ["mart", "kpi", "open"])
def test_great_expectations_finds_nothing_in_a_sound_warehouse(
    level: Any, catalogue: Catalogue, sound_warehouse: duckdb.DuckDBPyConnection
) -> None:
    results = evaluate(sound_warehouse, catalogue.for_level(level), suite_name=level, docs=None)
    assert [one.rule.rule_id for one in results if not (one.success and one.rows_examined)] == []


def test_the_labels_and_owners_of_the_catalogue_can_be_read_by_a_person() -> None:
    for rule in CATALOGUE.rules:
        assert rule.label.endswith("."), rule.rule_id
        assert rule.action.endswith("."), rule.rule_id
        assert rule.why.endswith("."), rule.rule_id
        assert rule.owner in OWNERS, rule.rule_id
