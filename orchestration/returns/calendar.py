"""When a return describes the world and by when it is due, read from `specs/<return>/calendar.yaml`.

Days that a calendar lists are known; beyond them they are worked out by the calendar's rule and called projected. What is
statutory, what is agreed and what is an assumption of ours stands beside every day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.errors import CornerstoneError
from orchestration.returns import spec as specs
from orchestration.returns.working_days import working_day_after

DayBasis = Literal["published", "rule", "not_held", "projected", "end_of_period"]
DueBasis = Literal["statutory", "agreed", "assumption"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday"]

_WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
_MONTHS_OF_A_QUARTER = 3
_FIRST_MONTH_OF_FINANCIAL_YEAR = 4
_FIRST_MONTH_OF_ACADEMIC_YEAR = 9
# Returns that are made every month or quarter have no list of days; nothing before this was asked for.
_FIRST_YEAR = 2018


class _Strict(BaseModel):
    """A misspelt key in a calendar is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MonthlyRule(_Strict):
    """A day of a month: its first, second, ... such weekday."""

    month: int = Field(ge=1, le=12)
    weekday: Weekday
    ordinal: int = Field(ge=1, le=4)

    def in_year(self, year: int) -> date:
        """The day in a year."""
        first = date(year, self.month, 1)
        to_weekday = (_WEEKDAYS.index(self.weekday) - first.weekday()) % 7
        return first + timedelta(days=to_weekday + 7 * (self.ordinal - 1))


class DaysAfter(_Strict):
    """So many days after the day described."""

    days_after: int = Field(ge=0)


class WorkingDaysAfter(_Strict):
    """So many working days after the day described: Monday to Friday but for the bank holidays of England."""

    working_days_after: int = Field(ge=1)


class ListedDay(_Strict):
    """One period as a calendar lists it; `due` where a deadline was published."""

    period: str
    academic_year: str = Field(pattern=r"^20\d{4}$")
    basis: Literal["published", "rule", "not_held"]
    day: date | None = None
    due: date | None = None

    @model_validator(mode="after")
    def _fits(self) -> "ListedDay":
        if (self.day is None) != (self.basis == "not_held"):
            raise ValueError(f"{self.period}: every period that was held has a day, and no other")
        if self.day is None:
            if self.due is not None:
                raise ValueError(f"{self.period}: what was not held is not due")
            return self
        if not f"{self.day:%Y-%m}".startswith(self.period):
            raise ValueError(f"{self.period}: its day {self.day} lies in another period")
        if self.academic_year != academic_year_of(self.day):
            raise ValueError(f"{self.period}: its day {self.day} lies in academic year {academic_year_of(self.day)}")
        if self.due is not None and self.due < self.day:
            raise ValueError(f"{self.period}: it is due before its day")
        return self


class ExpectedSuppliers(_Strict):
    """Who is expected to send, from a landed reference table: SQL over it for the supplier's id, for who has to send, and
    for whether it is open now; the columns with its name, its URN and the days it opened and closed."""

    called: str
    return_id: str
    table: str
    supplier: str
    name: str
    urn: str
    condition: str
    opened: str
    closed: str
    is_open: str


@dataclass(frozen=True)
class Happening:
    """A day of a return's calendar: a period can be sent from then on, is due, or is overdue."""

    day: date
    occasion: "Occasion"
    what: Literal["opens", "is due", "is overdue"]

    @property
    def sentence(self) -> str:
        """What happens, for a person: spring 2026 is due."""
        return f"{self.occasion.said} {self.what}"


@dataclass(frozen=True)
class Occasion:
    """One period of a return: the day it describes, from which on it can be sent, and the last day on which it is expected.

    Each basis says who sets the day: a statute, an agreement, or an assumption of ours.
    """

    return_id: str
    period: str
    said: str
    academic_year: str
    described: str
    day: date
    day_basis: DayBasis
    opens_basis: DueBasis
    due: date
    due_basis: DueBasis
    is_due_by_rule: bool

    @property
    def sentence(self) -> str:
        """The period, its day and when it is due, for a person."""
        worked_out = {"projected": ", projected", "rule": ", by rule"}.get(self.day_basis, "")
        return f"{self.said} ({self.described} {long_date(self.day)}{worked_out}) by {self.due_sentence}"

    @property
    def due_sentence(self) -> str:
        """When it is due and who says so: 11 February 2026 (statutory)."""
        worked_out = ", projected" if self.day_basis == "projected" else ", by rule" if self.is_due_by_rule else ""
        return f"{long_date(self.due)} ({self.due_basis}{worked_out})"


