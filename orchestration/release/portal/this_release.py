"""The first page: what was released, from which files, and what changed since the release before."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import duckdb

from orchestration.release.inventory import Inventory
from orchestration.release.manifest import InputSubmission
from orchestration.release.meta import returns_about_nobody
from orchestration.release.portal.site import Page
from orchestration.release.remembered import THRESHOLDS_HELD_BACK
from orchestration.release.revisions import family_revisions, read_revisions, small_differences_of

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

    def rows(self, kind: str) -> int:
        """Rows `read`, `landed` or `quarantined`."""
        return sum(getattr(item, f"rows_{kind}") for item in self.submissions)


def this_release_page(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    database: str,
    inventory: Inventory,
    left_out: dict[str, int],
) -> Page:
    """The first page.

    Args:
        connection: has the open database attached as `database`.
        folder: the evidence folder of the release being built, whose restricted database is complete.
        database: alias of the open database.
        inventory: what is released.
        left_out: KPI rows that the CSV files cannot carry, by area level.
    """
    facts = {
        "inventory": inventory,
        "inputs": fold_inputs(inventory.inputs),
        "disclosure": inventory.disclosure,
        "left_out": left_out,
        "about_nobody": returns_about_nobody(),
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
