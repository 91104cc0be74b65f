"""The real published files, from the inbox to the release: the figures that must come out."""

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR
from tests.conftest import SHARED
from tests.end_to_end.journey import Journey

pytestmark = [pytest.mark.end_to_end]

FILES = [
    "data/ees/education-health-and-care-plans_2022.zip",
    "data/ees/education-health-and-care-plans_2025.zip",
    "data/nhs_community_waits/community_health_2023-03-01.xlsx",
    "data/nhs_community_waits/community_health_2023-08-01.xlsx",
    "data/nhs_community_waits/community_health_2023-11-01.xlsx",
    "data/nhs_community_waits/community_health_2025-10-01.xlsx",
]

Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    absent = [name for name in FILES if not (SHARED / name).is_file()]
    if absent:
        pytest.skip(f"needs the published files beside the project: {', '.join(absent)}")
    folder: Path = tmp_path_factory.mktemp("published")
    journey = Journey(folder / "store", folder / "raw")
    shutil.copytree(PROJECT_DIR / "raw" / "seed", folder / "raw" / "seed")
    for name in FILES:
        journey.drop(Path(name).name, (SHARED / name).read_bytes())
    ended = journey.cornerstone("run", "--json")
    assert ended.exit_code == 0, ended.stderr
    assert ended.result["status"] == "released"
    return journey


@pytest.fixture(scope="module")
def ask(journey: Journey) -> Ask:
    connection = duckdb.connect(str(journey.current / "open" / "send_kpis.duckdb"), read_only=True)
    return lambda query, *values: connection.execute(query, values).fetchall()


@pytest.fixture(scope="module")
def ask_marts(journey: Journey) -> Ask:
    connection = duckdb.connect(str(journey.current / "restricted" / "send_marts.duckdb"), read_only=True)
    return lambda query, *values: connection.execute(query, values).fetchall()


def kpi(ask: Ask, kpi_id: str, period: str, area: str = "E08000018", **also: str) -> tuple[Any, ...]:
    where = "".join(f" and {name} = '{value}'" for name, value in {"breakdown": "Total", **also}.items())
    [row] = ask(
        "select numerator, denominator, round(value, 1) from kpi.kpi_value"
        f" where kpi_id = ? and time_period = ? and area_code = ? {where}",
        kpi_id,
        period,
        area,
    )
    return row


ENGLAND = "E92000001"


def test_rotherham_received_959_requests_in_2024(ask: Ask) -> None:
    assert kpi(ask, "ehc_requests_received", "2024")[2] == 959


def test_304_of_them_were_refused(ask: Ask) -> None:
    assert kpi(ask, "ehc_requests_refused_pct", "2024")[:2] == (304, 959)


def test_359_of_462_plans_were_issued_within_20_weeks_against_46_4_per_cent_in_england(ask: Ask) -> None:
    assert kpi(ask, "ehcp_20_weeks_excl_exceptions_pct", "2024") == (359, 462, Decimal("77.7"))
    assert kpi(ask, "ehcp_20_weeks_excl_exceptions_pct", "2024", ENGLAND)[2] == Decimal("46.4")


def test_plans_in_january_2025(ask: Ask) -> None:
    assert kpi(ask, "ehcp_total", "202425")[2] == 3623
    assert kpi(ask, "ehcp_total", "202425", ENGLAND)[2] == 638745


