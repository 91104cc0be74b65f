"""The gates: Great Expectations judges marts, KPI tables and open tables; a blocking rule that fails stops the run."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

import dagster as dg

from expectations.catalogue import Catalogue, Rule
from orchestration.assets.retries import retried
from orchestration.release.inventory import SCHEMAS_OF_GATE
from orchestration.resources import WarehouseResource
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.gates")


def check_name(rule: Rule) -> str:
    """A rule's id as Dagster allows it in a check name."""
    return rule.rule_id.replace("-", "_")


def gate(level: Literal["mart", "kpi", "open"], settings: Settings, catalogue: Catalogue) -> dg.AssetChecksDefinition:
    """One step that evaluates every rule of a level and stores the verdict that `release` demands."""
    rules = catalogue.for_level(level)
    keys = {rule.rule_id: dg.AssetKey(rule.relation.split(".")) for rule in rules}
    schema = SCHEMAS_OF_GATE[level][-1]

    @dg.multi_asset_check(
        name=f"{level}_gate",
        description=f"Great Expectations over the {schema} schema; a failing blocking rule stops the release.",
        specs=[
            dg.AssetCheckSpec(
                check_name(rule),
                asset=keys[rule.rule_id],
                description=rule.label,
                blocking=rule.severity == "block",
                metadata={"owner": rule.owner, "why": rule.why, "action": rule.action},
            )
            for rule in rules
        ],
        pool="warehouse",
    )
    def evaluate(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        from expectations.data_docs import SITE
        from expectations.gate import run_gate

        log.info("checking the %s tables with Great Expectations", schema)
        with retried(), warehouse.get_connection() as connection:
            verdict = run_gate(
                connection,
                level,
                catalogue,
                quality_dir=settings.quality_dir,
                run_id=context.run.run_id,
                now=datetime.now(UTC),
            )
        for result in verdict.results:
            yield dg.AssetCheckResult(
                asset_key=keys[result.rule.rule_id],
                check_name=check_name(result.rule),
                passed=result.success,
                severity=dg.AssetCheckSeverity.ERROR if result.rule.severity == "block" else dg.AssetCheckSeverity.WARN,
                metadata={
                    "rule_id": result.rule.rule_id,
                    "outcome": result.outcome,
                    "rows_examined": result.rows_examined,
                    "failing_rows": result.failing_count,
                    "owner": result.rule.owner,
                    "action": result.rule.action,
                    "evidence": dg.MetadataValue.path(str(settings.quality_dir / SITE / "index.html")),
                },
            )

    return evaluate
