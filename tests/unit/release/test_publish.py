"""What a release holds, when one is made, and when it is refused."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock
from orchestration.release import build
from orchestration.release.build import publish
from orchestration.release.digest import content_digest
from orchestration.release.ees import EesExport, write_ees_files
from orchestration.release.errors import ReleaseRefused, ReleaseUnsound
from orchestration.release.exports import write_parquet
from orchestration.release.folders import current_release
from orchestration.release.inventory import Inventory
from orchestration.release.lifecycle import show_release
from orchestration.release.manifest import read_manifest
from orchestration.release.meta import COLUMN_COMMENTS
from orchestration.release.spreadsheet import SheetContent, write_spreadsheet
from orchestration.returns.submission import Submission, landing_dir, write_landing
from orchestration.settings import PROJECT_DIR, Settings

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def released(
    tmp_path_factory: pytest.TempPathFactory, new_warehouse: Any, record_passes: Any, catalogue: Any
) -> Iterator[Path]:
    """One release, as people reach it; tests that use it only read."""
    settings = Settings(store=tmp_path_factory.mktemp("released") / "store", release_approval="none")
    with new_warehouse(settings) as connection:
        record_passes(connection, catalogue)
        outcome = publish(settings, connection, catalogue=catalogue, code_version="1.0", run_id="r", now=MONDAY)
    assert outcome.status == "published"
    yield settings.current_link


def query(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_link_is_relative_and_leads_to_a_release_named_for_its_time_and_content(
    publish_at: Any, settings: Settings
) -> None:
    outcome = publish_at(MONDAY)
    assert outcome.release_id == f"20260302T090000Z-{outcome.content_digest[:8]}"
    assert settings.current_link.readlink() == Path("releases") / outcome.release_id
    assert [path.name for path in settings.releases_dir.iterdir() if path.is_dir()] == [outcome.release_id]


def test_few_rows_of_a_return_about_people_that_were_set_aside_are_not_told(
    warehouse: duckdb.DuckDBPyConnection, publish_at: Any, settings: Settings
) -> None:
    warehouse.execute(
        """
        insert into control.submission
        select submission.* replace (one as submission_id, 'sen2' as return_id, aside as rows_quarantined, 100 + aside as rows_read)
        from control.submission
        cross join (values ('few', 4), ('more', 5)) as told (one, aside)
        where submission_id = 's2'
        """
    )
    folder = settings.releases_dir / publish_at(MONDAY).release_id
    told = query(
        folder / "open" / "send_kpis.duckdb",
        "select submission_id, rows_read, rows_quarantined from meta.submission where submission_id <> 's2' order by all",
    )
    # The share of rows set aside is a KPI: beside its sum the rows of the other file would tell the few.
    assert told == [("few", None, None), ("more", None, None), ("s1", 10, 1)]
    page = (folder / "evidence" / "index.html").read_text()
    assert "of c rows" in page
    assert "104" not in re.sub("<code>[0-9a-f]+</code>", "", page)  # a digest may hold any digits


def test_the_open_database_holds_every_kpi_table_its_views_and_nothing_of_the_marts(released: Path) -> None:
    database = released / "open/send_kpis.duckdb"
    assert query(database, "select table_schema, table_name from information_schema.tables order by all") == [
        ("kpi", "kpi_availability"),
        ("kpi", "kpi_catalogue"),
        ("kpi", "kpi_comparison"),
        ("kpi", "kpi_control_chart"),
        ("kpi", "kpi_ehcp_process"),
        ("kpi", "kpi_value"),
        ("meta", "disclosure"),
        ("meta", "disclosure_table"),
        ("meta", "disclosure_utility"),
        ("meta", "glossary"),
        ("meta", "open_data_rule"),
        ("meta", "release"),
        ("meta", "reproduced_cell"),
        ("meta", "reproduction"),
        ("meta", "revision"),
        ("meta", "rule"),
        ("meta", "rule_result"),
        ("meta", "source"),
        ("meta", "submission"),
    ]
    assert query(database, "select count(*) from kpi.kpi_ehcp_process") == [(6,)]
    assert "warehouse" not in query(database, "select string_agg(sql, '') from duckdb_views() where not internal")[0][0]


def test_the_restricted_database_holds_the_marts_and_the_kpis_apart(released: Path) -> None:
    database = released / "restricted/send_marts.duckdb"
    assert query(database, "select table_schema, table_name from information_schema.tables order by all") == [
        ("disclosure", "small_difference"),
        ("disclosure", "sum_count"),
        ("disclosure", "value_count"),
        ("kpi_internal", "kpi_availability"),
        ("kpi_internal", "kpi_catalogue"),
        ("kpi_internal", "kpi_comparison"),
        ("kpi_internal", "kpi_control_chart"),
        ("kpi_internal", "kpi_ehcp_process"),
        ("kpi_internal", "kpi_impact"),
        ("kpi_internal", "kpi_value"),
        ("kpi_internal", "safety_valve_dashboard"),
        ("marts", "dim_area"),
        ("marts", "dim_census_plan_reason"),
        ("marts", "dim_placement_group"),
        ("marts", "dim_setting"),
        ("marts", "fct_capital_place"),
        ("marts", "fct_census_completeness"),
        ("marts", "fct_census_plan_child"),
        ("marts", "fct_census_pupil"),
        ("marts", "fct_dsg_bridge"),
        ("marts", "fct_dsg_position"),
        ("marts", "fct_ehc_plan_census"),
        ("marts", "fct_ehc_statistic_comparison"),
        ("marts", "fct_forecast_back_test"),
        ("marts", "fct_high_needs_line"),
        ("marts", "fct_kpi_aim"),
        ("marts", "fct_place_gap"),
        ("marts", "fct_placement_cost_forecast"),
        ("marts", "fct_plan_forecast"),
        ("marts", "fct_plan_forecast_published"),
        ("marts", "fct_published_statistic"),
        ("meta", "release"),
    ]
    assert query(database, "select count(*) from kpi_internal.kpi_ehcp_process") == [(6,)]


def test_what_stands_beside_the_restricted_kpis_reads_them_and_says_which_release_it_is_of(released: Path) -> None:
    database = released / "restricted/send_marts.duckdb"
    assert query(database, "select distinct area_name from kpi_internal.safety_valve_dashboard order by 1") == [
        ("England",),
        ("Rotherham",),
        ("Yorkshire and The Humber",),
    ]
    assert query(database, "select comment from duckdb_views() where view_name = 'safety_valve_dashboard'") == [
        ("To paste from.",)
    ]
    assert query(database, "select release_id from meta.release") == [(read_manifest(released.resolve()).release_id,)]
    [(comment,)] = query(
        database, "select comment from duckdb_columns() where schema_name = 'meta' and column_name = 'release_id'"
    )
    assert comment == COLUMN_COMMENTS["release"]["release_id"]


def test_a_view_for_finance_and_data_officers_is_in_no_open_file(released: Path) -> None:
    assert (
        query(
            released / "open/send_kpis.duckdb",
            "select * from duckdb_views() where view_name = 'safety_valve_dashboard'",
        )
        == []
    )
    assert not list(released.rglob("safety_valve_dashboard*"))


def test_a_released_database_opens_under_any_name_and_in_the_oldest_storage_version(released: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{released}/open/send_kpis.duckdb' as anything (read_only)")
        tags = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'anything'"
        )
        assert tags.fetchone() == ("v1.0.0+",)
        assert connection.execute("select count(*) from anything.kpi.kpi_ehcp_process").fetchone() == (6,)


def test_descriptions_travel_with_the_tables(released: Path) -> None:
    sql = "select comment from duckdb_columns() where column_name = 'value' and comment is not null and table_name not like 'kpi_ehcp%'"
    assert query(released / "open/send_kpis.duckdb", sql) == [("The KPI's value; NULL beside a symbol.",)]
    assert ("The figure's value, NULL beside a marker.",) in query(released / "restricted/send_marts.duckdb", sql)
    assert query(
        released / "open/send_kpis.duckdb", "select comment from duckdb_views() where view_name = 'kpi_ehcp_process'"
    ) == [("EHC plan process, wide.",)]
    assert query(
        released / "restricted/send_marts.duckdb",
        "select comment from duckdb_tables() where schema_name = 'marts' order by 1",
    ) == [("One published figure.",), *[(None,)] * 19]


def test_meta_says_which_release_files_rules_words_and_sources(released: Path) -> None:
    database = released / "open/send_kpis.duckdb"
    manifest = read_manifest(released.resolve())
    assert query(database, "select release_id, code_version, content_digest, created_at from meta.release") == [
        (manifest.release_id, "1.0", manifest.content_digest, datetime(2026, 3, 2, 9, 0))
    ]
    assert query(database, "select submission_id, is_current from meta.submission") == [("s1", False), ("s2", True)]
    assert query(database, "select count(*) from meta.rule") == [(11,)]
    assert query(database, "select gate, rule_id, failing_count, success, outcome from meta.rule_result") == [
        ("kpi", "PS-501", None, False, "failed"),  # few failing rows are not counted in the open
        ("landing", "EV-001", 0, True, "passed"),
        ("landing", "PS-201", 1, False, "failed"),  # a line of a return about nobody is
        ("landing", "PS-202", 0, True, "passed"),
        ("landing", "PS-203", 0, True, "not judged"),
        ("landing", "WL-001", 0, True, "no rows"),
        ("mart", "PS-401", 0, True, "passed"),
        ("mart", "PS-402", 2, False, "failed"),
        ("mart", "SE-401", None, False, "failed"),
        ("mart", "WL-401", 0, True, "no rows"),
        ("mart", "WL-402", 0, True, "not judged"),
    ]
    # Local counts that are not published stay in the restricted marts.
    assert query(database, "select * from meta.reproduction") == [
        ("caseload", "Academic year", "202425", "reproduced", 1),
        ("caseload", "Academic year", "202425", "unexplained", 1),
    ]
    assert query(database, "select breakdown, published_value from meta.reproduced_cell") == [("Male", 2572)]
    assert query(database, "select * from meta.source") == [
        (
            "Department for Education",
            "Education, health and care plans",
            "EHC plans 2022; EHC plans 2025",
            "Contains public sector information licensed under the Open Government Licence v3.0.",
            date(2026, 3, 1),
        )
    ]


def test_every_column_of_meta_says_what_it_holds(released: Path) -> None:
    described = query(
        released / "open/send_kpis.duckdb",
        "select table_name, column_name, comment from duckdb_columns() where schema_name = 'meta' and table_name <> 'rule'",
    )
    assert {(table, column): comment for table, column, comment in described} == {
        (table, column): comment
        for table, comments in COLUMN_COMMENTS.items()
        for column, comment in comments.items()
        if table != "rule"
    }
    assert query(
        released / "open/send_kpis.duckdb",
        "select count(*), count(comment) from duckdb_columns() where schema_name = 'meta' and table_name = 'rule'",
    ) == [(7, 7)]


def test_every_column_of_the_real_rule_catalogue_is_described() -> None:
    rule = load_catalogue(PROJECT_DIR / "expectations" / "rules").rules[0]
    assert list(COLUMN_COMMENTS["rule"]) == list(rule.as_row())


def test_what_a_supplier_wrote_as_free_text_is_not_public(released: Path) -> None:
    columns = query(
        released / "open/send_kpis.duckdb", "select column_name from duckdb_columns() where table_name = 'submission'"
    )
    assert {("source_file",), ("reason",)}.isdisjoint(columns)


def test_parquet_files_hold_what_the_database_holds(released: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    names = sorted(path.stem for path in (released / "open/parquet").iterdir())
    assert names == [
        "kpi_availability", "kpi_catalogue", "kpi_comparison", "kpi_control_chart", "kpi_ehcp_process", "kpi_value",
    ]  # fmt: skip
    difference = warehouse.execute(
        f"from kpi.kpi_value except all from read_parquet('{released}/open/parquet/kpi_value.parquet')"
    ).fetchall()
    assert difference == []


def test_the_manifest_accounts_for_inputs_tables_gates_and_every_file(
    released: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    folder = released.resolve()
    manifest = read_manifest(folder)
    assert [(item.source_file, item.sha256, item.is_current) for item in manifest.inputs] == [
        ("requests <2025>.csv", "aa11", False),
        ("requests.csv", "bb22", True),
    ]
    assert {(table.schema_name, table.table_name, table.rows, table.digest) for table in manifest.tables} == {
        (schema, name, rows, content_digest(warehouse, schema, name))
        for schema, name, rows in (
            *(
                (schema, name, rows)
                for schema in ("kpi", "kpi_open")
                for name, rows in (
                    ("kpi_availability", 3),
                    ("kpi_catalogue", 3),
                    ("kpi_comparison", 0),
                    ("kpi_value", 7),
                )
            ),
            ("marts", "dim_area", 3),
            ("marts", "dim_census_plan_reason", 4),
            ("marts", "dim_placement_group", 7),
            ("marts", "dim_setting", 3),
            ("marts", "fct_capital_place", 0),
            ("marts", "fct_census_pupil", 0),
            ("marts", "fct_ehc_plan_census", 0),
            ("marts", "fct_census_completeness", 5),
            ("marts", "fct_census_plan_child", 69),
            ("marts", "fct_dsg_bridge", 0),
            ("marts", "fct_dsg_position", 0),
            ("marts", "fct_ehc_statistic_comparison", 2),
            ("marts", "fct_forecast_back_test", 0),
            ("marts", "fct_high_needs_line", 0),
            ("marts", "fct_kpi_aim", 0),
            ("marts", "fct_place_gap", 0),
            ("marts", "fct_placement_cost_forecast", 0),
            ("marts", "fct_plan_forecast", 0),
            ("marts", "fct_plan_forecast_published", 0),
            ("marts", "fct_published_statistic", 2),
        )
    }
    assert [(gate.gate, gate.run_id, [count.severity for count in gate.rule_counts]) for gate in manifest.gates] == [
        ("mart", "gate-run", ["block", "observe", "warn"]),
        ("kpi", "gate-run", ["warn"]),
        ("open", "gate-run", []),
    ]
    assert manifest.approval.status == "not_required"
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {record.path for record in manifest.files} == on_disk - {"manifest.json"}
    assert not [path for path in on_disk if path.endswith(".wal")]
    assert (manifest.duckdb_storage_version, manifest.previous_release) == ("v1.0.0", None)


def test_the_evidence_page_stands_alone_escapes_what_suppliers_write_and_links_data_docs(released: Path) -> None:
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (released / "evidence").glob("*.html")}
    assert "requests &lt;2025&gt;.csv" in pages["index"]
    assert "A count is not &lt;negative&gt; &amp; whole" in pages["validation"]
    assert "dfe.ehc_plans.requests: requests.csv, 10 of 10 rows<br><code>bb22</code></li>" in pages["index"]
    assert "requests &lt;2025&gt;.csv, 9 of 10 rows, superseded<br><code>aa11</code></li>" in pages["index"]
    assert "nhs_provider" in pages["index"]
    linked = set(re.findall(r'href="(data-docs-[^"]*)"', pages["validation"]))
    assert {link.partition("#")[0] for link in linked} == {
        f"{page}.html" for page in pages if page.startswith("data-docs-")
    }
    for page, _, place in (link.partition("#") for link in linked):
        assert not place or f'<tr id="{place}">' in pages[page.removesuffix(".html")]
    for page in pages.values():
        assert '<html lang="en-GB"' in page
        assert re.findall(r'(?:src|<link[^>]* href)="([^"]*)"', page) == [
            "data:,",
            "assets/portal.css",
            "assets/portal.js",
        ]
        assert not [word for word in ("http://", "https://", "@import") if word in page]
    for asset in ("portal.css", "portal.js"):
        text = (released / "evidence/assets" / asset).read_text(encoding="utf-8")
        assert not re.search(r"@import|fetch\(|XMLHttpRequest|url\((?!\W?data:)", text)


def test_the_evidence_page_calls_no_rule_passed_that_had_nothing_to_judge(released: Path) -> None:
    page = (released / "evidence/validation.html").read_text(encoding="utf-8")
    rows = re.findall(
        r'<th scope="row">(block|warn|observe)</th><td>[^<]*</td>((?:<td class="number">\d+</td>)+)', page
    )
    counts = {severity: tuple(map(int, re.findall(r"\d+", cells))) for severity, cells in rows}
    # Passed, failed, not judged.
    assert counts == {"block": (1, 0, 1), "warn": (0, 4, 0), "observe": (2, 0, 3)}
    assert len(re.findall('<tr data-outcome="not judged"', page)) == 4
    assert re.findall(r"(WL-001|WL-402)(?:</a>)?</th><td>([^<]*)</td>", page) == [
        ("WL-001", "no rows"),
        ("WL-402", "not judged"),
    ]


def test_the_evidence_page_hides_few_people_and_counts_few_lines_about_nobody(released: Path) -> None:
    page = (released / "evidence/validation.html").read_text(encoding="utf-8")
    rule = r'<tr data-outcome="failed"[^>]*><th scope="row">(?:<a[^>]*>)?([A-Z]+-\d+)(?:</a>)?</th>'
    failing = re.findall(rule + r'(?:<td>[^<]*</td>){2}<td class="number">([^<]*)</td>', page)
    # A rule about KPIs can count people whatever return it belongs to.
    assert dict(failing) == {"PS-201": "1", "PS-402": "2", "SE-401": "fewer than 5", "PS-501": "fewer than 5"}


def test_the_evidence_page_sets_published_figures_beside_the_own_ones(
    publish_at: Any, warehouse: duckdb.DuckDBPyConnection
) -> None:
    warehouse.execute(
        """
        update kpi.kpi_catalogue set title = 'Requests <made>' where kpi_id = 'ehc_requests';
        update kpi.kpi_value
        set area_role = 'own_authority', period_end = date '2024-12-31', breakdown_topic = 'Total', breakdown = 'Total'
        where kpi_value_key = '1'
        """
    )
    page = (publish_at(MONDAY).folder / "evidence/published.html").read_text(encoding="utf-8")
    row = page[page.index("<caption>In the unit of the KPI.") :].partition("<tbody>")[2].partition("</tr>")[0]
    assert re.findall(r">([^<>]+)<", row) == [
        *("Requests &lt;made&gt;", "Calendar year 2024", "959", "The returns do not hold it.")
    ]


# --- same input, same output ------------------------------------------------------------------------------------


def test_the_same_content_is_not_released_twice(publish_at: Any, settings: Settings) -> None:
    first = publish_at(MONDAY)
    again = publish_at(TUESDAY)
    assert (again.status, again.release_id) == ("unchanged", first.release_id)
    assert len([path for path in settings.releases_dir.iterdir() if path.is_dir()]) == 1


@pytest.mark.parametrize(
    "change",
    [
        "update kpi.kpi_value set value = 960 where kpi_value_key = '1'",
        "insert into marts.dim_area by name select '4' as area_key, 'region' as area_level, 'North East' as area_name",
        "update control.submission set sha256 = 'ff00' where submission_id = 's2'",
        "create or replace view kpi.kpi_ehcp_process as select kpi_id from kpi.kpi_value",
    ],
)
def test_any_change_of_content_makes_a_new_release_and_keeps_the_old_one(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection, change: str
) -> None:
    first = publish_at(MONDAY)
    warehouse.execute(change)
    second = publish_at(TUESDAY)
    assert second.status == "published"
    assert settings.current_link.resolve() == second.folder
    assert read_manifest(second.folder).previous_release == first.release_id
    assert (first.folder / "open/send_kpis.duckdb").is_file()


def test_a_new_version_of_the_code_makes_a_new_release(publish_at: Any) -> None:
    first = publish_at(MONDAY)
    second = publish_at(TUESDAY, code_version="1.1")
    assert (second.status, second.release_id == first.release_id) == ("published", False)


# --- refusals ---------------------------------------------------------------------------------------------------


def refused(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection, catalogue: Any, expected: str, now: datetime = TUESDAY
) -> None:
    before = current_release(settings)
    with pytest.raises(ReleaseRefused, match=expected) as refusal:
        publish(settings, warehouse, catalogue=catalogue, code_version="1.0", run_id="r", now=now)
    assert refusal.value.exit_code == 1
    assert current_release(settings) == before
    assert not list(settings.releases_dir.glob("*.partial"))


@pytest.mark.parametrize("table", ["kpi.kpi_value", "kpi_open.kpi_value", "marts.dim_area"])
def test_a_table_rebuilt_after_its_gate_is_refused_by_name(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection, catalogue: Any, table: str
) -> None:
    publish_at(MONDAY)
    warehouse.execute(f"update {table} set area_name = 'Rotherham ' where area_name = 'Rotherham'")
    refused(settings, warehouse, catalogue, f"no pass for {table} with exactly")


def test_a_table_no_gate_has_seen_is_refused(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection, catalogue: Any
) -> None:
    publish_at(MONDAY)
    warehouse.execute("create table marts.dim_new as select 1 as new_key")
    refused(settings, warehouse, catalogue, r"no pass for marts\.dim_new with")


def test_a_failed_gate_is_refused(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection, catalogue: Any
) -> None:
    publish_at(MONDAY)
    warehouse.execute("update gate.verdict set verdict = 'fail' where gate = 'kpi'")
    refused(
        settings, warehouse, catalogue, r"kpi gate holds no pass for kpi\.kpi_availability, kpi\.kpi_catalogue, kpi\."
    )


def test_a_pass_under_other_rules_does_not_count(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection, catalogue: Any
) -> None:
    publish_at(MONDAY)
    warehouse.execute("update gate.verdict set catalogue_digest = 'catalogue-0' where table_name = 'kpi.kpi_value'")
    refused(settings, warehouse, catalogue, r"no pass for kpi\.kpi_value with")


def test_passes_of_different_runs_do_not_add_up(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection, catalogue: Any
) -> None:
    publish_at(MONDAY)
    warehouse.execute("update gate.verdict set run_id = 'other' where table_name = 'kpi.kpi_value'")
    refused(settings, warehouse, catalogue, "different runs of the kpi gate")


def test_nothing_is_released_before_any_gate_has_run(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection, catalogue: Any
) -> None:
    warehouse.execute("drop schema gate cascade")
    refused(settings, warehouse, catalogue, "no gate has run yet")


def test_a_view_that_reads_what_is_not_released_with_it_is_refused(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    warehouse.execute("create view kpi.kpi_leak as select * from marts.fct_published_statistic")
    with pytest.raises(ReleaseRefused, match=r"kpi\.kpi_leak reads marts\.fct_published_statistic"):
        publish_at(MONDAY)
    assert not settings.current_link.exists()


def test_a_file_that_differs_from_what_was_passed_is_never_released(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_short(connection: duckdb.DuckDBPyConnection, inventory: Inventory, folder: Path) -> None:
        write_parquet(connection, inventory, folder)
        connection.execute(f"copy (from kpi.kpi_value limit 1) to '{folder}/kpi_value.parquet' (format parquet)")

    first = publish_at(MONDAY)
    warehouse.execute("update kpi.kpi_value set value = 960 where kpi_value_key = '1'")
    with monkeypatch.context() as patch, pytest.raises(ReleaseUnsound, match=r"kpi_value\.parquet"):
        patch.setattr(build, "write_parquet", write_short)
        publish_at(TUESDAY)
    assert settings.current_link.resolve() == first.folder
    assert publish_at(TUESDAY).status == "published"


def test_a_file_that_breaks_a_rule_of_open_data_is_never_released(
    publish_at: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_zero_for_c(connection: duckdb.DuckDBPyConnection, folder: Path) -> EesExport:
        export = write_ees_files(connection, folder)
        path = folder / "ehcp_process_calendar_year.csv"
        path.write_text(path.read_text(encoding="utf-8").replace(",c,", ",0,"), encoding="utf-8")
        return export

    with monkeypatch.context() as patch, pytest.raises(ReleaseUnsound) as refusal:
        patch.setattr(build, "write_ees_files", write_zero_for_c)
        publish_at(MONDAY)
    assert str(refusal.value) == (
        "every file breaks EES-30 of the open data standards: ehc_requests has 1 suppressed values of Calendar year, and "
        "c is written 0 times; nothing was released."
    )
    assert not settings.current_link.exists()
    assert publish_at(TUESDAY).status == "published"


def test_a_spreadsheet_that_differs_from_the_values_is_never_released(
    publish_at: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_other(
        connection: duckdb.DuckDBPyConnection, path: Path, release: dict[str, Any]
    ) -> dict[str, SheetContent]:
        contents = write_spreadsheet(connection, path, release)
        return {label: replace(content, confidential=content.confidential + 1) for label, content in contents.items()}

    with monkeypatch.context() as patch, pytest.raises(ReleaseUnsound, match=r"Sheet EHCP process of send_kpis\.xlsx"):
        patch.setattr(build, "write_spreadsheet", write_other)
        publish_at(MONDAY)
    assert not settings.current_link.exists()


def test_the_release_says_what_the_rules_of_open_data_found(released: Path) -> None:
    rows = query(
        released / "open/send_kpis.duckdb",
        "select rule_id, severity, findings from meta.open_data_rule where finding_count > 0",
    )
    names = "does not end with the statistic it is"
    assert rows == [
        (
            "EES-26",
            "warn",
            f"ehcp_process_calendar_year.csv: the name of indicator ehc_requests {names}; "
            f"ehcp_process_financial_year.csv: the name of indicator ehc_requests {names}",
        )
    ]
    assert query(
        released / "open/send_kpis.duckdb", "select count(*), sum(finding_count) from meta.open_data_rule"
    ) == [(31, 2)]
    page = (released / "evidence/validation.html").read_text(encoding="utf-8")
    assert "keep all 24 rules that stop a release;\n1 of all 31 rules warns of something." in page
    assert '<th scope="row">EES-26</th>' in page


def test_a_release_without_data_docs_is_not_made(
    warehouse: duckdb.DuckDBPyConnection, settings: Settings, catalogue: Any, record_passes: Callable[..., None]
) -> None:
    record_passes(warehouse, catalogue)
    shutil.rmtree(settings.quality_dir / "data_docs/validations/kpi")
    with pytest.raises(CornerstoneError, match="no Data Docs of the kpi gate, run gate-run"):
        publish(settings, warehouse, catalogue=catalogue, code_version="1.0", run_id="run", now=MONDAY)


# --- who may read -----------------------------------------------------------------------------------------------


def test_modes_let_everyone_read_what_is_open_and_only_the_group_what_is_restricted(released: Path) -> None:
    folder = released.resolve()

    def mode(path: str) -> int:
        return stat.S_IMODE((folder / path).stat().st_mode)

    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o755
    assert [mode(path) for path in (".", "open", "open/csv", "evidence", "evidence/assets")] == [0o755] * 5
    files = ("open/send_kpis.duckdb", "open/send_kpis.xlsx", "evidence/index.html")
    assert [mode(path) for path in files] == [0o644] * 3
    assert (mode("restricted"), mode("restricted/send_marts.duckdb"), mode("manifest.json")) == (0o750, 0o640, 0o640)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; the modes are tested above")
def test_an_unprivileged_user_reads_open_and_evidence_and_nothing_else(released: Path) -> None:
    probe = """
