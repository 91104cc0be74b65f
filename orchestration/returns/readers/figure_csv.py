"""Published figures one a row: the shape in which Cornerstone ships figures, open to anyone else's."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.flat_csv import read_flat_csv, read_header
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.spec import FileKind, ReturnSpec

COLUMNS = (
    "publisher", "dataset", "release_name", "series", "time_period", "time_identifier", "geographic_level", "region_name",
    "new_la_code", "old_la_code", "la_name", "breakdown_topic", "breakdown", "measure", "value",
)  # fmt: skip
_YEAR = r"\b(?P<year>(?:19|20)\d{2})\b"
_REVISED = r"(?i)\(revised\)"


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> str | None:
    """The file kind's own name when the header is that of published figures, else None."""
    if file.kind != "text":
        return None
    header = [name.lower() for name in read_header(file)]
    return kind.supplier if {"publisher", "release_name", "measure", "value"} <= set(header) else None


def read(file: DataFile, kind: FileKind, spec: ReturnSpec, recognised: str) -> ReadFile:
    """Read published figures into the shape of `published_figure`.

    The year of a release comes from its name ('EHC plans 2025 (revised)'); a name without one, such as a continuously
    updated tool's, takes the year its latest period ends in.

    Raises:
        FileRefused: FILE-012 a column is missing, or no release year can be told; and what `read_flat_csv` raises.
    """
    flat = read_flat_csv(file)
    missing = [name for name in COLUMNS if name not in flat.rows.column_names]
    if missing:
        raise FileRefused(
            "FILE-012", f"{file.source_file} lacks the column(s) {', '.join(missing)} of published figures."
        )
    names = flat.rows.column("release_name").combine_chunks()
    named_year = pc.cast(pc.struct_field(pc.extract_regex(pc.fill_null(names, ""), _YEAR), "year"), pa.int32())
    period_end = _period_end(flat.rows.column("time_period").combine_chunks())
    latest = int(pc.max(period_end).as_py() or 0)
    year = pc.fill_null(named_year, latest)
    if not latest and named_year.null_count:
        raise FileRefused(
            "FILE-012", f"{file.source_file} has figures whose release year cannot be told from name or period."
        )
    revised = pc.cast(pc.match_substring_regex(pc.fill_null(names, ""), _REVISED), pa.int32())
    columns = {name: flat.rows.column(name) for name in COLUMNS if name not in ("measure", "value")}
    rows = pa.table(
        {
            **columns,
            "source_row": flat.rows.column("source_row"),
            "release_year": year,
            "release_revision": revised,
            "measure": pc.utf8_lower(flat.rows.column("measure")),
            "value_text": flat.rows.column("value"),
        }
    )
    return ReadFile(
        table=kind.table,
        supplier=kind.supplier,
        period=str(pc.max(year).as_py()),
        rows=rows,
        unreadable=flat.unreadable,
        duplicate_columns=flat.duplicate_columns,
        unknown_columns=[name for name in flat.rows.column_names if name not in (*COLUMNS, "source_row")],
    )


def _period_end(time_period: pa.Array) -> pa.Array:
    """The calendar year a period ends in: 2024 -> 2024, 202425 -> 2025; null where it is neither."""
    text = pc.fill_null(time_period, "")
    is_period = pc.match_substring_regex(text, r"^\d{4}(\d{2})?$")
    start = pc.cast(
        pc.if_else(is_period, pc.utf8_slice_codeunits(text, 0, 4), pa.scalar(None, pa.string())), pa.int32()
    )
    spans_two = np.asarray(pc.equal(pc.utf8_length(text), 6)).astype(np.int32)
    return pc.add(start, pa.array(spans_two))
