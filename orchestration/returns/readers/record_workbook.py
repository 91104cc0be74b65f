"""Returns as a workbook: a module on each sheet, or the modules stacked on one sheet below their titles.

What spreadsheets call a table, an area with a name, is found by that name wherever it stands. A sheet without one is known
by its name.
"""

import io
from collections.abc import Collection
from datetime import date, datetime, time
from typing import Any, NamedTuple

import pyarrow as pa
from openpyxl import load_workbook
from python_calamine import CalamineError, CalamineWorkbook

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.records import (
    HeldRecords,
    Keep,
    RecordsRead,
    Sheet,
    is_marked,
    keep_linked,
    unpaired,
)
from orchestration.returns.spec import FileKind, LandedTable, ReturnSpec, Source, normalised

_HEADER_WITHIN = 20


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> HeldRecords | None:
    """The tables a workbook holds when its cover says that it is of this kind, or most of the required ones are among them.

    Raises:
        FileRefused: FILE-003 the workbook cannot be opened.
    """
    if file.kind != "workbook":
        return None
    found = _sheets(file, spec)
    sheets = {sheet.table: sheet.name for sheet in found}
    paired = [sheet for sheet in found if spec.sources[sheet.table][1].pairs is not None]
    if not all(is_marked(sheet.rows, kind.marker) for sheet in paired):
        return None
    says_so = kind.marker is not None and bool(paired)
    if not says_so and 2 * len(set(kind.required) & set(sheets)) <= len(kind.required):
        return None
    return HeldRecords(tuple(sheets), sheets=sheets)


def read(files: list[tuple[DataFile, HeldRecords]], kind: FileKind, spec: ReturnSpec, keep: Keep) -> RecordsRead:
    """Read a workbook into linked records; `source_row` is the row as a spreadsheet shows it.

    Raises:
        FileRefused: RF-013 a table is missing or stops above one of its rows, RF-016 what must be text is a number, and
            what `keep_linked` raises.
    """
    [(file, held)] = files
    missing = [spec.sources[table][1].titles[0] for table in kind.required if table not in held.tables]
    if missing:
        raise FileRefused(
            "RF-013",
            f"{file.source_file} has no table that can be told to be {', '.join(missing)}; name the sheet or the title of the table so.",
        )
    result = RecordsRead()
    keep_linked(_sheets(file, spec, must_be_text=True), spec, kind, keep, result)
    return result


def areas_of(file: DataFile, spec: ReturnSpec) -> dict[str, tuple[str, int, int | None]]:
    """By table: its sheet, its first column (from 0) and the column after its last, None where it has the sheet's width."""
    return {spec.sources[sheet.table][0]: (sheet.name, *sheet.columns) for sheet in _sheets(file, spec)}


def _sheets(file: DataFile, spec: ReturnSpec, *, must_be_text: bool = False) -> list[Sheet]:
    """The tables of a workbook; `must_be_text` refuses numbers where the return has text.

    Raises:
        FileRefused: FILE-003 it cannot be opened, FILE-007 pairs contradict, RF-013 a table stops above one of its rows,
            RF-016.
    """
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(file.content), load_tables=True)
        areas = _areas(workbook, spec)
    except CalamineError as error:
        raise FileRefused(
            "FILE-003", f"{file.source_file} is a damaged, incomplete or protected workbook; save it again."
        ) from error
    titles = {title: name for name, (_, source) in spec.sources.items() for title in source.normalised_titles}
    found: list[Sheet] = []
    faults = _faulty_cells(file) if must_be_text and spec.has_amounts else {}
    for name in workbook.sheet_names:
        try:
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
        except CalamineError as error:
            raise FileRefused(
                "FILE-003", f"{file.source_file}, sheet '{name}': damaged or incomplete; save it again."
            ) from error
        for row, column, fault in faults.get(name, []):
            if row < len(rows) and column < len(rows[row]):
                rows[row][column] = fault
        place = f"{file.source_file}, sheet '{name}',"
        blocks = areas.get(name) or [
            _Area(table, start, end, 0, None) for table, start, end in _blocks(name, rows, titles, spec)
        ]
        for table, start, area_end, left, right in blocks:
            end = min(area_end, len(rows))  # a sheet ends with its last filled row, whatever its tables have below
            of_table, source = spec.sources[table]
            cells = rows if right is None else [row[left:right] for row in rows[:end]]
            if must_be_text:
                if right is not None and area_end not in {area.header for area in areas[name]}:
                    _require_nothing_below(
                        [row[left:right] for row in rows[end : end + 1]], end, source.titles[0], place
                    )
                _require_text(cells, start, end, spec.tables[of_table], place)
            block = _block(cells, start, end, _amount_names(spec.tables[of_table], source))
            if source.pairs is not None:
                block = unpaired(block, source.pairs, place)
            found.append(Sheet(table, file.source_file, place, block, name, (left, right)))
    return found


def _faulty_cells(file: DataFile) -> dict[str, list[tuple[int, int, str]]]:
    """By sheet, the row, the column (from 0) and the text of cells that hold an error; calamine reads them as blank."""
    book = load_workbook(io.BytesIO(file.content), read_only=True, data_only=True)
    try:
        return {
            sheet.title: [
                (i, j, str(cell.value))
                for i, row in enumerate(sheet.iter_rows())
                for j, cell in enumerate(row)
                if cell.data_type == "e"
            ]
            for sheet in book.worksheets
        }
    finally:
        book.close()


