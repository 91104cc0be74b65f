"""What was checked: the rules and their results, published figures beside our own, and the returns beside each other."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from expectations.catalogue import EVERY_RETURN, SEVERITIES
from expectations.notes import NOTES_FILE, OwnerNote, read_notes
from orchestration.linkage.quality import read_quality
from orchestration.privacy.disclosure import load_policy
from orchestration.release.grant import grant_years, restated_figures
from orchestration.release.inventory import Inventory, returns_about_nobody
from orchestration.release.portal.data_docs import DataDocsPage, data_docs_pages, places_of_rules, released_data_docs
from orchestration.release.portal.history import (
    ReleaseBefore,
    count_rows,
    count_severities,
    history_chart,
    releases_before,
)
from orchestration.release.portal.names import said_return
from orchestration.release.portal.overdue import ExpectedReturn, expected_returns
from orchestration.release.portal.set_aside import NO_REASON, SetAside, rows_set_aside
from orchestration.release.portal.site import Page
from orchestration.release.published_check import published_check
from orchestration.release.reconciliation import census_completeness, reconcile
from orchestration.rows import named_rows
from orchestration.settings import Settings
from orchestration.sql_text import literal, quoted

PASSED, FAILED, NOT_JUDGED, NO_ROWS = "passed", "failed", "not judged", "no rows"


@dataclass(frozen=True)
class RuleOutcome:
    """One rule of the catalogue and what came of it.

    `gate` is where it is checked. `failing` counts rows that fail; None where none does, or where the number is not told: it is
    small, or a small one could be worked out from it. A landing rule that blocks keeps rows or files out: `failing` counts the
    rows it set aside, `refused` the files it refused; it has passed what is in the release, whatever it refused.
    """

    rule_id: str
    gate: str
    severity: str
    effect: str | None
    return_id: str
    owner: str
    label: str
    action: str
    outcome: str
    failing: int | None
    refused: int

    @property
    def returned(self) -> str:
        """The return it is about, as pages call it."""
        return said_return(self.return_id)

    @property
    def verdict(self) -> str:
        """Its outcome in three: passed, failed, not judged."""
        return NOT_JUDGED if self.outcome == NO_ROWS else self.outcome


@dataclass(frozen=True)
class RulesBeneath:
    """How the rules of one owner, or about one return, came out; `kept_out` are rules that set rows aside."""

    name: str
    rules: int
    passed: int
    kept_out: int
    warned: int
    observed: int
    not_judged: int


@dataclass(frozen=True)
class Checks:
    """What was found of a release: every rule's outcome, owners' notes by rule, the Data Docs behind them, the releases before and
    this one (the last), and what was expected on the day `made`. `set_aside` are rows kept out."""

    made: datetime
    outcomes: list[RuleOutcome]
    notes: dict[str, OwnerNote]
    docs: list[DataDocsPage]
    history: list[ReleaseBefore]
    expected: list[ExpectedReturn]
    set_aside: SetAside

    @property
    def failed(self) -> list[RuleOutcome]:
        """Rules that failed and did not stop the release."""
        return [one for one in self.outcomes if one.outcome == FAILED and one.severity != "block"]

    @property
    def warnings(self) -> list[RuleOutcome]:
        """Rules that fail and ask for an owner's note."""
        return [one for one in self.failed if one.severity == "warn"]

    @property
    def warnings_without_note(self) -> int:
        """Warnings whose owner has said nothing that still holds."""
        return sum(self.note_of(one.rule_id) is None for one in self.warnings)

    @property
    def at_a_glance(self) -> ReleaseBefore:
        """This release as the history shows it."""
        return self.history[-1]

    @property
    def overdue(self) -> list[ExpectedReturn]:
        """Returns of which something was due and has not come."""
        return [one for one in self.expected if one.overdue]

    def note_of(self, rule_id: str) -> OwnerNote | None:
        """The owner's note on a rule, if it still holds on the day of the release."""
        note = self.notes.get(rule_id)
        return note if note and note.holds_on(self.made.date()) else None


def check_release(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    settings: Settings,
    inventory: Inventory,
    release: Mapping[str, Any],
    earlier: Mapping[str, Path],
) -> Checks:
    """Gather what was found of the release being made.

    Args:
        connection: the warehouse, with the open database attached as `database`.
        database: alias of the open database.
        settings: the store: what the gates left, what was expected, and the releases before.
        inventory: what is released.
        release: the one row of `meta.release`.
        earlier: what `remembered_places.keep_counts` kept of earlier releases, by release.

    Raises:
        CornerstoneError: the gates left no Data Docs, or an owner's note is of no rule.
    """
    board = load_policy().parameters_of("evidence")
    made: datetime = release["created_at"].replace(tzinfo=UTC)
    set_aside = rows_set_aside(connection, database, board, inventory.untold_returns, earlier)
    outcomes = rule_outcomes(connection, database, set_aside)
    nobody = returns_about_nobody()
    this = ReleaseBefore(
        release_id=release["release_id"],
        created_at=made,
        severities=count_severities(connection, quoted(database, "meta", "rule_result")),
        rows=count_rows(inventory.inputs, board, inventory.untold_returns),
        approval=None,
        withdrawal=None,
    )
    return Checks(
        made=made,
        outcomes=outcomes,
        notes=read_notes(NOTES_FILE, {one.rule_id for one in outcomes}),
        docs=released_data_docs(
            settings.quality_dir,
            inventory,
            threshold=board.threshold,
            told_rules={one.rule_id for one in outcomes if one.return_id in nobody},
        ),
        history=[*releases_before(settings, made, board), this],
        expected=expected_returns(settings, made.date()),
        set_aside=set_aside,
    )


