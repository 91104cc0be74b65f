"""Schedules run on the days of the calendars, year after year, and on no other."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from orchestration.automation.jobs import overdue_job
from orchestration.automation.schedules import calendar_schedule
from orchestration.returns.calendar import calendar_ids, happenings, load_calendar
from orchestration.returns.spec import load_spec
from orchestration.returns.working_days import bank_holidays

FIRST, LAST = date(2024, 1, 1), date(2030, 12, 31)
LONDON = ZoneInfo("Europe/London")


def days(return_id: str, what: str) -> list[date]:
    calendar = load_calendar(return_id)
    assert calendar is not None
    return [one.day for one in happenings(calendar, return_id, FIRST, LAST) if one.what == what]


def tick(return_id: str, day: date, hour: int = 7) -> Any:
    calendar = load_calendar(return_id)
    assert calendar is not None
    schedule = calendar_schedule(load_spec(return_id), calendar, overdue_job([]))
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=LONDON)
    return schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=moment))


def test_census_days_of_seven_years() -> None:
    # Listed by DfE to 2026; from autumn 2027 the third Thursdays of January and May and the first of October.
    assert days("school_census", "opens") == [
        date(2024, 1, 18), date(2024, 5, 16), date(2024, 10, 3), date(2025, 1, 16), date(2025, 5, 15), date(2025, 10, 2),
        date(2026, 1, 15), date(2026, 5, 21), date(2026, 10, 1), date(2027, 1, 21), date(2027, 5, 20), date(2027, 10, 7),
        date(2028, 1, 20), date(2028, 5, 18), date(2028, 10, 5), date(2029, 1, 18), date(2029, 5, 17), date(2029, 10, 4),
        date(2030, 1, 17), date(2030, 5, 16), date(2030, 10, 3),
    ]  # fmt: skip
    assert {day.weekday() for day in days("school_census", "opens")} == {3}
    assert {day.weekday() for day in days("school_census", "is due")} == {2}


def test_deadlines_of_the_plans_return_in_seven_years() -> None:
    # 14 March 2025 was a Friday: as published, not as the rule of the second Thursday would have it.
    assert days("sen2", "is due") == [
        date(2024, 3, 14), date(2025, 3, 14), date(2026, 3, 12), date(2027, 3, 11), date(2028, 3, 9), date(2029, 3, 8),
        date(2030, 3, 14),
    ]  # fmt: skip


def test_months_end_on_their_last_day_leap_years_among_them() -> None:
    opens = days("therapy_waiting_list", "opens")
    assert len(opens) == 7 * 12
    assert [day for day in opens if day.month == 2] == [
        date(2024, 2, 29), date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29), date(2029, 2, 28),
        date(2030, 2, 28),
    ]  # fmt: skip


def test_what_is_due_in_working_days_waits_for_bank_holidays() -> None:
    """Around Easter, at the new year and at the bank holidays of May, in seven years."""
    due = days("therapy_waiting_list", "is due")
    assert [day for day in due if day.month == 1] == [
        date(2024, 1, 15), date(2025, 1, 15), date(2026, 1, 15), date(2027, 1, 15), date(2028, 1, 17), date(2029, 1, 15),
        date(2030, 1, 15),
    ]  # fmt: skip
    assert [day for day in due if day.month == 4] == [
        date(2024, 4, 15), date(2025, 4, 14), date(2026, 4, 16), date(2027, 4, 14), date(2028, 4, 18), date(2029, 4, 16),
        date(2030, 4, 12),
    ]  # fmt: skip
    # Good Friday of 2030 is 19 April: after the list of March, and within the twenty days of the quarter.
    assert [day for day in days("safety_valve", "is due") if day.month in (4, 5)] == [
        date(2024, 4, 29), date(2025, 4, 30), date(2026, 4, 30), date(2027, 4, 28), date(2028, 5, 3), date(2029, 4, 30),
        date(2030, 4, 30),
    ]  # fmt: skip


def test_a_list_is_not_called_overdue_for_the_days_off_at_easter() -> None:
    """Ten weekdays from 31 March 2026 lie before 14 April, without Good Friday and Easter Monday before 16 April."""
    for day in (date(2026, 4, 14), date(2026, 4, 15)):
        assert not tick("therapy_waiting_list", day).run_requests
    assert tick("therapy_waiting_list", date(2026, 4, 16)).run_requests[0].tags["cornerstone/calendar"] == (
        "2026-03 is due"
    )
    assert tick("therapy_waiting_list", date(2026, 4, 17)).run_requests[0].tags["cornerstone/calendar"] == (
        "2026-03 is overdue"
    )


def test_no_last_day_is_a_bank_holiday() -> None:
    holidays = bank_holidays(range(FIRST.year, LAST.year + 1))
    for return_id in calendar_ids():
        assert not set(days(return_id, "is due")) & set(holidays), return_id


def test_no_last_day_is_a_saturday_or_sunday() -> None:
    for return_id in calendar_ids():
        assert {day.weekday() for day in days(return_id, "is due")} <= set(range(5)), return_id


def test_quarters_of_the_financial_year() -> None:
    opens = days("safety_valve", "opens")
    assert Counter((day.month, day.day) for day in opens) == {(3, 31): 7, (6, 30): 7, (9, 30): 7, (12, 31): 7}


@pytest.mark.parametrize("return_id", calendar_ids())
def test_every_day_of_seven_years_either_runs_once_or_says_what_is_next(return_id: str) -> None:
    calendar = load_calendar(return_id)
    assert calendar is not None
    told = {one.day for one in happenings(calendar, return_id, FIRST, LAST)}
    # The days themselves, the days around them, and the turns of calendar, financial and academic years.
    turns = [date(year, *day) for year in range(2024, 2031) for day in ((1, 1), (4, 1), (8, 31), (9, 1), (12, 31))]
    around = {day + timedelta(days=step) for day in sorted(told)[::7] for step in (-1, 0, 1)} | set(turns)
    for day in sorted(day for day in around if FIRST <= day <= LAST):
        data = tick(return_id, day)
        assert len(data.run_requests or ()) == (day in told), day
        if day not in told:
            assert str(data.skip_message).startswith("No day of the calendar. Next is "), day


def test_a_run_says_why_and_is_asked_for_once_a_day() -> None:
    [request] = tick("school_census", date(2027, 10, 7)).run_requests or ()
    assert request.run_key == "school_census 2027-10-07"
    assert request.tags["cornerstone/calendar"] == "autumn 2027 opens"
    assert tick("sen2", date(2028, 3, 10)).run_requests[0].tags["cornerstone/calendar"] == "2028 is overdue"
    said = tick("sen2", date(2028, 3, 11)).skip_message
    assert said == "No day of the calendar. Next is 18 January 2029: 2029 opens."


def test_the_day_is_that_of_london() -> None:
    """On the morning of the day the clocks go forward, at seven, it is six in UTC and the same day."""
    assert tick("therapy_waiting_list", date(2024, 3, 31)).run_requests
    assert tick("therapy_waiting_list", date(2024, 10, 31)).run_requests
