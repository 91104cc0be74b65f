"""A flat CSV of one table, its columns found by the patterns of the spec: registers, directories, look-ups."""

import re

import pyarrow as pa

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.flat_csv import read_flat_csv, read_header
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.spec import FileKind, LandedTable, ReturnSpec

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
# Registers do not say inside which day they describe; publishers put it in the name: edubasealldata20260105.csv,
# ONSPD_NOV_2025_UK.csv, File_7_IoD2025.csv.
_DATES = (
    re.compile(r"(?P<year>20\d{2})[-_]?(?P<month>0[1-9]|1[0-2])[-_]?(?:0[1-9]|[12]\d|3[01])(?!\d)"),
    re.compile(rf"(?P<name>{'|'.join(_MONTHS)})[a-z]*[-_ ]?(?P<year>20\d{{2}})", re.IGNORECASE),
    re.compile(r"(?P<year>20\d{2})(?!\d)"),
)


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> str | None:
    """The supplier when the header has every required column of the table, else None."""
    if file.kind != "text":
        return None
    found = _columns(read_header(file), spec.tables[kind.table])
    required = [name for name, column in spec.tables[kind.table].columns.items() if column.required]
    return kind.supplier if all(name in found for name in required) else None


def read(file: DataFile, kind: FileKind, spec: ReturnSpec, recognised: str) -> ReadFile:
    """Read the table; columns the spec does not name are reported, columns the file lacks are null.

    Raises:
        FileRefused: FILE-012 the file name carries no date; and what `read_flat_csv` raises.
    """
    flat = read_flat_csv(file)
    found = _columns(flat.rows.column_names, spec.tables[kind.table])
    period = _period(file)
    rows = pa.table(
        {"source_row": flat.rows.column("source_row")}
        | {name: flat.rows.column(source) for name, source in found.items()}
    )
    return ReadFile(
        table=kind.table,
        supplier=kind.supplier,
        period=period,
        rows=rows,
        unreadable=flat.unreadable,
        duplicate_columns=flat.duplicate_columns,
        unknown_columns=[name for name in flat.rows.column_names if name not in {*found.values(), "source_row"}],
    )


def _columns(header: list[str], table: LandedTable) -> dict[str, str]:
    """Landed column -> column of the file, by the first name that its pattern matches whole."""
    found: dict[str, str] = {}
    for name, column in table.columns.items():
        if column.source:
            match = next((head for head in header if re.fullmatch(column.source, head, re.IGNORECASE)), None)
            if match is not None:
                found[name] = match.lower()
    return found


def _period(file: DataFile) -> str:
    name = file.source_file.rsplit("/", maxsplit=1)[-1]
    for pattern in _DATES:
        if found := pattern.search(name):
            parts = found.groupdict()
            if parts.get("name"):
                return f"{parts['year']}-{_MONTHS.index(parts['name'].lower()) + 1:02d}"
            return f"{parts['year']}-{parts['month']}" if parts.get("month") else parts["year"]
    raise FileRefused(
        "FILE-012",
        f"{file.source_file}: neither the file nor its name says which date it describes; put the date in the name, as in"
        " register_20260105.csv.",
    )
