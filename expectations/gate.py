"""A gate: the rules of one level, judged by Great Expectations, and a verdict on exactly what was judged.

The verdict names the digest of each table's content and of the rule catalogue. Whatever publishes recomputes both, so
a table that was rebuilt after the gate is not covered by it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb

from expectations.catalogue import Catalogue
from expectations.data_docs import QualityStore, build_site
from expectations.engine import GateError, RuleResult, evaluate
from orchestration.release.digest import content_digest
from orchestration.release.inventory import SCHEMAS_OF_GATE, guarded_tables

Gate = Literal["mart", "kpi", "open"]

_TABLES = """
create schema if not exists gate;
create table if not exists gate.verdict (
    gate varchar not null,
    table_name varchar not null,
    content_digest varchar not null,
    catalogue_digest varchar not null,
    verdict varchar not null check (verdict in ('pass', 'fail')),
    run_id varchar not null,
    evaluated_at timestamp not null,
    primary key (gate, table_name)
);
create table if not exists gate.rule_result (
    run_id varchar not null,
    gate varchar not null,
    rule_id varchar not null,
    severity varchar not null,
    failing_count bigint not null,
    rows_examined bigint not null,
    success boolean not null,
    primary key (gate, rule_id)
);
"""


@dataclass(frozen=True)
class GateVerdict:
    """The outcome of a gate."""

    gate: Gate
    results: list[RuleResult]

    @property
    def passed(self) -> bool:
        """Whether no blocking rule fails."""
        return not self.blocking

    @property
    def blocking(self) -> list[RuleResult]:
        """The failures that stop the release."""
        return [result for result in self.results if not result.success and result.rule.severity == "block"]


def run_gate(
    connection: duckdb.DuckDBPyConnection,
    gate: Gate,
    catalogue: Catalogue,
    *,
    quality_dir: Path,
    run_id: str,
    now: datetime,
) -> GateVerdict:
    """Judge the warehouse by the rules of a level, and record a verdict on every table it guards.

    A verdict names a table with its schema. `gate.verdict` and `gate.rule_result` hold the latest evaluation of each
    gate; earlier ones are in `quality_dir`. Data Docs are drawn here where the gate fails; else when the release is made.

    Args:
        connection: the warehouse, open for writing.
        gate: which rules.
        catalogue: every rule.
        quality_dir: where validation results and Data Docs are kept.
        run_id: names the run in results and pages.
        now: time of the evaluation, with a time zone.

    Raises:
        GateError: a guarded schema is empty, or a rule could not be evaluated; no verdict is recorded then.
        CornerstoneError: a guarded table has no digest, or Data Docs could not be drawn; no verdict is recorded then.
    """
    docs = QualityStore(quality_dir, run_id, now)
    connection.execute(_TABLES)
    _forget(connection, gate)
    tables = guarded_tables(connection, gate)
    if empty := set(SCHEMAS_OF_GATE[gate]) - {schema for schema, _ in tables}:
        raise GateError(f"Schema {' and '.join(sorted(empty))} holds no table: build it before the {gate} gate.")
    digests = {f"{schema}.{table}": content_digest(connection, schema, table) for schema, table in tables}
    results = evaluate(connection, catalogue.for_level(gate), suite_name=gate, docs=docs)
    verdict = GateVerdict(gate, results)
    if not verdict.passed:
        # No release follows, which would draw the pages of all gates together.
        build_site(quality_dir)
    _record(connection, verdict, digests, catalogue_digest=catalogue.digest, run_id=run_id, now=now)
    return verdict


def _forget(connection: duckdb.DuckDBPyConnection, gate: Gate) -> None:
    """Drop the earlier verdict first: a gate that breaks half way must not leave it standing."""
    connection.execute("delete from gate.verdict where gate = ?", [gate])
    connection.execute("delete from gate.rule_result where gate = ?", [gate])


def _record(
    connection: duckdb.DuckDBPyConnection,
    verdict: GateVerdict,
    digests: dict[str, str],
    *,
    catalogue_digest: str,
    run_id: str,
    now: datetime,
) -> None:
    word = "pass" if verdict.passed else "fail"
    at = now.astimezone(UTC).replace(tzinfo=None)
    connection.execute("begin transaction")
    try:
        connection.executemany(
            "insert into gate.verdict values (?, ?, ?, ?, ?, ?, ?)",
            [[verdict.gate, table, digest, catalogue_digest, word, run_id, at] for table, digest in digests.items()],
        )
        connection.executemany(
            "insert into gate.rule_result values (?, ?, ?, ?, ?, ?, ?)",
            [
                [
                    run_id,
                    verdict.gate,
                    result.rule.rule_id,
                    result.rule.severity,
                    result.failing_count,
                    result.rows_examined,
                    result.success,
                ]
                for result in verdict.results
            ],
        )
    except duckdb.Error:
        connection.execute("rollback")
        raise
    connection.execute("commit")