@pytest.mark.parametrize(
    ("line", "waiting", "within_18", "over_52", "over_104", "median", "p92"),
    [
        ("Speech and language therapy", 182, "88.5", 0, 0, "5.4", "28.4"),
        ("Occupational therapy", 140, "25.7", 40, 0, "36.1", "89.4"),
        ("Physiotherapy", 49, "83.7", 0, 0, "8.6", "35.3"),
        ("Community paediatrics", 145, "55.9", 1, 0, "16.2", "46.3"),
    ],
)
def test_waits_of_the_rotherham_trust_in_october_2025(
    ask: Ask, line: str, waiting: int, within_18: str, over_52: int, over_104: int, median: str, p92: str
) -> None:
    def value(kpi_id: str) -> Decimal:
        [[found]] = ask(
            "select round(value, 1) from kpi.kpi_value where kpi_id = ? and area_code = 'RFR' and breakdown = ?"
            " and period_start = date '2025-10-01'",
            kpi_id,
            line,
        )
        return Decimal(found)

    assert value("therapy_waiting_total") == waiting
    assert value("therapy_within_18_weeks_pct") == Decimal(within_18)
    assert value("therapy_over_52_weeks") == over_52
    assert value("therapy_over_104_weeks") == over_104
    assert value("therapy_median_wait_weeks") == Decimal(median)
    assert value("therapy_p92_wait_weeks") == Decimal(p92)


def test_every_file_lands_with_nothing_lost_and_no_table_unrecognised(journey: Journey) -> None:
    status = journey.cornerstone("status", "--json").result
    assert status["refused"] == []
    suppliers = {row["supplier"] for row in status["arrived"]}
    assert len([name for name in suppliers if name.startswith("dfe.ehc_plans.")]) == 19
    assert {"moj.send_tribunal_appeals", "nhs_england.chs_sitrep"} < suppliers


def test_rows_read_are_rows_landed_plus_quarantined_for_every_submission(ask: Ask) -> None:
    rows = ask("select rows_read, rows_landed + rows_quarantined from meta.submission")
    assert len(rows) == 26
    assert all(read == accounted for read, accounted in rows)


def test_the_bundled_waiting_lists_are_those_of_the_workbooks(ask: Ask) -> None:
    assert ask("select outcome from meta.rule_result where rule_id = 'RTW-150'") == [("passed",)]


def test_the_regional_total_repeated_for_every_authority_is_shown_and_not_used(ask: Ask, ask_marts: Ask) -> None:
    faulty = ask_marts(
        "select count(*), min(value), max(value) from marts.fct_published_statistic where fault_rule_id = 'PS-101'"
        " and series_code = 'newplans' and not is_usable"
    )
    assert faulty == [(15, 6078, 6078)]
    assert kpi(ask, "ehcp_new", "2022")[2] == 285


def test_a_total_that_breakdowns_agree_on_and_another_table_denies_is_not_published(ask: Ask) -> None:
    rows = ask(
        "select value, symbol, fault_rule_id from kpi.kpi_value where kpi_id = 'ehcp_new' and area_name = 'Wakefield'"
        " and time_period = '2022' and breakdown = 'Total'"
    )
    assert rows == [(None, "x", "PS-101")]


def test_every_publisher_of_a_kpi_is_named_as_a_source(ask: Ask) -> None:
    assert ask("select distinct publisher from kpi.kpi_value except select publisher from meta.source") == []


def test_both_vintages_of_a_revised_cell_stay_queryable(ask_marts: Ask) -> None:
    rows = ask_marts(
        "select fact.release_name, fact.value, fact.is_latest_vintage from marts.fct_published_statistic as fact"
        " inner join marts.dim_area using (area_key)"
        " where fact.series_code = 'annual_reviews' and fact.measure_code = 'review_decision_outstanding'"
        " and dim_area.la_code = '372' and fact.breakdown = 'All annual reviews' order by fact.vintage_rank"
    )
    assert [(name, is_latest) for name, _, is_latest in rows] == [
        ("EHC plans 2025 (revised)", True),
        ("EHC plans 2025", False),
    ]
    assert rows[0][1] != rows[1][1]


def test_a_marker_never_carries_a_number_and_zero_is_a_number(ask_marts: Ask) -> None:
    found = dict(
        ask_marts(
            "select value_status, count(*) filter (value is not null) from marts.fct_published_statistic group by all"
        )
    )
    assert found.pop("reported") > 4_000_000
    assert set(found) >= {"not_available", "not_applicable"}
    assert set(found.values()) == {0}
