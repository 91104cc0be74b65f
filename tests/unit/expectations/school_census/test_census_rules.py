"""What the cases of the rules of the school census leave open."""

import csv
import re
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import Rule
from orchestration.returns.spec import load_spec
from tests.unit.expectations.conftest import CASES_OF_RETURNS, findings

PROJECT = Path(__file__).parents[4]
CASES = CASES_OF_RETURNS["school_census"]
OFFICIAL = PROJECT.parent / "shared" / "domain" / "school_census_rules.csv"
# Terms that rules are about alone, and another term.
OTHER_TERM = {"SPR": "AUT", "AUT": "SPR"}


def test_the_census_days_of_the_rules_are_those_of_the_spec(census_rules: dict[str, Rule]) -> None:
    days = re.findall(r"'(\d{4}-\d\d-\d\d)'", str(census_rules["RC-100"].failing_rows))
    assert days == [day.isoformat() for day in load_spec("school_census").census_days]


def test_both_rules_about_the_authority_in_a_upn_know_the_same_authorities(census_rules: dict[str, Rule]) -> None:
    of_letter, of_authority = (
        re.findall(r"'(\d{3})'", str(census_rules[rule_id].failing_rows)) for rule_id in ("RC-1510", "RC-1530")
    )
    assert of_letter == of_authority == sorted(set(of_letter))
    assert {"001", "005", "372", "420", "943"} <= set(of_letter)


def test_absence_is_what_the_codes_of_the_spec_call_absence(census_rules: dict[str, Rule]) -> None:
    def codes(rule_id: str) -> set[str]:
        listed = re.search(r"attendance_code in \(([^)]*)\)", str(census_rules[rule_id].failing_rows))
        assert listed
        return set(re.findall(r"'(\w+)'", listed[1]))

    spec = load_spec("school_census")
    known = spec.for_period("2020-01").codes["attendance"].codes | spec.for_period("2025-01").codes["attendance"].codes
    absence, authorised = codes("RC-2530"), codes("RC-2560")
    assert absence == codes("RC-2582") <= set(known)
    assert absence - authorised == {"G", "N", "O", "U"}
    assert not authorised - absence
    # Present, at an approved activity, or not counted.
    assert set(known) - absence == set("/\\LBDJKPVWQXYZ#") | {f"Y{number}" for number in range(1, 8)}


def test_a_councils_extract_is_asked_nothing_that_it_does_not_have(
    census_rules: dict[str, Rule], sound_censuses: duckdb.DuckDBPyConnection
) -> None:
    """What such a file lacks: the same records as a return with a header break many rules, as an extract none."""
    bare = findings(sound_censuses, census_rules.values())
    sound_censuses.execute("update census_return set collection = 'SC' where submission_id = 'x19'")
    asked = findings(sound_censuses, census_rules.values())
    assert bare == {}
    assert {"RC-120", "RC-160", "RC-1630", "RC-1869", "RC-1930", "RC-2340", "RC-2350"} <= set(asked)


def test_a_school_named_twice_does_not_repeat_places(
    census_rules: dict[str, Rule], sound_censuses: duckdb.DuckDBPyConnection
) -> None:
    sound_censuses.execute(
        "insert into census_school by name select * replace (3 as source_row, 999 as record) from census_school;"
        "update census_pupil set year_group_code = '7' where record = 5"
    )
    assert findings(sound_censuses, census_rules.values()) == {"RC-2002": 1}


@pytest.mark.parametrize("term", OTHER_TERM)
def test_a_rule_about_one_term_asks_no_return_of_another(
    term: str, census_rules: dict[str, Rule], sound_censuses: duckdb.DuckDBPyConnection
) -> None:
    """Whatever a case breaks, the rules of one term find nothing once every return is of another."""
    own = [rule for rule in census_rules.values() if f"term_code = '{term}'" in str(rule.failing_rows)]
    assert len(own) >= 9
    for rule in own:
        sound_censuses.execute(CASES[rule.rule_id]["fails"])
    sound_censuses.execute("update census_return set term_code = ?", [OTHER_TERM[term]])
    assert findings(sound_censuses, own) == {}


def test_the_catalogue_restates_every_rule_of_the_collection(census_rules: dict[str, Rule]) -> None:
    if not OFFICIAL.is_file():
        pytest.skip("the restatement of the collection's rules is not part of the project")
    with OFFICIAL.open(encoding="utf-8", newline="") as stream:
        official = {row["rule_no"]: row for row in csv.DictReader(stream)}
    assert {rule.official_number for rule in census_rules.values() if rule.official_number} == set(official)
    for number, row in official.items():
        rule = census_rules[f"RC-{number}"]
        assert rule.official_number == number
        assert (rule.severity, rule.effect) == ({"error": "warn", "query": "observe"}[row["severity"]], "flag"), number
        assert (rule.level == "submission") == (row["scope"] == "school"), number
        asks = set(re.findall(r"term_code = '(\w+)'", str(rule.failing_rows)))
        assert asks == (set() if row["terms"] == "AUT|SPR|SUM" else {row["terms"]}), number
