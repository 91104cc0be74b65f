"""The sensor of the inbox: one run for whatever lies there, however many files it is."""

import dagster as dg

from expectations.catalogue import Catalogue
from orchestration.automation.jobs import refresh
from orchestration.returns.arriving import look_at_inbox, read_inbox
from orchestration.settings import Settings

LOOK_SECONDS = 30
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]  # fmt: skip


def inbox_sensor(settings: Settings, catalogue: Catalogue) -> dg.SensorDefinition:
    """Looks into every inbox and asks for one `refresh` when all that lies there has been copied.

    Files count as copied when the inbox is the same at two looks. The run is named by the content of the inbox and by what was
    received before: the same content asks for no second run, whether it was landed, refused or failed.
    """

    @dg.sensor(
        name="inbox",
        job=refresh,
        minimum_interval_seconds=LOOK_SECONDS,
        description=(
            "Asks for one refresh when new files lie in the inbox and all of them have been copied; while a run is waiting or"
            " under way it asks for none. Files that were received before ask for nothing."
        ),
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        found = look_at_inbox(settings)

        def skip(reason: str) -> dg.SensorResult:
            return dg.SensorResult(skip_reason=reason, cursor=found.state)

        if not found.files:
            return skip("The inbox is empty.")
        if found.is_fresh or found.state != context.cursor:
            return skip(
                f"{found.files} file(s): some came or changed since the last look; waiting until all are copied."
            )
        under_way = context.instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY), limit=1)
        if under_way:
            return skip(f"Run {under_way[0].run_id[:8]} of {under_way[0].job_name} is waiting or under way.")
        content = read_inbox(settings, catalogue)
        if not content.new:
            unreadable = f"; {content.unreadable} cannot be read" if content.unreadable else ""
            return skip(
                f"{found.files} file(s), none new{unreadable}. The next run takes away what was received before."
            )
        tags = {"cornerstone/inbox": f"{found.files} file(s), {content.new} new"}
        request = dg.RunRequest(run_key=content.digest, tags=tags)
        return dg.SensorResult(run_requests=[request], cursor=found.state)

    return look
