"""A release that waits for approval is an alert for as long as it can be approved."""

from datetime import UTC, datetime
from typing import Any

import duckdb

from orchestration import run
from orchestration.alerts.standing import Alert, standing_alerts
from orchestration.release.lifecycle import approve_release
from orchestration.settings import Settings

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def pending(settings: Settings) -> list[Alert]:
    return [one for one in standing_alerts(settings, WEDNESDAY, [], {}) if one.kind == "release_pending"]


def test_the_newest_release_that_waits_is_told_of_until_it_is_approved(
    publish_at: Any, settings: Settings, approval_settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    stands = publish_at(MONDAY).release_id
    assert pending(settings) == []
    for value, day in ((960, TUESDAY), (961, WEDNESDAY)):
        warehouse.execute("update kpi.kpi_value set value = ? where kpi_value_key = '1'", [value])
        waits = publish_at(day, settings=approval_settings).release_id
        [told] = pending(settings)
        assert (told.about, told.since, told.owner) == (waits, day, "send-governance")
        assert run._nothing_new(settings).message == (
            "Nothing new in the inbox, and nothing changed since the last run: the current release stands. Release"
            f" {waits} waits for approval: `cornerstone release approve {waits}`."
        )
    assert told.stands == f"The release {stands} of 2 March 2026 09:00 UTC stands."
    assert f'cornerstone release approve {waits} --by "Name" --note "Why"' in told.action
    approve_release(settings, waits, "A. Head of SEND", "Checked", WEDNESDAY)
    assert pending(settings) == []
    assert run._nothing_new(settings).message.endswith(": the current release stands.")


def test_of_a_first_release_that_waits_nobody_is_told_that_it_stands(
    publish_at: Any, approval_settings: Settings
) -> None:
    waits = publish_at(MONDAY, settings=approval_settings).release_id
    assert run._nothing_new(approval_settings).message.endswith(
        f": nothing has been released yet. Release {waits} waits for approval: `cornerstone release approve {waits}`."
    )