def validation_pages(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    quality_dir: Path,
    inventory: Inventory,
    checks: Checks,
    earlier: Mapping[str, Path],
) -> list[Page]:
    """The pages of what was checked.

    Args:
        connection: the warehouse, with the open database attached as `database`.
        database: alias of the open database.
        quality_dir: where linkage left what it measured.
        inventory: what is released.
        checks: what was found of it.
        earlier: what `remembered_places.keep_counts` kept of earlier releases, by release.
    """
    board = load_policy().parameters_of("evidence")
    labels = {one.rule_id: one.label for one in checks.outcomes}
    rules = {
        "inventory": inventory,
        "disclosure": inventory.disclosure,
        "checks": checks,
        "places": places_of_rules(checks.docs),
        "owners": count_beneath(checks.outcomes, lambda one: one.owner),
        "returned": count_beneath(checks.outcomes, lambda one: one.returned),
        "open_data": open_data_rules(connection, database),
        "chart": history_chart(checks.history),
        "reasons": [
            (said_return(one.return_id), one.rule_id, labels.get(one.rule_id, NO_REASON), one.rows)
            for one in checks.set_aside.reasons
        ],
    }
    returns = {
        "board": board,
        "completeness": census_completeness(connection),
        "reconciliation": reconcile(connection, board, database=database, earlier=earlier),
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
        *data_docs_pages(checks.docs),
    ]


def rule_outcomes(connection: duckdb.DuckDBPyConnection, database: str, set_aside: SetAside) -> list[RuleOutcome]:
    """Every rule of the catalogue with what came of it, those that failed first, the gravest before the others.

    Args:
        connection: the warehouse, with the open database attached as `database`.
        database: alias of the open database.
        set_aside: rows set aside, by rule.
    """
    rows = connection.execute(
        f"""
        with refused as (
            select failure.rule_id, count(distinct failure.submission_id) as files
            from control.rule_failure as failure
            inner join control.submission as submission using (submission_id)  -- many to one
            where submission.status = 'refused'
            group by failure.rule_id
        ),

        accepted as (
            select submission_id, return_id from control.submission where status = 'accepted'
        ),

        not_judged as (
            select rule_id from control.rule_not_judged semi join accepted using (submission_id)
        )

        select
            rule.rule_id,
            coalesce(result.gate, 'landing') as gate,
            rule.severity,
            rule.effect,
            rule.return_id,
            rule.owner,
            rule.label,
            rule.action,
            case
                when result.outcome is not null then result.outcome
                when rule.effect is null or rule.rule_id in (select rule_id from not_judged) then 'not judged'
                when rule.return_id <> {literal(EVERY_RETURN)} and rule.return_id not in (select return_id from accepted)
                    then 'no rows'
                else 'passed'
            end as outcome,
            if(result.outcome = 'failed', result.failing_count, null) as failing,
            if(rule.effect = 'refuse', coalesce(refused.files, 0), 0) as refused
        from {quoted(database, "meta", "rule")} as rule
        left join {quoted(database, "meta", "rule_result")} as result using (rule_id)  -- one to many
        left join refused using (rule_id)  -- many to one
        """
    ).fetchall()
    kept_out: dict[str, list[int | None]] = {}
    for reason in set_aside.reasons:
        kept_out.setdefault(reason.rule_id, []).append(reason.rows)
    outcomes = [_with_rows_set_aside(RuleOutcome(*row), kept_out) for row in rows]
    order = {FAILED: 0, NOT_JUDGED: 1, NO_ROWS: 1, PASSED: 2}
    return sorted(outcomes, key=lambda one: (order[one.outcome], SEVERITIES.index(one.severity), one.rule_id, one.gate))


def _with_rows_set_aside(one: RuleOutcome, kept_out: Mapping[str, list[int | None]]) -> RuleOutcome:
    """A rule that sets rows aside has failed where it did so."""
    if one.rule_id not in kept_out:
        return one
    told = [rows for rows in kept_out[one.rule_id] if rows is not None]
    is_told = len(told) == len(kept_out[one.rule_id])
    return replace(one, outcome=FAILED, failing=sum(told) if is_told else None)


def count_beneath(outcomes: Sequence[RuleOutcome], name: Callable[[RuleOutcome], str]) -> list[RulesBeneath]:
    """Rules by what `name` says of each: those with most warnings first."""
    counted: dict[str, Counter[str]] = {}
    for one in outcomes:
        kind = one.severity if one.outcome == FAILED else one.verdict
        counted.setdefault(name(one), Counter())[kind] += 1
    made = [
        RulesBeneath(
            name=key,
            rules=kinds.total(),
            passed=kinds[PASSED],
            kept_out=kinds["block"],
            warned=kinds["warn"],
            observed=kinds["observe"],
            not_judged=kinds[NOT_JUDGED],
        )
        for key, kinds in counted.items()
    ]
    return sorted(made, key=lambda one: (-one.warned, -one.observed, one.name))


def open_data_rules(connection: duckdb.DuckDBPyConnection, database: str) -> list[dict[str, Any]]:
    """The rules of the open data files, with what was found."""
    return named_rows(connection.execute(f"from {quoted(database, 'meta', 'open_data_rule')} order by rule_id"))
