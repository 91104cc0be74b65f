"""Published figures of Rotherham, England and The Rotherham NHS Foundation Trust, from landed rows to KPI tables."""

from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration.release.inventory import released_tables
from orchestration.release.manifest import TableContent
from orchestration.release.meta import write_sources
from orchestration.returns.kpis import load_kpis, local_return_ids

KPIS = 93 + sum(len(load_kpis(return_id).kpis) for return_id in local_return_ids())
"""Those of the catalogue, and those that local returns bring."""


def kpi(warehouse: duckdb.DuckDBPyConnection, kpi_id: str, area: str, period: str, breakdown: str = "Total") -> Any:
    """Numerator, denominator, value and symbol of one KPI cell."""
    rows = warehouse.execute(
        "select numerator, denominator, value, symbol from kpi.kpi_value"
        " where kpi_id = ? and area_code = ? and time_period = ? and breakdown = ?",
        [kpi_id, area, period, breakdown],
    ).fetchall()
    assert len(rows) <= 1, rows
    return rows[0] if rows else None


@pytest.mark.parametrize(
    ("kpi_id", "area", "period", "numerator", "denominator", "rounded"),
    [
        ("ehc_requests_received", "E08000018", "2024", 959, None, "959.0"),
        ("ehc_requests_refused_pct", "E08000018", "2024", 304, 959, "31.7"),
        ("ehcp_20_weeks_excl_exceptions_pct", "E08000018", "2024", 359, 462, "77.7"),
        ("ehcp_20_weeks_excl_exceptions_pct", "E92000001", "2024", 39407, 84866, "46.4"),
        ("ehcp_total", "E08000018", "202425", 3623, None, "3623.0"),
        ("ehcp_total", "E92000001", "202425", 638745, None, "638745.0"),
        ("ehcp_growth_12m_pct", "E08000018", "202425", 313, 3310, "9.5"),
        ("ehcp_growth_12m_pct", "E92000001", "202425", 62271, 576474, "10.8"),
    ],
)
def test_ehc_plan_kpis_are_what_was_published(
    warehouse: duckdb.DuckDBPyConnection,
    kpi_id: str,
    area: str,
    period: str,
    numerator: int,
    denominator: int | None,
    rounded: str,
) -> None:
    found = kpi(warehouse, kpi_id, area, period)
    assert found[:2] == (numerator, denominator)
    assert f"{found[2]:.1f}" == rounded


@pytest.mark.parametrize(
    ("line", "total", "within_18", "over_52", "median", "percentile_92"),
    [
        ("Speech and language therapy", 182, "88.5", 0, "5.4", "28.4"),
        ("Occupational therapy", 140, "25.7", 40, "36.1", "89.4"),
        ("Physiotherapy", 49, "83.7", 0, "8.6", "35.3"),
        ("Community paediatrics", 145, "55.9", 1, "16.2", "46.3"),
    ],
)
def test_therapy_waits_of_the_trust_follow_from_its_bands(
    warehouse: duckdb.DuckDBPyConnection,
    line: str,
    total: int,
    within_18: str,
    over_52: int,
    median: str,
    percentile_92: str,
) -> None:
    def value(kpi_id: str) -> Decimal:
        return Decimal(kpi(warehouse, kpi_id, "RFR", "2025", line)[2])

    assert value("therapy_waiting_total") == total
    assert f"{value('therapy_within_18_weeks_pct'):.1f}" == within_18
    assert value("therapy_over_52_weeks") == over_52
    assert value("therapy_over_104_weeks") == 0
    assert f"{value('therapy_median_wait_weeks'):.1f}" == median
    assert f"{value('therapy_p92_wait_weeks'):.1f}" == percentile_92
    assert kpi(warehouse, "therapy_median_wait_weeks", "RFR", "2025", line)[3] == "u"


