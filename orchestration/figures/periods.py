"""Periods in words. A kind of period is never mixed with another: each has its own count and its own way of being written."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from orchestration.errors import CornerstoneError

MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
]  # fmt: skip
TERMS = ["Autumn term", "Spring term", "Summer term"]
_TERM_STARTS = [(8, 1), (1, 1), (4, 1)]  # as the KPI tables date them
_QUARTER = re.compile(r"Financial year Q([1-4])")


class Kind(StrEnum):
    """Kinds of period; `parts` of them make a year."""

    academic_year = "academic year"
    calendar_year = "calendar year"
    financial_year = "financial year"
    quarter = "quarter"
    month = "month"
    term = "term"
    autumn_and_spring = "autumn and spring term"

    @property
    def parts(self) -> int:
        """Periods of the kind in a year."""
        return {Kind.quarter: 4, Kind.month: 12, Kind.term: 3}.get(self, 1)


@dataclass(frozen=True, order=True)
class Period:
    """One period. `number` counts periods of the kind: years times the parts of a year, and the part from nought."""

    kind: Kind
    number: int

    @classmethod
    def of(cls, identifier: str, code: str) -> "Period | None":
        """From the two columns of the KPI tables; None for a kind that no pack follows, or a code that does not fit."""
        if not re.fullmatch(r"[0-9]{4}([0-9]{2})?", code):
            return None
        year = int(code[:4])
        quarter = _QUARTER.fullmatch(identifier)
        if quarter:
            return cls(Kind.quarter, 4 * year + int(quarter[1]) - 1)
        if identifier in MONTHS:
            return cls(Kind.month, 12 * year + MONTHS.index(identifier))
        if identifier in TERMS:
            return cls(Kind.term, 3 * year + TERMS.index(identifier))
        kinds = {str(kind): kind for kind in Kind if kind.parts == 1}
        kind = kinds.get(identifier.lower())
        return None if kind is None else cls(kind, year)

    @property
    def year(self) -> int:
        """The year it is of; of a year over two calendar years, the first."""
        return self.number // self.kind.parts

    @property
    def part(self) -> int:
        """Which part of the year it is, from nought."""
        return self.number % self.kind.parts

    @property
    def before(self) -> "Period":
        """The period before it."""
        return self.back(1)

    @property
    def year_before(self) -> "Period":
        """The same period a year earlier."""
        return self.back(self.kind.parts)

    def back(self, step: int) -> "Period":
        """The period so many earlier."""
        return Period(self.kind, self.number - step)

    def through(self, last: "Period", step: int = 1) -> list["Period"]:
        """This period, the last one and each `step` between, whether or not anything is known of them."""
        return [Period(self.kind, number) for number in range(self.number, last.number + 1, step)]

    @property
    def year_words(self) -> str:
        """Its year: 2025, 2025-26 (financial) or 2025/26 (academic)."""
        following = f"{(self.year + 1) % 100:02}"
        if self.kind in (Kind.calendar_year, Kind.month):
            return str(self.year)
        return (
            f"{self.year}-{following}"
            if self.kind in (Kind.financial_year, Kind.quarter)
            else f"{self.year}/{following}"
        )

    @property
    def part_words(self) -> str:
        """Its part of the year, short: Q3, Oct, Spring; empty for a year."""
        return {Kind.quarter: f"Q{self.part + 1}", Kind.month: MONTHS[self.part % 12][:3]}.get(
            self.kind, TERMS[self.part].split()[0] if self.kind is Kind.term else ""
        )

    @property
    def short(self) -> str:
        """For axes and tables: 2025/26, 2025-26 Q3, 2025, Oct 2025, Spring 2025/26."""
        words = [self.year_words, self.part_words] if self.kind is Kind.quarter else [self.part_words, self.year_words]
        return " ".join(filter(None, words))

    @property
    def words(self) -> str:
        """In full: academic year 2025/26, financial year 2025-26 quarter 3 (October to December 2025), October 2025."""
        match self.kind:
            case Kind.month:
                return f"{MONTHS[self.part]} {self.year}"
            case Kind.quarter:
                months = f"{MONTHS[self.start.month - 1]} to {MONTHS[self.end.month - 1]} {self.end.year}"
                return f"financial year {self.year_words} quarter {self.part + 1} ({months})"
            case Kind.term:
                return f"{TERMS[self.part].lower()} of academic year {self.year_words}"
            case Kind.autumn_and_spring:
                return f"autumn and spring term of academic year {self.year_words}"
            case _:
                return f"{self.kind} {self.year_words}"

    @property
    def start(self) -> date:
        """First day."""
        month, day = {
            Kind.calendar_year: (1, 1),
            Kind.financial_year: (4, 1),
            Kind.academic_year: (9, 1),
            Kind.autumn_and_spring: _TERM_STARTS[0],
            Kind.term: _TERM_STARTS[self.part % 3],
            Kind.quarter: ((4, 7, 10, 1)[self.part % 4], 1),
            Kind.month: (self.part + 1, 1),
        }[self.kind]
        is_after_new_year = (self.kind is Kind.term and self.part > 0) or (self.kind is Kind.quarter and self.part == 3)
        return date(self.year + is_after_new_year, month, day)

    @property
    def end(self) -> date:
        """Last day."""
        if self.kind is Kind.term:
            return (date(self.year, 12, 31), date(self.year + 1, 3, 31), date(self.year + 1, 7, 31))[self.part]
        if self.kind is Kind.autumn_and_spring:
            return date(self.year + 1, 3, 31)
        return Period(self.kind, self.number + 1).start - timedelta(days=1)


def step_of(periods: Iterable[Period]) -> int:
    """How many periods lie from one figure to the next: a year's where all are of the same part of a year, as of every fourth quarter."""
    held = set(periods)
    is_yearly = len(held) > 1 and len({period.part for period in held}) == 1
    return next(iter(held)).kind.parts if is_yearly else 1


