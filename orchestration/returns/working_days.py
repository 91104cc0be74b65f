"""Working days: Monday to Friday but for the bank holidays of England."""

from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase


def _england(years: Iterable[int] | None = None) -> "HolidayBase":
    from holidays import country_holidays  # a tenth of a second that most commands do not need

    return country_holidays("GB", subdiv="ENG", years=years)


@cache
def working_day_after(day: date, count: int) -> date:
    """The working day that is so many after a day."""
    return _england().get_nth_working_day(day, count)


def bank_holidays(years: Iterable[int]) -> list[date]:
    """The bank holidays of England in some years, substitute days among them."""
    return sorted(_england(years))
