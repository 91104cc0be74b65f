"""Landing verdicts: which places fail, and which submissions cannot be used."""

import dataclasses

import duckdb
import pytest

from expectations.catalogue import Catalogue, Effect, Rule, Severity
from expectations.engine import GateError
from expectations.landing import LandingFailure, SubmissionVerdict, evaluate_landing, verdicts


def failure(
    row: int | None, effect: Effect = "quarantine", severity: Severity = "block", rule_id: str = "EES-07"
) -> LandingFailure:
    return LandingFailure(rule_id, severity, effect, "ees_row", "ees", "caseload.csv", row, None)


def test_the_failing_places_are_named_by_submission_file_and_row(
    catalogue: Catalogue, sound_landing: duckdb.DuckDBPyConnection
) -> None:
    sound_landing.execute("update ees_row set la_name = null where geographic_level = 'Local authority'")
    sound_landing.execute(
        "update chs_wait set value = null, value_text = '-1' where sheet = 'Table 4' and source_row = 9"
    )
    outcome = evaluate_landing(sound_landing, catalogue.for_landing("published_statistics"), docs=None)
    place = ("chs", "community_health_2025-10-01.xlsx", 9)
    assert [found for found in outcome.failures if found.effect == "quarantine"] == [
        LandingFailure("EES-07", "block", "quarantine", "ees_row", "ees", "caseload.csv", 3, None),
        LandingFailure("EES-07", "block", "quarantine", "ees_row", "ees", "caseload.csv", 4, None),
        *(
            LandingFailure("RTW-145", "block", "quarantine", "chs_wait", *place, f"Table 4/{line}")
            for line in (
                "adult/therapy_interventions_speech_and_language",
                "cyp/therapy_interventions_speech_and_language",
            )
        ),
    ]
    assert {found.rule_id for found in outcome.failures if found.effect == "refuse"} == {"RTW-148"}
    assert len(outcome.results) == len(catalogue.for_landing("published_statistics"))


def test_a_rule_about_marts_is_not_a_landing_rule(
    catalogue: Catalogue, sound_landing: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(GateError, match=r"PS-101.*marts or KPIs"):
        evaluate_landing(sound_landing, catalogue.for_level("mart"), docs=None)


def test_a_rule_is_judged_only_beside_the_returns_it_compares_with() -> None:
    plain = Rule(
        rule_id="PLAIN",
        official_number=None,
        return_id="waits",
        table="wait",
        level="row",
        severity="warn",
        effect="flag",
        label="Weeks are known.",
        why="They are counted.",
        owner="Data engineer",
        action="Look.",
        columns=(),
        failing_rows="select 's' as submission_id, 'f' as source_file, 1 as source_row from wait where weeks is null",
    )
    compared = dataclasses.replace(
        plain,
        rule_id="COMPARED",
        failing_rows="select 's' as submission_id, 'f' as source_file, 1 as source_row"
        " from wait anti join register.school using (urn)",
        needs=("register",),
    )
    with duckdb.connect() as connection:
        connection.execute("create table wait as select 4 as weeks, '999001' as urn")
        alone = evaluate_landing(connection, [plain, compared], docs=None)
        connection.execute("create schema register; create table register.school as select '999002' as urn")
        beside = evaluate_landing(connection, [plain, compared], docs=None)
    assert ([result.rule.rule_id for result in alone.results], alone.failures) == (["PLAIN"], [])
    assert alone.not_judged == [compared]
    assert [failure.rule_id for failure in beside.failures] == ["COMPARED"]
    assert beside.not_judged == []


def test_a_submission_without_failures_is_accepted() -> None:
    accepted = SubmissionVerdict("ees", "accepted", None, ())
    assert verdicts([], {"ees": 4}, refuse_above_share=0.5) == {"ees": accepted}


def test_one_refusing_rule_refuses_its_submission_and_no_other() -> None:
    found = [failure(None, "refuse", rule_id="RTW-148"), failure(1)]
    judged = verdicts(found, {"ees": 4, "chs": 10}, refuse_above_share=0.5)
    assert judged["ees"] == SubmissionVerdict("ees", "refused", "It fails RTW-148.", ("RTW-148",))
    assert judged["chs"].status == "accepted"


@pytest.mark.parametrize(("wrong_rows", "status"), [([1, 2], "accepted"), ([1, 2, 3], "refused")])
def test_a_submission_is_refused_above_the_share_of_wrong_rows_not_at_it(wrong_rows: list[int], status: str) -> None:
    judged = verdicts([failure(row) for row in wrong_rows], {"ees": 4}, refuse_above_share=0.5)
    assert judged["ees"].status == status


def test_the_reason_counts_rows_and_names_the_rules() -> None:
    found = [*(failure(row) for row in (1, 2, 3)), failure(3, "flag", "warn", "EES-28")]
    reason = verdicts(found, {"ees": 4}, refuse_above_share=0.5)["ees"].reason
    assert reason == "3 of 4 rows fail EES-07, EES-28: more than 50%, above which a submission is refused."


def test_what_is_only_observed_refuses_nothing() -> None:
    found = [failure(row, "flag", "observe") for row in range(1, 5)]
    assert verdicts(found, {"ees": 4}, refuse_above_share=0.5)["ees"].status == "accepted"


def test_a_failure_of_a_submission_that_is_not_landed_is_a_mistake() -> None:
    with pytest.raises(GateError, match="EES-07 fails in a submission which is not being landed"):
        verdicts([failure(1)], {"chs": 4}, refuse_above_share=0.5)
