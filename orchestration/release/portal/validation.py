"""What was checked: the rules and their results, published figures beside our own, and the returns beside each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.linkage.quality import read_quality
from orchestration.privacy.disclosure import load_policy
from orchestration.release.grant import grant_years, restated_figures
from orchestration.release.inventory import Inventory
from orchestration.release.portal.site import Page
from orchestration.release.published_check import published_check
from orchestration.release.reconciliation import census_completeness, reconcile
from orchestration.sql_text import quoted

DATA_DOCS = Path("data_docs")
DATA_DOCS_INDEX = DATA_DOCS / "index.html"
SEVERITIES = ["block", "warn", "observe"]


@dataclass(frozen=True)
class SeverityCount:
    """Rules of one severity: how many passed and failed, and how many had nothing to judge or could not be judged."""

    severity: str
    passed: int
    failed: int
    not_judged: int


def validation_pages(
    connection: duckdb.DuckDBPyConnection, database: str, quality_dir: Path, inventory: Inventory
) -> list[Page]:
    """The pages of what was checked.

    Args:
        connection: the warehouse, with the open database attached as `database`.
        database: alias of the open database.
        quality_dir: where linkage left what it measured.
        inventory: what is released.
    """
    board = load_policy().parameters_of("evidence")
    rules = {
        "inventory": inventory,
        "disclosure": inventory.disclosure,
        "data_docs": DATA_DOCS_INDEX.as_posix(),
        "severities": count_severities(connection, database),
        "failures": failed_rules(connection, database),
        "unjudged": unjudged_rules(connection, database),
        "open_data": open_data_rules(connection, database),
    }
    returns = {
        "board": board,
        "completeness": census_completeness(connection),
        "reconciliation": reconcile(connection, board),
        "grant": grant_years(connection),
        "restated": restated_figures(connection),
        "linkage": read_quality(quality_dir),
    }
    return [
        Page("validation", "Validation", "validation", "validation.html.j2", rules),
        Page(
            "published",
            "Published figures beside our own",
            "validation",
            "published.html.j2",
            {"published_check": published_check(connection)},
        ),
        Page("returns", "The returns beside each other", "validation", "returns.html.j2", returns),
    ]


def count_severities(connection: duckdb.DuckDBPyConnection, database: str) -> list[SeverityCount]:
    """Rules by severity and outcome, the gravest severity first."""
    rows = connection.execute(
        f"""
        select
            severity,
            count(*) filter (where outcome = 'passed'),
            count(*) filter (where outcome = 'failed'),
            count(*) filter (where outcome in ('no rows', 'not judged'))
        from {quoted(database, "meta", "rule_result")}
        group by severity
        """
    ).fetchall()
    counts = [SeverityCount(*row) for row in rows]
    return sorted(counts, key=lambda count: SEVERITIES.index(count.severity))


def failed_rules(connection: duckdb.DuckDBPyConnection, database: str) -> list[dict[str, Any]]:
    """Rules that failed, with how often, whose they are and what to do."""
    result, rule = quoted(database, "meta", "rule_result"), quoted(database, "meta", "rule")
    cursor = connection.execute(
        f"""
        select result.rule_id, result.gate, result.severity, result.failing_count, rule.label, rule.owner, rule.action
        from {result} as result
        inner join {rule} as rule using (rule_id)  -- many to one
        where not result.success
        order by list_position(?, result.severity), result.rule_id
        """,
        [SEVERITIES],
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def open_data_rules(connection: duckdb.DuckDBPyConnection, database: str) -> list[dict[str, Any]]:
    """The rules of the open data files, with what was found."""
    cursor = connection.execute(f"from {quoted(database, 'meta', 'open_data_rule')} order by rule_id")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def unjudged_rules(connection: duckdb.DuckDBPyConnection, database: str) -> list[dict[str, Any]]:
    """Rules that had nothing to judge or could not be judged, with what they say."""
    result, rule = quoted(database, "meta", "rule_result"), quoted(database, "meta", "rule")
    cursor = connection.execute(
        f"""
        select result.rule_id, result.outcome, rule.label
        from {result} as result
        inner join {rule} as rule using (rule_id)  -- many to one
        where result.outcome in ('no rows', 'not judged')
        order by result.rule_id
        """
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
