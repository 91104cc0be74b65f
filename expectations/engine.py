"""Great Expectations (GX) over an open DuckDB connection: rules in, verdicts out.

GX gives the verdict; this module makes sure that it gives every verdict it was asked for and never a row's content.
Importing GX takes seconds, so nothing is imported before the first evaluation of a process.
"""

import functools
import logging
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from expectations.catalogue import Rule, Severity
from orchestration.errors import CornerstoneError

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

    from expectations.data_docs import QualityStore

# Only the count of failing rows: no sample of values reaches a result, a file or a page.
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}

_GX_SEVERITY: dict[Severity, str] = {"block": "critical", "warn": "warning", "observe": "info"}
_DIALECT = "cornerstone_duckdb"
# SQLAlchemy's text() reads `:name` as a parameter; `::type` and `12:30` are left alone by it.
_BIND_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")

# Connections lent to GX while a suite runs, found by the token in the address GX is given.
_lent_connections: dict[str, duckdb.DuckDBPyConnection] = {}


class GateError(CornerstoneError):
    """Rules that could not be evaluated. Names the rules, never what the database said: that can hold values."""


@dataclass(frozen=True)
class RuleResult:
    """The verdict on one rule. `rows_examined` is the size of its table, or how many of the rows it could judge."""

    rule: Rule
    failing_count: int
    success: bool
    rows_examined: int

    @property
    def outcome(self) -> Literal["passed", "failed", "no rows", "not judged"]:
        """The verdict in words: a rule that had nothing to judge, or nothing to compare it with, is not called passed."""
        if not self.success:
            return "failed"
        if self.rows_examined:
            return "passed"
        return "no rows" if self.rule.judged_rows is None else "not judged"

    def as_row(self) -> dict[str, str | int | bool]:
        """The result as a row of `meta.rule_result`."""
        return {
            "rule_id": self.rule.rule_id,
            "severity": self.rule.severity,
            "failing_count": self.failing_count,
            "rows_examined": self.rows_examined,
            "success": self.success,
        }


def evaluate(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    *,
    suite_name: str,
    docs: "QualityStore | None",
) -> list[RuleResult]:
    """Let GX judge `rules` on the relations that `connection` sees, in one validation.

    Args:
        connection: stays open; nothing is written and no transaction of the caller is ended.
        rules: rules that a query checks, in the order of the results.
        suite_name: name of the suite in results and Data Docs.
        docs: where the validation result is kept; None keeps nothing.

    Raises:
        GateError: no rule was given, a rule has no query, GX dropped a rule, or a rule could not be evaluated.
    """
    if not rules:
        raise GateError(f"No rule for {suite_name}: an empty suite would pass anything. Add rules to the catalogue.")
    if unchecked := [rule.rule_id for rule in rules if rule.failing_rows is None]:
        raise GateError(f"{suite_name}: {', '.join(unchecked)} are raised by the reader and have no query to evaluate.")
    context = new_context()
    expectation_class = rule_expectation_class()
    expectations = [expectation_class(**_expectation_arguments(rule)) for rule in rules]
    with _lent(connection) as address:
        result = _validate(context, suite_name, expectations, address)
    counts = _failing_counts(rules, result, suite_name)
    sizes = {relation: _row_count(connection, relation) for relation in sorted({rule.relation for rule in rules})}
    if docs is not None:
        docs.keep(result, suite_name)
    return [
        RuleResult(
            rule,
            failing_count=count,
            success=count == 0,
            rows_examined=_row_count(connection, f"({rule.judged_rows})") if rule.judged_rows else sizes[rule.relation],
        )
        for rule, count in zip(rules, counts, strict=True)
    ]


def _failing_counts(rules: Sequence[Rule], result: "ExpectationSuiteValidationResult", suite_name: str) -> list[int]:
    """Failing rows per rule, in the order of `rules`; every result is accounted for."""
    by_rule: dict[str, Any] = {}
    for evaluated in result.results:
        configuration: Any = evaluated.expectation_config
        by_rule[configuration.meta["rule_id"]] = evaluated
    if broken := sorted(rule_id for rule_id, evaluated in by_rule.items() if _raised(evaluated.exception_info)):
        raise GateError(
            f"{suite_name}: {', '.join(broken)} could not be evaluated. Run the query of the rule by hand to see why."
        )
    if len(result.results) != len(rules) or set(by_rule) != {rule.rule_id for rule in rules}:
        raise GateError(
            f"{suite_name}: {len(rules)} rules were given and {len(result.results)} evaluated. Nothing may be released."
        )
    counts = []
    for rule in rules:
        evaluated = by_rule[rule.rule_id]
        count = evaluated.result["observed_value"]
        if evaluated.success != (count == 0):
            raise GateError(f"{suite_name}: the verdict on {rule.rule_id} contradicts its count of {count} rows.")
        counts.append(count)
    return counts


def _raised(exception_info: dict[str, Any] | None) -> bool:
    """Whether GX caught an exception. It reports one flag, or one entry for each metric that failed."""
    if not exception_info:
        return False
    if "raised_exception" in exception_info:
        return bool(exception_info["raised_exception"])
    return any(entry["raised_exception"] for entry in exception_info.values())


def _row_count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    return int(row[0]) if row else 0


def _expectation_arguments(rule: Rule) -> dict[str, Any]:
    query = _BIND_PARAMETER.sub(r"\\:", rule.failing_rows or "")
    return {
        "unexpected_rows_query": query.replace("{", "{{").replace("}", "}}"),
        "severity": _GX_SEVERITY[rule.severity],
        # The one text of a rule that Data Docs show beside its result.
        "description": f"{rule.rule_id} ({rule.severity}) {rule.label} Owner: {rule.owner}. Action: {rule.action}",
        "meta": {"rule_id": rule.rule_id},
    }


