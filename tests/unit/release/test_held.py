"""What the school censuses, therapy waiting lists and safety valve returns of a release hold, each in a sentence."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.release.exports import RESTRICTED_DATABASE
from orchestration.release.held import (
    CensusHeld,
    GrantHeld,
    WaitingListsHeld,
    read_census,
    read_grant,
    read_waiting_lists,
)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    (tmp_path / RESTRICTED_DATABASE).parent.mkdir()
    with duckdb.connect(str(tmp_path / RESTRICTED_DATABASE)) as connection:
        connection.execute(
            "create schema marts; create table marts.fct_census_pupil (census_period varchar, is_counted boolean);"
            "create table marts.fct_census_plan_difference (census_year integer, completeness_pct decimal(5, 1));"
            "create table marts.fct_therapy_wait (submission_id varchar, snapshot_date date, is_latest boolean,"
            " is_waiting boolean, is_reportable boolean, is_known_child boolean);"
            "create table marts.fct_dsg_position (financial_year varchar, quarter integer, measure varchar);"
            "create table marts.fct_dsg_bridge"
            " (la_code varchar, financial_year varchar, period_end date, closing_gbp bigint, basis varchar)"
        )
    return tmp_path


def fill(release: Path, *statements: str) -> None:
    with duckdb.connect(str(release / RESTRICTED_DATABASE)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_pupils_are_those_counted_in_the_latest_census_and_completeness_that_of_the_latest_january(
    release: Path,
) -> None:
    fill(
        release,
        "insert into marts.fct_census_pupil select '2025-01', true from range(9)",
        "insert into marts.fct_census_pupil select '2025-05', i <> 0 from range(1235) t(i)",
        "insert into marts.fct_census_plan_difference values (2024, 100.0), (2025, 98.3), (2025, 98.3), (2026, null)",
    )
    found = read_census(release)
    assert found == CensusHeld(2, "2025-01", "2025-05", 1234, 2025, 98.3)
    assert found.sentence == (
        "2 school censuses, 2025-01 to 2025-05; 1,234 pupils on roll in the last; 98.3% of the schools expected in January 2025 sent theirs"
    )


def test_without_the_register_it_is_not_said_that_all_schools_are_there(release: Path) -> None:
    fill(release, "insert into marts.fct_census_pupil values ('2025-10', true)")
    found = read_census(release)
    assert found is not None
    assert found.completeness_pct is None
    assert found.sentence == (
        "the school census of 2025-10; 1 pupils on roll in the last; which schools are missing cannot be told without the schools register"
    )


def test_a_release_without_a_census_says_nothing_of_it(release: Path) -> None:
    assert read_census(release) is None


def test_who_waits_is_told_by_the_latest_list_of_each_trust(release: Path) -> None:
    fill(
        release,
        "insert into marts.fct_therapy_wait select 'before', '2025-09-30', false, true, true, true from range(9)",
        "insert into marts.fct_therapy_wait select 'one', '2025-10-31', true, true, true, i < 300 from range(1200) t(i)",
        "insert into marts.fct_therapy_wait values ('one', '2025-10-31', true, false, true, true)",
        "insert into marts.fct_therapy_wait values ('one', '2025-10-31', true, true, false, true)",
        "insert into marts.fct_therapy_wait select 'other', '2025-09-30', true, true, true, true from range(300)",
    )
    found = read_waiting_lists(release)
    assert found == WaitingListsHeld(3, "2025-09", "2025-10", 1500, 40.0)
    assert found.sentence == (
        "3 waiting lists, 2025-09 to 2025-10; 1,500 requests waiting by each trust's latest, 40.0% of them linked to a child"
        " that the authority knows"
    )


def test_a_list_on_which_nobody_waits_has_no_share(release: Path) -> None:
    fill(release, "insert into marts.fct_therapy_wait values ('one', '2025-10-31', true, false, true, true)")
    found = read_waiting_lists(release)
    assert found is not None
    assert found.sentence == "the waiting list of 2025-10; 0 requests waiting by each trust's latest"


def test_a_release_without_a_waiting_list_says_nothing_of_it(release: Path) -> None:
    assert read_waiting_lists(release) is None


def test_the_balance_is_that_of_the_latest_year_and_says_whether_it_is_a_forecast(release: Path) -> None:
    fill(
        release,
        "insert into marts.fct_dsg_position select '202425', i, 'actual' from range(1, 5) t(i)",
        "insert into marts.fct_dsg_position values ('202526', 1, 'actual'), ('202526', 1, 'actual'), ('202526', 2, 'forecast')",
        "insert into marts.fct_dsg_bridge values ('372', '202425', '2025-03-31', -1412447, 'outturn')",
    )
    found = read_grant(release)
    assert found == GrantHeld(5, "2024-25Q1", "2025-26Q1", date(2025, 3, 31), -1412447, True)
    assert found.sentence == (
        "5 quarters of safety valve returns, 2024-25Q1 to 2025-26Q1; balance of the grant on 31 March 2025: -1,412,447 pounds"
    )
    fill(release, "insert into marts.fct_dsg_bridge values ('372', '202526', '2026-03-31', 120, 'forecast')")
    found = read_grant(release)
    assert found is not None
    assert found.sentence.endswith("; balance of the grant on 31 March 2026, forecast: 120 pounds")


def test_a_release_without_a_safety_valve_return_says_nothing_of_it(release: Path) -> None:
    assert read_grant(release) is None


def test_a_return_that_gives_no_balance_is_told_all_the_same(release: Path) -> None:
    fill(release, "insert into marts.fct_dsg_position values ('202526', 1, 'actual')")
    found = read_grant(release)
    assert found is not None
    assert found.sentence == "the safety valve return of 2025-26Q1"
