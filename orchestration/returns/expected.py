"""What is expected of each return by when, what of it has come, and what is overdue."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import duckdb

from orchestration.returns.calendar import ExpectedSuppliers, Occasion, load_calendar
from orchestration.returns.conform import define_macros
from orchestration.returns.land import landed_table
from orchestration.returns.spec import ReturnSpec, load_spec, return_ids
from orchestration.returns.submission import Submission, current_submissions, read_submissions
from orchestration.school_names import said_school
from orchestration.settings import Settings

# The next occasion of a yearly return is never further off.
_HORIZON = timedelta(days=400)
_NAMED = 5


@dataclass(frozen=True)
class ExpectedPeriod:
    """One period of a return: what is expected and what counts of it.

    `expected_suppliers` is None where no list says who has to send; `missing` are those on it that have not sent, by name.
    A period is complete when all on the list have sent, or anybody where there is none; else it is open until its last
    day, and then overdue.
    """

    occasion: Occasion
    title: str
    suppliers_called: str
    expected_suppliers: int | None
    received_suppliers: int
    missing: list[str]
    state: Literal["complete", "open", "overdue"]

    @property
    def counted(self) -> str:
        """What has come, in numbers alone: spring 2026: 118 of 119 schools; 1 missing."""
        if self.expected_suppliers is None:
            came = f"{self.received_suppliers} received" if self.received_suppliers else "nothing received"
            return f"{self.occasion.said}: {came}"
        return (
            f"{self.occasion.said}: {self.expected_suppliers - len(self.missing)} of {self.expected_suppliers}"
            f" {self.suppliers_called}" + (f"; {len(self.missing)} missing" if self.missing else "")
        )

    @property
    def completeness(self) -> str:
        """What has come, in a line: spring 2026: 118 of 119 schools; 1 missing: Invented Primary (LAEstab 3724001, URN 900001)."""
        named = ", ".join(self.missing[:_NAMED]) + (" and others" if len(self.missing) > _NAMED else "")
        return f"{self.counted}: {named}" if named else self.counted


def expected_periods(settings: Settings, today: date) -> list[ExpectedPeriod]:
    """Periods of every return with a calendar, in order, from the first that a submission counts of to the next one due.

    Of a return of which nothing has come, the latest period that is due stands for all before it.
    """
    return [one for return_id in return_ids() for one in expected_of(settings, load_spec(return_id), today)]


def expected_of(settings: Settings, spec: ReturnSpec, today: date) -> Iterator[ExpectedPeriod]:
    """The same of one return; nothing of one without a calendar, or that is asked for only once one has come."""
    calendar = load_calendar(spec.return_id)
    if calendar is None:
        return
    counting = list(current_submissions(read_submissions(settings, spec.return_id)).values())
    if calendar.only_once_begun and not counting:
        return
    occasions = _asked_for(list(calendar.occasions(spec.return_id, today + _HORIZON)), counting, today)
    suppliers = calendar.expected_suppliers
    asked = _suppliers(settings, suppliers, [one.day for one in occasions]) if suppliers else None
    prefix = spec.submission.supplier_prefix if spec.submission else ""
    for occasion in occasions:
        came = {one.supplier for one in counting if one.period == occasion.period}
        expected = asked.get(occasion.day) if asked else None
        missing = [
            said_school(name, supplier.removeprefix(prefix), urn)
            for supplier, (name, urn) in sorted((expected or {}).items())
            if supplier not in came
        ]
        is_short = bool(missing) if expected else not came
        yield ExpectedPeriod(
            occasion=occasion,
            title=spec.title,
            suppliers_called=suppliers.called if suppliers else "suppliers",
            expected_suppliers=len(expected) if expected else None,
            received_suppliers=len(came),
            missing=missing,
            state="complete" if not is_short else "overdue" if occasion.due < today else "open",
        )


def _asked_for(occasions: list[Occasion], counting: Sequence[Submission], today: date) -> list[Occasion]:
    """From the first period that counts, or else the latest that is due, to the first whose day is still to come."""
    due = [one for one in occasions if one.due < today]
    first = min((one.period for one in counting), default=due[-1].period if due else "")
    begun = [one for one in occasions if one.day <= today and one.period >= first]
    return [*begun, *[one for one in occasions if one.day > today][:1]]


_Named = dict[str, tuple[str | None, str | None]]
"""By supplier: name and URN."""


def _suppliers(settings: Settings, asked: ExpectedSuppliers, days: list[date]) -> dict[date, _Named] | None:
    """Who is expected on each day by the reference table that counts now; None while it is not landed."""
    relation = landed_table(settings, asked.return_id, asked.table)
    if relation is None:
        return None
    found: dict[date, _Named] = {day: {} for day in days}
    with duckdb.connect() as connection:
        define_macros(connection)
        rows = connection.execute(
            f"""
            select days.day, asked.supplier, asked.name, asked.urn
            from (select unnest(?::date[]) as day) as days
            inner join (
                select
                    {asked.supplier} as supplier,
                    {asked.name} as name,
                    {asked.urn} as urn,
                    as_moment({asked.opened}) as opened,
                    as_moment({asked.closed}) as closed,
                    {asked.is_open} as is_open
                from {relation}
                where la_code = ? and {asked.condition}
            ) as asked
                -- Without a first day, what is open or has closed had begun.
                on coalesce(asked.opened <= days.day, asked.is_open or asked.closed is not null)
                and coalesce(asked.closed > days.day, asked.is_open)
            order by asked.urn
            """,
            [days, settings.la_code],
        ).fetchall()
    for day, supplier, name, urn in rows:
        found[day][supplier] = name, urn
    return found
