"""A blank workbook from the spec of its return: sheets, named tables, lists to choose from, formulas and notes.

Input cells are open and yellow, or blue where they repeat what was accepted; formulas are locked and grey, cells not asked
for are locked and dark. Protection has no password: it keeps from slips, not from intent.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import coordinate_to_tuple, get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.page import PageMargins
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.table import Table, TableStyleInfo
from openpyxl.worksheet.worksheet import Worksheet

from orchestration.errors import CornerstoneError
from orchestration.returns.spec import Calculation, Cells, Column, ReturnSpec, TemplateTable, load_spec, return_ids
from orchestration.settings import Settings
from orchestration.template.last import LastReturn, Rows, last_return

_INPUT = PatternFill("solid", fgColor="FFF8D6")
_REPEATED = PatternFill("solid", fgColor="DDEBF7")
_MADE = PatternFill("solid", fgColor="E7E6E6")
_NOT_ASKED = PatternFill("solid", fgColor="BFBFBF")
_HEADING = PatternFill("solid", fgColor="1F3864")
_THIN = Side(style="thin", color="BFBFBF")
_BORDER = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_FORMATS = {
    "BIGINT": "#,##0;[Red]-#,##0",
    "INTEGER": "#,##0",
    "DECIMAL": "#,##0.0",
    "DATE": "dd/mm/yyyy",
    "VARCHAR": "@",
}
_MOST = 99_999_999_999
_LIST_LENGTH = 255  # characters that a list of choices may have in a cell's own rule
_WIDTHS = {"BIGINT": 15.0, "INTEGER": 13.0, "DECIMAL": 14.0, "DATE": 13.0}
_TEXT_WIDTHS = ((("label",), 30.0), (("text", "description", "mitigation", "comment", "note"), 44.0), (("name",), 34.0))
_PAIR_WIDTHS = (24, 26, 100)  # of a sheet of pairs: names, values, what they mean
_LINE_HEIGHT = 15.0
_ROWS_BETWEEN = 3  # tables, at least
_A3_FROM = 150.0  # characters across, above which a sheet is printed on A3


@dataclass(frozen=True)
class WrittenTemplate:
    """A blank workbook: where it is, and the period of the accepted return whose figures it repeats, if any."""

    path: Path
    repeats: str | None


def template_returns() -> list[str]:
    """The returns that have a template, as the command line names them."""
    return [return_id.replace("_", "-") for return_id in return_ids() if load_spec(return_id).template is not None]


def write_template(settings: Settings, slug: str, quarter: str, out: Path) -> WrittenTemplate:
    """Write the blank workbook of one quarter's return; a folder gets it under its proper name.

    Raises:
        CornerstoneError: the return has no template, there is no such quarter, or the file is there already.
    """
    if slug not in template_returns():
        raise CornerstoneError(f"There is no template of '{slug}'; there are {', '.join(template_returns())}.")
    spec = load_spec(slug.replace("-", "_"))
    if not re.fullmatch(r"20\d\d-\d\dQ[1-4]", quarter) or spec.period_of(_year(quarter), quarter[-1]) != quarter:
        raise CornerstoneError(f"--quarter {quarter} is no quarter of a financial year; write it as 2025-26Q4.")
    if not spec.knows_period(quarter):
        raise CornerstoneError(f"--quarter {quarter}: {spec.title} begins with {spec.first_period}.")
    last = last_return(settings, spec, quarter)
    blank = _Blank(spec.for_period(quarter), settings.la_code, settings.la_ons_code, quarter, last)
    path = out / blank.file_name if out.is_dir() else out
    if path.exists():
        raise CornerstoneError(f"{path} is there already; move it away, or choose another name for --out.")
    if not path.absolute().parent.is_dir():
        raise CornerstoneError(f"There is no folder {path.absolute().parent}; make it, or choose another for --out.")
    blank.workbook().save(path)
    return WrittenTemplate(path, last.period if last and last.told else None)


def blank_workbook(
    return_id: str, la_code: str, ons_code: str, quarter: str, last: LastReturn | None = None
) -> Workbook:
    """The blank workbook of one quarter's return, not yet saved; `last` is the return whose figures it repeats."""
    return _Blank(load_spec(return_id).for_period(quarter), la_code, ons_code, quarter, last).workbook()