def _validate(
    context: "EphemeralDataContext",
    suite_name: str,
    expectations: Sequence["UnexpectedRowsExpectation"],
    address: str,
) -> "ExpectationSuiteValidationResult":
    import great_expectations as gx

    suite = gx.ExpectationSuite(name=suite_name, expectations=list(expectations))
    if len(suite.expectations) != len(expectations):
        raise GateError(
            f"{suite_name}: {len(expectations)} rules were given and {len(suite.expectations)} kept in the suite."
        )
    # The batch is one constant row: every rule names the relations it reads.
    source = context.data_sources.add_sql("warehouse", connection_string=address)
    batch = (
        source.add_query_asset(name=suite_name, query="select 1 as suite")
        .add_batch_definition_whole_table(suite_name)
        .get_batch()
    )
    result: ExpectationSuiteValidationResult = batch.validate(suite, result_format=RESULT_FORMAT)
    return result


@contextmanager
def _lent(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The address under which SQLAlchemy finds this connection, while the block runs."""
    _register_dialect()
    token = uuid.uuid4().hex
    _lent_connections[token] = connection
    try:
        yield f"{_DIALECT}:///{token}"
    finally:
        del _lent_connections[token]


@functools.cache
def _register_dialect() -> None:
    """Make `cornerstone_duckdb:///<token>` an address of SQLAlchemy.

    Two differences from duckdb-engine. It works on a connection that is already open, because DuckDB lets a second
    one in only with an identical configuration, and it never ends the caller's transaction. And its cursor fetches
    every row as soon as a statement has run: DuckDB drops a pending result when the connection is used again, which
    GX does before it reads. Only counts pass through it, so a buffer holds one row.
    """
    from duckdb_engine import ConnectionWrapper, CursorWrapper, Dialect
    from sqlalchemy.dialects import registry
    from sqlalchemy.pool import StaticPool

    class BufferingCursor(CursorWrapper):
        """Holds the rows of its last statement."""

        def __init__(self, native: duckdb.DuckDBPyConnection, wrapper: ConnectionWrapper) -> None:
            super().__init__(native, wrapper)
            self._native = native
            self._rows: list[tuple[Any, ...]] = []
            self.description: Any = None

        def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
            super().execute(statement, parameters, context)
            self.description = self._native.description
            self._rows = self._native.fetchall() if self.description else []

        def fetchone(self) -> tuple[Any, ...] | None:
            return self._rows.pop(0) if self._rows else None

        def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
            wanted = 1 if size is None else size
            taken, self._rows = self._rows[:wanted], self._rows[wanted:]
            return taken

        def fetchall(self) -> list[tuple[Any, ...]]:
            taken, self._rows = self._rows, []
            return taken

    class LentConnection(ConnectionWrapper):
        """A connection that SQLAlchemy may use but not close, commit or roll back."""

        def __init__(self, native: duckdb.DuckDBPyConnection) -> None:
            super().__init__(native)
            self._native = native

        def cursor(self) -> BufferingCursor:
            return BufferingCursor(self._native, self)

        def begin(self) -> None: ...

        def commit(self) -> None: ...

        def rollback(self) -> None: ...

        def close(self) -> None: ...

    class LentConnectionDialect(Dialect):
        """duckdb-engine's dialect over a lent connection."""

        supports_statement_cache = False

        def create_connect_args(self, url: Any) -> tuple[tuple[Any, ...], dict[Any, Any]]:
            return (url.database,), {}

        def connect(self, *arguments: Any, **_parameters: Any) -> Any:
            return LentConnection(_lent_connections[arguments[0]])

        @classmethod
        def get_pool_class(cls, url: Any) -> type[StaticPool]:  # noqa: ARG003  SQLAlchemy names it
            return StaticPool

    registry.impls[_DIALECT] = lambda: LentConnectionDialect


def new_context(**stores: Any) -> "EphemeralDataContext":
    """A GX context in memory (milliseconds): a file context rewrites its own YAML and ids at each run.

    `stores` takes the place of settings of GX's project configuration.
    """
    _silence_gx()
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    defaults = InMemoryStoreBackendDefaults()
    defaults.stores.update(stores.pop("stores", {}))
    config = DataContextConfig(
        store_backend_defaults=defaults,
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
        **stores,
    )
    context: EphemeralDataContext = gx.get_context(mode="ephemeral", project_config=config)
    return context


def _silence_gx() -> None:
    """No usage statistics, and no log line: GX logs the text of database errors, which can hold values."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when GX is imported
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)


@functools.cache
def rule_expectation_class() -> type["UnexpectedRowsExpectation"]:
    """The one expectation every suite is made of: the rule's query returns no row.

    GX's own `UnexpectedRowsExpectation` runs a query twice, once to fetch rows and once to count them. This one asks
    for the count alone: the count is always that of all failing rows, one number comes out of DuckDB however many
    rows fail, and no value of a row ever enters Python.
    """
    from great_expectations.compatibility import pydantic
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

    class ExpectRuleToFindNoRow(UnexpectedRowsExpectation):
        """No row of the rule's query."""

        metric_dependencies = ("unexpected_rows_query.row_count",)

        # Takes the place of GX's own validator, which prints a note about a missing {batch} for each rule.
        @pydantic.validator("unexpected_rows_query")
        def _validate_query(cls, query: str) -> str:  # noqa: N805  pydantic passes the class
            return query

        def _validate(self, metrics: dict[str, Any], *_settings: Any, **_named_settings: Any) -> dict[str, Any]:
            count = metrics["unexpected_rows_query.row_count"]
            return {"success": count == 0, "result": {"observed_value": count}}

    return ExpectRuleToFindNoRow
