"""Cells of NHS England's waiting-list workbooks one a row: the shape in which Cornerstone ships them.

A file can hold several months, and of a month fewer service lines than the workbook; of a line it holds every organisation,
so that providers still add up to England.
"""

import numpy as np
import pyarrow as pa

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.chs_workbook import typed_cells, with_service
from orchestration.returns.readers.flat_csv import read_flat_csv, read_header
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.spec import FileKind, ReturnSpec

_KEPT = {
    "sheet": "sheet", "data_month": "data_month", "published_date": "published_date", "layout_era": "layout_era",
    "org_level": "org_level", "org_code": "org_code", "org_name": "org_name_raw", "service_line": "service_line_raw",
    "band_code": "band_code", "value": "cell",
}  # fmt: skip
"""Column of the file -> column of `chs_wait`, or the cell as printed."""
COLUMNS = ("publisher", "dataset", *_KEPT)


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> str | None:
    """The file kind's supplier when the header is that of waiting-list cells, else None."""
    if file.kind != "text":
        return None
    header = {name.lower() for name in read_header(file)}
    return kind.supplier if {"data_month", "org_level", "service_line", "band_code", "value"} <= header else None


def read(file: DataFile, kind: FileKind, spec: ReturnSpec, recognised: str) -> ReadFile:
    """Read the cells into the shape of `chs_wait`; the period is the latest month.

    Raises:
        FileRefused: FILE-012 a column is missing, or a row has no month or an unknown layout; what `read_flat_csv` raises.
    """
    flat = read_flat_csv(file)
    missing = [name for name in COLUMNS if name not in flat.rows.column_names]
    if missing:
        raise FileRefused("FILE-012", f"{file.source_file} lacks the column(s) {', '.join(missing)} of waiting lists.")
    cells = flat.rows.select([*_KEPT, "source_row"]).rename_columns([*_KEPT.values(), "source_row"]).to_pandas()
    wrong = ~cells["data_month"].str.fullmatch(r"20\d{2}-(0[1-9]|1[0-2])", na=False) | ~cells["layout_era"].isin(
        ["1", "2", "3"]
    )
    if wrong.any():
        row = int(cells.loc[wrong, "source_row"].iloc[0])
        raise FileRefused("FILE-012", f"{file.source_file}, row {row}: no month YYYY-MM or no layout 1, 2 or 3.")
    cells["cell"] = cells["cell"].fillna("")
    cells["layout_era"] = cells["layout_era"].astype(np.int32)
    month = str(cells["data_month"].max())
    return ReadFile(
        table=kind.table,
        supplier=kind.supplier,
        period=month,
        rows=pa.Table.from_pandas(typed_cells(with_service(cells), kind), preserve_index=False),
        unreadable=flat.unreadable,
        duplicate_columns=flat.duplicate_columns,
        unknown_columns=[name for name in flat.rows.column_names if name not in (*COLUMNS, "source_row")],
    )