def _year(quarter: str) -> int:
    return int(quarter[:4] + quarter[5:7])


class _Blank:
    """The workbook of one quarter."""

    def __init__(self, spec: ReturnSpec, la_code: str, ons_code: str, quarter: str, last: LastReturn | None) -> None:
        assert spec.template is not None and spec.submission is not None
        self.spec, self.template, self.header = spec, spec.template, spec.submission
        self.la_code, self.period, self.quarter, self.last = la_code, quarter, int(quarter[-1]), last
        self.is_again = last is not None and last.period == quarter
        cover: dict[str, Any] = dict(self.template.cover)
        assert self.header.term and self.header.census_day
        version = last.rows[self.header.header][0][self.header.sequence[0]] + 1 if last and self.is_again else 1
        cover |= {
            self.header.supplier[0]: la_code,
            self.header.period: f"{_year(quarter)}",
            self.header.term: self.quarter,
            self.header.census_day: spec.census_day,
            self.header.sequence[0]: version,
            self.template.ons_code: ons_code,
        }
        self.cover = cover

    @property
    def file_name(self) -> str:
        """What the finished return is to be called."""
        return self.template.file_name.format_map(self.cover)

    def workbook(self) -> Workbook:
        """The workbook."""
        book = Workbook()
        book.remove(book.worksheets[0])
        for sheet in self.template.sheets:
            place = book.create_sheet(sheet.name)
            place["A1"], place["A2"] = sheet.title, sheet.guidance
            place["A1"].font = Font(bold=True, size=14)
            place["A2"].font = Font(italic=True)
            free = 1
            for table in sheet.tables:
                name, source = self.spec.sources[table.source]
                top, left = coordinate_to_tuple(table.anchor)
                top = max(top, free)  # a table that has grown moves those below it
                if source.pairs is not None:
                    self._write_pairs(place, table, name, top, left)
                else:
                    self._write_table(place, table, name, top, left)
                free = place.max_row + _ROWS_BETWEEN
            _finish(place, sheet.tables[0].anchor, self._frozen(sheet.tables))
        return book

    def _frozen(self, tables: list[TemplateTable]) -> int:
        """How many columns stay in view: those that say which line it is."""
        fixed = {column for cells in tables[0].rows for column in cells} | set(tables[0].labels)
        return len(fixed - set(tables[0].may_change)) or 1

    def _write_pairs(self, place: Worksheet, table: TemplateTable, name: str, top: int, left: int) -> None:
        pairs = self.spec.sources[table.source][1].pairs
        assert pairs is not None
        for offset, heading in enumerate((pairs.name, pairs.value)):
            _heading(_cell(place, top, left + offset)).value = heading
        columns = self.spec.tables[name].columns
        for row, (column_name, column) in enumerate(columns.items(), start=top + 1):
            _locked(_cell(place, row, left), _MADE, column.names[0])
            value = _cell(place, row, left + 1)
            self._write_input(value, column, self.cover.get(column_name))
            if rule := self._choices(column):
                rule.add(value.coordinate)
                place.add_data_validation(rule)
            place.cell(row, left + 2, column.description).font = Font(italic=True)
        _name(place, self._title(table), top, left, top + len(columns), left + 1)
        for row, sentence in enumerate(self.template.conventions, start=top + len(columns) + 2):
            place.cell(row, left, sentence).alignment = Alignment(wrap_text=True, vertical="top")
            place.merge_cells(start_row=row, end_row=row, start_column=left, end_column=left + 2)
            place.row_dimensions[row].height = _LINE_HEIGHT * (1 + len(sentence) // sum(_PAIR_WIDTHS))
        for offset, width in enumerate(_PAIR_WIDTHS):
            place.column_dimensions[get_column_letter(left + offset)].width = width

    def _title(self, table: TemplateTable) -> str:
        return self.spec.sources[table.source][1].titles[0]

    def _write_table(self, place: Worksheet, table: TemplateTable, name: str, top: int, left: int) -> None:
        columns = self.spec.tables[name].columns
        at = {column: left + offset for offset, column in enumerate(columns)}
        for column_name, column in columns.items():
            cell = _heading(_cell(place, top, at[column_name]))
            cell.value, cell.comment = column.names[0], _note(column.description)
        place.row_dimensions[top].height = 3 * _LINE_HEIGHT
        lines = list(self._lines(table, name))
        widths = {column_name: _width(column_name, column) for column_name, column in columns.items()}
        for row, line in enumerate(lines, start=top + 1):
            for column_name, column in columns.items():
                cell = _cell(place, row, at[column_name])
                self._write_cell(cell, table, column_name, column, line)
                if column_name in line.fixed or column_name in table.labels:
                    widths[column_name] = max(widths[column_name], 2.0 + len(str(cell.value or "")))
            if note := self._note_of(table, line):
                place.cell(row, left).comment = _note(note)
        if not place.tables:  # the first table of a sheet sets how wide its columns are
            for column_name, width in widths.items():
                place.column_dimensions[get_column_letter(at[column_name])].width = width
        self._write_formulas(
            place, name, {column: get_column_letter(number) for column, number in at.items()}, lines, top
        )
        _name(place, self._title(table), top, left, top + len(lines), left + len(columns) - 1)
        for column_name, column in columns.items():
            if rule := self._choices(column):
                letter = get_column_letter(at[column_name])
                rule.add(f"{letter}{top + 1}:{letter}{top + len(lines)}")
                place.add_data_validation(rule)

    def _lines(self, table: TemplateTable, name: str) -> Iterator["_Line"]:
        """The lines of a table before anyone fills it in: those it always has, and those of the last return."""
        last = list(self.last.rows.get(name, [])) if self.last else []
        fixed = [dict(zip(cells, values, strict=True)) for cells in table.rows for values in product(*cells.values())]
        columns = self.spec.tables[name].columns
        carried = {column: column for column in columns} if self.is_again else table.carried
        if table.blank and carried and last:  # lines that differ from quarter to quarter begin as they were
            lines = [_Line({}, {column: row[source] for column, source in carried.items()}) for row in last]
        else:
            lines = [
                _Line(
                    {column: value for column, value in cells.items() if column not in table.may_change},
                    self._told(name, cells),
                    {column: value for column, value in cells.items() if column in table.may_change},
                )
                for cells in fixed
            ]
        yield from lines
        yield from [_Line() for _ in range(len(fixed) + table.blank - len(lines))]

    def _told(self, name: str, cells: Mapping[str, str]) -> dict[str, Any]:
        """What was accepted last of one line of the year: of each quarter from the return that told of it last."""
        if self.last is None or not self.last.told:
            return {}
        row = dict(_row_of(self.last.rows, name, cells))
        for column, of in self.spec.tables[name].columns.items():
            if of.first_asked is not None and of.first_asked in self.last.told:
                row[column] = _row_of(self.last.told[of.first_asked], name, cells).get(column)
        return row

    def _write_cell(self, cell: Cell, table: TemplateTable, name: str, column: Column, line: "_Line") -> None:
        if name in table.labels:
            code = line.fixed.get(table.labels[name])
            code_set = self.spec.tables[self.spec.sources[table.source][0]].columns[table.labels[name]].codes
            assert code_set is not None
            _locked(cell, _MADE, self.spec.codes[code_set].codes[code] if code else None)
        elif name in line.fixed:
            _locked(cell, _MADE, line.fixed[name])
        elif _is_among(line.fixed, name, [(blank.rows, blank.columns) for blank in table.left_blank]) or (
            column.first_asked is not None and column.first_asked > self.quarter
        ):
            _locked(cell, _NOT_ASKED)
        else:
            is_repeated = (
                self.is_again
                or not line.fixed
                or name in table.kept
                or (column.first_asked or self.quarter) < self.quarter
            )
            self._write_input(cell, column, line.given.get(name, line.last.get(name) if is_repeated else None))
            if column.first_asked is not None and column.first_asked < self.quarter and self.last and self.last.told:
                cell.fill = _REPEATED

    def _write_input(self, cell: Cell, column: Column, value: Any) -> None:
        if column.type.startswith("BIGINT") and isinstance(value, str):
            value = int(value)
        cell.value = value
        cell.fill, cell.border, cell.protection = _INPUT, _BORDER, Protection(locked=False)
        cell.number_format = _FORMATS[re.sub(r"\(.*", "", column.type)]
        is_long = column.type == "VARCHAR" and column.codes is None
        cell.alignment = Alignment(
            wrap_text=is_long, vertical="top", horizontal=None if column.type != "DATE" else "left"
        )

    def _choices(self, column: Column) -> DataValidation | None:
        """What a cell takes: a code of a list, a whole number, a number, a date; None where it takes any text."""
        kind = re.sub(r"\(.*", "", column.type)
        if column.codes is not None:
            listed = ",".join(self.spec.codes[column.codes].codes)
            if len(listed) > _LIST_LENGTH:
                return None
            rule = DataValidation(type="list", formula1=f'"{listed}"', allow_blank=True)
        elif kind == "DATE":
            rule = DataValidation(
                type="date", operator="greaterThan", formula1=_serial(date(2000, 1, 1)), allow_blank=True
            )
        elif kind in {"BIGINT", "INTEGER"}:
            rule = DataValidation(
                type="whole", operator="between", formula1=str(-_MOST), formula2=str(_MOST), allow_blank=True
            )
        elif kind == "DECIMAL":
            rule = DataValidation(type="decimal", operator="greaterThanOrEqual", formula1="0", allow_blank=True)
        else:
            return None
        rule.showErrorMessage, rule.errorTitle = True, column.names[0]
        rule.error = column.description[:220]
        return rule

    def _note_of(self, table: TemplateTable, line: "_Line") -> str:
        return " ".join(
            notes[line.fixed[column]] for column, notes in table.notes.items() if line.fixed.get(column) in notes
        )

    def _write_formulas(
        self, place: Worksheet, table: str, letters: Mapping[str, str], lines: list["_Line"], top: int
    ) -> None:
        """Put the formulas of a table's calculated cells in, locked."""
        columns = self.spec.tables[table].columns
        for calculation in (one for one in self.spec.calculated.values() if one.table == table):
            for row, line in enumerate(lines, start=top + 1):
                if calculation.column is not None:
                    cells = [f"{letters[operand]}{row}" for operand in calculation.operands]
                    _locked(place[f"{letters[calculation.column]}{row}"], _MADE, _of_two(calculation, cells))
                    place[f"{letters[calculation.column]}{row}"].number_format = _FORMATS[
                        columns[calculation.column].type
                    ]
                elif _is(line.fixed, calculation.rows):
                    for column in calculation.columns:
                        cell = place[f"{letters[column]}{row}"]
                        if (columns[column].first_asked or 0) > self.quarter:
                            continue
                        _locked(cell, _MADE, _of_lines(calculation, line, lines, letters[column], top))
                        cell.number_format = _FORMATS[columns[column].type]


@dataclass(frozen=True)
class _Line:
    """A line of a table: what is fixed in it, what the last return holds of it, and what it starts with and may change."""

    fixed: dict[str, str] = field(default_factory=dict)
    last: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)


