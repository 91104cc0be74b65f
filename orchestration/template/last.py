"""What the last accepted return of a year says, for the cells that the next one repeats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import Submission, current_submissions, landed_rows, read_submissions
from orchestration.rows import named_rows
from orchestration.settings import Settings

Rows = Mapping[str, list[dict[str, Any]]]
"""Rows as they landed, by table."""


@dataclass(frozen=True)
class LastReturn:
    """The latest accepted return up to a quarter: its period and rows.

    `told` gives, by quarter of the year asked for, the rows of the return accepted last that tells of it: an older quarter
    may have been sent anew since. Empty where the latest return is of the year before, whose figures nothing repeats.
    """

    period: str
    rows: Rows = field(default_factory=dict)
    told: Mapping[int, Rows] = field(default_factory=dict)


def last_return(settings: Settings, spec: ReturnSpec, period: str) -> LastReturn | None:
    """The authority's last accepted return of this quarter or one before it, in this financial year or the last."""
    assert spec.submission is not None
    supplier = f"{spec.submission.supplier_prefix}{settings.la_code}"
    accepted = {
        of_period: submission
        for (whose, of_period), submission in current_submissions(read_submissions(settings, spec.return_id)).items()
        if whose == supplier
    }
    latest = max((of_period for of_period in accepted if of_period <= period), default=None)
    if latest is None or int(latest[:4]) < int(period[:4]) - 1:
        return None
    of_year = {int(of[-1]): one for of, one in accepted.items() if of[:-1] == period[:-1]}
    telling = {
        quarter: max((one for of, one in of_year.items() if of >= quarter), key=lambda one: one.received_at)
        for quarter in range(1, max(of_year, default=0) + 1)
    }
    needed = {latest, *(one.period for one in telling.values())}
    rows = {of_period: _rows(settings, accepted[of_period]) for of_period in needed}
    return LastReturn(latest, rows[latest], {quarter: rows[one.period] for quarter, one in telling.items()})


def _rows(settings: Settings, submission: Submission) -> Rows:
    rows = {}
    with duckdb.connect(":memory:") as connection:
        for table in submission.tables:
            found = connection.execute(f"from {landed_rows(settings, [submission], table)} order by source_row")
            rows[table] = named_rows(found)
    return rows
