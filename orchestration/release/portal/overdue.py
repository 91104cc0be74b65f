"""Which returns were expected and have not come, on the day of the release."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from orchestration.returns.expected import ExpectedPeriod, expected_periods
from orchestration.settings import Settings


@dataclass(frozen=True)
class ExpectedReturn:
    """A return with a calendar, and its periods in order. `overdue` are those that were due and are not complete, the latest first;
    `latest` is the latest of which something has come; `next_due` is the first that is still open."""

    title: str
    periods: list[ExpectedPeriod]
    overdue: list[ExpectedPeriod]
    latest: ExpectedPeriod | None
    next_due: ExpectedPeriod | None


def expected_returns(settings: Settings, day: date) -> list[ExpectedReturn]:
    """Every return with a calendar as it stood on a day, those with overdue periods first."""
    return by_return(expected_periods(settings, day))


def by_return(periods: Sequence[ExpectedPeriod]) -> list[ExpectedReturn]:
    """Periods, which stand together by return and in order, folded by return."""
    made = []
    for title, group in groupby(periods, key=lambda one: one.title):
        own = list(group)
        made.append(
            ExpectedReturn(
                title=title,
                periods=own,
                overdue=[one for one in reversed(own) if one.state == "overdue"],
                latest=next((one for one in reversed(own) if one.received_suppliers), None),
                next_due=next((one for one in own if one.state == "open"), None),
            )
        )
    return sorted(made, key=lambda one: not one.overdue)
