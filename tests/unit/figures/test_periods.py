"""Periods: kinds are kept apart, and each is written in its own way."""

from datetime import date

import pytest

from orchestration.errors import CornerstoneError
from orchestration.figures.periods import Kind, Period, parse_span, step_of


@pytest.mark.parametrize(
    ("identifier", "code", "words", "short", "start", "end"),
    [
        ("Academic year", "202526", "academic year 2025/26", "2025/26", date(2025, 9, 1), date(2026, 8, 31)),
        ("Financial year", "202526", "financial year 2025-26", "2025-26", date(2025, 4, 1), date(2026, 3, 31)),
        ("Calendar year", "2025", "calendar year 2025", "2025", date(2025, 1, 1), date(2025, 12, 31)),
        ("October", "2025", "October 2025", "Oct 2025", date(2025, 10, 1), date(2025, 10, 31)),
        ("December", "2025", "December 2025", "Dec 2025", date(2025, 12, 1), date(2025, 12, 31)),
        (
            "Financial year Q3", "202526", "financial year 2025-26 quarter 3 (October to December 2025)", "2025-26 Q3",
            date(2025, 10, 1), date(2025, 12, 31),
        ),
        (
            "Financial year Q4", "202526", "financial year 2025-26 quarter 4 (January to March 2026)", "2025-26 Q4",
            date(2026, 1, 1), date(2026, 3, 31),
        ),
        (
            "Autumn term", "202526", "autumn term of academic year 2025/26", "Autumn 2025/26", date(2025, 8, 1), date(2025, 12, 31),
        ),
        (
            "Summer term", "202526", "summer term of academic year 2025/26", "Summer 2025/26", date(2026, 4, 1), date(2026, 7, 31),
        ),
        (
            "Autumn and spring term", "199900", "autumn and spring term of academic year 1999/00", "1999/00", date(1999, 8, 1),
            date(2000, 3, 31),
        ),
    ],
)  # fmt: skip
def test_a_period_has_its_words_and_its_days(
    identifier: str, code: str, words: str, short: str, start: date, end: date
) -> None:
    period = Period.of(identifier, code)
    assert period is not None
    assert (period.words, period.short, period.start, period.end) == (words, short, start, end)


def test_what_is_no_period_is_none() -> None:
    assert Period.of("Week 12", "2025") is None
    assert Period.of("Calendar year", "latest") is None


def test_the_period_before_crosses_the_year_and_stays_of_its_kind() -> None:
    january = Period.of("January", "2026")
    first_quarter = Period.of("Financial year Q1", "202526")
    assert january is not None
    assert first_quarter is not None
    assert january.before == Period.of("December", "2025")
    assert january.year_before == Period.of("January", "2025")
    assert first_quarter.before == Period.of("Financial year Q4", "202425")
    assert [period.short for period in first_quarter.before.through(first_quarter)] == ["2024-25 Q4", "2025-26 Q1"]


def test_a_span_of_one_period_holds_what_had_ended_by_its_end() -> None:
    span = parse_span("2025-26q3")
    assert (span.start, span.end) == (None, date(2025, 12, 31))
    assert span.words == "up to the end of financial year 2025-26 quarter 3 (October to December 2025)"
    assert span.holds(Period(Kind.calendar_year, 2025))
    assert not span.holds(Period(Kind.academic_year, 2025))


def test_a_span_of_two_periods_begins_with_the_first() -> None:
    span = parse_span("2023/24 .. 2025-10")
    assert (span.start, span.end) == (date(2023, 9, 1), date(2025, 10, 31))
    assert not span.holds(Period(Kind.calendar_year, 2023))
    assert span.holds(Period(Kind.calendar_year, 2024))


@pytest.mark.parametrize("text", ["", "soon", "2025-13", "2025/27", "2025-26Q5", "2025..", "..2025", "202526"])
def test_what_is_no_period_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(CornerstoneError, match=r"is no period; write 2025/26"):
        parse_span(text)


def test_a_span_does_not_run_backwards() -> None:
    with pytest.raises(CornerstoneError, match="runs backwards"):
        parse_span("2025..2023")


@pytest.mark.parametrize(
    ("told", "step"),
    [
        (["Financial year Q4 202324", "Financial year Q4 202526"], 4),
        (["Financial year Q4 202324", "Financial year Q1 202425", "Financial year Q4 202425"], 1),
        (["Financial year Q4 202324"], 1),
        (["Calendar year 2024", "Calendar year 2025"], 1),
        (["October 2024", "October 2025"], 12),
        ([], 1),
    ],
)
def test_figures_of_one_part_of_the_year_alone_are_a_year_apart(told: list[str], step: int) -> None:
    periods = [period for text in told if (period := Period.of(*text.rsplit(" ", 1))) is not None]
    assert len(periods) == len(told)
    assert step_of(periods) == step
