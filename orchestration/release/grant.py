"""The dedicated schools grant for people who open no database: its balance from year to year, and closed figures that were
restated. Whole pounds of the whole authority; a balance below zero is a deficit."""

from dataclasses import dataclass
from datetime import date, datetime

import duckdb


@dataclass(frozen=True)
class GrantYear:
    """One financial year's way from opening to closing balance, beside what was published of its last day.

    `forecast_quarter` is that of the latest forecast, None where the year's outturn is in. What was published is rounded to
    `published_rounded_to`; `published_status` is published, draft, forecast or none. None: not told.
    """

    la_code: str
    financial_year: str
    period_end: date
    forecast_quarter: int | None
    opening: int | None
    in_year_before_transfers: int | None
    net_transfer_into_high_needs: int | None
    net_transfer_all_blocks: int | None
    safety_valve_payment: int | None
    other_adjustment: int | None
    closing: int
    agreed_closing: int | None
    published_closing: int | None
    published_rounded_to: int | None
    published_status: str


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


def grant_years(connection: duckdb.DuckDBPyConnection) -> list[GrantYear]:
    """The years of which a return tells, the oldest first.

    Args:
        connection: the warehouse, or a database with its schema `marts`.
    """
    rows = connection.execute(
        """
        select
            la_code,
            left(financial_year, 4) || '-' || right(financial_year, 2),
            period_end,
            forecast_quarter,
            opening_gbp,
            in_year_before_transfers_gbp,
            net_transfer_into_high_needs_gbp,
            net_transfer_all_blocks_gbp,
            safety_valve_payment_gbp,
            other_adjustment_gbp,
            closing_gbp,
            agreed_closing_gbp,
            published_closing_gbp,
            published_rounded_to_gbp,
            published_status
        from marts.fct_dsg_bridge
        order by la_code, financial_year
        """
    ).fetchall()
    return [GrantYear(*row) for row in rows]


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
