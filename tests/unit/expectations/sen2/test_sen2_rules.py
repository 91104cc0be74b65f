"""What the cases of the rules of the EHC plans return leave open."""

import csv
from pathlib import Path

import duckdb
import pytest

from expectations.catalogue import Catalogue, Rule
from orchestration.returns.spec import load_spec
from tests.unit.expectations.conftest import findings

PROJECT = Path(__file__).parents[4]
CONDITIONS = PROJECT.parent / "shared" / "domain" / "sen2_rules.csv"


def test_the_census_days_of_the_rules_are_those_of_the_spec(
    sen2_rules: dict[str, Rule], sound_returns: duckdb.DuckDBPyConnection
) -> None:
    spec = load_spec("sen2")
    for year in spec.years:
        sound_returns.execute(
            "update sen2_return set return_year = ?, reference_date = ? where submission_id = 'r26'",
            [year, spec.for_year(year).census_day],
        )
        assert findings(sound_returns, [sen2_rules["RS2-004"]]) == {}, year


def test_a_year_without_a_census_day_is_refused(
    sen2_rules: dict[str, Rule], sound_returns: duckdb.DuckDBPyConnection
) -> None:
    sound_returns.execute("update sen2_return set return_year = 2022, reference_date = '2022-01-20' where record = 1")
    assert findings(sound_returns, [sen2_rules["RS2-004"]]) == {"RS2-004": 4}


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("update sen2_plan_setting set placement_rank_code = null where record = 20", {"RS2-105": 1}),
        ("update sen2_placement set placement_rank_code = null where record = 2020", {"RS2-137": 1}),
        ("update sen2_placement set ukprn = '19990001' where record = 20", {"RS2-130": 1}),
        ("update sen2_plan_setting set urn = null where record = 20", {"RS2-100": 1}),
        ("update sen2_plan set cease_reason_code = '3' where record = 20", {"RS2-083": 1}),
        ("update sen2_plan set start_date = '2026-01-16' where record = 20", {"RS2-081": 1}),
        ("update sen2_person set uln = '1000102504' where record in (20, 21)", {"RS2-026": 2}),
        ("update sen2_person set uln = 'ABC' where record = 20", {"RS2-019": 1}),
        ("update sen2_active_plan set review_meeting_date = null where record = 20", {"RS2-114": 1}),
        ("update sen2_active_plan set review_draft_date = '2025-07-01' where record = 20", {"RS2-119": 1}),
        ("update sen2_active_plan set last_review_date = null where record = 20", {"RS2-118": 1}),
        ("update sen2_person set birth_date = '2014-09-01' where record = 20", {"RS2-121": 1}),
        (
            "update sen2_person set birth_date = '2014-09-01' where record in (20, 21);"
            "update sen2_plan set cease_date = '2026-01-16', cease_reason_code = '3' where record = 20;"
            "update sen2_plan set cease_date = '2026-01-15', cease_reason_code = '3' where record = 21",
            {"RS2-081": 1, "RS2-121": 1},
        ),
        ("update sen2_assessment set assessment_outcome_date = '2024-12-31' where record = 20", {}),
        ("delete from sen2_assessment where record = 5", {"RS2-072": 1}),
        ("update sen2_active_plan set transfer_la_code_raw = 'Zz' where record = 20", {"RS2-113": 1}),
        ("update sen2_request set exported_la_code_raw = 'Zz' where record = 20", {"RS2-054": 1}),
        ("update sen2_need set sen_type_rank_code = '1' where record = 2020", {"RS2-155": 2}),
        ("update sen2_person set birth_date = '2027-01-01' where record = 20", {"RS2-011": 1}),
    ],
)
def test_a_rule_finds_its_other_faults_too(
    fault: str, found: dict[str, int], sen2_rules: dict[str, Rule], sound_returns: duckdb.DuckDBPyConnection
) -> None:
    sound_returns.execute(fault)
    assert findings(sound_returns, sen2_rules.values()) == found


def test_files_without_a_header_break_no_rule_about_one(
    sen2_rules: dict[str, Rule], sound_returns: duckdb.DuckDBPyConnection
) -> None:
    """A case system's files get a header made of the year and the authority alone."""
    sound_returns.execute(
        "update sen2_return set source_row = 0, collection = null, source_level_code = null, dmo_code = null,"
        " dco_code = null, dsco_code = null"
    )
    assert findings(sound_returns, sen2_rules.values()) == {}


def test_a_place_is_named_once_where_a_request_wrongly_has_two_assessments(
    sen2_rules: dict[str, Rule], sound_returns: duckdb.DuckDBPyConnection
) -> None:
    sound_returns.execute(
        """
        insert into sen2_assessment by name select * replace (3021 as record) from sen2_assessment where record = 21;
        insert into sen2_plan by name
        select * replace (3021 as record, 3021 as parent_record) from sen2_plan where record = 21;
        delete from sen2_placement where record = 21
        """
    )
    assert findings(sound_returns, [sen2_rules["RS2-112"]]) == {"RS2-112": 1}


def test_a_date_that_cannot_be_read_is_not_missing(
    sen2_rules: dict[str, Rule], sound_returns: duckdb.DuckDBPyConnection
) -> None:
    """Such a row is set aside by the rule of the reader; no other rule says so once more."""
    dates = {
        "sen2_person": ["birth_date"],
        "sen2_request": ["received_date", "request_outcome_date"],
        "sen2_assessment": ["assessment_outcome_date"],
        "sen2_plan": ["start_date"],
        "sen2_active_plan": ["review_meeting_date", "last_review_date"],
        "sen2_placement": ["entry_date"],
    }
    for table, columns in dates.items():
        for column in columns:
            sound_returns.execute(
                f"update {table} set {column}_raw = 'in spring', {column} = null where {column} is not null"
            )
    assert findings(sound_returns, sen2_rules.values()) == {}


def test_every_condition_on_the_return_is_a_rule(catalogue: Catalogue) -> None:
    if not CONDITIONS.exists():
        pytest.skip("the conditions on the return are not beside the project")
    with CONDITIONS.open(newline="") as stream:
        severities = {row["rule_id"]: row["severity"] for row in csv.DictReader(stream)}
    own = {rule.rule_id: rule for rule in catalogue.rules if rule.rule_id.startswith("RS2-")}
    assert set(severities) == {rule_id[: len("RS2-000")] for rule_id in own}
    for rule_id in set(severities) & set(own):
        if own[rule_id].level == "row":
            assert (severities[rule_id] == "error") == (own[rule_id].severity == "warn"), rule_id
        if own[rule_id].level == "mart":
            assert severities[rule_id] == "query" and own[rule_id].severity in {"warn", "observe"}, rule_id


def test_the_rules_can_be_read_by_a_person(sen2_rules: dict[str, Rule]) -> None:
    for rule in sen2_rules.values():
        assert rule.label.endswith("."), rule.rule_id
        assert rule.action.endswith("."), rule.rule_id
        assert rule.why.endswith("."), rule.rule_id
        assert rule.official_number is None, rule.rule_id
        assert rule.owner in {
            "Data engineer",
            "Performance and intelligence lead",
            "Head of SEND",
            "SEN2 data officer",
        }, rule.rule_id
