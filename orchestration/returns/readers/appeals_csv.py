"""The SEND tribunal appeal-rate table: authorities down, calendar years across, three measures a year.

It is published for people, with headings, footnote numbers and notes; only its figures are taken.
"""

import csv
import io

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.flat_csv import decode
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.spec import FileKind, ReturnSpec

_MEASURES = {
    "appeals registered": "appeals_registered",
    "total appealable decisions": "appealable_decisions",
    "send tribunal appeal rate": "appeal_rate_pc",
    "in development: total appealable decisions": "appealable_decisions_in_development",
    "in development: send tribunal appeal rate": "appeal_rate_in_development_pc",
}
# The table's own signs, in the letters of DfE's open data: its dash is an accountant's zero (the rate beside it is
# 0.00%), two dots are its sign for not available, a tilde its sign for suppressed.
_MARKS = {"-": "0", "..": "x", "~": "c"}


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> str | None:
    """The series when the text opens with the appeal-rate title, else None."""
    if file.kind != "text" or "send appeal rate table" not in decode(file)[:200].lower():
        return None
    return str(kind.series)


def read(file: DataFile, kind: FileKind, spec: ReturnSpec, recognised: str) -> ReadFile:
    """Read the table into the shape of `published_figure`: one row an area, year and measure.

    Raises:
        FileRefused: FILE-012 the headings are not where they are known to be, FILE-006 no figures below them.
    """
    lines = list(csv.reader(io.StringIO(decode(file))))
    top = next((i for i, line in enumerate(lines) if len(line) > 1 and line[1].strip().lower() == "la code"), None)
    if top is None or top + 1 >= len(lines):
        raise FileRefused(
            "FILE-012", f"{file.source_file} looks like the appeal-rate table but has no 'LA code' heading."
        )
    years = pd.Series(lines[top]).str.strip().where(lambda cell: cell.str.fullmatch(r"\d{4}")).ffill()
    heads = pd.Series(lines[top + 1]).str.strip().str.lower().str.replace(r"[\d,]+$", "", regex=True)
    measures = heads.map(_MEASURES)
    used = [i for i in measures.index if pd.notna(measures[i]) and pd.notna(years.get(i))]
    unknown = [head for head in heads[2:] if head and head not in _MEASURES]
    if not used or unknown:
        raise FileRefused(
            "FILE-012", f"{file.source_file} has headings this reader does not know: {', '.join(unknown) or 'none'}."
        )
    latest = max(years[used])
    table = pd.DataFrame(lines[top + 2 :]).reindex(columns=range(len(heads))).fillna("").map(str.strip)
    table["source_row"] = np.arange(1, len(table) + 1, dtype=np.int64)
    table = _areas(table)
    cells = table.melt(
        id_vars=[
            "source_row",
            "geographic_level",
            "region_name",
            "old_la_code",
            "la_name",
            "breakdown_topic",
            "breakdown",
        ],
        value_vars=used,
        var_name="column",
        value_name="text",
    )
    if cells.empty:
        raise FileRefused("FILE-006", f"{file.source_file} has headings but no figures below them; ask for the data.")
    cells["time_period"] = cells["column"].map(years)
    cells["measure"] = cells.pop("column").map(measures)
    text = cells.pop("text").str.replace(",", "").str.rstrip("%").str.strip()
    cells["value_text"] = text.replace(_MARKS).replace("", None)
    # England's total excluding suppressed authorities exists for the measures in development alone.
    cells = cells[cells["breakdown"].isna() | cells["value_text"].notna()]
    release_year = int(latest) + 1
    return ReadFile(
        table=kind.table,
        supplier=kind.supplier,
        period=latest,
        rows=pa.Table.from_pandas(
            cells.assign(
                publisher=kind.publisher,
                dataset=kind.dataset,
                release_name=kind.release_name.format(year=latest),
                release_year=np.int32(release_year),
                release_revision=np.int32(0),
                series=recognised,
                time_identifier="Calendar year",
            ),
            preserve_index=False,
        ),
    )


def _areas(table: pd.DataFrame) -> pd.DataFrame:
    """Authority and England rows with their geography; headings and notes are left out."""
    name = table[0].str.replace(r"[\d,]+$", "", regex=True).str.strip()
    code = table[1].where(table[1].str.fullmatch(r"\d{3}"))
    england = name.str.lower().str.startswith("england total")
    filled = table[[c for c in table.columns if isinstance(c, int) and c > 1]].astype(bool).any(axis=1)
    is_heading = name.str.isupper() & code.isna() & ~filled
    region = (
        name.where(is_heading).str.title().str.replace(" And The ", " and The ").str.replace(" Of ", " of ").ffill()
    )
    excluding = name.str.lower().eq("england total excluding suppressed")
    table = table.assign(
        geographic_level=np.where(england, "National", "Local authority"),
        region_name=region.mask(england),
        old_la_code=code,
        la_name=name.mask(england),
        breakdown_topic=pd.Series("Coverage", index=table.index).where(excluding),
        breakdown=pd.Series("Excluding suppressed", index=table.index).where(excluding),
    )
    notes = name.str.lower().eq("notes:").cummax()
    return table[filled & ~is_heading & ~notes & (name != "")]
