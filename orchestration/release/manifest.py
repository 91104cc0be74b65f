"""manifest.json: what a release holds, from which files, on which evidence, and who approved it."""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from orchestration.durable import write_json_durably
from orchestration.errors import CornerstoneError
from orchestration.returns.submission import People

MANIFEST = "manifest.json"
MANIFEST_MODE = 0o640


class Record(BaseModel):
    """A part of the manifest; unknown keys are refused so that a hand-edited manifest is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class InputSubmission(Record):
    """One accepted submission that the marts may draw on; `is_current` is False for a superseded one."""

    submission_id: str
    return_id: str
    period: str
    supplier: str
    source_file: str
    sha256: str
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    is_current: bool


class BoundaryFile(Record):
    """A file of boundaries that maps are drawn with; it holds no figure, and is no submission."""

    file: str
    sha256: str


class TableContent(Record):
    """One table of the warehouse, as the gate passed it and as it is released."""

    schema_name: str
    table_name: str
    rows: int
    digest: str


class ViewContent(Record):
    """One view: no rows of its own, so no digest, but its definition is part of what is released."""

    schema_name: str
    view_name: str
    definition: str


class RuleCount(Record):
    """How many rules of a severity passed or failed in a gate."""

    severity: str
    success: bool
    rules: int


class GateResult(Record):
    """The gate run whose verdicts the release rests on."""

    gate: str
    run_id: str
    evaluated_at: datetime
    rule_counts: list[RuleCount]


class Disclosure(Record):
    """The disclosure control that the open KPI tables went through: the policy's parameters, and what they came to.

    The attack tried to work out `attacked_cells`; `given_cells` follow from published counts whatever is hidden, and to none of
    the others did it come closer than two numbers `tightest_interval` apart. None in a release made before there was an attack.

    Counts are of cells: `primary_cells` are small themselves, `secondary_cells` would give those away. `suppressed_values`
    are the KPI values hidden for either. `unprotected_lines` are sums in which published counts alone give one away.
    `local_values` are the figures that could be shown at all: `shown_values` are, `merged_values` are told by figures of
    coarser breakdowns, `withheld_values` stand in tables that would have been mostly hidden. These four are None in a
    release made before they were counted.
    """

    policy_id: str
    policy_version: str
    audience: str
    statement: str
    threshold: int
    zero_is_disclosive: bool
    rounding_base: int
    min_denominator: int
    min_contributors: int
    dominance_pct: int | None
    secondary: bool
    publish_extremes: bool
    protection_width: int | None = None
    attacked_cells: int | None = None
    given_cells: int | None = None
    recovered_cells: int | None = None
    untested_cells: int | None = None
    tightest_interval: int | None = None
    primary_cells: int
    secondary_cells: int
    suppressed_values: int
    unprotected_lines: int
    local_values: int | None = None
    shown_values: int | None = None
    merged_values: int | None = None
    withheld_values: int | None = None


class RevisionCount(Record):
    """How many figures were revised in one way for one cause."""

    kind: str
    cause: str
    figures: int


class Revisions(Record):
    """How a release differs from the one people read when it was built (`previous_release`), and from all before it.

    `published_before` counts the releases that people had read by then. Small differences are figures whose count moved by 1 to
    the threshold less one since it was published: those still shown, which the approver looks at, and those suppressed for it.
    """

    published_before: int
    counts: list[RevisionCount]
    small_differences_shown: int
    small_differences_suppressed: int

    @property
    def figures(self) -> int:
        """Figures revised."""
        return sum(count.figures for count in self.counts)


class Approval(Record):
    """Whether a named person had to agree, and who did."""

    required: bool
    status: Literal["not_required", "pending", "approved"]
    by: str | None = None
    at: datetime | None = None
    note: str | None = None

    @property
    def said(self) -> str:
        """Where it stands, in the words of every page and command."""
        if self.status == "approved" and self.at is not None:
            return f"approved by {self.by} on {self.at:%-d %B %Y}"
        return {"pending": "waiting for a named person"}.get(self.status, "not required")


class Withdrawal(Record):
    """Who rolled back from this release, and to which."""

    by: str
    at: datetime
    note: str
    replaced_by: str


class ReleasedFile(Record):
    """One file of the release; `path` is relative to the release folder."""

    path: str
    bytes: int
    sha256: str


class Removal(Record):
    """A file that was deleted after the release was made, and why: what it held of people had to go."""

    path: str
    by: str
    at: datetime
    why: str


class Manifest(Record):
    """Everything recorded about a release. Written last, so a folder with a manifest is a complete release."""

    release_id: str
    created_at: datetime
    run_id: str
    code_version: str
    previous_release: str | None
    content_digest: str
    catalogue_digest: str
    duckdb_version: str
    duckdb_storage_version: str
    people: People | None = None
    inputs: list[InputSubmission]
    boundaries: list[BoundaryFile] | None = None
    """None in a release made before they were recorded."""
    tables: list[TableContent]
    views: list[ViewContent]
    gates: list[GateResult]
    disclosure: Disclosure | None = None
    """None in a release made before there was disclosure control."""
    revisions: Revisions | None = None
    """None in a release made before revisions were listed."""
    approval: Approval
    withdrawal: Withdrawal | None = None
    removals: list[Removal] = []
    files: list[ReleasedFile]


def combined_digest(
    tables: list[TableContent],
    views: list[ViewContent],
    inputs: list[InputSubmission],
    *,
    catalogue_digest: str,
    code_version: str,
    boundaries: list[BoundaryFile],
) -> str:
    """SHA-256 (hex) of all that decides what a release says: no run id, no time, no order of arrival."""
    parts = {
        "tables": sorted([table.schema_name, table.table_name, table.digest] for table in tables),
        "views": sorted([view.schema_name, view.view_name, view.definition] for view in views),
        "inputs": sorted([item.return_id, item.period, item.supplier, item.sha256] for item in inputs),
        "catalogue": catalogue_digest,
        "code": code_version,
        "boundaries": [item.sha256 for item in boundaries],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write (or replace) the manifest of a release folder in one step, on disk before it returns."""
    path = folder / MANIFEST
    write_json_durably(path, manifest.model_dump(mode="json"))
    path.chmod(MANIFEST_MODE)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a complete release.

    Raises:
        CornerstoneError: there is none, or it has been altered into something that cannot be read.
    """
    path = folder / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CornerstoneError(f"{folder.name} is not a complete release: it has no {MANIFEST}.") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise CornerstoneError(
            f"The manifest of release {folder.name} cannot be read; restore it from a backup, or move the folder out of "
            f"{folder.parent} and run again."
        ) from error
