"""NHS England's Community Health Services waiting-time workbooks, in the three layouts published since 2023.

One sheet a waiting band, organisations down, service lines across. The period comes from the titles: the files are
named after the month of publication in some years and after the month of the data in others.
"""

import io
import re
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.spec import FileKind, ReturnSpec

TITLE = "Community Health Services Waiting Times"
BAND_SHEETS = ("Table 4", *(f"Table 4{letter}" for letter in "abcdefg"))
OPTIONAL_BAND_SHEETS = ("Table 4h",)
_BANDS = (  # in the sheet's title -> code; the first that is found counts
    (re.compile(r"^Total waiting list", re.I), "total"),
    (re.compile(r"\(0-7 days\)"), "w00_01"),
    (re.compile(r"\(8-14 days\)"), "w01_02"),
    (re.compile(r"\(15-28 days\)"), "w02_04"),
    (re.compile(r"\(29-84 days\)"), "w04_12"),
    (re.compile(r"\(85-126 days\)"), "w12_18"),
    (re.compile(r"\(127-364 days\)"), "w18_52"),
    (re.compile(r"\(365-728 days\)"), "w52_104"),
    (re.compile(r"over 52 weeks", re.I), "w52_plus"),
    (re.compile(r"over 104 weeks", re.I), "w104_plus"),
)
_MONTH = re.compile(
    r"\b(January|February|March|April|May|June|July|August|September|October|November|December)\s+(\d{4})\b", re.I
)
_FILE_MONTH = re.compile(r"(20\d{2})-(\d{2})-\d{2}")
_SERVICE = re.compile(r"^\((A|CYP)\)\s*(.+)$")
_LEVELS = {"national": "national", "region": "region", "icb": "icb", "organisation": "provider", "provider": "provider"}

Sheet = list[list[Any]]


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> str | None:
    """The file kind's supplier when the workbook is a community waiting-list publication, else None.

    Raises:
        FileRefused: FILE-003 the workbook cannot be opened.
    """
    if file.kind != "workbook":
        return None
    workbook = _open(file)
    if "Table 4" in workbook.sheet_names or _cover_value(workbook, "title", file) == TITLE:
        return kind.supplier
    return None


def read(file: DataFile, kind: FileKind, spec: ReturnSpec, recognised: str) -> ReadFile:
    """Read every band sheet into the shape of `chs_wait`: one row a cell, organisation x service line x band.

    Raises:
        FileRefused: RTW-140 a sheet is missing, RTW-141 a layout is unknown, RTW-142 the lines for children are not all
            there, RTW-143 no data month or two that disagree, FILE-006 no organisation rows.
    """
    workbook = _open(file)
    missing = [name for name in BAND_SHEETS if name not in workbook.sheet_names]
    if missing:
        raise FileRefused("RTW-140", f"{file.source_file} lacks the sheet(s) {', '.join(missing)} of the publication.")
    present = [*BAND_SHEETS, *(name for name in OPTIONAL_BAND_SHEETS if name in workbook.sheet_names)]
    sheets = {name: _cells(workbook, name, file) for name in present}
    month = _data_month(workbook, sheets["Table 4"], file)
    published = _as_date(_cover_value(workbook, "published", file)) or ""
    revised = _as_date(_cover_value(workbook, "revised", file)) or ""
    cells = pd.concat([_band_cells(name, sheet, kind, file) for name, sheet in sheets.items()], ignore_index=True)
    if cells.empty:
        raise FileRefused("FILE-006", f"{file.source_file} has its sheets but no organisation rows; ask for the data.")
    cells["data_month"] = month
    cells["published_date"] = published or None
    named = _FILE_MONTH.search(file.source_file)
    return ReadFile(
        table=kind.table,
        supplier=kind.supplier,
        period=month,
        rows=pa.Table.from_pandas(cells, preserve_index=False),
        sequence=revised or published,
        file_period=f"{named[1]}-{named[2]}" if named else None,
    )


def _open(file: DataFile) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(file.content))
    except CalamineError as error:
        raise FileRefused(
            "FILE-003", f"{file.source_file} is a damaged, incomplete or protected workbook; save it again."
        ) from error


