"""The dedicated schools grant for people who open no database: its balance from year to year, and closed figures that were
restated. Whole pounds of the whole authority; a balance below zero is a deficit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from orchestration.rows import named_rows


@dataclass(frozen=True)
class Restated:
    """A figure of a closed quarter that a later return told otherwise: of `figure` in `quarter`, `old` became `new`."""

    la_code: str
    financial_year: str
    line: str
    figure: str
    quarter: int | None
    old: int
    new: int
    known_from: datetime


def grant_years(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Rows of the mart `fct_dsg_bridge`, one a financial year, the oldest first; what is not told is None.

    Args:
        connection: the warehouse, or a database with its schema `marts`.
    """
    return named_rows(connection.execute("from marts.fct_dsg_bridge order by la_code, financial_year"))


def restated_figures(connection: duckdb.DuckDBPyConnection) -> list[Restated]:
    """Actuals, forecasts and outturns that were restated, in the order in which that became known; an approved change of plan
    or budget is none.

    Args:
        connection: the warehouse, or a database with its schema `marts`.
    """
    rows = connection.execute(
        """
        with told as (
            select la_code, financial_year, block || ' ' || line_code as line, measure, quarter, value_gbp, known_from, is_restated
            from marts.fct_dsg_position
            union all
            select la_code, financial_year, line_code, measure, quarter, value_gbp, known_from, is_restated
            from marts.fct_high_needs_line
        )

        select
            la_code,
            left(financial_year, 4) || '-' || right(financial_year, 2),
            line,
            measure,
            quarter,
            lag(value_gbp) over said as old,
            value_gbp,
            known_from
        from told
        where measure in ('actual', 'forecast', 'outturn')
        window said as (partition by la_code, financial_year, line, measure, quarter order by known_from)
        qualify is_restated and old <> value_gbp
        order by la_code, known_from, line, measure, quarter
        """
    ).fetchall()
    return [Restated(*row) for row in rows]
