"""The portable models on Spark, from the landed Parquet of a borough of plans, beside the tables that DuckDB made of it."""

from pathlib import Path

import pytest

from orchestration.settings import Settings
from tests.portable.portable import build_on_spark, compare, why_not

pytestmark = [pytest.mark.end_to_end, pytest.mark.portable, pytest.mark.skipif(bool(why_not()), reason=why_not() or "")]


def test_spark_builds_the_same_kpi_tables_to_the_last_digit(borough_of_plans: Path, tmp_path: Path) -> None:
    settings = Settings(store=borough_of_plans / "store")
    build_on_spark(settings, tmp_path)
    tables = {table.table: table for table in compare(settings, tmp_path)}
    assert [table for table in tables.values() if not table.is_equal] == []
    # Nothing is equal to nothing.
    for name in (
        "marts.fct_ehc_request",
        "marts.fct_ehc_statistic",
        "intermediate.int_kpi__local_cell",
        "kpi.kpi_ehcp_process",
    ):
        assert tables[name].rows > 0, name