def _cells(workbook: CalamineWorkbook, name: str, file: DataFile) -> Sheet:
    # skip_empty_area would trim the empty first column of the oldest layout and shift every other by one.
    try:
        return workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except CalamineError as error:
        raise FileRefused(
            "FILE-003", f"{file.source_file}, sheet '{name}': damaged or incomplete; save it again."
        ) from error


def _cover_value(workbook: CalamineWorkbook, label: str, file: DataFile) -> Any:
    if "Cover page" not in workbook.sheet_names:
        return None
    for row in _cells(workbook, "Cover page", file):
        filled = [cell for cell in row if cell != ""]
        if len(filled) > 1 and str(filled[0]).strip().rstrip(":").lower() == label:
            return filled[1]
    return None


def _as_date(cell: Any) -> str | None:
    if isinstance(cell, datetime | date):
        return cell.strftime("%Y-%m-%d")
    found = re.fullmatch(r"(\d{2})/(\d{2})/(\d{4})", str(cell).strip())
    return f"{found[3]}-{found[2]}-{found[1]}" if found else None


def _month_in(text: str) -> str | None:
    found = _MONTH.search(text)
    return datetime.strptime(f"1 {found[1].title()} {found[2]}", "%d %B %Y").strftime("%Y-%m") if found else None


def _first_text(sheet: Sheet) -> str:
    return next((str(cell) for row in sheet for cell in row if str(cell).strip()), "")


def _data_month(workbook: CalamineWorkbook, table_4: Sheet, file: DataFile) -> str:
    """The month the figures describe: the title of Table 4, Contents and the last filled column of Table 2 must agree."""
    contents = _cells(workbook, "Contents", file) if "Contents" in workbook.sheet_names else []
    listed = next((str(c) for row in contents for c in row if str(c).startswith("Table 4:")), "")
    seen = {
        "the title of Table 4": _month_in(_first_text(table_4)),
        "Contents": _month_in(listed),
        "the last filled column of Table 2": _last_month_of_series(workbook, file),
    }
    months = {month for month in seen.values() if month}
    if len(months) != 1:
        said = "; ".join(f"{place} says {month or 'nothing'}" for place, month in seen.items())
        raise FileRefused("RTW-143", f"{file.source_file}: the month of the data cannot be told ({said}).")
    return months.pop()


def _last_month_of_series(workbook: CalamineWorkbook, file: DataFile) -> str | None:
    if "Table 2" not in workbook.sheet_names:
        return None
    sheet = _cells(workbook, "Table 2", file)
    england = next((i for i, row in enumerate(sheet) if "England" in [str(cell).strip() for cell in row]), 0)
    filled = [i for i, cell in enumerate(sheet[england]) if isinstance(cell, int | float)]
    if not filled or england == 0:
        return None
    head = sheet[england - 1][filled[-1]]
    if isinstance(head, datetime | date):
        return head.strftime("%Y-%m")
    try:
        return datetime.strptime(str(head).strip(), "%b-%y").strftime("%Y-%m")
    except ValueError:
        return None