class _Area(NamedTuple):
    """Where a table stands on its sheet: the row of its header, the row after its last, and its columns likewise."""

    table: str
    header: int
    end: int
    left: int
    right: int | None


def _areas(workbook: CalamineWorkbook, spec: ReturnSpec) -> dict[str, list[_Area]]:
    """By sheet, the areas that are named as the return's tables are."""
    titles = {title: name for name, (_, source) in spec.sources.items() for title in source.normalised_titles}
    found: dict[str, list[_Area]] = {}
    for name in workbook.table_names or []:
        if normalised(name) in titles:
            area = workbook.get_table_by_name(name)
            if area.start is not None and area.end is not None:
                (top, left), (bottom, right) = area.start, area.end
                found.setdefault(area.sheet, []).append(
                    _Area(titles[normalised(name)], top - 1, bottom + 1, left, right + 1)
                )
    return found


def _require_nothing_below(next_row: list[list[Any]], end: int, title: str, place: str) -> None:
    """A row that was typed below a named table and did not become part of it would be lost without a word."""
    if any(cell != "" for row in next_row for cell in row):
        raise FileRefused(
            "RF-013",
            f"{place} row {end + 1}, stands directly below {title} and is no part of it; drag the corner of the table down"
            " over it, or leave a blank row between the two.",
        )


def _require_text(rows: list[list[Any]], header: int, end: int, table: LandedTable, place: str) -> None:
    must_be_text = {normalised(name) for column in table.columns.values() if column.is_text for name in column.names}
    for position, name in enumerate(rows[header]):
        if normalised(str(name)) in must_be_text:
            for i in range(header + 1, end):
                if isinstance(rows[i][position], int | float):
                    raise FileRefused(
                        "RF-016",
                        f"{place} row {i + 1}, holds '{name}' as a number, which has lost any leading zeros; format the"
                        " column as text, fill it from the source again and send the workbook anew.",
                    )


def _blocks(name: str, rows: list[list[Any]], titles: dict[str, str], spec: ReturnSpec) -> list[tuple[str, int, int]]:
    """Tables of a sheet: the row of each one's header, and the row after its last."""
    stacked = []
    for i, row in enumerate(rows):
        filled = [cell for cell in row if cell != ""]
        if len(filled) == 1 and isinstance(filled[0], str) and normalised(filled[0]) in titles:
            stacked.append((titles[normalised(filled[0])], i))
    blocks = []
    for position, (table, title_row) in enumerate(stacked):
        end = stacked[position + 1][1] if position + 1 < len(stacked) else len(rows)
        header = _header_row(rows, title_row + 1, end, table, spec)
        if header is not None:
            blocks.append((table, header, end))
    if blocks or normalised(name) not in titles:
        return blocks
    table = titles[normalised(name)]
    header = _header_row(rows, 0, len(rows), table, spec)
    return [] if header is None else [(table, header, len(rows))]


def _header_row(rows: list[list[Any]], start: int, end: int, table: str, spec: ReturnSpec) -> int | None:
    """The first row in which two cells, or all there are, are names of the table's columns."""
    of_table, source = spec.sources[table]
    known = set(spec.tables[of_table].source_names)
    if source.pairs is not None:
        known = {normalised(source.pairs.name), normalised(source.pairs.value)}
    for i in range(start, min(end, start + _HEADER_WITHIN)):
        cells = [normalised(str(cell)) for cell in rows[i] if cell != ""]
        if len(known & set(cells)) >= min(2, len(known)):
            return i
    return None


def _amount_names(table: LandedTable, source: Source) -> set[str]:
    """The headings, normalised, of columns that hold amounts; of pairs, that of the values where any of them is one."""
    names = {normalised(name) for column in table.columns.values() if column.amount for name in column.names}
    return {normalised(source.pairs.value)} if names and source.pairs is not None else names


def _block(rows: list[list[Any]], header: int, end: int, amounts: Collection[str]) -> pa.Table:
    """The rows of a table as text. TRUE is no amount, and stays what it is in a column of `amounts`; elsewhere it is a tick."""
    names = [normalised(str(cell)) for cell in rows[header]]
    filled = [i for i in range(header + 1, end) if any(cell != "" for cell in rows[i])]
    columns: dict[str, pa.Array] = {}
    for position, name in enumerate(names):
        if name and name not in columns:
            cells = [rows[i][position] for i in filled]
            if name in amounts:
                cells = [str(cell).upper() if isinstance(cell, bool) else cell for cell in cells]
            columns[name] = pa.array(list(map(_text, cells)), pa.string())
    columns["source_row"] = pa.array([i + 1 for i in filled], pa.int64())
    return pa.table(columns)


def _text(cell: Any) -> str | None:
    """A cell as text: whole numbers without a decimal point, dates as ISO, ticks as 1 and 0."""
    if cell == "" and not isinstance(cell, bool):
        return None
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d" if cell.time() == time() else "%Y-%m-%d %H:%M:%S")
    return cell.isoformat() if isinstance(cell, date) else str(cell)