class Calendar(_Strict):
    """The calendar of one return: a list of days with a rule for later ones, or the end of every month or quarter."""

    described: str
    days_source: str
    opens_basis: DueBasis
    due_basis: DueBasis
    due_source: str
    due_rule: MonthlyRule | DaysAfter | WorkingDaysAfter
    days: list[ListedDay] = Field(default_factory=list)
    day_rules: list[MonthlyRule] = Field(default_factory=list)
    periods: Literal["month", "financial_quarter"] | None = None
    expected_suppliers: ExpectedSuppliers | None = None
    only_once_begun: bool = False  # nothing is asked for until one has come: not every authority has the return

    @model_validator(mode="after")
    def _says_its_days_in_one_way(self) -> "Calendar":
        if (self.periods is None) == (not self.days) or bool(self.days) != bool(self.day_rules):
            raise ValueError("a calendar either lists days, with the rule for later ones, or names its periods")
        listed = [entry.period for entry in self.days]
        if listed != sorted(set(listed)):
            raise ValueError("the days are not in order, or a period stands twice")
        return self

    def occasions(self, return_id: str, until: date) -> Iterator[Occasion]:
        """Every period whose day is `until` or earlier, in order; what was not held is left out."""
        spec = specs.load_spec(return_id) if return_id in specs.return_ids() else None
        for period, day, basis, published_due in self._periods(until):
            due = published_due or self._due_by_rule(day)
            yield Occasion(
                return_id=return_id,
                period=period,
                said=spec.said_period(period) if spec else period,
                academic_year=academic_year_of(day),
                described=self.described,
                day=day,
                day_basis=basis,
                opens_basis=self.opens_basis,
                due=due,
                due_basis=self.due_basis,
                is_due_by_rule=published_due is None and self.due_basis == "statutory",
            )

    def _periods(self, until: date) -> Iterator[tuple[str, date, DayBasis, date | None]]:
        if self.periods is not None:
            for period, day in _ends_of(self.periods, until):
                yield period, day, "end_of_period", None
            return
        for entry in self.days:
            if entry.day is not None and entry.day <= until:
                yield entry.period, entry.day, entry.basis, entry.due
        listed = {entry.period for entry in self.days}
        by_month = len(self.days[-1].period) > len("2025")
        for year in range(int(self.days[-1].period[:4]), until.year + 1):
            for rule in sorted(self.day_rules, key=lambda rule: rule.month):
                day = rule.in_year(year)
                period = f"{day:%Y-%m}" if by_month else str(year)
                if period > max(listed) and day <= until:
                    yield period, day, "projected", None

    def _due_by_rule(self, day: date) -> date:
        rule = self.due_rule
        if isinstance(rule, DaysAfter):
            return day + timedelta(days=rule.days_after)
        if isinstance(rule, WorkingDaysAfter):
            return working_day_after(day, rule.working_days_after)
        due = rule.in_year(day.year)
        return due if due >= day else rule.in_year(day.year + 1)


def academic_year_of(day: date) -> str:
    """The academic year that holds a day, 202425; it begins in September."""
    first = day.year if day.month >= _FIRST_MONTH_OF_ACADEMIC_YEAR else day.year - 1
    return f"{first}{(first + 1) % 100:02d}"


def long_date(day: date) -> str:
    """A day as people write it: 2 October 2025."""
    return f"{day.day} {day:%B %Y}"


def _ends_of(periods: str, until: date) -> Iterator[tuple[str, date]]:
    """Months as 2025-10, quarters of a financial year as 2025-26Q3, each with its last day."""
    for year in range(_FIRST_YEAR, until.year + 1):
        for month in range(1, 13):
            last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
            if last > until:
                return
            if periods == "month":
                yield f"{year}-{month:02d}", last
            elif month % _MONTHS_OF_A_QUARTER == 0:
                first = year if month >= _FIRST_MONTH_OF_FINANCIAL_YEAR else year - 1
                quarter = (month - _FIRST_MONTH_OF_FINANCIAL_YEAR) // _MONTHS_OF_A_QUARTER % 4 + 1
                yield f"{first}-{(first + 1) % 100:02d}Q{quarter}", last


def happenings(calendar: Calendar, return_id: str, first: date, last: date) -> Iterator[Happening]:
    """What happens to a return from one day to another, in order."""
    found = [
        happening
        for occasion in calendar.occasions(return_id, last)
        for happening in (
            Happening(occasion.day, occasion, "opens"),
            Happening(occasion.due, occasion, "is due"),
            Happening(occasion.due + timedelta(days=1), occasion, "is overdue"),
        )
        if first <= happening.day <= last
    ]
    yield from sorted(found, key=lambda one: (one.day, one.occasion.day))


@lru_cache
def load_calendar(return_id: str) -> Calendar | None:
    """The calendar of a return; None for one that nobody has to send by a day.

    Raises:
        CornerstoneError: its YAML is no calendar.
    """
    path = specs.SPECS_DIR / return_id / "calendar.yaml"
    if not path.is_file():
        return None
    try:
        return Calendar.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValidationError) as error:
        raise CornerstoneError(f"The calendar of {return_id} cannot be used: {error}") from error


def calendar_ids() -> list[str]:
    """Returns that have a calendar, those not read yet among them."""
    return sorted(folder.parent.name for folder in specs.SPECS_DIR.glob("*/calendar.yaml"))