def _band_cells(name: str, sheet: Sheet, kind: FileKind, file: DataFile) -> pd.DataFrame:
    """One sheet as one row a cell: the columns of `chs_wait` without data_month and published_date."""
    band = next((code for pattern, code in _BANDS if pattern.search(_first_text(sheet))), None)
    top = next((i for i, row in enumerate(sheet) if any(str(cell).startswith("(CYP)") for cell in row)), None)
    if band is None or top is None:
        raise FileRefused(
            "RTW-141", f"{file.source_file}, sheet '{name}': no waiting band in its title or no header row."
        )
    header = [str(cell).strip() for cell in sheet[top]]
    services = {i: cell for i, cell in enumerate(header) if _SERVICE.match(cell)}
    _check_lines(list(services.values()), kind, name, file)
    level_at, code_at, name_at, era = _layout(header, min(services), name, file)
    body = pd.DataFrame(sheet[top + 1 :]).reindex(columns=range(len(header))).fillna("")
    body["source_row"] = np.arange(top + 2, top + 2 + len(body), dtype=np.int64)
    # The oldest layout merges the level and prints England without one.
    level = body[level_at].astype(str).str.strip().str.lower().replace("", None)
    body["org_level"] = (level.fillna("national") if era > 1 else level.ffill().fillna("national")).map(_LEVELS)
    body["org_name_raw"] = body[name_at].astype(str).str.strip()
    body["org_code"] = body[code_at].astype(str).str.strip().replace("", None) if code_at is not None else None
    if era > 1:  # England stands in the code column where there is one
        blank = body["org_name_raw"] == ""
        if code_at is not None:
            body.loc[blank & (body["org_level"] == "national"), "org_name_raw"] = body["org_code"]
    body.loc[body["org_level"] == "national", "org_code"] = None
    body = body[body["org_name_raw"].fillna("") != ""]
    if body["org_level"].isna().any():
        row = int(body.loc[body["org_level"].isna(), "source_row"].iloc[0])
        raise FileRefused(
            "RTW-141", f"{file.source_file}, sheet '{name}', row {row}: the kind of organisation is not one known."
        )
    cells = body.melt(
        id_vars=["source_row", "org_level", "org_code", "org_name_raw"],
        value_vars=list(services),
        var_name="column",
        value_name="cell",
    )
    cells["service_line_raw"] = cells.pop("column").map(services)
    cells["sheet"], cells["band_code"], cells["layout_era"] = name, band, np.int32(era)
    return typed_cells(with_service(cells), kind)


def with_service(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells with the age group and the code of their service line as printed."""
    split = cells["service_line_raw"].str.extract(_SERVICE)
    cells["age_group"] = split[0].map({"A": "adult", "CYP": "cyp"})
    cells["service_line_code"] = split[1].str.lower().str.replace(r"[^a-z0-9]+", "_", regex=True).str.strip("_")
    return cells


def typed_cells(cells: pd.DataFrame, kind: FileKind) -> pd.DataFrame:
    """Value, its text and its status in place of `cell`, as printed: a blank is not a zero, and a star is neither."""
    number = pd.to_numeric(cells["cell"], errors="coerce")
    whole = number.notna() & (number % 1 == 0)
    text = cells.pop("cell").astype(str).str.strip()
    # Numbers come as floats: 182.0 was printed 182.
    cells["value_text"] = text.where(~whole, number.where(whole).astype("Int64").astype("string")).replace("", None)
    # Three lines are published for England's total alone; below it a blank means withheld, whatever the sign used.
    withheld = cells["service_line_raw"].str.lower().isin([line.lower() for line in kind.suppressed_lines]) & ~(
        (cells["org_level"] == "national") & (cells["band_code"] == "total")
    )
    cells["value_status"] = np.select(
        [text == "*", (text == "") & withheld, text == ""], ["suppressed", "suppressed", "not_submitted"], "reported"
    )
    cells["value"] = number.where(whole & (number >= 0) & (cells["value_status"] == "reported")).astype("Int64")
    return cells


def _check_lines(services: list[str], kind: FileKind, name: str, file: DataFile) -> None:
    lower = [service.lower() for service in services]
    wrong = [line for line in kind.cyp_lines if lower.count(line.lower()) != 1]
    if wrong:
        raise FileRefused(
            "RTW-142", f"{file.source_file}, sheet '{name}': the line(s) {'; '.join(wrong)} are not there exactly once."
        )


def _layout(header: list[str], first_service: int, name: str, file: DataFile) -> tuple[int, int | None, int, int]:
    """Columns of level, code (None where the layout has none) and name, and the layout's number."""
    heads = {cell.lower(): i for i, cell in enumerate(header[:first_service]) if cell}
    if not heads and first_service == 3:
        return 1, None, 2, 1
    level = heads.get("organisation type", heads.get("level"))
    org = heads.get("organisation name", heads.get("name"))
    if level is not None and org is not None:
        code = heads.get("organisation code")
        return level, code, org, 3 if code is not None else 2
    raise FileRefused(
        "RTW-141", f"{file.source_file}, sheet '{name}': the columns before the services fit no known layout."
    )
