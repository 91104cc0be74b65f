"""The evidence folder: one plain page a governance reader can open, Data Docs, and the rule results as Parquet."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import CornerstoneError
from orchestration.linkage.quality import read_quality
from orchestration.privacy.disclosure import load_policy
from orchestration.release.glossary import read_glossary
from orchestration.release.grant import grant_years, restated_figures
from orchestration.release.inventory import Inventory
from orchestration.release.ledger import THRESHOLDS_HELD_BACK
from orchestration.release.manifest import InputSubmission
from orchestration.release.meta import returns_about_nobody
from orchestration.release.published_check import published_check
from orchestration.release.reconciliation import census_completeness, reconcile
from orchestration.release.revisions import family_revisions, read_revisions, small_differences_of
from orchestration.sql_text import literal, quoted

TEMPLATES = Path(__file__).parent / "templates"
DATA_DOCS = Path("data_docs")
DATA_DOCS_INDEX = DATA_DOCS / "index.html"
SEVERITIES = ["block", "warn", "observe"]
REVISIONS_LISTED = 500


@dataclass(frozen=True)
class SeverityCount:
    """Rules of one severity: how many passed and failed, and how many had nothing to judge or could not be judged."""

    severity: str
    passed: int
    failed: int
    not_judged: int


@dataclass(frozen=True)
class FoldedInputs:
    """The accepted submissions of one return, kind of supplier (`school` of `school.3720000`) and period."""

    return_id: str
    supplier_kind: str
    period: str
    submissions: list[InputSubmission]

    @property
    def superseded(self) -> int:
        """Submissions that a later one has taken the place of."""
        return sum(not item.is_current for item in self.submissions)

    def rows(self, kind: str) -> int:
        """Rows `read`, `landed` or `quarantined`."""
        return sum(getattr(item, f"rows_{kind}") for item in self.submissions)


def write_evidence(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    *,
    database: str,
    quality_dir: Path,
    inventory: Inventory,
    release: dict[str, str | bool | datetime | None],
    left_out: dict[str, int],
) -> None:
    """Fill the evidence folder.

    Args:
        connection: the warehouse connection, with the open database attached as `database`.
        folder: the evidence folder of the release being built, whose restricted database is complete.
        database: alias of the attached open database, whose `meta` tables the page shows.
        quality_dir: where the gates left Data Docs (`data_docs/index.html`), and linkage what it measured.
        inventory: what is released.
        release: the one row of `meta.release`.
        left_out: KPI rows that the CSV files cannot carry, by area level.

    Raises:
        CornerstoneError: the gates left no Data Docs.
    """
    if not (quality_dir / DATA_DOCS_INDEX).is_file():
        raise CornerstoneError(
            f"There are no Data Docs in {quality_dir / DATA_DOCS}; run the gates again, then release."
        )
    shutil.copytree(quality_dir / DATA_DOCS, folder / DATA_DOCS, symlinks=False)
    for table in ("rule", "rule_result"):
        relation = quoted(database, "meta", table)
        path = literal(str(folder / f"{table}.parquet"))
        connection.execute(f"copy (from {relation} order by all) to {path} (format parquet, compression zstd)")
    policy = load_policy()
    page = render_page(
        release=release,
        inventory=inventory,
        inputs=fold_inputs(inventory.inputs),
        disclosure=inventory.disclosure,
        severities=count_severities(connection, database),
        failures=failed_rules(connection, database),
        unjudged=unjudged_rules(connection, database),
        left_out=left_out,
        open_data=open_data_rules(connection, database),
        about_nobody=returns_about_nobody(),
        published_check=published_check(connection),
        completeness=census_completeness(connection),
        utility=disclosure_utility(connection, database),
        collapsed=collapsed_tables(connection, database),
        reconciliation=reconcile(connection, policy.parameters_of("evidence")),
        board=policy.parameters_of("evidence"),
        revised_families=family_revisions(connection, database),
        revisions=read_revisions(connection, database),
        listed=REVISIONS_LISTED,
        small_differences=[one for one in small_differences_of(folder.parent) if one.is_shown],
        held_below=THRESHOLDS_HELD_BACK * inventory.disclosure.threshold,
        grant=grant_years(connection),
        restated=restated_figures(connection),
        linkage=read_quality(quality_dir),
        glossary=read_glossary(connection, database),
    )
    (folder / "index.html").write_text(page, encoding="utf-8")


def render_page(**facts: Any) -> str:
    """The evidence page. Self-contained: no script, no remote request; every value is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("evidence.html.j2").render(data_docs=DATA_DOCS_INDEX.as_posix(), **facts)


def fold_inputs(inputs: list[InputSubmission]) -> list[FoldedInputs]:
    """Submissions by return, kind of supplier and period, in this order."""

    def group(item: InputSubmission) -> tuple[str, str, str]:
        return item.return_id, item.supplier.split(".")[0], item.period

    return [FoldedInputs(*key, list(members)) for key, members in groupby(sorted(inputs, key=group), key=group)]


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
