"""A gate records a verdict on exactly the tables and rules that were judged."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

import expectations.gate
from expectations.catalogue import Catalogue, Rule
from expectations.data_docs import SITE, build_site
from expectations.engine import GateError
from expectations.gate import GateVerdict, run_gate
from orchestration.release.digest import content_digest

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
NEGATIVE = Rule(
    rule_id="NEGATIVE",
    official_number=None,
    return_id="waits",
    table="waits",
    level="mart",
    severity="block",
    effect=None,
    label="No wait is negative.",
    why="Time runs forward.",
    owner="Data engineer",
    action="Look at the dates.",
    columns=("weeks",),
    failing_rows="select * from marts.waits where weeks < 0",
)
LONG = dataclasses.replace(
    NEGATIVE, rule_id="LONG", severity="warn", failing_rows="select * from marts.waits where weeks > 52"
)
RULES = Catalogue(rules=(NEGATIVE, LONG), refuse_above_share={}, digest="digest-of-rules")


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.waits as select 4 as weeks")
        connection.execute("create table marts.providers as select 'RFR' as code")
        connection.execute("create view marts.long_waits as from marts.waits where weeks > 52")
        yield connection


def judge(connection: duckdb.DuckDBPyConnection, folder: Path, rules: Catalogue = RULES) -> GateVerdict:
    return run_gate(connection, "mart", rules, quality_dir=folder, run_id="run-1", now=NOW)


def recorded(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connection.execute(
        "select table_name, content_digest, catalogue_digest, verdict, run_id, evaluated_at from gate.verdict order by 1"
    ).fetchall()


def test_a_pass_is_recorded_for_every_table_with_its_content_and_the_rules(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    verdict = judge(warehouse, tmp_path)
    assert verdict.passed
    assert recorded(warehouse) == [
        (
            f"marts.{table}",
            content_digest(warehouse, "marts", table),
            "digest-of-rules",
            "pass",
            "run-1",
            datetime(2026, 1, 1, 12),
        )
        for table in ("providers", "waits")
    ]
    assert warehouse.execute("from gate.rule_result order by rule_id").fetchall() == [
        ("run-1", "mart", "LONG", "warn", 0, 1, True),
        ("run-1", "mart", "NEGATIVE", "block", 0, 1, True),
    ]


def test_one_blocking_failure_fails_the_gate_for_every_table(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    warehouse.execute("insert into marts.waits values (-1)")
    verdict = judge(warehouse, tmp_path)
    assert [result.rule.rule_id for result in verdict.blocking] == ["NEGATIVE"]
    assert {row[3] for row in recorded(warehouse)} == {"fail"}


def test_a_gate_that_fails_leaves_its_page_and_one_that_passes_leaves_it_to_the_release(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    monkeypatch.setattr(
        expectations.gate, "build_site", lambda quality_dir: built.append(quality_dir) or build_site(quality_dir)
    )
    judge(warehouse, tmp_path)
    assert built == []
    warehouse.execute("insert into marts.waits values (-1)")
    judge(warehouse, tmp_path)
    assert built == [tmp_path]
    [page] = (tmp_path / SITE).glob("validations/mart/run-1/*/*.html")
    assert "NEGATIVE (block) No wait is negative." in page.read_text("utf-8")


def test_a_warning_is_recorded_and_does_not_fail_the_gate(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    warehouse.execute("insert into marts.waits values (60)")
    verdict = judge(warehouse, tmp_path)
    failed = [result.rule.rule_id for result in verdict.results if not result.success]
    assert verdict.passed and failed == ["LONG"]
    assert {row[3] for row in recorded(warehouse)} == {"pass"}


def test_a_rule_about_an_empty_table_is_not_called_passed(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert {result.outcome for result in judge(warehouse, tmp_path).results} == {"passed"}
    warehouse.execute("delete from marts.waits")
    assert {result.outcome for result in judge(warehouse, tmp_path).results} == {"no rows"}
    warehouse.execute("insert into marts.waits values (60)")
    assert [result.outcome for result in judge(warehouse, tmp_path).results] == ["passed", "failed"]


def test_a_rule_about_a_table_that_is_not_there_stops_the_gate(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    warehouse.execute("drop view marts.long_waits; drop table marts.waits")
    with pytest.raises(GateError, match="NEGATIVE"):
        judge(warehouse, tmp_path)
    assert recorded(warehouse) == []


def test_a_gate_that_breaks_leaves_no_earlier_pass_standing(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    judge(warehouse, tmp_path)
    broken = dataclasses.replace(NEGATIVE, failing_rows="select nothing from marts.waits")
    with pytest.raises(GateError, match="mart: NEGATIVE could not be evaluated"):
        judge(warehouse, tmp_path, dataclasses.replace(RULES, rules=(broken,)))
    assert recorded(warehouse) == []


def test_a_gate_without_rules_is_refused(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with pytest.raises(GateError, match="an empty suite would pass anything"):
        judge(warehouse, tmp_path, dataclasses.replace(RULES, rules=()))


def test_a_gate_over_nothing_is_refused(tmp_path: Path) -> None:
    with duckdb.connect() as connection, pytest.raises(GateError, match="Schema marts holds no table"):
        judge(connection, tmp_path)
