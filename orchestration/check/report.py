"""What was found in checked files. Its fields are the keys of `--format json`; `report.schema.json` describes them.

No value of a row is in it, save the identifiers that were asked for.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from expectations.catalogue import Effect, Severity
from orchestration.returns.submission import People

SCHEMA_VERSION = 1
SCHEMA_PATH = Path(__file__).parent / "report.schema.json"

Verdict = Literal["usable", "refused", "unreadable"]
Kind = Literal["error", "query"]


@dataclass(frozen=True)
class Location:
    """One place where a rule fails."""

    file: Annotated[str, Field(description="Name of the data file.")]
    table: Annotated[str, Field(description="Table of the return, as landed.")]
    module: Annotated[str, Field(description="What files call the table: its element, or else the table's name.")]
    row: Annotated[
        int | None, Field(description="Record of the table in the file, as landing counts; null: whole file.")
    ]
    line: Annotated[
        int | None,
        Field(
            description="Where to look: the line of an XML file; in a CSV file or a sheet the row as a spreadsheet numbers it,"
            " headings included and empty lines of a CSV file left out. Null where it cannot be told."
        ),
    ] = None
    sheet: Annotated[str | None, Field(description="Sheet of a workbook.")] = None
    path: Annotated[
        str | None, Field(description="XML only: elements from the person down, each with its position.")
    ] = None
    person_line: Annotated[
        int | None, Field(description="The same for the record of the person whom the row belongs to.")
    ] = None
    cell: Annotated[str | None, Field(description="The figure, where one row holds several.")] = None
    identifiers: Annotated[
        dict[str, str | None] | None, Field(description="Only with --show-identifiers: who the row is about.")
    ] = None

    @property
    def place(self) -> str:
        """Where in its file, for a person."""
        if self.row is None:
            if self.cell is None:
                return "the whole file"
            return f"sheet {self.sheet}, {self.cell}" if self.sheet is not None else self.cell
        if self.row == 0:  # a case system's files have no header; theirs is implied
            return "the header"
        if self.path is not None:
            where = f"line {self.line}" if self.line is not None else f"{self.module} {self.row}"
        elif self.line is not None:
            where = f"row {self.line}"
        else:
            where = f"row {self.row} below the headings"
        if self.sheet is not None:
            where = f"sheet {self.sheet}, {where}"
        return f"{where}, {self.cell}" if self.cell else where

    @property
    def key(self) -> str:
        """The place, for a program that ticks it off."""
        return "|".join(str(part) for part in (self.file, self.table, self.row, self.cell or ""))


@dataclass(frozen=True)
class FailedRule:
    """A rule that fails, and where."""

    rule_id: Annotated[str, Field(description="Rule in Cornerstone's catalogue.")]
    official_number: Annotated[str | None, Field(description="Number of the rule with its publisher, where known.")]
    kind: Annotated[Kind, Field(description="An error has to be corrected; a query corrected or explained.")]
    severity: Annotated[Severity, Field(description="block and warn are errors, observe is a query.")]
    effect: Annotated[
        Effect | None,
        Field(description="refuse: the file; quarantine: the row is set aside; flag: the row lands, marked."),
    ]
    label: Annotated[str, Field(description="What holds in a sound file.")]
    why: Annotated[str, Field(description="Why it matters.")]
    action: Annotated[str, Field(description="What to do.")]
    owner: Annotated[str, Field(description="Who does it.")]
    failing: Annotated[int, Field(description="How often it fails.")]
    locations: Annotated[list[Location], Field(description="Every place; none where the file could not be read.")]

    @property
    def number(self) -> str:
        """The number people know it by."""
        if self.official_number is None or self.official_number == self.rule_id:
            return self.rule_id
        return f"{self.official_number} ({self.rule_id})"

    @property
    def consequence(self) -> str:
        """What it does to the file, in words."""
        return {"refuse": "file refused", "quarantine": "rows set aside"}.get(self.effect or "", "marked")


@dataclass(frozen=True)
class FilledColumn:
    """How complete a column is."""

    column: Annotated[str, Field(description="Column of the landed table.")]
    name: Annotated[str, Field(description="What files call it.")]
    filled: Annotated[int, Field(description="Rows in which it is filled.")]
    invalid: Annotated[int, Field(description="Of these, rows in which it is no date, number or code that is known.")]


@dataclass(frozen=True)
class CheckedTable:
    """One table of a file: rows, and how complete they are."""

    table: Annotated[str, Field(description="Table of the return, as landed.")]
    module: Annotated[str, Field(description="What files call it.")]
    rows_read: Annotated[int, Field(description="Rows in the file.")]
    rows_usable: Annotated[int, Field(description="Rows that would land.")]
    rows_set_aside: Annotated[int, Field(description="Rows that would not.")]
    columns: Annotated[list[FilledColumn], Field(description="How complete its columns are.")]


@dataclass(frozen=True)
class CheckedFile:
    """A data file, or the files of one set: what it is, the verdict on it, and what is wrong."""

    name: Annotated[str, Field(description="Name of the file; of a set, of the first and how many more.")]
    files: Annotated[list[str], Field(description="Names of the data files.")]
    sha256: Annotated[str, Field(description="Digest of its bytes; of a set, of the digests of its files.")]
    verdict: Annotated[
        Verdict, Field(description="usable; refused: read, and not to be used; unreadable: not read or not recognised.")
    ]
    reason: Annotated[str | None, Field(description="Why it is refused or unreadable.")]
    return_id: Annotated[str | None, Field(description="Return it was recognised as.")] = None
    return_title: Annotated[str | None, Field(description="Title of the return.")] = None
    period: Annotated[str | None, Field(description="Year or period it is about.")] = None
    supplier: Annotated[str | None, Field(description="Whose it is.")] = None
    authority: Annotated[
        str | None, Field(description="DfE code of the authority, of a return that an authority sends.")
    ] = None
    shape: Annotated[str | None, Field(description="Shape of the file.")] = None
    people: Annotated[
        People | None, Field(description="Whose rows it holds: of invented people or of real ones; null: of nobody.")
    ] = None
    rows_read: Annotated[int, Field(description="Rows in the file, of all tables.")] = 0
    rows_set_aside: Annotated[int, Field(description="Rows that would be set aside, of all tables.")] = 0
    tables: Annotated[list[CheckedTable], Field(description="Its tables.")] = field(default_factory=list)
    rules: Annotated[list[FailedRule], Field(description="Rules that fail: errors first, the gravest first.")] = field(
        default_factory=list
    )
    not_judged: Annotated[
        dict[str, str], Field(description="Rules that could not be judged, and why: neither passed nor failed.")
    ] = field(default_factory=dict)
    compared_with: Annotated[
        list[str],
        Field(
            description="Files of the same sender, accepted into the store at hand, that it was compared with, in the order"
            " of their acceptance."
        ),
    ] = field(default_factory=list)

    def rules_of(self, kind: Kind) -> list[FailedRule]:
        """Its errors, or its queries."""
        return [rule for rule in self.rules if rule.kind == kind]

    def failing(self, kind: Kind) -> int:
        """How many errors, or queries."""
        return sum(rule.failing for rule in self.rules_of(kind))

    @property
    def recognised_as(self) -> str:
        """What the file is, in words."""
        if self.return_title is None:
            return "Not recognised as any return."
        sender = f"authority {self.authority}" if self.authority else self.supplier
        period = None if self.verdict == "unreadable" else self.period
        rows = f"{self.rows_read:,} rows" if self.tables else None
        people = "invented people" if self.people == "invented" else None
        return ", ".join(part for part in (self.return_title, period, sender, self.shape, rows, people) if part)

    @property
    def headline(self) -> str:
        """The verdict in a few words."""
        if self.verdict == "unreadable":
            return "Cannot be read"
        if self.verdict == "refused":
            return "Would be refused"
        if self.rows_set_aside:
            return f"Can be used; {self.rows_set_aside:,} of {self.rows_read:,} rows would be set aside"
        return "Can be used, with errors to correct" if self.rules_of("error") else "Can be used"

    @property
    def told(self) -> str:
        """What stands in the way, in a sentence."""
        if self.reason:
            return self.reason
        parts = [
            f"{_counted(count, one, many)} by {_counted(len(self.rules_of(kind)), 'rule', 'rules')}"
            for kind, one, many in _KINDS
            if (count := self.failing(kind))
        ]
        return f"{' and '.join(parts)}." if parts else "No rule fails."

    @property
    def comparison(self) -> str | None:
        """What it was compared with, in words; None where that is nothing."""
        if not self.compared_with:
            return None
        counted = _counted(len(self.compared_with), "return", "returns")
        return f"{counted} accepted into the store at hand, the last of them {self.compared_with[-1]}"

    @property
    def exit_code(self) -> int:
        """0 clean or queries only, 1 errors, 2 not read."""
        if self.verdict == "unreadable":
            return 2
        return 1 if self.verdict == "refused" or self.rules_of("error") else 0

    def not_judged_by_reason(self) -> dict[str, list[str]]:
        """The rules that could not be judged, under the reason why."""
        reasons: dict[str, list[str]] = {}
        for rule_id, reason in self.not_judged.items():
            reasons.setdefault(reason, []).append(rule_id)
        return reasons

    def locations(self) -> Iterator[Location]:
        """Every place of every rule."""
        for rule in self.rules:
            yield from rule.locations


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


_KINDS: tuple[tuple[Kind, str, str], ...] = (("error", "error", "errors"), ("query", "query", "queries"))


@dataclass(frozen=True)
class IncompleteSet:
    """Files of a set whose other files were not given; they are not checked."""

    files: Annotated[list[str], Field(description="Names of the files that were given.")]
    missing: Annotated[list[str], Field(description="What the set lacks.")]


@dataclass(frozen=True)
class CheckReport:
    """What was found in the files that were checked."""

    schema_version: Annotated[int, Field(description="Rises when a key changes its meaning or goes.")]
    checked_at: Annotated[datetime, Field(description="When, in UTC.")]
    code_version: Annotated[str, Field(description="Version of Cornerstone, with its rules.")]
    holds_identifiers: Annotated[bool, Field(description="Whether it names children: --show-identifiers was given.")]
    exit_code: Annotated[int, Field(description="0 clean or queries only, 1 errors, 2 something could not be read.")]
    files: Annotated[list[CheckedFile], Field(description="One a data file, or set of files that belong together.")]
    incomplete: Annotated[list[IncompleteSet], Field(description="Sets of which files are missing.")]
    repeated: Annotated[list[str], Field(description="Files with the same bytes as one of `files`; checked once.")]

    def as_json(self) -> str:
        """The report for other programs."""
        return _ADAPTER.dump_json(self, indent=2).decode()


_ADAPTER: TypeAdapter[CheckReport] = TypeAdapter(CheckReport)


def schema_text() -> str:
    """The JSON Schema of the report: what `report.schema.json` holds."""
    return json.dumps(_ADAPTER.json_schema(mode="serialization"), indent=2) + "\n"
