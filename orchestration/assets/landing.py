"""Landing: files in the inbox become landed submissions; what arrived, by period, is an external asset."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from expectations.catalogue import Catalogue, Rule
from orchestration.returns.land import LandingReport, land_return
from orchestration.returns.spec import ReturnSpec
from orchestration.settings import Settings

GROUP = "landing"


def received_key(return_id: str) -> dg.AssetKey:
    """The external asset that shows what suppliers have sent."""
    return dg.AssetKey(["received", return_id])


def landed_key(return_id: str) -> dg.AssetKey:
    """The landed Parquet of a return."""
    return dg.AssetKey(["landed", return_id])


def received_asset(spec: ReturnSpec) -> dg.AssetSpec:
    """What suppliers sent, one partition a period; landing logs to it what it accepted."""
    return dg.AssetSpec(
        received_key(spec.return_id),
        description=f"{spec.title} as received from {', '.join(spec.publishers)}; one partition a period. {spec.description}",
        group_name="received",
        owners=[f"team:{spec.owner}"],
        kinds={"file"},
        partitions_def=dg.DynamicPartitionsDefinition(name=f"{spec.return_id}_period"),
        metadata={f"link {i}": dg.MetadataValue.url(link) for i, link in enumerate(spec.links, start=1)},
    )


def check_name(rule: Rule) -> str:
    """A rule's id as Dagster allows it in a check name."""
    return rule.rule_id.replace("-", "_")


def landing_asset(spec: ReturnSpec, settings: Settings, catalogue: Catalogue) -> dg.AssetsDefinition:
    """The asset that lands whatever is new of one return. Its checks report; they never stop the other files."""
    rules = catalogue.about_landing(spec.return_id)
    key = landed_key(spec.return_id)
    references = sorted({*spec.looks_up, *catalogue.needed_returns(spec.return_id)})

    @dg.asset(
        key=key,
        deps=[received_key(spec.return_id), *map(landed_key, references)],
        description=f"{spec.title}: every accepted submission as Parquet, with its manifest. Tables: "
        + "; ".join(f"{name} ({table.grain.rstrip('.').lower()})" for name, table in spec.tables.items())
        + ".",
        group_name=GROUP,
        owners=[f"team:{spec.owner}"],
        kinds={"python", "parquet", "great_expectations"},
        check_specs=[
            dg.AssetCheckSpec(
                check_name(rule),
                asset=key,
                description=f"{rule.label} Effect: {rule.effect}.",
                metadata={"owner": rule.owner, "why": rule.why, "action": rule.action},
            )
            for rule in rules
        ],
    )
    def land(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        report = land_return(settings, spec.return_id, catalogue, now=datetime.now(UTC))
        _log_received(context, spec, report)
        yield dg.MaterializeResult(
            metadata=_metadata(settings, report), check_results=list(_check_results(rules, report))
        )

    return land


def _log_received(context: dg.AssetExecutionContext, spec: ReturnSpec, report: LandingReport) -> None:
    """One materialization of the external asset for each period that something was accepted for."""
    accepted = [submission for submission in report.committed if submission.status == "accepted"]
    periods = sorted({submission.period for submission in accepted})
    context.instance.add_dynamic_partitions(f"{spec.return_id}_period", periods)
    for period in periods:
        of_period = [submission for submission in accepted if submission.period == period]
        context.log_event(
            dg.AssetMaterialization(
                received_key(spec.return_id),
                partition=period,
                metadata={
                    "dagster/row_count": sum(submission.rows_landed for submission in of_period),
                    "rows_quarantined": sum(submission.rows_quarantined for submission in of_period),
                    "files": dg.MetadataValue.json(sorted(submission.source_file for submission in of_period)),
                },
            )
        )


def _metadata(settings: Settings, report: LandingReport) -> dict[str, dg.MetadataValue | int]:
    return {
        "dagster/row_count": sum(submission.rows_landed for submission in report.current),
        "submissions_current": len(report.current),
        "submissions_new": len(report.committed),
        "refused_now": dg.MetadataValue.json([str(submission.reason) for submission in report.refused]),
        "repeats_now": dg.MetadataValue.json(report.repeats),
        "left_in_inbox": dg.MetadataValue.json(report.left),
        "waiting": dg.MetadataValue.json([waiting.message for waiting in report.waiting]),
        "landed_folder": dg.MetadataValue.path(str(settings.landed_dir)),
    }


def _check_results(rules: Sequence[Rule], report: LandingReport) -> Iterator[dg.AssetCheckResult]:
    """A rule passes when no submission that counts, and none refused just now, breaks it, and all were judged by it."""
    judged = [*report.current, *report.refused]
    for rule in rules:
        failing = {s.source_file: s.failures[rule.rule_id] for s in judged if rule.rule_id in s.failures}
        not_judged = {s.source_file: s.not_judged[rule.rule_id] for s in judged if rule.rule_id in s.not_judged}
        metadata: dict[str, dict[str, int] | dict[str, str] | str] = {}
        if failing:
            metadata |= {"failing_rows_by_file": failing, "action": rule.action}
        if not_judged:
            metadata |= {"not_judged_by_file": not_judged}
        yield dg.AssetCheckResult(
            check_name=check_name(rule),
            passed=not failing and not not_judged,
            severity=dg.AssetCheckSeverity.ERROR
            if rule.severity == "block" and failing
            else dg.AssetCheckSeverity.WARN,
            metadata=metadata,
        )
