"""Words and methods: the glossary, and how small numbers are protected."""

from typing import Any

import duckdb

from orchestration.release.glossary import read_glossary
from orchestration.release.inventory import Inventory
from orchestration.release.portal.site import Page
from orchestration.sql_text import quoted


def reference_pages(connection: duckdb.DuckDBPyConnection, database: str, inventory: Inventory) -> list[Page]:
    """The pages of words and methods.

    Args:
        connection: has the open database attached as `database`.
        database: alias of the open database.
        inventory: what is released.
    """
    privacy = {
        "disclosure": inventory.disclosure,
        "utility": disclosure_utility(connection, database),
        "collapsed": collapsed_tables(connection, database),
    }
    return [
        Page("methods", "Small numbers", "methods", "privacy.html.j2", privacy),
        Page("glossary", "Glossary", "methods", "glossary.html.j2", {"glossary": read_glossary(connection, database)}),
    ]


def disclosure_utility(connection: duckdb.DuckDBPyConnection, database: str) -> list[dict[str, Any]]:
    """What disclosure control left to read, by KPI family: the columns of `meta.disclosure_utility`."""
    cursor = connection.execute(f"from {quoted(database, 'meta', 'disclosure_utility')} order by kpi_family")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def collapsed_tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str, str, str | None]]:
    """Tables merged or withheld: KPI, breakdown, kinds of period and the coarser breakdown that is shown, if there is one."""
    return connection.execute(
        f"""
        select kpi_title, breakdown_topic, string_agg(period_kind, ', ' order by period_kind), shown_instead
        from {quoted(database, "meta", "disclosure_table")}
        group by all
        order by all
        """
    ).fetchall()
