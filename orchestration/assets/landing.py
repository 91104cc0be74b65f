"""Landing: files in the inbox become landed submissions; what arrived, by period, is an external asset."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile

import dagster as dg
from pydantic import Field

from expectations.catalogue import Catalogue, Rule
from orchestration.assets.groups import group_of
from orchestration.assets.retries import retried
from orchestration.returns.again import read_periods
from orchestration.returns.land import LandingReport, land_authority, land_return
from orchestration.returns.spec import ReturnSpec
from orchestration.settings import Settings

# The checks of a landing: one for each effect that a rule can have on what fails it.
EFFECTS = {
    "rules_that_refuse": "What refuses a submission",
    "rules_that_quarantine": "What sets a row aside",
    "rules_that_flag": "What marks a row, which lands",
}
AUTHORITIES = dg.DynamicPartitionsDefinition(name="authority")
"""Authorities whose files can be landed beside each other, by their DfE codes; each is known from its first folder on."""
BY_AUTHORITY = "landed_by_authority"
SHOWN_FINDINGS = 500  # of a check in the UI; every one is in the control tables and in the evidence


class LandConfig(dg.Config):
    """What a landing is asked for beside whatever is new."""

    periods: str = Field(
        default="",
        description=(
            "Periods to read again from the archive: one, a range of them as A..B, or all; empty reads none again. What comes"
            " out as it stands is not written, so that it can be done twice."
        ),
    )


def received_key(return_id: str) -> dg.AssetKey:
    """The external asset that shows what suppliers have sent."""
    return dg.AssetKey(["received", return_id])


def landed_key(return_id: str) -> dg.AssetKey:
    """The landed Parquet of a return."""
    return dg.AssetKey(["landed", return_id])


def landed_by_authority_key(return_id: str) -> dg.AssetKey:
    """What one authority's folder of the inbox holds of a return, landed."""
    return dg.AssetKey([BY_AUTHORITY, return_id])


def land_step(return_id: str) -> str:
    """The name of the step that lands a return, by which a run is configured."""
    return "__".join(landed_key(return_id).path)


def received_asset(spec: ReturnSpec) -> dg.AssetSpec:
    """What suppliers sent, one partition a period, expected ones too; landing logs to it what it accepted."""
    return dg.AssetSpec(
        received_key(spec.return_id),
        description=(
            f"{spec.title[0].upper()}{spec.title[1:]} as received from {', '.join(spec.publishers)}; one partition a period,"
            f" and one that is missing was expected by now. {spec.description}"
        ),
        group_name=group_of("received"),
        owners=[f"team:{spec.owner}"],
        kinds={"file"},
        partitions_def=dg.DynamicPartitionsDefinition(name=_partitions(spec)),
        metadata={f"guidance {i}": dg.MetadataValue.url(link) for i, link in enumerate(spec.links, start=1)},
    )


def landing_asset(spec: ReturnSpec, settings: Settings, catalogue: Catalogue) -> dg.AssetsDefinition:
    """The asset that lands whatever is new of one return. Its checks report; they never stop the other files."""
    by_check = rules_by_check(catalogue.about_landing(spec.return_id))
    key = landed_key(spec.return_id)
    before = [landed_by_authority_key(spec.return_id)] if spec.by_authority else []

    @dg.asset(
        key=key,
        deps=[received_key(spec.return_id), *before, *_references(spec, catalogue)],
        description=f"{spec.title[0].upper()}{spec.title[1:]}: every accepted submission as Parquet, with its manifest. Tables: "
        + "; ".join(f"{name} ({table.grain.rstrip('.')})" for name, table in spec.tables.items())
        + ".",
        group_name=group_of("landing"),
        owners=[f"team:{spec.owner}"],
        kinds={"python", "parquet", "great_expectations"},
        check_specs=[
            dg.AssetCheckSpec(
                name,
                asset=key,
                description=f"{EFFECTS[name]}: {len(of)} rules of the catalogue.",
                metadata={"rules": _table([{"rule": rule.rule_id, "label": rule.label} for rule in of])},
            )
            for name, of in by_check.items()
        ],
    )
    def land(context: dg.AssetExecutionContext, config: LandConfig) -> Iterator[dg.MaterializeResult[None]]:
        again = read_periods(spec, config.periods) if config.periods else None
        with retried():
            report = land_return(settings, spec.return_id, catalogue, now=datetime.now(UTC), again=again)
        _log_received(context, spec, report)
        yield dg.MaterializeResult(
            metadata=_metadata(settings, report), check_results=list(check_results(by_check, report))
        )

    return land


def authority_asset(spec: ReturnSpec, settings: Settings, catalogue: Catalogue) -> dg.AssetsDefinition:
    """The asset that lands what lies in the folder of one authority, a partition an authority, so that several workers can land
    a return. Whatever else there is, and what the checks say of all that counts, is up to the asset of the whole return."""

    @dg.asset(
        key=landed_by_authority_key(spec.return_id),
        deps=[received_key(spec.return_id), *_references(spec, catalogue)],
        partitions_def=AUTHORITIES,
        description=(
            f"{spec.title[0].upper()}{spec.title[1:]} of one authority, landed from the folder of the inbox that is called by"
            f" its DfE code. Partitions can be landed at the same time, by as many workers as see the store; the next refresh"
            " carries them to a release. Without it a refresh lands every folder itself."
        ),
        group_name=group_of("landing"),
        owners=[f"team:{spec.owner}"],
        kinds={"python", "parquet", "great_expectations"},
    )
    def land_one(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        if not context.has_partition_key:  # of every asset at once, made without a partition
            context.log.info("no authority is named: the asset of the whole return lands every folder")
            return dg.MaterializeResult(metadata={"submissions_new": 0})
        with retried():
            report = land_authority(settings, spec.return_id, catalogue, context.partition_key, now=datetime.now(UTC))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(submission.rows_landed for submission in report.committed),
                "rows_quarantined": sum(submission.rows_quarantined for submission in report.committed),
                "submissions_new": len(report.committed),
                "refused_now": dg.MetadataValue.json([str(submission.reason) for submission in report.refused]),
                "repeats_now": dg.MetadataValue.json(report.repeats),
                "left_in_inbox": dg.MetadataValue.json(report.left),
                "landed_folder": dg.MetadataValue.path(str(settings.landed_dir)),
            }
        )

    return land_one


