"""Schools' censuses as staging has them, from XML to view."""

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.returns.land import land_return
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, prepare_store, write_control_tables
from tests.invented_census import census, marie, rosalind, write_census_xml
from tests.unit.dbt_project.conftest import build


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The staging views of three returns of one school, the spring return sent twice."""
    path = tmp_path_factory.mktemp("census")
    settings = Settings(store=path / "store", raw=path / "raw", key_file=path / "configuration" / "secret.key")
    prepare_store(settings)
    left = rosalind().but(NCyearLeaving="6")
    for one in (
        census([marie(), left], term="AUT", year=2024),
        census(serial="1"),
        census([marie()], serial="2"),
        census([marie()], term="SUM"),
    ):
        write_census_xml(settings.inbox_dir / "school_census", one)
    report = land_return(
        settings, "school_census", load_catalogue(settings.rules_dir), now=datetime(2025, 6, 1, tzinfo=UTC)
    )
    assert [s.status for s in report.committed] == ["accepted"] * 4
    with open_warehouse(settings.warehouse_path, "tests", settings.database_limits) as connection:
        write_control_tables(connection, settings)
    build(settings, "+path:models/staging/school_census")
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        yield connection


def test_an_academic_year_begins_with_its_autumn_census(staged: duckdb.DuckDBPyConnection) -> None:
    rows = staged.execute(
        "select census_period, term_code, academic_year, la_estab from staging.stg_school_census__return"
        " where is_current order by census_period"
    ).fetchall()
    assert rows == [
        ("2024-10", "AUT", "202425", "3724001"),
        ("2025-01", "SPR", "202425", "3724001"),
        ("2025-05", "SUM", "202425", "3724001"),
    ]


def test_of_a_return_sent_twice_the_later_counts(staged: duckdb.DuckDBPyConnection) -> None:
    rows = staged.execute(
        """
        select pupil.is_current, count(*)
        from staging.stg_school_census__pupil as pupil
        inner join staging.stg_school_census__return as census using (return_key, submission_id)
        where census.census_period = '2025-01'
        group by all
        order by all
        """
    ).fetchall()
    assert rows == [(False, 3), (True, 1)]


def test_a_leaver_is_not_on_roll_and_has_the_year_group_of_leaving(staged: duckdb.DuckDBPyConnection) -> None:
    rows = staged.execute(
        """
        select pupil.is_on_roll, pupil.year_group_code, pupil.sen_provision_code, pupil.is_in_sen_unit
        from staging.stg_school_census__pupil as pupil
        inner join staging.stg_school_census__return as census using (return_key, submission_id)
        where census.census_period = '2024-10'
        order by pupil.is_on_roll
        """
    ).fetchall()
    assert rows == [(False, "6", None, None), (True, "6", "E", True)]


def test_needs_are_ranked_and_sessions_counted(staged: duckdb.DuckDBPyConnection) -> None:
    needs = staged.execute(
        "select distinct sen_type_code, sen_type_rank from staging.stg_school_census__sen_need order by sen_type_rank"
    ).fetchall()
    assert needs == [("ASD", 1), ("SLCN", 2)]
    sessions = staged.execute(
        "select attendance_period_code, sum(session_count)::integer from staging.stg_school_census__session"
        " where attendance_code = 'I' group by all order by all"
    ).fetchall()
    assert sessions == [("HALF2", 3), ("TERM", 12 * 4 + 2)]