def _row_of(rows: Rows, table: str, cells: Mapping[str, str]) -> Mapping[str, Any]:
    """The row of a table in which these cells stand; empty where there is none."""
    return next(
        (row for row in rows.get(table, []) if all(row[column] == value for column, value in cells.items())), {}
    )


def _is(line: Mapping[str, str], cells: Cells) -> bool:
    return all(line.get(column) in values for column, values in cells.items())


def _is_among(line: Mapping[str, str], column: str, blanks: list[tuple[Cells, list[str]]]) -> bool:
    return bool(line) and any(column in columns and _is(line, cells) for cells, columns in blanks)


def _of_two(calculation: Calculation, cells: list[str]) -> str:
    first, second = cells
    value = f"{first}{'-' if calculation.difference else '*'}{second}"
    if calculation.quotient:
        value = f'IF({second}>0,ROUND({first}/{second},0),"")'
    return f'=IF(COUNT({first},{second})<2,"",{value})'


def _of_lines(calculation: Calculation, line: _Line, lines: list[_Line], letter: str, top: int) -> str:
    same = {column: [line.fixed[column]] for column in calculation.same}

    def cells(wanted: Cells) -> list[str]:
        found = [row for row, other in enumerate(lines, start=top + 1) if wanted and _is(other.fixed, wanted | same)]
        return [f"{letter}{row}" for row in found]

    added, taken = cells(calculation.adds), cells(calculation.takes)
    every = ",".join([*added, *taken])
    value = f"SUM({','.join(added)})" + (f"-SUM({','.join(taken)})" if taken else "")
    return f'=IF(COUNT({every})<{len(added) + len(taken)},"",{value})'


