"""Schedules: one for each return with a calendar, which runs on its days, and the nightly refresh."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.automation.jobs import refresh
from orchestration.returns.calendar import Calendar, happenings, long_date
from orchestration.returns.spec import ReturnSpec

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

TIMEZONE = "Europe/London"
_LOOK_AHEAD = timedelta(days=400)  # the next day of a yearly return is never further off

nightly_refresh = dg.ScheduleDefinition(
    name="nightly_refresh",
    job=refresh,
    cron_schedule="0 2 * * *",
    execution_timezone=TIMEZONE,
    description="Every night at two: land whatever came without being seen, and build anew. An unchanged release stays.",
)


def calendar_schedule(
    spec: ReturnSpec, calendar: Calendar, job: "UnresolvedAssetJobDefinition"
) -> dg.ScheduleDefinition:
    """Looks every morning whether it is a day of a return's calendar, and says which one is next where it is not.

    The days are worked out on the morning itself, so that a new academic year needs no restart.
    """

    @dg.schedule(
        name=f"{spec.return_id}_calendar",
        job=job,
        cron_schedule="0 7 * * *",
        execution_timezone=TIMEZONE,
        description=(
            f"On each {calendar.described}, on the last day for the {spec.title} and on the day after: shows what is expected"
            f" and what is overdue. {calendar.days_source} {calendar.due_source}"
        ),
    )
    def on_calendar_days(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        today = context.scheduled_execution_time.date()
        coming = list(happenings(calendar, spec.return_id, today, today + _LOOK_AHEAD))
        now = [one for one in coming if one.day == today]
        if not now:
            following = "; ".join(f"{long_date(one.day)}: {one.sentence}" for one in coming[:1])
            yield dg.SkipReason(f"No day of the calendar. Next is {following}.")
            return
        yield dg.RunRequest(
            run_key=f"{spec.return_id} {today}",
            tags={
                "cornerstone/return": spec.return_id,
                "cornerstone/calendar": "; ".join(one.sentence for one in now),
            },
        )

    return on_calendar_days
