"""Every rule of the safety valve return has a case that it lets pass and a case that it, and no other rule, finds."""

import csv
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from expectations.catalogue import LANDING_LEVELS, Catalogue, Rule
from expectations.engine import evaluate
from orchestration.returns.spec import load_spec
from tests.unit.expectations.conftest import findings

HERE = Path(__file__).parent
PROJECT = Path(__file__).parents[4]
CASES: dict[str, dict[str, Any]] = yaml.load((HERE / "rule_cases.yaml").read_text(), Loader=yaml.CSafeLoader)
DESIGN = PROJECT.parent / "shared" / "domain" / "safety_valve_rules.csv"


def test_every_rule_has_a_passing_and_a_failing_case(safety_valve_rules: dict[str, Rule]) -> None:
    assert sorted(CASES) == sorted(safety_valve_rules)
    assert all({"passes", "fails"} <= set(case) <= {"passes", "fails", "places", "also"} for case in CASES.values())


def test_no_rule_finds_anything_in_sound_returns(
    safety_valve_rules: dict[str, Rule], sound_returns: duckdb.DuckDBPyConnection
) -> None:
    assert sound_returns.execute("select stage, quarter from sv_cover order by all").fetchall() == [
        ("FINAL", 4),
        ("SUBMITTED", 3),
    ]
    assert findings(sound_returns, safety_valve_rules.values()) == {}
    results = evaluate(sound_returns, list(safety_valve_rules.values()), suite_name="landing", docs=None)
    assert all(result.success for result in results)


@pytest.mark.parametrize("rule_id", CASES)
def test_a_rule_lets_what_is_right_pass(
    rule_id: str, safety_valve_rules: dict[str, Rule], sound_returns: duckdb.DuckDBPyConnection
) -> None:
    sound_returns.execute(CASES[rule_id]["passes"])
    assert findings(sound_returns, [safety_valve_rules[rule_id]]) == {}


@pytest.mark.parametrize("rule_id", CASES)
def test_a_rule_alone_finds_what_it_is_for(
    rule_id: str, safety_valve_rules: dict[str, Rule], sound_returns: duckdb.DuckDBPyConnection
) -> None:
    case = CASES[rule_id]
    sound_returns.execute(case["fails"])
    assert findings(sound_returns, safety_valve_rules.values()) == {
        rule_id: case.get("places", 1),
        **case.get("also", {}),
    }


@pytest.mark.parametrize("rule_id", CASES)
def test_a_failure_is_placed_in_a_cell_a_row_or_the_whole_return(
    rule_id: str, safety_valve_rules: dict[str, Rule], sound_returns: duckdb.DuckDBPyConnection
) -> None:
    rule = safety_valve_rules[rule_id]
    sound_returns.execute(CASES[rule_id]["fails"])
    found = sound_returns.sql(f"from ({rule.failing_rows})")
    cell = "cell" if "cell" in found.columns else "null"
    places = found.project(f"submission_id, source_file, source_row, {cell}").fetchall()
    assert len(set(places)) == len(places) > 0
    known = sound_returns.execute(f"select submission_id, source_row from {rule.table}").fetchall()
    whole = {(submission_id, None) for submission_id, _ in known}
    if rule.level in {"file", "submission"}:
        known = []
    assert {(submission_id, row) for submission_id, _, row, _ in places} <= whole | set(known)
    assert set(rule.columns) <= set(load_spec("safety_valve").tables[rule.table].columns)


def test_the_catalogue_restates_every_rule_of_the_design(catalogue: Catalogue) -> None:
    if not DESIGN.is_file():
        pytest.skip("the design of the return is not part of the project")
    with DESIGN.open(encoding="utf-8", newline="") as stream:
        design = {row["rule_id"]: row for row in csv.DictReader(stream)}
    own = [rule for rule in catalogue.rules if rule.return_id == "safety_valve" and rule.official_number]
    assert {rule.official_number for rule in own} == set(design)
    for rule in own:
        number = str(rule.official_number)
        # A letter after the number: what of a rule needs earlier returns, or a register.
        assert rule.rule_id.rstrip("ER") == number
        is_error = design[number]["severity"] == "error"
        if rule.level in LANDING_LEVELS:
            assert (rule.severity, rule.effect) == (("block", "refuse") if is_error else ("observe", "flag")), number
        else:  # what has landed is not taken back; a fault of a model stops the release
            is_of_model = number == "RSV-154"
            assert rule.severity == ("block" if is_of_model else "warn" if is_error else "observe"), number


def test_every_calculation_of_the_specification_is_compared_by_its_rule(safety_valve_rules: dict[str, Rule]) -> None:
    for name, calculation in load_spec("safety_valve").calculated.items():
        rule = safety_valve_rules[calculation.rule]
        assert rule.table == calculation.table
        assert f"calculation = '{name}'" in str(rule.failing_rows)
