"""Great Expectations on a lent DuckDB connection: every verdict that was asked for, and no value of a row."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.catalogue import Rule, Severity
from expectations.data_docs import QualityStore
from expectations.engine import GateError, evaluate

PERSON = "UPN A123456789012"


def rule(rule_id: str, query: str | None, severity: Severity = "block") -> Rule:
    return Rule(
        rule_id=rule_id,
        official_number=None,
        return_id="waits",
        table="waits",
        level="mart",
        severity=severity,
        effect=None,
        label="Nobody waits for ever.",
        why="It is long.",
        owner="Data engineer",
        action="Look.",
        columns=(),
        failing_rows=query,
    )


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.waits as select range as weeks, ? as person, ['a:b', '{c}'] as notes from range(1000)",
            [PERSON],
        )
        yield connection


def test_counts_every_failing_row_and_keeps_the_order_of_the_rules(connection: duckdb.DuckDBPyConnection) -> None:
    rules = [
        rule("LONG", "select * from marts.waits where weeks >= 300"),
        rule("NEVER", "select * from marts.waits where weeks < 0", "observe"),
        rule("SHORT", "select * from marts.waits where weeks < 2", "warn"),
    ]
    results = evaluate(connection, rules, suite_name="waits", docs=None)
    assert [result.as_row() for result in results] == [
        {"rule_id": "LONG", "severity": "block", "failing_count": 700, "rows_examined": 1000, "success": False},
        {"rule_id": "NEVER", "severity": "observe", "failing_count": 0, "rows_examined": 1000, "success": True},
        {"rule_id": "SHORT", "severity": "warn", "failing_count": 2, "rows_examined": 1000, "success": False},
    ]


def test_a_rule_that_compares_examines_the_rows_it_can_judge_and_is_not_judged_without_any(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    never = rule("NEVER", "select * from marts.waits where weeks < 0")
    rules = [
        never,
        replace(never, rule_id="SOME", judged_rows="select * from marts.waits where weeks < 7"),
        replace(never, rule_id="NONE", judged_rows="select * from marts.waits where weeks > 5000"),
    ]
    results = evaluate(connection, rules, suite_name="waits", docs=None)
    assert [(result.rows_examined, result.outcome) for result in results] == [
        (1000, "passed"),
        (7, "passed"),
        (0, "not judged"),
    ]
    connection.execute("delete from marts.waits")
    assert [result.outcome for result in evaluate(connection, rules, suite_name="waits", docs=None)] == [
        "no rows",
        "not judged",
        "not judged",
    ]


def test_braces_colons_and_percent_signs_reach_the_database_unchanged(connection: duckdb.DuckDBPyConnection) -> None:
    query = """
        select weeks::integer from marts.waits
        where notes[1] like '%:b' and notes[2] = '{c}' and ':name' <> '' and regexp_full_match('12', '[0-9]{2}')
    """
    (result,) = evaluate(connection, [rule("TEXT", query)], suite_name="waits", docs=None)
    assert result.failing_count == 1000


def test_two_rules_of_one_query_get_a_verdict_each(connection: duckdb.DuckDBPyConnection) -> None:
    rules = [rule(rule_id, "select * from marts.waits where weeks = 1") for rule_id in ("ONE", "TWO")]
    assert [result.failing_count for result in evaluate(connection, rules, suite_name="waits", docs=None)] == [1, 1]


def test_no_transaction_of_the_caller_is_ended(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("begin transaction")
    connection.execute("delete from marts.waits")
    (result,) = evaluate(connection, [rule("ANY", "select * from marts.waits")], suite_name="waits", docs=None)
    assert result.success
    connection.execute("rollback")
    assert connection.execute("select count(*) from marts.waits").fetchall() == [(1000,)]


@pytest.mark.parametrize(
    "query",
    [
        "select nothing from marts.waits",
        "select sum(person::integer) from marts.waits having sum(person::integer) > 0",
        "select weeks from",
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_named_and_its_error_text_is_not_kept(
    query: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rules = [rule("SOUND", "select * from marts.waits where weeks < 0"), rule("BROKEN", query)]
    docs = QualityStore(tmp_path, "run", datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(GateError, match="waits: BROKEN could not be evaluated") as raised:
        evaluate(connection, rules, suite_name="waits", docs=docs)
    assert PERSON not in str(raised.value) and PERSON not in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_an_empty_suite_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(GateError, match="an empty suite would pass anything"):
        evaluate(connection, [], suite_name="waits", docs=None)


def test_a_rule_raised_by_the_reader_cannot_be_evaluated(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(GateError, match="READ are raised by the reader"):
        evaluate(connection, [rule("READ", None)], suite_name="waits", docs=None)


def test_a_rule_that_great_expectations_leaves_out_is_noticed(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from great_expectations.datasource.fluent.interfaces import Batch

    complete = Batch.validate

    def forgetful(*arguments: Any, **settings: Any) -> Any:
        result = complete(*arguments, **settings)
        result.results.pop()
        return result

    monkeypatch.setattr(Batch, "validate", forgetful)
    rules = [rule(rule_id, "select * from marts.waits where weeks < 0") for rule_id in ("KEPT", "LEFT_OUT")]
    with pytest.raises(GateError, match="2 rules were given and 1 evaluated"):
        evaluate(connection, rules, suite_name="waits", docs=None)
