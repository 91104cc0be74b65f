"""Working days leave out England's bank holidays: by statute, in place of a Saturday or Sunday, and those proclaimed once."""

from datetime import date

import duckdb
import pytest

from orchestration.returns.conform import define_macros
from orchestration.returns.working_days import bank_holidays, working_day_after

# As GOV.UK lists them for England and Wales: month and day, of years with substitute days, a jubilee, a funeral and a coronation.
LISTED = {
    2020: "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28",
    2021: "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28",
    2022: "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27",
    2023: "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26",
    2024: "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26",
    2025: "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26",
    2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    2027: "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28",
}


@pytest.mark.parametrize("year", LISTED)
def test_the_bank_holidays_are_those_of_england(year: int) -> None:
    on_weekdays = [f"{day:%m-%d}" for day in bank_holidays([year]) if day.weekday() < 5]
    assert " ".join(on_weekdays) == LISTED[year]


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 11, 20), 1, date(2026, 11, 23)),  # from a Friday
        (date(2026, 2, 28), 10, date(2026, 3, 13)),  # from a Saturday, no holiday between
        (date(2024, 3, 31), 10, date(2024, 4, 15)),  # from Easter Sunday: 2 to 5, 8 to 12 and 15 April
        (date(2025, 12, 31), 10, date(2026, 1, 15)),  # 2, 5 to 9 and 12 to 15 January
        (date(2027, 12, 31), 10, date(2028, 1, 17)),  # New Year's Day is a Saturday: 4 to 7, 10 to 14 and 17 January
        (date(2022, 3, 31), 20, date(2022, 5, 3)),  # without Good Friday, Easter Monday and 2 May
        (date(2022, 5, 31), 3, date(2022, 6, 7)),  # 1, 6 and 7 June: the jubilee had two days
    ],
)
def test_so_many_working_days_after_a_day(day: date, count: int, expected: date) -> None:
    assert working_day_after(day, count) == expected
    with duckdb.connect() as connection:
        define_macros(connection)
        counted = "select working_days_between(?::date, ?::date), working_days_between(?::date, ?::date - 1)"
        assert connection.execute(counted, [day, expected, day, expected]).fetchall() == [(count, count - 1)]


def test_no_days_lie_between_a_day_and_one_before_it_and_none_are_known_without_it() -> None:
    with duckdb.connect() as connection:
        define_macros(connection)
        counted = "select working_days_between(date '2025-04-02', date '2025-04-01'), working_days_between(null, date '2025-04-01')"
        assert connection.execute(counted).fetchall() == [(0, None)]
