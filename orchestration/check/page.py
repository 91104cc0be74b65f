"""The report as one page that a person can work from. Nothing leaves it: no address is in it and its policy allows none."""

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from orchestration.check.report import CheckedFile, CheckReport, FailedRule, Location
from orchestration.pages import page_templates

TEMPLATES = Path(__file__).parent / "templates"
# A page with tens of thousands of rows is slow to open and nobody reads it; the JSON report holds them all.
PLACES_A_RULE = 200
_OPEN_UP_TO = 10  # places that are shown without unfolding


def render_page(report: CheckReport) -> str:
    """The page; every value is escaped, and only the page's own script and style are allowed to act."""
    environment = page_templates(TEMPLATES)
    environment.filters["number"] = "{:,}".format
    environment.filters["share"] = _share
    style = (TEMPLATES / "check.css").read_text(encoding="utf-8")
    script = (TEMPLATES / "check.js").read_text(encoding="utf-8")
    return environment.get_template("check.html.j2").render(
        report=report,
        style=style,
        script=script,
        policy=f"default-src 'none'; style-src {_allowed(style)}; script-src {_allowed(script)}; base-uri 'none'; form-action 'none'",
        cap=PLACES_A_RULE,
        open_up_to=_OPEN_UP_TO,
        worklist=worklist,
        identifier_names=_identifier_names,
    )


def worklist(file: CheckedFile) -> list[tuple[Location, FailedRule]]:
    """What the page shows of every rule, in the order of the file: record by record."""
    shown = [(location, rule) for rule in file.rules for location in rule.locations[:PLACES_A_RULE]]
    order = {table.table: position for position, table in enumerate(file.tables)}
    return sorted(
        shown,
        key=lambda pair: (order.get(pair[0].table, -1), pair[0].file, pair[0].row or 0, pair[0].cell or ""),
    )


def _identifier_names(file: CheckedFile) -> list[str]:
    """Headings of the columns that say whom a place is about; none unless they were asked for."""
    return list(dict.fromkeys(name for location in file.locations() for name in location.identifiers or ()))


def _share(filled: int, rows: int) -> str:
    """A share in per cent that says 100 or 0 only where it is so."""
    if rows == 0:
        return "-"
    percent = 100 * filled / rows
    if 0 < percent < 0.1:
        return "under 0.1%"
    return f"{percent:.0f}%" if percent in {0, 100} else f"{min(percent, 99.9):.1f}%"


def _allowed(inline: str) -> str:
    digest = base64.b64encode(hashlib.sha256(inline.encode("utf-8")).digest()).decode()
    return f"'sha256-{digest}'"


@contextmanager
def opened(path: Path, *, private: bool) -> Iterator[TextIO]:
    """A report file to write: there whole or not at all; readable by its owner alone where it is private."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            yield stream
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
