"""What is expected shows in the UI: a period that never came is a missing partition, and an overdue one fails a check."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import pytest

from orchestration.assets import expected
from orchestration.assets.expected import expected_check
from orchestration.assets.landing import received_key, show_periods
from orchestration.returns.calendar import load_calendar
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import People, Submission, landing_dir, write_landing
from orchestration.settings import Settings

SPEC = load_spec("sen2")
SENT = Submission(
    "", "sen2", "", "la.372", "1", "2025-03-01T09:00:00", "1", "a.xml", "aa", "aa", tables={}, status="accepted", landing="",
)  # fmt: skip

Look = Callable[[datetime], dg.AssetCheckResult]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def look(settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Look:
    """What the check says on a day."""
    calendar = load_calendar("sen2")
    assert calendar is not None
    check = expected_check(SPEC, calendar, settings)

    def on(day: datetime) -> dg.AssetCheckResult:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:
                return day

        monkeypatch.setattr(expected, "datetime", Clock)
        result = check(dg.build_asset_check_context(instance=instance))
        assert isinstance(result, dg.AssetCheckResult)
        return result

    return on


def send(settings: Settings, *periods: str, people: People = "real") -> None:
    for period in periods:
        one = replace(SENT, submission_id=f"s{period}", period=period, landing=f"l{period}", people=people)
        landing_dir(settings, one).mkdir(parents=True)
        write_landing(landing_dir(settings, one), [one], [])


def on(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 6, tzinfo=UTC)


def shown(instance: dg.DagsterInstance) -> list[str]:
    return list(instance.get_dynamic_partitions("sen2_period"))


def test_a_period_that_never_came_is_shown_and_overdue_from_the_day_after_its_last(
    settings: Settings, instance: dg.DagsterInstance, look: Look
) -> None:
    send(settings, "2024", "2026")
    assert look(on(2026, 3, 12)).passed is False
    assert shown(instance) == ["2024", "2025", "2026"]
    result = look(on(2027, 3, 11))
    assert shown(instance) == ["2024", "2025", "2026", "2027"]
    assert result.description == "2025: nothing received; expected by 14 March 2025 (statutory)"
    late = look(on(2027, 3, 12))
    assert (late.passed, late.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert late.metadata["overdue"].value == 2
    rows = [record.data for record in late.metadata["expected"].value.records]
    assert [(row["period"], row["state"]) for row in rows][:2] == [("2028", "open"), ("2027", "overdue")]


def test_nothing_is_overdue_when_all_has_come(settings: Settings, instance: dg.DagsterInstance, look: Look) -> None:
    send(settings, "2025", "2026")
    result = look(on(2026, 12, 1))
    assert (result.passed, result.description) == (True, "Nothing is overdue.")
    assert shown(instance) == ["2025", "2026"]  # the next is not expected before its day


def test_of_a_return_that_never_came_the_latest_due_is_expected(instance: dg.DagsterInstance, look: Look) -> None:
    assert look(on(2026, 12, 1)).passed is False
    assert shown(instance) == ["2026"]


def test_of_invented_people_what_is_overdue_is_one_line(settings: Settings, look: Look) -> None:
    send(settings, "2023", people="invented")
    assert look(on(2026, 12, 1)).description == (
        "Overdue is 2026: nothing received and 2 before it. The lives of invented people end some day."
    )


def test_periods_stand_in_order_whenever_they_became_known(instance: dg.DagsterInstance) -> None:
    for periods in (["2025"], ["2024", "2027"], ["2026"]):
        show_periods(instance, SPEC, periods)
    instance.report_runless_asset_event(dg.AssetMaterialization(received_key("sen2"), partition="2025"))
    show_periods(instance, SPEC, ["2023"])
    assert shown(instance) == ["2023", "2024", "2025", "2026", "2027"]
    assert instance.get_materialized_partitions(received_key("sen2")) == {"2025"}
