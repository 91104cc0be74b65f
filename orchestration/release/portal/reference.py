"""Words and methods: how people are protected, where figures come from, what is taken for granted, and what words mean."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.privacy.disclosure import load_policy
from orchestration.release.glossary import READERS_KINDS, read_glossary
from orchestration.release.inventory import Inventory
from orchestration.release.portal.assurance import load_logs, read_decisions
from orchestration.release.portal.kpis import family_title
from orchestration.release.portal.lineage import return_lines, spoken
from orchestration.release.portal.site import Page
from orchestration.returns.spec import load_spec, return_ids
from orchestration.rows import named_rows
from orchestration.sql_text import quoted

OUTPUTS = {
    "open": "The figures for everybody: database, CSV files and workbook",
    "evidence": "These pages, the record of every check, and rule results",
    "packs": "Packs that boards read on paper",
    "restricted": "Rows about children without names, for analysts",
    "manifest.json": "The list of all that was released, with digests",
}
"""The parts of a release, as the disclosure policy names them, in words."""


@dataclass(frozen=True)
class Dataset:
    """A published dataset that figures come from."""

    publisher: str
    dataset: str
    release_names: list[str]
    licence: str
    last_received: date


def reference_pages(connection: duckdb.DuckDBPyConnection, database: str, inventory: Inventory) -> list[Page]:
    """The pages of words and methods.

    Args:
        connection: has the open database attached as `database`.
        database: alias of the open database.
        inventory: what is released.
    """
    policy = load_policy()
    privacy = {
        "disclosure": inventory.disclosure,
        "family_title": family_title,
        "utility": disclosure_utility(connection, database),
        "collapsed": collapsed_tables(connection, database),
        "outputs": [
            (words, name, policy.audience_of(name), policy.parameters_of(name)) for name, words in OUTPUTS.items()
        ],
    }
    kpis = kpi_titles(connection, database)
    logs = {
        "assumptions": load_logs().assumptions,
        "decisions": read_decisions(),
        "kpis": kpis,
        "spoken": spoken,
        "family_title": family_title,
        "families": {family for family, _ in kpis.values()},
    }
    glossary = {"glossary": read_glossary(connection, database), "kinds": READERS_KINDS}
    return [
        Page("methods", "How people are protected", "methods", "privacy.html.j2", privacy),
        Page(
            "sources", "Sources and data", "methods", "sources.html.j2", source_facts(connection, database, inventory)
        ),
        Page("log", "Assumptions and decisions", "methods", "log.html.j2", logs),
        Page("glossary", "Glossary", "methods", "glossary.html.j2", glossary),
    ]


def source_facts(connection: duckdb.DuckDBPyConnection, database: str, inventory: Inventory) -> dict[str, Any]:
    """What the page of sources shows: published datasets, and every return with what came of it and what it cannot say."""
    received = {line.return_id: line for line in return_lines(inventory)}
    latest = latest_received(connection, database)
    logs = load_logs().data
    specs = [load_spec(return_id) for return_id in return_ids()]
    return {
        "datasets": datasets(connection, database),
        "returns": [
            (spec, received.get(spec.return_id), latest.get(spec.return_id), logs[spec.return_id])
            for spec in sorted(specs, key=lambda spec: spec.title.lower())
        ],
    }


def datasets(connection: duckdb.DuckDBPyConnection, database: str) -> list[Dataset]:
    """The published datasets, by publisher."""
    rows = connection.execute(
        f"""
        select publisher, dataset, release_names, licence, last_received
        from {quoted(database, "meta", "source")}
        order by publisher, dataset
        """
    ).fetchall()
    return [Dataset(publisher, name, releases.split("; "), *rest) for publisher, name, releases, *rest in rows]


def latest_received(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, date]:
    """The day on which the latest accepted file of each return was received."""
    return dict(
        connection.execute(
            f"""
            select return_id, cast(max(received_at) as date)
            from {quoted(database, "meta", "submission")}
            group by return_id
            """
        ).fetchall()
    )


def kpi_titles(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, tuple[str, str]]:
    """Family and title of each KPI of the released catalogue."""
    rows = connection.execute(
        f"select kpi_id, family, title from {quoted(database, 'kpi', 'kpi_catalogue')}"
    ).fetchall()
    return {kpi_id: (family, title) for kpi_id, family, title in rows}


def disclosure_utility(connection: duckdb.DuckDBPyConnection, database: str) -> list[dict[str, Any]]:
    """What disclosure control left to read, by KPI family: the columns of `meta.disclosure_utility`."""
    return named_rows(connection.execute(f"from {quoted(database, 'meta', 'disclosure_utility')} order by kpi_family"))


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