def test_a_service_nobody_reported_is_not_available_and_not_zero(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert kpi(warehouse, "therapy_waiting_total", "RXE", "2025", "Occupational therapy") == (None, None, None, "x")


def test_a_marker_stays_a_marker_to_the_end(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert kpi(warehouse, "ehcp_total", "E08000016", "202425") == (None, None, None, "x")


def test_a_period_that_was_not_published_is_absent(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert kpi(warehouse, "ehcp_total", "E08000018", "202223") is None


def test_a_regional_total_copied_to_its_authorities_is_shown_and_not_used(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    marked = warehouse.execute(
        "select area.area_name, figure.value, figure.is_usable from marts.fct_published_statistic as figure"
        " inner join marts.dim_area as area using (area_key) where figure.fault_rule_id = 'PS-101' order by all"
    ).fetchall()
    assert marked == [(name, 6078, False) for name in ("Barnsley", "Doncaster", "Rotherham", "Wakefield")]
    # Nothing tells Barnsley's true figure.
    assert kpi(warehouse, "ehcp_new", "E08000016", "2022") == (None, None, None, "x")


def test_breakdowns_replace_a_faulty_total_only_where_another_table_confirms_them(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """Plans issued in 2022 by table assessments: Rotherham 285, Wakefield 462, Doncaster 303."""
    assert kpi(warehouse, "ehcp_new", "E08000018", "2022")[2] == 285
    assert warehouse.execute(
        "select area_name, value, value_status, symbol, fault_rule_id from kpi.kpi_value where kpi_id = 'ehcp_new'"
        " and breakdown = 'Total' and area_name in ('Wakefield', 'Doncaster') order by area_name"
    ).fetchall() == [(name, None, "fault", "x", "PS-101") for name in ("Doncaster", "Wakefield")]


def test_every_publisher_of_a_kpi_is_among_the_sources_of_the_release(warehouse: duckdb.DuckDBPyConnection) -> None:
    tables = [
        TableContent(schema_name=schema, table_name=table, rows=0, digest="")
        for schema, table in released_tables(warehouse)
    ]
    (path,) = warehouse.execute("select path from duckdb_databases() where not internal").fetchall()[0]
    with duckdb.connect() as released:
        released.execute(f"attach '{path}' as warehouse (read_only)")
        released.execute("use warehouse")
        write_sources(released, "memory.source", tables)
        sources = released.execute("select publisher, dataset, release_names from memory.source").fetchall()
    publishers = warehouse.execute("select distinct publisher from kpi.kpi_value").fetchall()
    assert {publisher for (publisher,) in publishers} == {"Department for Education", "NHS England"}
    assert {publisher for publisher, _, _ in sources} >= {publisher for (publisher,) in publishers}
    waits = "Community Health Services waiting times"
    assert ("NHS England", waits, f"{waits}, October 2025") in sources


def test_the_gap_to_england_is_in_percentage_points(warehouse: duckdb.DuckDBPyConnection) -> None:
    units = dict(warehouse.execute("select kpi_id, unit from kpi.kpi_catalogue where unit like 'percent%'").fetchall())
    assert [kpi_id for kpi_id, unit in units.items() if unit == "percentage_points"] == ["placement_gap_to_england_pp"]
    assert [kpi_id for kpi_id, unit in units.items() if unit == "percent" and kpi_id.endswith("_pp")] == []


def test_both_vintages_stay_and_the_revised_one_stands(warehouse: duckdb.DuckDBPyConnection) -> None:
    vintages = warehouse.execute(
        "select value, release_name, vintage_rank, fault_rule_id from marts.fct_published_statistic"
        " where measure_code = 'review_decision_outstanding' order by vintage_rank"
    ).fetchall()
    assert vintages == [(163, "EHC plans 2025 (revised)", 1, None), (-225, "EHC plans 2025", 2, "PS-102")]


def test_a_period_against_its_identifier_is_marked(warehouse: duckdb.DuckDBPyConnection) -> None:
    marked = warehouse.execute(
        "select figure.series_code, figure.fault_rule_id, figure.is_usable from marts.fct_published_statistic as figure"
        " inner join marts.dim_period as period using (period_key)"
        " where period.time_period = '202425' and period.time_identifier = 'Calendar year'"
    ).fetchall()
    assert marked == [("sen_need_newplans", "PS-103", False)]


def test_rotherham_is_compared_with_england_and_neighbours(warehouse: duckdb.DuckDBPyConnection) -> None:
    compared = warehouse.execute(
        "select comparator_type, comparator_name, round(difference, 1), neighbour_rank, neighbour_count"
        " from kpi.kpi_comparison where kpi_id = 'ehc_requests_refused_pct' and breakdown = 'Total' order by 1"
    ).fetchall()
    assert compared == [
        ("england", "England", Decimal("6.5"), 2, 2),
        ("statistical_neighbour", "Barnsley", Decimal("-9.2"), 2, 2),
    ]


def test_every_kpi_has_a_figure_or_a_reason(warehouse: duckdb.DuckDBPyConnection) -> None:
    availability = dict(warehouse.execute("select kpi_id, reason from kpi.kpi_availability").fetchall())
    assert len(availability) == KPIS
    assert availability["ehcp_total"] == (
        "Available from published statistics. Comparators for 2024/25: England; no regional figure, no figure of a"
        " statistical neighbour."
    )
    assert availability["ehc_requests_refused_pct"].endswith(
        "England and 1 of 10 statistical neighbours; no regional figure."
    )
    assert availability["pupils_on_roll"] == "Not available from published statistics. Waits for: School census."
    assert "all pupils" in availability["sen_suspension_rate"]
    assert "two consecutive years" in availability["ehcp_asd_growth_pct"]


def test_an_empty_store_builds_and_says_that_nothing_is_available(
    empty_warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert empty_warehouse.execute("select count(*) from kpi.kpi_value").fetchone() == (0,)
    assert empty_warehouse.execute(
        "select count(*), count(*) filter (where is_available) from kpi.kpi_availability"
    ).fetchone() == (KPIS, 0)
