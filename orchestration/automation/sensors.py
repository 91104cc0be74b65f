"""The sensors of the inbox: one run for whatever lies there, however many files it is, or one for each authority."""

import json

import dagster as dg

from expectations.catalogue import Catalogue
from orchestration.assets.landing import AUTHORITIES
from orchestration.automation.jobs import land_by_authority, refresh
from orchestration.returns.arriving import look_at_authorities, look_at_inbox, read_inbox
from orchestration.settings import Settings

LOOK_SECONDS = 30
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]  # fmt: skip


def authorities_sensor(settings: Settings) -> dg.SensorDefinition:
    """Asks for a run of `land_by_authority` for each authority whose folder of the inbox is the same at two looks.

    A run is named by the authority and the state of its files: what stays there, being refused a place, asks for no second run.
    """

    @dg.sensor(
        name="authorities",
        job=land_by_authority,
        minimum_interval_seconds=LOOK_SECONDS,
        description=(
            "For a store of many authorities, in place of `inbox`: lands the folder of each by a run of its own, so that several"
            " workers share the work. A refresh, such as the nightly one, carries what landed to a release."
        ),
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        found = look_at_authorities(settings)
        seen = json.loads(context.cursor or "{}")
        whole = {code: state for code, state in found.items() if seen.get(code) == state}
        cursor = json.dumps(found)
        if not whole:
            reason = "waiting until all files are copied" if found else "no folder of an authority holds a file"
            return dg.SensorResult(skip_reason=f"{reason[0].upper()}{reason[1:]}.", cursor=cursor)
        context.instance.add_dynamic_partitions(str(AUTHORITIES.name), list(whole))
        requests = [dg.RunRequest(run_key=f"{code} {state}", partition_key=code) for code, state in whole.items()]
        return dg.SensorResult(run_requests=requests, cursor=cursor)

    return look


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