@dataclass(frozen=True)
class Span:
    """The days that a pack is limited to; `words` as it was asked for. Without a start it goes back as far as is held."""

    start: date | None
    end: date
    words: str

    def holds(self, period: Period) -> bool:
        """Whether the period lies in it: it has ended by the end, and not begun before the start."""
        return period.end <= self.end and (self.start is None or period.start >= self.start)


def parse_span(text: str) -> Span:
    """What --period says: one period (all that had ended by its end) or two with .. between (from the one to the other).

    Raises:
        CornerstoneError: a part of it is no period, or the second ends before the first begins.
    """
    first, dots, last = (part.strip() for part in text.partition(".."))
    from_, to = _parse(first), _parse(last if dots else first)
    if to.end < from_.start:
        raise CornerstoneError(f"--period {text} runs backwards; write the earlier period first.")
    if dots:
        return Span(from_.start, to.end, f"{from_.words} to {to.words}")
    return Span(None, to.end, f"up to the end of {to.words}")


def _parse(text: str) -> Period:
    quarter = re.fullmatch(r"([0-9]{4})-([0-9]{2}) ?Q([1-4])", text, re.IGNORECASE)
    years = re.fullmatch(r"([0-9]{4})([/-])([0-9]{2})", text)
    if quarter and (int(quarter[1]) + 1) % 100 == int(quarter[2]):
        return Period(Kind.quarter, 4 * int(quarter[1]) + int(quarter[3]) - 1)
    if years and (int(years[1]) + 1) % 100 == int(years[3]):
        return Period(Kind.academic_year if years[2] == "/" else Kind.financial_year, int(years[1]))
    if years and years[2] == "-" and 1 <= int(years[3]) <= 12:
        return Period(Kind.month, 12 * int(years[1]) + int(years[3]) - 1)
    if re.fullmatch(r"[0-9]{4}", text):
        return Period(Kind.calendar_year, int(text))
    raise CornerstoneError(
        f"--period {text} is no period; write 2025/26 (academic year), 2025-26 (financial year), 2025-26Q3, 2025 (calendar year) or"
        " 2025-10 (month), or two with .. between."
    )
