"""What the evidence page tells of the dedicated schools grant."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.release.grant import Restated, grant_years, restated_figures
from orchestration.settings import Settings


@pytest.fixture
def marts(tmp_path: Path, new_warehouse: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in which no safety valve return has landed."""
    with new_warehouse(Settings(store=tmp_path / "store")) as connection:
        yield connection


def test_the_years_go_from_the_first_opening_to_the_last_closing_balance(marts: duckdb.DuckDBPyConnection) -> None:
    marts.execute(
        """
        insert into marts.fct_dsg_bridge values
            ('372', '202526', '2026-03-31', 'forecast', 2, -700, -1300, 1200, 0, 2000, 0, 0, null, null, null, 'none'),
            ('372', '202425', '2025-03-31', 'outturn', null, -1700, -1000, 1200, 0, 2000, 0, -700, 0, -1000, 1000, 'draft')
        """
    )
    assert [
        (year["financial_year"], year["opening_gbp"], year["closing_gbp"], year["published_closing_gbp"])
        for year in grant_years(marts)
    ] == [("202425", -1700, -700, -1000), ("202526", -700, 0, None)]


def test_a_restated_figure_stands_beside_what_it_was_and_a_new_plan_is_none(marts: duckdb.DuckDBPyConnection) -> None:
    first, second, third = datetime(2025, 7, 20), datetime(2025, 10, 20), datetime(2026, 1, 20)
    marts.execute(
        """
        insert into marts.fct_high_needs_line values
            ('372', '202526', '1.2.3', 'actual', 1, 500, $first, false),
            ('372', '202526', '1.2.3', 'actual', 1, 450, $second, true),
            -- said again with another deduction: the figure is the one before
            ('372', '202526', '1.2.3', 'actual', 1, 450, $third, true),
            ('372', '202526', '1.2.2', 'actual', 1, 900, $first, false),
            ('372', '202526', '1.2.3', 'plan', null, 2000, $first, false),
            ('372', '202526', '1.2.3', 'plan', null, 1900, $second, true)
        """,
        {"first": first, "second": second, "third": third},
    )
    marts.execute(
        "insert into marts.fct_dsg_position values"
        " ('372', '202526', 'HNB', 'EXPENDITURE', 'forecast', 1, 9000, $first, false),"
        " ('372', '202526', 'HNB', 'EXPENDITURE', 'forecast', 1, 8950, $second, true)",
        {"first": first, "second": second},
    )
    assert restated_figures(marts) == [
        Restated("372", "2025-26", "1.2.3", "actual", 1, 500, 450, second),
        Restated("372", "2025-26", "HNB EXPENDITURE", "forecast", 1, 9000, 8950, second),
    ]


def test_without_returns_there_is_nothing_to_tell(marts: duckdb.DuckDBPyConnection) -> None:
    assert (grant_years(marts), restated_figures(marts)) == ([], [])
