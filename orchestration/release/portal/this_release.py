"""The first page: what was released, from which files, and what changed since the release before."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import duckdb

from orchestration.release.inventory import Inventory
from orchestration.release.manifest import BoundaryFile, InputSubmission
from orchestration.release.portal.kpis import Told, family_title, headlines, ratings_in_words
from orchestration.release.portal.names import said_return
from orchestration.release.portal.overdue import ExpectedReturn
from orchestration.release.portal.site import Page
from orchestration.release.portal.validation import Checks
from orchestration.release.remembered import THRESHOLDS_HELD_BACK
from orchestration.release.revisions import family_revisions, read_revisions, small_differences_of
from orchestration.returns.expected import ExpectedPeriod

REVISIONS_LISTED = 500


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

    @property
    def key(self) -> tuple[str, str, str]:
        """Return, kind of supplier and period."""
        return self.return_id, self.supplier_kind, self.period

    def rows(self, kind: str) -> int:
        """Rows `read`, `landed` or `quarantined`."""
        return sum(getattr(item, f"rows_{kind}") for item in self.submissions)


@dataclass(frozen=True)
class ReturnInputs:
    """The accepted submissions of one return, folded: its latest period stands in the line above them."""

    return_id: str
    folds: list[FoldedInputs]

    @property
    def title(self) -> str:
        """The return as pages call it."""
        return said_return(self.return_id)

    @property
    def submissions(self) -> int:
        """How many there are."""
        return sum(len(fold.submissions) for fold in self.folds)

    @property
    def landed(self) -> int:
        """Rows that can be used."""
        return sum(fold.rows("landed") for fold in self.folds)

    @property
    def periods(self) -> str:
        """From the earliest to the latest period."""
        periods = sorted({fold.period for fold in self.folds} - {""})
        return "" if not periods else periods[0] if len(periods) == 1 else f"{periods[0]} to {periods[-1]}"


def this_release_page(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    database: str,
    inventory: Inventory,
    boundaries: Sequence[BoundaryFile],
    left_out: dict[str, int],
    checks: Checks,
    told: list[Told],
) -> Page:
    """The first page.

    Args:
        connection: has the open database attached as `database`.
        folder: the evidence folder of the release being built, whose restricted database is complete.
        database: alias of the open database.
        inventory: what is released.
        boundaries: the files that maps are drawn with.
        left_out: KPI rows that the CSV files cannot carry, by area level.
        checks: what was found of the release.
        told: every KPI of the release, as the pages of figures tell it.
    """
    facts = {
        "headlines": headlines(told),
        "figures_say": ratings_in_words(told),
        "family_title": family_title,
        "inventory": inventory,
        "checks": checks,
        "inputs": folds_by_return(fold_inputs(inventory.inputs)),
        "completeness": suppliers_expected(checks.expected),
        "disclosure": inventory.disclosure,
        "boundaries": boundaries,
        "left_out": left_out,
        "untold": inventory.untold_returns,
        "revised_families": family_revisions(connection, database),
        "revisions": read_revisions(connection, database),
        "listed": REVISIONS_LISTED,
        "small_differences": [one for one in small_differences_of(folder.parent) if one.is_shown],
        "held_below": THRESHOLDS_HELD_BACK * inventory.disclosure.threshold,
    }
    return Page("index", "This release", "index", "this_release.html.j2", facts)


def fold_inputs(inputs: list[InputSubmission]) -> list[FoldedInputs]:
    """Submissions by return, kind of supplier and period, in this order."""

    def group(item: InputSubmission) -> tuple[str, str, str]:
        return item.return_id, item.supplier.split(".")[0], item.period

    return [FoldedInputs(*key, list(members)) for key, members in groupby(sorted(inputs, key=group), key=group)]


def folds_by_return(folds: list[FoldedInputs]) -> list[ReturnInputs]:
    """Folds, which stand in order of their returns, by return."""
    return [ReturnInputs(key, list(members)) for key, members in groupby(folds, key=lambda fold: fold.return_id)]


def suppliers_expected(expected: Sequence[ExpectedReturn]) -> dict[tuple[str, str], ExpectedPeriod]:
    """By return and period: how many suppliers came of those on the list, where a list says who has to send."""
    return {
        (period.occasion.return_id, period.occasion.period): period
        for one in expected
        for period in one.periods
        if period.expected_suppliers is not None
    }
