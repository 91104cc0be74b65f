"""The catalogue restates the rules that the partners agreed on, each with its number and the effect of its severity."""

import csv
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import LANDING_LEVELS, Catalogue
from expectations.engine import evaluate

PROJECT = Path(__file__).parents[4]
OFFICIAL = PROJECT.parent / "shared" / "domain" / "therapy_rules.csv"
# They compare a list with another one, or with what is counted: no rules of landing. (RTW-089 does in part.)
OF_SEVERAL_LISTS = {
    "RTW-012", "RTW-036", *(f"RTW-{number}" for number in range(100, 107)), *(f"RTW-{number}" for number in range(120, 125)),
}  # fmt: skip
# Their home is the national publication's rules.
OF_THE_PUBLICATION = {f"RTW-{number}" for number in range(140, 152)}


def test_the_catalogue_restates_every_rule_of_the_agreement(catalogue: Catalogue) -> None:
    if not OFFICIAL.is_file():
        pytest.skip("the agreement's rules are not part of the project")
    with OFFICIAL.open(encoding="utf-8", newline="") as stream:
        official = {row["rule_id"]: row for row in csv.DictReader(stream)}
    landing = [rule for rule in catalogue.rules if rule.level in LANDING_LEVELS]
    own = {rule.rule_id: rule for rule in landing if rule.return_id == "therapy_waiting_list" and rule.official_number}
    numbers = {number for rule in catalogue.rules if (number := rule.official_number) and number.startswith("RTW-")}
    assert numbers == set(official)
    assert set(own) == set(official) - OF_SEVERAL_LISTS - OF_THE_PUBLICATION
    for number, rule in own.items():
        assert rule.official_number == number
        if official[number]["scope"] == "file" and official[number]["severity"] == "error":
            assert (rule.severity, rule.effect) == ("block", "refuse"), number
        else:
            severity = {"error": "warn", "query": "observe"}[official[number]["severity"]]
            assert (rule.severity, rule.effect) == (severity, "flag"), number
        level = {"row": {"row"}, "cross": {"cross"}, "file": {"file", "submission"}}[official[number]["scope"]]
        assert rule.level in level, number


def test_the_rules_of_the_marts_restate_those_about_several_lists(catalogue: Catalogue) -> None:
    of_marts = {
        rule.official_number for rule in catalogue.for_level("mart") if rule.return_id == "therapy_waiting_list"
    }
    assert of_marts - {None} == OF_SEVERAL_LISTS | {"RTW-089"}


NOTHING_BESIDE = {
    "EHC-108": "delete from marts.fct_forecast_back_test",
    "RTW-012": "delete from intermediate.int_therapy_delivery__current where submission_id <> 'list-1';"
    " update intermediate.int_therapy_delivery__current set previous_snapshot_date = null",
    "RTW-036": "delete from staging.stg_therapy_waiting_list__referral where submission_id = 'other-3'",
    "RTW-089M": "delete from marts.fct_therapy_appointment where contact_date < date '2024-11-01'",
    "RTW-120": "update marts.fct_therapy_wait_comparison set published_count = null, sitrep_difference_count = null",
    "RTW-121": "update marts.fct_therapy_wait_comparison set published_count = null, sitrep_difference_count = null",
    "TWL-101": "update marts.fct_therapy_wait_comparison set accounted_difference_count = null",
    "RTW-122": "delete from marts.fct_ehc_plan; delete from marts.fct_census_pupil",
    "RTW-123": "update marts.fct_therapy_referral set has_ehc_plan = null",
    "RTW-124": "delete from staging.stg_control__child_key",
    "RTW-150": "delete from marts.fct_community_wait_published where vintage_rank > 1",
}
"""What takes from the sound marts all that a rule compares with."""


def test_a_rule_with_nothing_to_compare_with_is_not_judged(
    catalogue: Catalogue, sound_warehouse: duckdb.DuckDBPyConnection
) -> None:
    rules = [rule for rule in catalogue.for_level("mart") if rule.judged_rows is not None]
    assert {rule.rule_id for rule in rules} == set(NOTHING_BESIDE)
    judged = evaluate(sound_warehouse, rules, suite_name="mart", docs=None)
    assert {result.outcome for result in judged} == {"passed"}
    for statements in NOTHING_BESIDE.values():
        sound_warehouse.execute(statements)
    left = evaluate(sound_warehouse, rules, suite_name="mart", docs=None)
    assert {result.rule.rule_id: result.outcome for result in left} == dict.fromkeys(NOTHING_BESIDE, "not judged")
