"""Where in its file a rule fails, as whoever sent the file can look it up. No value of a row is ever said."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from expectations.landing import LandingFailure
from orchestration.returns.spec import ReturnSpec, Shape

# What to add to the number of a row to get the one a spreadsheet shows; workbooks are numbered so already. The lines of
# XML are not known here, and where the headings take up several rows nothing can be said.
_ROWS_ABOVE: dict[Shape, int] = {
    "record_csv": 1, "record_flat": 1, "flat_csv": 1, "ees_csv": 1, "figure_csv": 1, "wait_csv": 1, "record_workbook": 0,
    "chs_workbook": 0,
}  # fmt: skip
# How rules about a whole return name a cell of one of its tables; what it was and became may follow.
_NAMED_CELL = re.compile(r"(?P<table>\w+)\.(?P<column>\w+), row (?P<row>\d+)(?P<more>.*)", re.DOTALL)
_RULES_NAMED = 3
_PLACES_NAMED = 3


class Place(NamedTuple):
    """A table of the return, and the row and cell in it; no row is a fault of the whole table, no table of the whole file."""

    table: str
    row: int | None
    cell: str | None


def place_of(spec: ReturnSpec, table: str, row: int | None, cell: str | None) -> Place:
    """The place that a failure means: the cell it names, where a rule about the whole return names one.

    A table of pairs has no rows to look up: its columns are names in the file.
    """
    named = _NAMED_CELL.fullmatch(cell or "")
    if row is None and named is not None and named["table"] in spec.tables:
        table, row, cell = named["table"], int(named["row"]), f"{named['column']}{named['more']}"
    if any(of == table and source.pairs is not None for of, source in spec.sources.values()):
        row = None
    return Place(table, row, cell)


def module_of(spec: ReturnSpec, table: str) -> str:
    """What files call a table; where they call it several things, its own name."""
    elements = {element for of, source in spec.sources.values() if of == table for element in source.elements}
    return elements.pop() if len(elements) == 1 else table


def spreadsheet_row(shape: Shape, row: int) -> int | None:
    """The number under which a spreadsheet shows a row of a file; None where it cannot be told."""
    return row + _ROWS_ABOVE[shape] if shape in _ROWS_ABOVE else None


def said_places(
    spec: ReturnSpec,
    shape: Shape,
    sheets: Mapping[str, str],
    failures: Sequence[LandingFailure],
    columns_of: Mapping[str, Sequence[str]],
) -> str:
    """The first few places where rules fail in one submission, in words; empty where they are about the file as a whole.

    Args:
        spec: the return.
        shape: the shape of the file.
        sheets: the sheet of a workbook that each table stands on.
        failures: those to tell of, of one submission, a rule's together.
        columns_of: by rule, the columns that it looks at: said where a failure names no cell.
    """
    of_rule: dict[str, dict[str, None]] = {}
    for failure in failures:
        if said := _said(spec, shape, sheets, failure, columns_of.get(failure.rule_id, ())):
            of_rule.setdefault(failure.rule_id, {})[said] = None
    if not of_rule:
        return ""
    parts = []
    for rule_id, places in list(of_rule.items())[:_RULES_NAMED]:
        more = len(places) - _PLACES_NAMED
        shown = "; ".join(list(places)[:_PLACES_NAMED])
        parts.append(f"{rule_id}: {shown}{f'; and {more:,} more' if more > 0 else ''}")
    return f"Where: {'. '.join(parts)}."


def _said(
    spec: ReturnSpec, shape: Shape, sheets: Mapping[str, str], failure: LandingFailure, columns: Sequence[str]
) -> str:
    if failure.table_name not in spec.tables:
        return ""
    place = place_of(spec, failure.table_name, failure.source_row, failure.cell)
    cell = (place.cell or "").split(":")[0]  # the place alone, not what stands there
    if not cell:
        known = spec.tables[place.table].columns
        cell = ", ".join(known[name].names[0] for name in columns if name in known and known[name].names)
    if place.row is None and not cell:
        return ""
    where = f"sheet {sheets[place.table]}" if place.table in sheets else ""
    if not where and spec.holds_records:
        where = module_of(spec, place.table)
    if place.row:
        number = spreadsheet_row(shape, place.row)
        row = f"row {number}" if number is not None else f"record {place.row}"
        where = f"{where}, {row}" if where else row
    return ", ".join(part for part in (where, cell) if part)
