"""A return written into the blank workbook of its quarter, as an authority fills it in."""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from openpyxl.utils import range_boundaries
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from orchestration.returns.spec import load_spec
from orchestration.synthetic.safety_valve.facts import RETURN_ID
from orchestration.template.last import LastReturn
from orchestration.template.workbook import blank_workbook

Row = dict[str, Any]

KEYS = {
    "tblFinance": ("block", "line_code"),
    "tblHighNeeds": ("line_code",),
    "tblMemo": ("line_code",),
    "tblEhcp": ("measure_group", "category_code"),
    "tblFlows": ("flow_code",),
    "tblUnitCost": ("placement_code", "cost_basis"),
    "tblDemand": ("provision_type", "academic_year", "scenario"),
    "tblNarrative": ("section_code",),
}
"""By what a line of a table is known that the template has; the lines of other tables follow one another."""


@dataclass(frozen=True)
class Return:
    """One return of a quarter. `cover`: its values by key; `tables`: rows by the name of their table, formulas left out."""

    period: str
    cover: dict[str, Any]
    tables: dict[str, list[Row]] = field(repr=False)

    @property
    def file_name(self) -> str:
        """What its workbook is called."""
        return "rsv_{la_code}_{financial_year}_Q{quarter}_v{version}.xlsx".format_map(self.cover)

    def row(self, table: str, *key: str) -> Row:
        """The row of a table by its key."""
        return next(row for row in self.tables[table] if tuple(row[name] for name in KEYS[table]) == key)

    def copied(self, **cover: Any) -> "Return":
        """The same return to be changed, with other values on its cover."""
        tables = {table: [dict(row) for row in rows] for table, rows in self.tables.items()}
        return replace(self, cover=self.cover | cover, tables=tables)


@dataclass(frozen=True)
class Area:
    """Where a named table stands on its sheet. `columns`: number of each by its heading."""

    sheet: Worksheet
    header: int
    last: int
    columns: dict[str, int]

    def rows(self) -> Iterator[int]:
        """The rows below the heading."""
        return iter(range(self.header + 1, self.last + 1))

    def value(self, row: int, column: str) -> Any:
        """What a cell holds."""
        return self.sheet.cell(row, self.columns[column]).value


def area(book: Workbook, table: str) -> Area:
    """The area of a named table."""
    sheet = next(sheet for sheet in book.worksheets if table in sheet.tables)
    left, top, right, bottom = range_boundaries(sheet.tables[table].ref)
    assert left and top and right and bottom
    return Area(sheet, top, bottom, {str(sheet.cell(top, c).value): c for c in range(left, right + 1)})


def place_of(book: Workbook, table: str, *key: str) -> int:
    """The row of the sheet in which a line of a table stands."""
    found = area(book, table)
    names = KEYS[table]
    return next(row for row in found.rows() if tuple(found.value(row, name) for name in names) == key)


def filled(one: Return, last: Return | None) -> Workbook:
    """The workbook of a return; `last` is the one whose figures the blank repeats."""
    codes = one.cover["la_code"], one.cover["la_ons_code"]
    book = blank_workbook(RETURN_ID, *codes, one.period, _landed(last) if last else None)
    cover = area(book, "tblCover")
    for row in cover.rows():
        key = cover.value(row, "key")
        if key in one.cover:
            cover.sheet.cell(row, cover.columns["value"]).value = one.cover[key]
    for table, rows in one.tables.items():
        found, names = area(book, table), KEYS.get(table)
        at = {tuple(found.value(row, name) for name in names): row for row in found.rows()} if names else {}
        for number, values in enumerate(rows, start=found.header + 1):
            line = at[tuple(values[name] for name in names)] if names else number
            for column, value in values.items():
                cell = found.sheet.cell(line, found.columns[column])
                if not str(cell.value).startswith("="):
                    cell.value = value
    return book


def _landed(last: Return) -> LastReturn:
    """A return as it lands: every column of every table."""
    spec = load_spec(RETURN_ID)
    rows: dict[str, list[Row]] = {}
    for name, table in spec.tables.items():
        [source] = table.sources.values()
        given = [last.cover] if source.pairs is not None else last.tables[source.titles[0]]
        rows[name] = [{column: row.get(column) for column in table.columns} for row in given]
    return LastReturn(last.period, rows)


def write_return(one: Return, last: Return | None, folder: Path) -> Path:
    """Write the workbook of a return. The same return gives the same bytes."""
    return save(filled(one, last), one.cover["prepared_on"], folder / one.file_name)


def save(book: Workbook, day: date, path: Path) -> Path:
    """Write a workbook as if it had been saved on a day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_bytes(book, day))
    return path


def _bytes(book: Workbook, day: date) -> bytes:
    """The workbook without the clock of this machine."""
    saved, packed = io.BytesIO(), io.BytesIO()
    book.save(saved)
    stamp = f"{day.isoformat()}T09:00:00Z".encode()
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(?<=>)[0-9-]{10}T[0-9:]{8}Z(?=<)", stamp, content)
            entry = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content, compresslevel=3)
    return packed.getvalue()


__all__ = ["KEYS", "Area", "Return", "Row", "area", "filled", "place_of", "save", "write_return"]
