"""DfE Explore Education Statistics data files: tidy CSV, fixed time and place columns, then filters and indicators.

Source of the layout: DfE guidance on open data standards for Explore Education Statistics.
"""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.flat_csv import FlatFile, read_flat_csv, read_header
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.spec import FileKind, ReturnSpec, Series

ALWAYS = ("time_period", "time_identifier", "geographic_level", "country_code", "country_name")
AUTHORITY = ("region_code", "region_name", "old_la_code", "new_la_code", "la_name")
_YEAR = re.compile(r"^(\d{4})(\d{2})?$")


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> str | None:
    """The series a file holds, or None when it is not an EES file.

    Raises:
        FileRefused: FILE-012 an EES file of no known table, EES-04 one that lacks a fixed column.
    """
    if file.kind != "text":
        return None
    header = [name.lower() for name in read_header(file)]
    fixed = [name for name in ALWAYS if name in header]
    # Two of the five fixed columns make it an EES file; then all five must be there.
    if len(fixed) < 2 or "publisher" in header:
        return None
    assert isinstance(kind.series, dict)
    if len(fixed) < len(ALWAYS):
        missing = ", ".join(name for name in ALWAYS if name not in header)
        raise FileRefused("EES-04", f"{file.source_file} lacks the column(s) {missing} that every EES file has.")
    matches = [name for name, series in kind.series.items() if series.has_columns(header)]
    if len(matches) > 1:
        first = _first_value(file, "time_identifier").lower()
        by_name = [name for name in matches if name == file.stem]
        by_content = [name for name in matches if (kind.series[name].time_identifier or "").lower() == first]
        matches = by_name or by_content
    if len(matches) != 1:
        known = ", ".join(sorted(kind.series))
        raise FileRefused(
            "FILE-012", f"{file.source_file} is an EES file, but its columns fit none of the known tables ({known})."
        )
    return matches[0]


def _first_value(file: DataFile, column: str) -> str:
    values = read_flat_csv(file).rows.column(column)
    return str(values[0].as_py() or "") if len(values) else ""


def read(file: DataFile, kind: FileKind, spec: ReturnSpec, recognised: str) -> ReadFile:
    """Read one table of a release into the shape of `ees_row`.

    Raises:
        FileRefused: EES-05 authority columns missing, FILE-012 no period can be read, and what `read_flat_csv` raises.
    """
    assert isinstance(kind.series, dict)
    series_name = recognised
    series = kind.series[series_name]
    flat = read_flat_csv(file)
    names = set(flat.rows.column_names)
    missing = [name for name in AUTHORITY if name not in names]
    has_authority_rows = pc.any(
        pc.equal(pc.fill_null(flat.rows.column("geographic_level"), ""), "Local authority")
    ).as_py()
    if missing and has_authority_rows:
        raise FileRefused(
            "EES-05", f"{file.source_file} has authority rows but lacks the column(s) {', '.join(missing)}."
        )
    year = file.release_year or _release_year(flat, series, file)
    columns = {name: flat.rows.column(name) if name in names else _text(None, flat) for name in (*ALWAYS, *AUTHORITY)}
    filters = {series.breakdown, series.topic_column or "breakdown_topic"}
    columns["breakdown_topic"] = (
        _text(series.topic, flat) if series.topic else _column(flat, series.topic_column or "breakdown_topic")
    )
    columns["breakdown"] = _column(flat, series.breakdown)
    measures = [name for name in flat.rows.column_names if name not in {*ALWAYS, *AUTHORITY, *filters, "source_row"}]
    rows = pa.table(
        {
            "source_row": flat.rows.column("source_row"),
            "series": _text(series_name, flat),
            "release_name": _text(kind.release_name.format(year=year), flat),
            "release_year": pa.array([year] * flat.rows.num_rows, pa.int32()),
            "release_revision": pa.array([0] * flat.rows.num_rows, pa.int32()),
            **columns,
            "measures": _as_map(flat.rows.select(measures)),
        }
    )
    return ReadFile(
        table=kind.table,
        supplier=kind.supplier.format(series=series_name),
        period=str(year),
        rows=rows,
        unreadable=flat.unreadable,
        duplicate_columns=flat.duplicate_columns,
    )


def _text(value: str | None, flat: FlatFile) -> pa.Array:
    return pa.array([value] * flat.rows.num_rows, pa.string())


def _column(flat: FlatFile, name: str) -> pa.ChunkedArray | pa.Array:
    return flat.rows.column(name) if name in flat.rows.column_names else _text(None, flat)


def _as_map(table: pa.Table) -> pa.MapArray:
    """Columns to one map a row: the values interleaved row by row, each row's keys in file order."""
    width, rows = table.num_columns, table.num_rows
    by_column = pa.concat_arrays([column.combine_chunks() for column in table.itercolumns()])
    by_row = np.arange(width * rows, dtype=np.int64).reshape(width, rows).T.ravel()
    keys = pa.array(table.column_names).take(pa.array(np.tile(np.arange(width), rows)))
    offsets = pa.array(np.arange(0, rows * width + 1, width, dtype=np.int32))
    return pa.MapArray.from_arrays(offsets, keys, by_column.take(pa.array(by_row)))


def _release_year(flat: FlatFile, series: Series, file: DataFile) -> int:
    """The year of the release, from the latest period in the file: 202425 ends in 2025, 2024 in 2024."""
    periods = pc.unique(pc.drop_null(flat.rows.column("time_period"))).to_pylist()
    ends = [int(match[1]) + (1 if match[2] else 0) for match in map(_YEAR.match, periods) if match]
    if not ends:
        raise FileRefused(
            "FILE-012", f"{file.source_file} holds no period such as 2024 or 202425, so its release cannot be told."
        )
    return max(ends) + series.years_after
