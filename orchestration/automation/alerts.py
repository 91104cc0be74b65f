"""Alerts of the service: one sensor tells of runs that failed or were blocked, and of whatever else stands."""

import dagster as dg

from expectations.catalogue import Catalogue
from orchestration.alerts.notify import notify
from orchestration.automation.run_ends import ends_since
from orchestration.settings import Settings

INTERVAL_SECONDS = 120


def alerts_sensor(settings: Settings, catalogue: Catalogue) -> dg.SensorDefinition:
    """A sensor that starts no run. It is on from the start: a service that fails in silence is worse than none.

    One sensor and not one for every kind of alert: what stands is read from the store and the run history each time, so
    that a daemon that was down misses nothing, and a failure that a later run mended is no alert.
    """

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Tells people, by log, e-mail and webhook, of runs that failed, releases that a gate blocked or that wait for"
            " approval, returns that are overdue, and a disk that is nearly full; `cornerstone alerts` shows what stands."
        ),
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        ends, cursor = ends_since(context.instance, catalogue, context.cursor)
        notified = notify(settings, ends)
        if notified is None:
            return dg.SkipReason("Another process tells of alerts; the next tick looks again.")
        if cursor is not None:
            context.update_cursor(cursor)
        return dg.SkipReason(notified.sentence)

    return alerts