def _serial(day: date) -> str:
    return str((day - date(1899, 12, 30)).days)


def _width(name: str, column: Column) -> float:
    if column.type != "VARCHAR":
        return _WIDTHS[re.sub(r"\(.*", "", column.type)]
    return next((width for ends, width in _TEXT_WIDTHS if name.endswith(ends)), 16.0)


def _cell(place: Worksheet, row: int, column: int) -> Cell:
    """A cell of which nothing is merged."""
    cell = place.cell(row, column)
    assert isinstance(cell, Cell)
    return cell


def _heading(cell: Cell) -> Cell:
    cell.font, cell.fill, cell.border = Font(bold=True, color="FFFFFF"), _HEADING, _BORDER
    cell.alignment = Alignment(wrap_text=True, vertical="center")
    return cell


def _locked(cell: Cell, fill: PatternFill, value: Any = None) -> None:
    cell.value, cell.fill, cell.border, cell.protection = value, fill, _BORDER, Protection(locked=True)
    cell.alignment = Alignment(vertical="top")
    if isinstance(value, str) and not value.startswith("="):
        cell.number_format = "@"


def _note(text: str) -> Comment:
    return Comment(text, "Cornerstone", height=110, width=320)


def _name(place: Worksheet, title: str, top: int, left: int, bottom: int, right: int) -> None:
    table = Table(displayName=title, ref=f"{get_column_letter(left)}{top}:{get_column_letter(right)}{bottom}")
    table.tableStyleInfo = TableStyleInfo(name="TableStyleLight1", showRowStripes=False)
    place.add_table(table)


def _finish(place: Worksheet, anchor: str, frozen: int) -> None:
    """What every sheet has: panes, protection and a page to print on."""
    top, left = coordinate_to_tuple(anchor)
    is_one = len(place.tables) == 1
    place.freeze_panes = f"{get_column_letter(left + frozen)}{top + 1 if is_one else top}"
    place.protection.sheet = True
    place.protection.formatColumns = place.protection.formatRows = False
    across = sum(column.width for column in place.column_dimensions.values())
    paper = place.PAPERSIZE_A3 if across > _A3_FROM else place.PAPERSIZE_A4
    place.page_setup.orientation, place.page_setup.paperSize = "landscape", paper
    place.page_margins = PageMargins(left=0.3, right=0.3, top=0.4, bottom=0.5)
    place.page_setup.fitToWidth, place.page_setup.fitToHeight = 1, 0
    place.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    place.print_title_rows = f"1:{top if is_one else 2}"
    place.oddFooter = HeaderFooterItem(left=_HeaderFooterPart("&A"), right=_HeaderFooterPart("&P of &N"))
