"""Returns as a workbook: a module on each sheet, or the modules stacked on one sheet below their titles."""

import io
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.records import HeldRecords, Keep, RecordsRead, Sheet, keep_linked
from orchestration.returns.spec import FileKind, ReturnSpec, normalised

_HEADER_WITHIN = 20


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> HeldRecords | None:
    """The tables a workbook holds when most of the required ones are among them.

    Raises:
        FileRefused: FILE-003 the workbook cannot be opened.
    """
    if file.kind != "workbook":
        return None
    sheets = {sheet.table: sheet.name for sheet in _sheets(file, spec)}
    tables = tuple(sheets)
    return (
        HeldRecords(tables, sheets=sheets) if 2 * len(set(kind.required) & set(tables)) > len(kind.required) else None
    )


def read(files: list[tuple[DataFile, HeldRecords]], kind: FileKind, spec: ReturnSpec, keep: Keep) -> RecordsRead:
    """Read a workbook into linked records; `source_row` is the row as a spreadsheet shows it.

    Raises:
        FileRefused: RF-007 a table does not say which record its rows belong to, RF-013 a table is missing.
    """
    [(file, held)] = files
    missing = [spec.sources[table][1].titles[0] for table in kind.required if table not in held.tables]
    if missing:
        raise FileRefused(
            "RF-013",
            f"{file.source_file} has no table that can be told to be {', '.join(missing)}; name the sheet or the title of the table so.",
        )
    result = RecordsRead()
    keep_linked(_sheets(file, spec), spec, kind, keep, result)
    return result


def _sheets(file: DataFile, spec: ReturnSpec) -> list[Sheet]:
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(file.content))
    except CalamineError as error:
        raise FileRefused(
            "FILE-003", f"{file.source_file} is a damaged, incomplete or protected workbook; save it again."
        ) from error
    titles = {title: name for name, (_, source) in spec.sources.items() for title in source.normalised_titles}
    found: list[Sheet] = []
    for name in workbook.sheet_names:
        try:
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
        except CalamineError as error:
            raise FileRefused(
                "FILE-003", f"{file.source_file}, sheet '{name}': damaged or incomplete; save it again."
            ) from error
        for table, start, end in _blocks(name, rows, titles, spec):
            found.append(
                Sheet(table, file.source_file, f"{file.source_file}, sheet '{name}',", _block(rows, start, end), name)
            )
    return found


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
    known = set(spec.tables[spec.sources[table][0]].source_names)
    for i in range(start, min(end, start + _HEADER_WITHIN)):
        cells = [normalised(str(cell)) for cell in rows[i] if cell != ""]
        if len(known & set(cells)) >= min(2, len(known)):
            return i
    return None


def _block(rows: list[list[Any]], header: int, end: int) -> pa.Table:
    names = [normalised(str(cell)) for cell in rows[header]]
    filled = [i for i in range(header + 1, end) if any(cell != "" for cell in rows[i])]
    columns: dict[str, pa.Array] = {}
    for position, name in enumerate(names):
        if name and name not in columns:
            columns[name] = pa.array([_text(rows[i][position]) for i in filled], pa.string())
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
