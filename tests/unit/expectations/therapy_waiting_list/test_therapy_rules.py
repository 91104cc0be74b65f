"""The catalogue restates the rules that the partners agreed on, each with its number and the effect of its severity."""

import csv
from pathlib import Path

import pytest

from expectations.catalogue import LANDING_LEVELS, Catalogue

PROJECT = Path(__file__).parents[4]
OFFICIAL = PROJECT.parent / "shared" / "domain" / "therapy_rules.csv"
# They compare a list with another one, or with what is counted: no rules of landing. (RTW-089 does in part.)
OF_SEVERAL_LISTS = {
    "RTW-012", "RTW-036", *(f"RTW-{number}" for number in range(100, 107)), *(f"RTW-{number}" for number in range(120, 125)),
}  # fmt: skip
# Their home is the national publication's rules. Of two workbooks of one month the later counts, as of all that is published,
# and which provider has to be in it is no matter of the file: RTW-150 and RTW-151 are not restated.
OF_THE_PUBLICATION = {f"RTW-{number}" for number in range(140, 150)}
NOT_RESTATED = {"RTW-150", "RTW-151"}


def test_the_catalogue_restates_every_rule_of_the_agreement(catalogue: Catalogue) -> None:
    if not OFFICIAL.is_file():
        pytest.skip("the agreement's rules are not part of the project")
    with OFFICIAL.open(encoding="utf-8", newline="") as stream:
        official = {row["rule_id"]: row for row in csv.DictReader(stream)}
    landing = [rule for rule in catalogue.rules if rule.level in LANDING_LEVELS]
    own = {rule.rule_id: rule for rule in landing if rule.return_id == "therapy_waiting_list"}
    of_the_publication = {rule.official_number for rule in catalogue.rules if rule.return_id == "published_statistics"}
    assert of_the_publication >= OF_THE_PUBLICATION
    assert set(own) == set(official) - OF_SEVERAL_LISTS - OF_THE_PUBLICATION - NOT_RESTATED
    for number, rule in own.items():
        assert rule.official_number == number
        if official[number]["scope"] == "file" and official[number]["severity"] == "error":
            assert (rule.severity, rule.effect) == ("block", "refuse"), number
        else:
            severity = {"error": "warn", "query": "observe"}[official[number]["severity"]]
            assert (rule.severity, rule.effect) == (severity, "flag"), number
        level = {"row": {"row"}, "cross": {"cross"}, "file": {"file", "submission"}}[official[number]["scope"]]
        assert rule.level in level, number