def _references(spec: ReturnSpec, catalogue: Catalogue) -> list[dg.AssetKey]:
    """The returns that are looked into when one lands."""
    return [landed_key(one) for one in sorted({*spec.looks_up, *catalogue.needed_returns(spec.return_id)})]


def _partitions(spec: ReturnSpec) -> str:
    return f"{spec.return_id}_period"


def show_periods(instance: dg.DagsterInstance, spec: ReturnSpec, periods: Iterable[str]) -> None:
    """Make periods partitions of what was received. The UI shows them as they were added, so that they are put in order."""
    name = _partitions(spec)
    shown = list(instance.get_dynamic_partitions(name))
    wanted = sorted({*shown, *periods})
    kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(shown, wanted, strict=False)))
    for moved in shown[kept:]:
        instance.delete_dynamic_partition(name, moved)
    instance.add_dynamic_partitions(name, wanted[kept:])


def _log_received(context: dg.AssetExecutionContext, spec: ReturnSpec, report: LandingReport) -> None:
    """One materialization of the external asset for each period that something was accepted for, or that is not shown yet."""
    accepted = {submission.period for submission in report.committed if submission.status == "accepted"}
    show_periods(context.instance, spec, {submission.period for submission in report.current} | accepted)
    shown = context.instance.get_materialized_partitions(received_key(spec.return_id))
    for period in sorted(accepted | ({submission.period for submission in report.current} - shown)):
        of_period = [submission for submission in report.current if submission.period == period]
        context.log_event(
            dg.AssetMaterialization(
                received_key(spec.return_id),
                partition=period,
                metadata={
                    "dagster/row_count": sum(submission.rows_landed for submission in of_period),
                    "rows_quarantined": sum(submission.rows_quarantined for submission in of_period),
                    "suppliers": len(of_period),
                    "files": dg.MetadataValue.json(sorted(submission.source_file for submission in of_period)),
                },
            )
        )


def _metadata(settings: Settings, report: LandingReport) -> dict[str, dg.MetadataValue | int]:
    return {
        "dagster/row_count": sum(submission.rows_landed for submission in report.current),
        "submissions_current": len(report.current),
        "submissions_new": len(report.committed),
        "read_again": report.read_again,
        "refused_now": dg.MetadataValue.json([str(submission.reason) for submission in report.refused]),
        "repeats_now": dg.MetadataValue.json(report.repeats),
        "left_in_inbox": dg.MetadataValue.json(report.left),
        "waiting": dg.MetadataValue.json([waiting.message for waiting in report.waiting]),
        "landed_folder": dg.MetadataValue.path(str(settings.landed_dir)),
    }


def rules_by_check(rules: Sequence[Rule]) -> dict[str, list[Rule]]:
    """The landing rules of a return by the name of their check: one for each effect that a rule can have.

    A check for each of several hundred rules would cost every run more than judging them does; which rules fail, and in
    which files, a check says in its table.
    """
    checks = {name: [rule for rule in rules if f"rules_that_{rule.effect}" == name] for name in EFFECTS}
    return {name: of for name, of in checks.items() if of}


def check_results(by_check: dict[str, list[Rule]], report: LandingReport) -> Iterator[dg.AssetCheckResult]:
    """A check passes when no submission that counts, and none refused just now, breaks one of its rules, and all were
    judged by them. Metadata: how many rules, how many of them fail, and a table of rule, file, failing rows and action."""
    judged = [*report.current, *report.refused]
    for name, rules in by_check.items():
        found = [
            {
                "rule": rule.rule_id,
                "label": rule.label,
                "file": submission.source_file,
                "failing_rows": submission.failures.get(rule.rule_id),
                "not_judged": submission.not_judged.get(rule.rule_id),
                "owner": rule.owner,
                "action": rule.action,
            }
            for rule in rules
            for submission in judged
            if rule.rule_id in submission.failures or rule.rule_id in submission.not_judged
        ]
        failing = {str(row["rule"]) for row in found if row["failing_rows"]}
        is_error = any(rule.severity == "block" and rule.rule_id in failing for rule in rules)
        yield dg.AssetCheckResult(
            check_name=name,
            passed=not found,
            severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
            metadata={"rules": len(rules), "rules_failing": len(failing)}
            | ({"findings": _table(found[:SHOWN_FINDINGS]), "findings_in_all": len(found)} if found else {}),
        )


def _table(rows: Sequence[Mapping[str, str | int | None]]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        records=[dg.TableRecord(dict(row)) for row in rows],
        schema=dg.TableSchema(
            [dg.TableColumn(name, "int" if name == "failing_rows" else "string") for name in (rows[0] if rows else ())]
        ),
    )
