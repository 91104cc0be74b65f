"""How runs ended, read from what Dagster recorded: for the command line's outcome and for alerts."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from expectations.catalogue import Catalogue
from orchestration.alerts.ended import FailedRule, RunEnd
from orchestration.assets.models import FAILED_TESTS

_AT_ONCE = 100  # runs looked at in one tick; the next takes up where this stopped
_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


def failed_rules(events: Iterable[dg.DagsterEvent], catalogue: Catalogue) -> Iterator[FailedRule]:
    """The blocking rules of gates and the dbt tests that failed among the events of a run."""
    for event in events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            if evaluation.passed or evaluation.severity != dg.AssetCheckSeverity.ERROR or not evaluation.blocking:
                continue
            metadata: dict[str, Any] = {name: value.value for name, value in evaluation.metadata.items()}
            rule = catalogue.rule(metadata["rule_id"])
            yield FailedRule(rule.rule_id, rule.table, metadata["failing_rows"], rule.label, rule.owner, rule.action)
        elif event.is_step_failure:
            told = event.step_failure_data.user_failure_data
            tests: Any = told.metadata[FAILED_TESTS].value if told and FAILED_TESTS in told.metadata else []
            for one in tests:
                yield FailedRule(
                    one["test"], one["table"], one["failing_rows"], "A dbt test of the model failed.", "data-engineering",
                    "See the test in the model's YAML.",
                )  # fmt: skip


def ends_since(
    instance: dg.DagsterInstance, catalogue: Catalogue, cursor: str | None
) -> tuple[list[RunEnd], str | None]:
    """How the runs ended that finished since a cursor, the earliest first, and the cursor for the next time.

    Without a cursor only the last run counts: nobody is told of years that are over.
    """
    since = datetime.fromisoformat(cursor) if cursor else None
    records = instance.get_run_records(
        dg.RunsFilter(statuses=_FINISHED, updated_after=since),
        limit=_AT_ONCE if since else 1,
        order_by="update_timestamp",
        ascending=since is not None,
    )
    ends = [_end(instance, catalogue, record) for record in records]
    return ends, records[-1].update_timestamp.isoformat() if records else cursor


def _end(instance: dg.DagsterInstance, catalogue: Catalogue, record: dg.RunRecord) -> RunEnd:
    run = record.dagster_run
    at = datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp
    if run.is_success:
        return RunEnd(run.job_name, "ok", at, run.run_id)
    events = [entry.dagster_event for entry in instance.all_logs(run.run_id) if entry.dagster_event]
    rules = tuple(failed_rules(events, catalogue))
    steps = tuple(event.step_key for event in events if event.is_step_failure and event.step_key)
    return RunEnd(run.job_name, "blocked" if rules else "failed", at, run.run_id, rules, steps)
