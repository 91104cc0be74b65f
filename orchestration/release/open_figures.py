"""Counts that figures of the open tables tell, for pages whose own counts would be subtracted from them."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

import duckdb

from orchestration.sql_text import quoted


@dataclass(frozen=True)
class OpenFigure:
    """A figure of the open tables, and the cells of a page that are its numerator, its denominator, and what its denominator has
    beyond its numerator; None where the page has no such cell. Without a breakdown every item of the topic tells its denominator."""

    kpi_id: str
    breakdown_topic: str
    breakdown: str | None
    numerator: str | None = None
    denominator: str | None = None
    rest: str | None = None


def told_by_open_tables(
    connection: duckdb.DuckDBPyConnection,
    figures: Iterable[OpenFigure],
    *,
    table: str,
    database: str,
    la_code: str,
    period: str,
) -> None:
    """Make a temporary table of what the authority's figures of an academic year tell of a page's cells.

    A cell that one figure tells is known, though another withholds it. One that is the numerator of a figure withheld, and that no
    other tells, is withheld on the page too.

    Args:
        connection: has the open database attached as `database`.
        figures: those that tell of cells of the page.
        table: name of the table: cell_key, told (null where withheld), and is_held_back, is_told, was_suppressed as the history of
            `disclosure.suppress` has them.
        database: alias of the open database.
        la_code: the authority.
        period: the academic year, such as 202526.
    """
    connection.execute(
        "create or replace temp table open_figure (kpi_id varchar, breakdown_topic varchar, breakdown varchar, numerator_cell varchar,"
        " denominator_cell varchar, rest_cell varchar)"
    )
    connection.executemany("insert into open_figure values (?, ?, ?, ?, ?, ?)", [astuple(one) for one in figures])
    connection.execute(
        f"""
        create or replace temp table {quoted(table)} as
        with figure as (
            select
                open_figure.*,
                value.symbol is not distinct from 'c' as is_withheld,
                coalesce(value.numerator, value.value) as numerator,
                value.denominator
            from {quoted(database, "kpi", "kpi_value")} as value
            inner join open_figure  -- at most one
                on
                    value.kpi_id = open_figure.kpi_id
                    and value.breakdown_topic = open_figure.breakdown_topic
                    and value.breakdown = coalesce(open_figure.breakdown, value.breakdown)
            where
                value.la_code = $la_code
                and value.area_level = 'local_authority'
                and value.time_identifier = 'Academic year'
                and value.time_period = $period
                and value.value_basis = 'local'
        ),

        told as (
            select numerator_cell as cell_key, numerator as told, is_withheld from figure
            union all
            select rest_cell, denominator - numerator, is_withheld from figure
            union all
            select denominator_cell, denominator, false from figure
        )

        select
            cell_key,
            cast(any_value(told) as bigint) as told,
            bool_or(is_withheld) and any_value(told) is null as is_held_back,
            false as is_told,
            false as was_suppressed
        from told
        where cell_key is not null
        group by cell_key
        """,
        {"la_code": la_code, "period": period},
    )
