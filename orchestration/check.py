"""`cornerstone check`: what landing would say of a file, without a store."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from expectations.catalogue import Catalogue, load_catalogue
from orchestration.errors import CornerstoneError
from orchestration.returns.assess import Assessed, Incomplete, assess
from orchestration.returns.delivered import delivered_file
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.workspace import open_workspace
from orchestration.settings import Settings

PLACES_SHOWN = 10
NOT_RECOGNISED = {"FILE-008", "FILE-009"}


@dataclass(frozen=True)
class CheckReport:
    """The verdict on files: by data file, and by rule with places; never a value."""

    checked: list[Assessed]
    catalogue: Catalogue
    incomplete: list[Incomplete] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 good, 1 rows have errors or a file of several is refused, 2 no file can be used."""
        if self.incomplete and not self.checked:
            return 2
        if self.checked and all(assessed.status == "refused" for assessed in self.checked):
            return 2
        wrong = any(failure.severity != "observe" for assessed in self.checked for failure in assessed.failures)
        return 1 if wrong or any(assessed.status == "refused" for assessed in self.checked) else 0

    def as_json(self) -> dict[str, Any]:
        """The report for other programs."""
        return {
            "exit_code": self.exit_code,
            "incomplete": [
                {"files": [file.name for file in one.delivered], "missing": one.missing} for one in self.incomplete
            ],
            "files": [
                {
                    "source_file": assessed.source_file,
                    "status": assessed.status,
                    "reason": assessed.reason,
                    "supplier": assessed.supplier,
                    "period": assessed.period,
                    "rows_read": assessed.rows_read,
                    "rows_quarantined": assessed.rows_quarantined,
                    "rules": [
                        {**self._described(rule_id), "failing": count, "places": self._places(assessed, rule_id)}
                        for rule_id, count in assessed.failures_by_rule.items()
                    ],
                }
                for assessed in self.checked
            ],
        }

    def _described(self, rule_id: str) -> dict[str, Any]:
        rule = self.catalogue.rule(rule_id)
        return {
            "rule_id": rule_id,
            "severity": rule.severity,
            "effect": rule.effect,
            "label": rule.label,
            "owner": rule.owner,
            "action": rule.action,
        }

    def _places(self, assessed: Assessed, rule_id: str) -> list[str]:
        failures = (
            failure for failure in assessed.failures if failure.rule_id == rule_id and failure.source_row is not None
        )
        return [f"row {failure.source_row}" + (f", {failure.cell}" if failure.cell else "") for failure in failures]

    def print_to(self, console: Console) -> None:
        """A summary a person can work from."""
        files = Table("file", "what it is", "period", "rows", "set aside", "verdict", box=None, pad_edge=False)
        for assessed in self.checked:
            files.add_row(
                assessed.source_file,
                assessed.supplier or "-",
                assessed.period,
                f"{assessed.rows_read:,}",
                f"{assessed.rows_quarantined:,}",
                "[green]accepted[/green]" if assessed.status == "accepted" else "[red]refused[/red]",
            )
        console.print(files)
        for one in self.incomplete:
            names = ", ".join(file.name for file in one.delivered)
            console.print(f"[red]incomplete[/red] {names}: the set lacks {', '.join(one.missing)}.", soft_wrap=True)
        for assessed in self.checked:
            if assessed.reason:
                console.print(f"[red]refused[/red] {assessed.reason}", soft_wrap=True)
            for rule_id, count in assessed.failures_by_rule.items():
                rule = self.catalogue.rule(rule_id)
                places = self._places(assessed, rule_id)
                shown = "; ".join(places[:PLACES_SHOWN]) + (
                    f"; and {len(places) - PLACES_SHOWN:,} more" if len(places) > PLACES_SHOWN else ""
                )
                console.print(
                    f"\n[bold]{rule_id}[/bold] ({rule.severity}) {rule.label} {count:,} in {assessed.source_file}",
                    soft_wrap=True,
                )
                console.print(f"  where: {shown or 'the whole file'}", soft_wrap=True)
                console.print(f"  what to do: {rule.action} Owner: {rule.owner}.", soft_wrap=True)


def check_files(settings: Settings, paths: Iterable[Path], return_id: str | None) -> CheckReport:
    """Assess files in memory against the rules of one return, or of the return that recognises them.

    Raises:
        CornerstoneError: a path is no file, or the return is unknown.
    """
    files = []
    for path in paths:
        if not path.is_file():
            raise CornerstoneError(f"{path} is not a file; name the files to check.")
        files.append(delivered_file(path))
    catalogue = load_catalogue(settings.rules_dir)
    specs = [load_spec(return_id)] if return_id else [load_spec(known) for known in return_ids()]
    checked: list[Assessed] = []
    incomplete: list[Incomplete] = []
    remaining = files
    for position, spec in enumerate(specs):
        with tempfile.TemporaryDirectory() as spill, open_workspace(spec, Path(spill) / "spill") as connection:
            assessment = assess(
                connection, remaining, spec, catalogue, known_ids=(), la_code=settings.la_code, docs=None
            )
        is_last = position == len(specs) - 1
        remaining = []
        for delivery in assessment.deliveries:
            # Recognised as something of this return, whether or not it can be used.
            if is_last or not any(NOT_RECOGNISED & set(assessed.rule_ids) for assessed in delivery.assessed):
                checked += delivery.assessed
            else:
                remaining += delivery.delivered
        incomplete += assessment.incomplete
        if not remaining:
            break
    return CheckReport(checked, catalogue, incomplete)
