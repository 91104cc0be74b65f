"""The file shapes of one delivery: a CSV file a table, or one workbook with a named table each."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
from pyarrow import csv

TABLE_NAMES = {
    "cover": "tblCover",
    "referrals": "tblReferrals",
    "appointments": "tblAppointments",
    "declared": "tblDeclared",
}
EXCEL_EPOCH = 25_569
"""1970-01-01 as a spreadsheet numbers its days."""


@dataclass(frozen=True)
class Delivery:
    """One delivery as it is written. `cover`: the pairs of the cover; the tables hold texts and dates (and, at fault, numbers)."""

    cover: dict[str, str]
    referrals: pa.Table
    appointments: pa.Table | None
    """None: the part is missing."""
    declared: pa.Table | None = None
    """None: the provider declares nothing."""

    @property
    def stem(self) -> str:
        """Name of the delivery's files without the part."""
        return "therapy_wl_" + "_".join(
            self.cover[name] for name in ("provider_ods", "snapshot_date", "submission_seq")
        )

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The parts that there are."""
        pairs = {"key": list(self.cover), "value": list(self.cover.values())}
        parts = {"referrals": self.referrals, "appointments": self.appointments, "declared": self.declared}
        return {"cover": pa.table(pairs)} | {name: part for name, part in parts.items() if part is not None}


def write_csv(delivery: Delivery, folder: Path, stem: str | None = None) -> list[Path]:
    """The CSV files: UTF-8, comma, ISO dates, nothing quoted that need not be."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for part, table in delivery.tables.items():
        path = folder / f"{stem or delivery.stem}_{part}.csv"
        with path.open("wb") as handle:
            handle.write((",".join(table.column_names) + "\n").encode())
            options = csv.WriteOptions(include_header=False, quoting_style="needed")
            csv.write_csv(_blank_for_null(table), handle, write_options=options)
        paths.append(path)
    return paths


def _blank_for_null(table: pa.Table) -> pa.Table:
    """Empty texts as nulls, which are written as nothing at all."""
    import pyarrow.compute as pc

    columns = [
        pc.if_else(pc.equal(column, ""), None, column) if pa.types.is_string(column.type) else column
        for column in table.columns
    ]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


def write_xlsx(delivery: Delivery, folder: Path) -> list[Path]:
    """One workbook: a sheet with a named table for every part that there is, dates as dates, all else as text."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{delivery.stem}.xlsx"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    numbered = list(enumerate(delivery.tables.items(), start=1))
    entries = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kinds}.styles+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{kinds}.worksheet+xml"/>'
            f'<Override PartName="/xl/tables/table{i}.xml" ContentType="{kinds}.table+xml"/>'
            for i, _ in numbered
        )
        + "</Types>",
        "_rels/.rels": _relations(packages, {"r1": f"{links}/officeDocument xl/workbook.xml"}),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets>'
        + "".join(f'<sheet name="{part.capitalize()}" sheetId="{i}" r:id="r{i}"/>' for i, (part, _) in numbered)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations(
            packages,
            {f"r{i}": f"{links}/worksheet worksheets/sheet{i}.xml" for i, _ in numbered}
            | {"r9": f"{links}/styles styles.xml"},
        ),
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><fonts count="1"><font/></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
    }
    for i, (part, table) in numbered:
        reach = f"A1:{_letters(table.num_columns - 1)}{table.num_rows + 1}"
        entries[f"xl/worksheets/_rels/sheet{i}.xml.rels"] = _relations(
            packages, {"r1": f"{links}/table ../tables/table{i}.xml"}
        )
        named = "".join(f'<tableColumn id="{n}" name="{name}"/>' for n, name in enumerate(table.column_names, start=1))
        entries[f"xl/tables/table{i}.xml"] = (
            f'<table xmlns="{main}" id="{i}" name="{TABLE_NAMES[part]}" displayName="{TABLE_NAMES[part]}" ref="{reach}">'
            f'<autoFilter ref="{reach}"/><tableColumns count="{table.num_columns}">{named}</tableColumns></table>'
        )
        entries[f"xl/worksheets/sheet{i}.xml"] = (
            f'<worksheet xmlns="{main}" xmlns:r="{links}"><sheetData>{_rows(table)}</sheetData>'
            '<tableParts count="1"><tablePart r:id="r1"/></tableParts></worksheet>'
        )
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))  # the same lists give the same bytes
            entry.compress_type = zipfile.ZIP_DEFLATED
            xml = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + content
            archive.writestr(entry, xml, compresslevel=1)
    path.write_bytes(body.getvalue())
    return [path]


def _relations(packages: str, targets: dict[str, str]) -> str:
    parts = [
        f'<Relationship Id="{key}" Type="{value.split()[0]}" Target="{value.split()[1]}"/>'
        for key, value in targets.items()
    ]
    return f'<Relationships xmlns="{packages}/relationships">{"".join(parts)}</Relationships>'


def _letters(index: int) -> str:
    return chr(65 + index) if index < 26 else chr(64 + index // 26) + chr(65 + index % 26)


def _rows(table: pa.Table) -> str:
    """The rows of a sheet: headings, then date cells and text cells, blanks left out."""
    size = table.num_rows
    numbers = np.arange(2, size + 2).astype(str).astype(object)
    text = '<row r="' + numbers + '">'
    for index, name in enumerate(table.column_names):
        column, at = table.column(name), _letters(index)
        if pa.types.is_date(column.type):
            filled = column.is_valid().to_numpy()
            days = column.fill_null(0).cast(pa.int32()).to_numpy()[filled].astype(np.int64) + EXCEL_EPOCH
            cell = '" s="1"><v>' + days.astype(str).astype(object) + "</v></c>"
        elif pa.types.is_integer(column.type):
            filled = column.is_valid().to_numpy()
            cell = '"><v>' + column.fill_null(0).to_numpy()[filled].astype(str).astype(object) + "</v></c>"
        else:
            values = column.fill_null("").to_numpy().astype(object)
            filled = values != ""
            kept = values[filled]
            shown = {value: escape(value) for value in set(kept)}
            cell = '" t="inlineStr"><is><t>' + np.array([shown[v] for v in kept], dtype=object) + "</t></is></c>"
        text[filled] = text[filled] + f'<c r="{at}' + numbers[filled] + cell
    heads = "".join(
        f'<c r="{_letters(i)}1" t="inlineStr"><is><t>{name}</t></is></c>' for i, name in enumerate(table.column_names)
    )
    return f'<row r="1">{heads}</row>' + "".join((text + "</row>").tolist())
