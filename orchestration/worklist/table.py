"""A worklist as a file that a spreadsheet opens."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

SUFFIXES = (".csv", ".xlsx")
_OBEYED = ("=", "+", "-", "@", "\t", "\r")  # a cell of text that begins so is a formula to a spreadsheet
_WIDEST = 60  # characters
PERSONAL_DATA = (
    "PERSONAL DATA: names of children. Keep it as the returns themselves are kept, and delete it when the work is done."
)
"""The line above a table that names children."""


def table_file(
    suffix: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str,
    about: Sequence[str],
    group_by: int,
) -> bytes:
    """The bytes of a CSV file or workbook.

    Args:
        suffix: `.csv` or `.xlsx`.
        headings: of the columns.
        rows: in order; no text of theirs is a formula in the file.
        title: of the sheet.
        about: lines above the table.
        group_by: column whose groups a workbook parts by a line.
    """
    if suffix.lower() == ".xlsx":
        return _workbook(headings, rows, title=title, about=about, group_by=group_by)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerows([_inert(line)] for line in about)
    writer.writerow(headings)
    writer.writerows([_inert(value) for value in row] for row in rows)
    return stream.getvalue().encode("utf-8-sig")


def _inert(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(_OBEYED) else value


def _workbook(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str, about: Sequence[str], group_by: int
) -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Alignment, Border, Font, Side
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    listed = [list(row) for row in rows]

    def cell(value: Any, *, bold: bool = False, wrap: bool = False, line: bool = False) -> Any:
        made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value)
        if isinstance(value, str):
            made.data_type = "s"  # and no formula
        if isinstance(value, date):
            made.number_format = "dd/mm/yyyy"
        made.font = Font(bold=bold)
        made.alignment = Alignment(wrap_text=wrap, vertical="top")
        if line:
            made.border = Border(top=Side(style="thin"))
        return made

    for number, column in enumerate(zip(headings, *listed, strict=True), 1):
        longest = max(len(str(value or "")) for value in column)
        sheet.column_dimensions[get_column_letter(number)].width = min(longest, _WIDEST) + 2
    head = len(about) + 1
    sheet.freeze_panes = f"A{head + 1}"
    sheet.auto_filter.ref = f"A{head}:{get_column_letter(len(headings))}{head + len(listed)}"
    sheet.print_title_rows = f"1:{head}"
    sheet.page_setup.orientation = "landscape"
    for text in about:
        sheet.append([cell(text, bold=True)])
    sheet.append([cell(heading, bold=True, wrap=True) for heading in headings])
    before = None
    for row in listed:
        begins = before is not None and row[group_by] != before
        sheet.append([cell(value, wrap=True, line=begins) for value in row])
        before = row[group_by]
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
