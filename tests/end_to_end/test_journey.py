"""From files to a release: twice, with nothing, and with one return alone."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR
from tests.conftest import csv_text, requests_csv
from tests.end_to_end.conftest import Released
from tests.end_to_end.journey import Journey

pytestmark = [pytest.mark.end_to_end]

REGISTER = csv_text(
    [
        "URN",
        "LA (code)",
        "EstablishmentName",
        "TypeOfEstablishment (code)",
        "EstablishmentStatus (code)",
        "SchoolCapacity",
    ],
    [
        ["999001", "372", "Quillmoor Primary School", "01", "1", "210"],
        ["999002", "370", "Tanglewick Academy", "35", "2", ""],
    ],
)


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def journey(bundled_figures: Callable[[Path], Released], tmp_path_factory: pytest.TempPathFactory) -> Journey:
    return bundled_figures(tmp_path_factory.mktemp("journey")).journey


def test_the_bundled_figures_alone_give_a_release_with_real_figures(journey: Journey) -> None:
    found = query(
        journey.current / "open" / "send_kpis.duckdb",
        "select numerator, denominator, round(value, 1) from kpi.kpi_value where kpi_id = 'ehcp_20_weeks_excl_exceptions_pct'"
        " and la_code = '372' and time_period = '2024' and breakdown = 'Total' and area_role = 'own_authority'",
    )
    assert [tuple(map(float, row)) for row in found] == [(359.0, 462.0, 77.7)]


def test_the_query_of_the_readme_gives_one_row_a_period_and_comparator(journey: Journey) -> None:
    [sql] = re.findall(r"```sql\n(.*?)```", (PROJECT_DIR / "README.md").read_text(), re.DOTALL)
    with duckdb.connect() as connection:
        rows = connection.execute(sql.replace("store/current", str(journey.current))).fetchall()
    assert len(rows) == len({(row[0], row[4]) for row in rows})
    in_2024 = {row[4]: (float(row[3]), float(row[5])) for row in rows if row[0] == "2024"}
    assert in_2024["England"] == (77.7, 46.4)
    assert len(in_2024) == 12  # England, the region and ten neighbours


def test_every_kpi_of_the_catalogue_has_figures_or_the_reason_why_not(journey: Journey) -> None:
    open_tables = journey.current / "open" / "send_kpis.duckdb"
    rows = query(open_tables, "select is_available, reason from kpi.kpi_availability")
    assert query(open_tables, "select count(*) from kpi.kpi_catalogue") == [(len(rows),)]
    assert all(reason for _, reason in rows)
    assert {True, False} == {is_available for is_available, _ in rows}


def test_every_released_table_view_and_column_is_described(journey: Journey) -> None:
    for name, schemas in (
        ("open/send_kpis.duckdb", {"kpi", "meta"}),
        ("restricted/send_marts.duckdb", {"marts", "kpi_internal", "meta", "disclosure"}),
    ):
        relations = query(
            journey.current / name,
            "select schema_name, table_name, comment from duckdb_tables() where not internal union all"
            " select schema_name, view_name, comment from duckdb_views() where not internal",
        )
        assert {schema for schema, _, _ in relations} == schemas
        assert [(schema, relation) for schema, relation, comment in relations if not comment] == []
        undescribed = query(
            journey.current / name,
            "select schema_name, table_name, column_name from duckdb_columns()"
            " where coalesce(comment, '') = '' and not internal",
        )
        assert undescribed == []


def test_a_second_run_finds_nothing_new_and_makes_no_release(journey: Journey) -> None:
    before = journey.releases()
    ended = journey.cornerstone("run", "--json")
    assert (ended.exit_code, ended.result["status"]) == (0, "nothing_new")
    assert "imports and definitions" not in ended.result["seconds"]
    assert journey.releases() == before


def test_status_says_what_has_arrived_and_what_is_left_out(journey: Journey) -> None:
    status = journey.cornerstone("status", "--json").result
    assert [row["supplier"] for row in status["arrived"]] == [
        "cornerstone.published_figures",
        "cornerstone.published_waits",
    ]
    assert status["current_release"] == journey.current.resolve().name
    assert any("Establishment register: nothing has arrived; left out:" in sentence for sentence in status["absent"])


def test_a_release_that_needs_approval_waits_for_a_named_person(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = journey.current.resolve().name
    monkeypatch.setenv("CORNERSTONE_RELEASE_APPROVAL", "required")
    journey.drop("requests.csv", requests_csv(requests="960"))
    ended = journey.cornerstone("run", "--json")
    assert (ended.exit_code, ended.result["status"]) == (0, "pending")
    pending = ended.result["release_id"]
    assert journey.current.resolve().name == current
    # Whoever approves can ask what it revises and why: a file of the publisher's is all that came.
    told = journey.cornerstone("release", "revisions", pending, "--json").result
    assert told["previous_release"] == current
    assert {(one["value_basis"], one["cause"]) for one in told["revisions"]} <= {("published", "publisher's revision")}
    assert journey.cornerstone("release", "approve", pending, "--by", "", "--note", "x").exit_code == 2
    assert journey.cornerstone("release", "approve", pending, "--by", "A. Reader", "--note", "Checked").exit_code == 0
    assert journey.current.resolve().name == pending
    shown = journey.cornerstone("release", "show", pending, "--verify", "--json").result
    assert (shown["approval"]["by"], shown["approval"]["note"]) == ("A. Reader", "Checked")
    assert (
        journey.cornerstone("release", "rollback", current, "--by", "A. Reader", "--note", "Too early").exit_code == 0
    )
    assert journey.current.resolve().name == current


def test_nothing_at_all_publishes_empty_tables_and_one_return_alone_what_it_feeds(tmp_path: Path) -> None:
    journey = Journey(tmp_path / "store", tmp_path / "raw")
    ended = journey.cornerstone("run", "--json")
    assert (ended.exit_code, ended.result["status"]) == (0, "released"), ended.stdout
    assert query(journey.current / "open" / "send_kpis.duckdb", "select count(*) from kpi.kpi_value") == [(0,)]
    inbox = tmp_path / "raw" / "inbox" / "establishment_register"
    (inbox / "edubasealldata20260105.csv").write_text(REGISTER)
    ended = journey.cornerstone("run", "--json")
    assert (ended.exit_code, ended.result["status"]) == (0, "released"), ended.stdout
    settings = query(
        journey.current / "restricted" / "send_marts.duckdb",
        "select setting_name, is_in_own_authority, is_open, school_capacity_count from marts.dim_setting order by urn",
    )
    assert settings == [("Quillmoor Primary School", True, True, 210), ("Tanglewick Academy", False, False, None)]
    database = journey.current / "open" / "send_kpis.duckdb"
    assert query(database, "select count(*) from kpi.kpi_value") == [(0,)]
    assert query(database, "select distinct is_available from kpi.kpi_availability") == [(False,)]


def test_only_a_store_is_ever_deleted_and_only_when_it_is_confirmed(tmp_path: Path) -> None:
    journey = Journey(tmp_path / "store", tmp_path / "raw")
    journey.store.mkdir()
    (journey.store / "precious.txt").write_text("mine")
    assert journey.cornerstone("clean-store", "--yes").exit_code == 2
    assert (journey.store / "precious.txt").is_file()
    for name in ("landed", "archive"):
        (journey.store / name).mkdir()
    assert journey.cornerstone("clean-store").exit_code != 0
    assert journey.store.is_dir()
    assert journey.cornerstone("clean-store", "--yes").exit_code == 0
    assert not journey.store.exists()