import json, os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
def is_readable(path):
    try:
        with open(path, "rb") as stream:
            return bool(stream.read(1))
    except PermissionError:
        return False
print(json.dumps([is_readable(path) for path in sys.argv[1:]]))
"""
    paths = ["open/send_kpis.duckdb", "evidence/index.html", "restricted/send_marts.duckdb", "manifest.json"]
    done = subprocess.run(
        [sys.executable, "-c", probe, *(f"{released.name}/{path}" for path in paths)],
        cwd=released.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [True, True, False, False]


def test_two_processes_do_not_release_at_once(
    publish_at: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "LOCK_WAIT_SECONDS", 0.0)
    with (
        exclusive_lock(settings.store / "release.lock", wait_seconds=0, holder="another release"),
        pytest.raises(CornerstoneError, match="held by another release"),
    ):
        publish_at(MONDAY)
    assert publish_at(MONDAY).status == "published"


def test_a_release_of_invented_people_says_so_wherever_one_may_look(publish_at: Any, settings: Settings) -> None:
    submission = Submission(
        "s1",
        "sen2",
        "2025",
        "la.372",
        "",
        "2026-03-01",
        "1",
        "r.xml",
        "aa",
        "aa",
        {},
        "accepted",
        "l1",
        people="invented",
    )
    write_landing(landing_dir(settings, submission), [submission], [])
    folder = publish_at(MONDAY).folder
    assert read_manifest(folder).people == "invented"
    sentence = "invented people; published figures are real"
    assert query(folder / "open/send_kpis.duckdb", "select people from meta.release") == [(sentence,)]
    assert "nobody in this release exists" in (folder / "evidence/index.html").read_text()
    assert "nobody in it exists" in (folder / "open/INVENTED_PEOPLE.txt").read_text()
    show_release(settings, folder.name, verify=True)


def test_a_release_without_people_does_not_call_them_invented(released: Path) -> None:
    assert read_manifest(released.resolve()).people is None
    assert "nobody in this release exists" not in (released / "evidence/index.html").read_text()
    assert not (released / "open/INVENTED_PEOPLE.txt").exists()
