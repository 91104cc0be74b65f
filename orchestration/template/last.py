"""What the last accepted return of a year says, for the cells that the next one repeats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import current_submissions, landed_rows, read_submissions
from orchestration.settings import Settings


@dataclass(frozen=True)
class LastReturn:
    """The latest accepted return of a financial year: its period, and its rows as they landed, by table."""

    period: str
    rows: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)


def last_return(settings: Settings, spec: ReturnSpec, period: str) -> LastReturn | None:
    """The authority's last accepted return of the same financial year, of this quarter or one before it."""
    assert spec.submission is not None
    supplier = f"{spec.submission.supplier_prefix}{settings.la_code}"
    year = period[:-1]
    accepted = {
        of_period: submission
        for (whose, of_period), submission in current_submissions(read_submissions(settings, spec.return_id)).items()
        if whose == supplier and of_period.startswith(year) and of_period <= period
    }
    if not accepted:
        return None
    latest = max(accepted)
    rows = {}
    with duckdb.connect(":memory:") as connection:
        for table in accepted[latest].tables:
            found = connection.sql(f"from {landed_rows(settings, [accepted[latest]], table)} order by source_row")
            names = found.columns
            rows[table] = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return LastReturn(latest, rows)
