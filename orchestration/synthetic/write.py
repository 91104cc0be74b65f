"""The four shapes in which a council holds its return: XML, COLLECT export, workbooks, a CSV for each module."""

import io
import zipfile
from collections.abc import Collection
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd

from orchestration.synthetic.returns import PARENTS, TABLES, Return, elements

SHAPES = ("xml", "collect_csv", "module_workbook", "stacked_workbook", "module_csv")

DATES = {
    "PersonBirthDate", "ReceivedDate", "RequestOutcomeDate", "AssessmentOutcomeDate", "StartDate", "CeaseDate", "EntryDate", "LeavingDate",
    "ReviewMeeting", "LastReview", "ReviewDraft", "PhaseTransferDueDate", "PhaseTransferFinalDate", "ReferenceDate",
}  # fmt: skip
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

XML_TAGS = {
    "person": "Person", "requests": "Requests", "assessment": "Assessment", "namedplan": "NamedPlan", "plandetail": "PlanDetail",
    "activeplans": "ActivePlans", "placementdetail": "PlacementDetail", "senneed": "SENneed",
}  # fmt: skip
SHEETS = {
    "person": "Person", "requests": "Requests", "assessment": "Assessments", "namedplan": "Named Plan", "plandetail": "Plan Detail",
    "activeplans": "Active Plan", "placementdetail": "Placement Detail", "senneed": "SEN Need",
}  # fmt: skip
STACKED_TITLES = {
    "header": "Header Record",
    "person": "Person Record",
    "requests": "Requests Records",
    "assessment": "Assessments Records",
    "namedplan": "Named Plan Records",
    "plandetail": "Plan Detail Records",
    "activeplans": "Active Plan Records",
    "placementdetail": "Placement Detail Records",
    "senneed": "SEN Need Records",
}
HEADINGS = {
    "ReceivedDate": "Date request was received",
    "RequestSource": "Source of request for an EHC needs assessment",
    "RYA": "Initial Request Whilst In RYA",
    "RequestOutcomeDate": "Request Outcome Date",
    "RequestOutcome": "Request Outcome",
    "RequestMediation": "Request Mediation",
    "RequestTribunal": "Request Tribunal",
    "AssessmentOutcome": "Assessment Outcome - Decision to issue EHC plan",
    "Week20": "Twenty week time limit exceptions apply",
    "StartDate": "EHC Plan Start Date",
    "PlanRes": "Residential Settings",
    "PlanWBP": "Work Based Learning Activity",
    "PB": "Personal Budget taken up",
    "OA": "Personal Budget - Organised Arrangements",
    "DP": "Personal Budget - Direct Payments",
    "CeaseDate": "Date EHC plan ceased",
    "CeaseReason": "Reason EHC plan ceased",
    "PlacementRank": "Placement Rank (1=Primary, 2=Secondary)",
    "TransferLA": "EHC Plan transferred in from another LA during calendar year",
    "LastReview": "EHC Plan Review Decisions Date",
    "ReviewMeeting": "Annual Review Meeting Date",
    "ReviewOutcome": "Annual Review Decision",
    "EntryDate": "Placement Start Date",
    "LeavingDate": "Placement Leaving Date",
    "SENtype": "SEN Type of Need",
}
"""Headings of the DfE Excel template, where known; the others keep their element name."""


def write_shapes(made: Return, folder: Path, shapes: Collection[str] = SHAPES) -> int:
    """One return in each of the shapes, a folder a shape. Returns the number of files."""
    writers = {
        "xml": lambda: write_xml(made, folder / "xml" / f"{made.la}_SEN2_{made.year}.xml"),
        "collect_csv": lambda: write_collect(made, folder / "collect_csv"),
        "module_workbook": lambda: write_workbook(made, folder / "module_workbook" / f"SEN2_{made.year}_modules.xlsx"),
        "stacked_workbook": lambda: write_template(
            made, folder / "stacked_workbook" / f"SEN2_{made.year}_template.xlsx"
        ),
        "module_csv": lambda: write_modules(made, folder / "module_csv"),
    }
    for shape in SHAPES:
        if shape in shapes:
            writers[shape]()
    return sum(1 for shape in shapes for path in (folder / shape).iterdir() if path.is_file())


def write_xml(made: Return, path: Path) -> None:
    """The XML return of that year's element set, UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    order = elements(made.year)
    opened = {name: _leaves(made.tables[name], names) for name, names in order.items()}
    needs = _joined("senneed", made, opened["senneed"])
    places = _joined("placementdetail", made, opened["placementdetail"])
    details = _joined("plandetail", made, opened["plandetail"])
    plans = _nested("namedplan", made, opened["namedplan"], {"namedplan": details}, inside_after="<StartDate>")
    active = _nested("activeplans", made, opened["activeplans"], {"placementdetail": places, "senneed": needs})
    assessed = _nested("assessment", made, opened["assessment"], {"namedplan": plans})
    requests = _nested("requests", made, opened["requests"], {"assessment": assessed, "activeplans": active})
    people = _nested("person", made, opened["person"], {"requests": requests})
    details_of = dict(made.header)
    collection = "".join(f"<{k}>{escape(details_of.pop(k))}</{k}>" for k in ("Collection", "Year", "ReferenceDate"))
    source = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in details_of.items())
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write('<?xml version="1.0" encoding="UTF-8"?>\n<Message>\n')
        handle.write(
            f"<Header><CollectionDetails>{collection}</CollectionDetails><Source>{source}</Source></Header>\n<Persons>\n"
        )
        handle.write("\n".join(people["xml"].tolist()))
        handle.write("\n</Persons>\n</Message>\n")


def _leaves(frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    """The filled elements of each row as one text."""
    text = np.full(len(frame), "", dtype=object)
    for name in names:
        values = frame[name].to_numpy(dtype=object)
        filled = values != ""
        if any("&" in str(value) or "<" in str(value) for value in pd.unique(values)):
            values = np.array([escape(str(value)) for value in values], dtype=object)
        text[filled] = text[filled] + f"<{name}>" + values[filled] + f"</{name}>"
    return text


def _joined(table: str, made: Return, leaves: np.ndarray) -> pd.DataFrame:
    """All records of a table under one parent, one after the other. Columns: the parent's id, xml."""
    parent = f"{PARENTS[table]}_id"
    tag = XML_TAGS[table]
    return _together(parent, made.tables[table][parent].to_numpy(), f"<{tag}>" + leaves + f"</{tag}>")


def _together(parent: str, ids: np.ndarray, xml: np.ndarray) -> pd.DataFrame:
    """Texts of one parent joined in the order of the rows. Columns: the parent's id, xml."""
    if not len(ids):
        return pd.DataFrame({parent: [], "xml": []})
    order = np.argsort(ids, kind="stable")
    starts = np.flatnonzero(np.diff(ids[order], prepend=ids.min() - 1))
    return pd.DataFrame({parent: ids[order][starts], "xml": np.add.reduceat(xml[order], starts)}, dtype=object)


def _nested(
    table: str, made: Return, leaves: np.ndarray, children: dict[str, pd.DataFrame], inside_after: str = ""
) -> pd.DataFrame:
    """Records with their children inside, joined under their parent."""
    own = made.tables[table]
    key = f"{table}_id"
    inner = leaves
    for child in children.values():
        text = own[key].map(child.set_index(key)["xml"]).fillna("").to_numpy(dtype=object)
        if inside_after:
            closing = inside_after.replace("<", "</")
            inner = np.array(
                [
                    a.replace(closing, closing + b, 1) if closing in a else b + a
                    for a, b in zip(inner, text, strict=True)
                ],
                dtype=object,
            )
        else:
            inner = inner + text
    tag = XML_TAGS[table]
    xml = f"<{tag}>" + inner + f"</{tag}>"
    if table == "person":
        return pd.DataFrame({"xml": xml})
    parent = f"{PARENTS[table]}_id"
    return _together(parent, own[parent].to_numpy(), xml)


def _collect_date(values: "pd.Series[str]") -> "pd.Series[str]":
    filled = values != ""
    kinds = pd.unique(values[filled])
    shown = {
        text: f"{text[:4]}-{MONTHS[int(text[5:7]) - 1]}-{text[8:10]} 00:00:00"
        if len(text) == 10 and text[4] == "-"
        else text
        for text in kinds
    }
    return values.map(shown).fillna("")


def write_collect(made: Return, folder: Path) -> None:
    """Nine CSVs as COLLECT exports them: table ids as keys, lower-case columns, dates as 2022-Sep-28 00:00:00."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"05-03-{made.year}"
    head = {name.lower(): name for name in made.header}
    row = {"sen2tableid": "1", "NativeId": "1", "sen2orderseqcolumn": "1", "sourceid": "1"}
    row |= {column: made.header[name] for column, name in head.items()}
    row["referencedate"] = _collect_date(pd.Series([made.header["ReferenceDate"]])).iloc[0]
    pd.DataFrame([row]).to_csv(folder / f"Blade-Export_{stamp}_sen2.csv", index=False)
    for table in TABLES:
        frame = made.tables[table]
        ids = frame[f"{table}_id"].astype(str)
        columns = {
            f"{table}tableid": ids,
            "NativeId": ids,
            f"{table}orderseqcolumn": ids,
            "sourceid": pd.Series("1", index=frame.index),
        }
        parent = PARENTS.get(table)
        if parent is None:
            columns["sen2tableid"] = pd.Series("1", index=frame.index)
        else:
            columns[f"{parent}tableid"] = frame[f"{parent}_id"].astype(str)
        for name in elements(made.year)[table]:
            columns[name.lower()] = _collect_date(frame[name]) if name in DATES else frame[name]
        _csv(pd.DataFrame(columns), folder / f"Blade-Export_{stamp}_{table}.csv")


def write_modules(made: Return, folder: Path) -> None:
    """A CSV for each module with record ids, element names as headings, ISO dates."""
    folder.mkdir(parents=True, exist_ok=True)
    _csv(pd.DataFrame([made.header]), folder / "header.csv")
    for table in TABLES:
        _csv(module_frame(made, table), folder / f"{table}.csv")


def _csv(frame: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import csv

    table = pa.Table.from_pandas(frame.astype(str), preserve_index=False)
    csv.write_csv(table, path, write_options=csv.WriteOptions(quoting_style="needed"))


def module_frame(made: Return, table: str) -> pd.DataFrame:
    """A module with its record id and its parent's."""
    frame = made.tables[table]
    columns = {f"{XML_TAGS[table]} Id": frame[f"{table}_id"].astype(str)}
    if table in PARENTS:
        columns[f"{XML_TAGS[PARENTS[table]]} Id"] = frame[f"{PARENTS[table]}_id"].astype(str)
    return pd.DataFrame(columns | {name: frame[name] for name in elements(made.year)[table]})


def write_workbook(made: Return, path: Path) -> None:
    """A case-system workbook: a sheet for each module."""
    header = pd.DataFrame([made.header])
    sheets = {"Header": [header]} | {SHEETS[table]: [module_frame(made, table)] for table in TABLES}
    _write_xlsx(path, {name: _blocks(frames) for name, frames in sheets.items()})


def write_template(made: Return, path: Path) -> None:
    """The DfE template: nine tables on one sheet, each under its title, with the template's headings."""
    blocks: list[tuple[str, pd.DataFrame]] = [(STACKED_TITLES["header"], pd.DataFrame([made.header]))]
    for table in TABLES:
        frame = module_frame(made, table).rename(columns=HEADINGS)
        blocks.append((STACKED_TITLES[table], frame))
    rows: list[str] = []
    number = 1
    for title, frame in blocks:
        rows.append(f'<row r="{number}">{_cells([title], number)}</row>')
        number += 1
        body = _rows(frame, number)
        rows += body
        number += len(body) + 1
    _write_xlsx(path, {"Data Entry Template": rows})


def _blocks(frames: list[pd.DataFrame]) -> list[str]:
    return [row for frame in frames for row in _rows(frame, 1)]


def _column(index: int) -> str:
    return chr(65 + index) if index < 26 else chr(64 + index // 26) + chr(65 + index % 26)


def _cells(values: list[str], row: int) -> str:
    return "".join(
        f'<c r="{_column(i)}{row}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        for i, value in enumerate(values)
        if value != ""
    )


def _rows(frame: pd.DataFrame, first: int) -> list[str]:
    """Spreadsheet rows: headings, then every value as text (dates and numbers too, as case systems export them)."""
    numbers = pd.Series(np.arange(first + 1, first + 1 + len(frame))).astype(str).to_numpy(dtype=object)
    text = '<row r="' + numbers + '">'
    for index, name in enumerate(frame.columns):
        values = frame[name].to_numpy(dtype=object)
        if any("&" in str(value) or "<" in str(value) for value in pd.unique(values)):
            values = np.array([escape(str(value)) for value in values], dtype=object)
        filled = values != ""
        text[filled] = (
            text[filled]
            + f'<c r="{_column(index)}'
            + numbers[filled]
            + '" t="inlineStr"><is><t>'
            + values[filled]
            + "</t></is></c>"
        )
    return [f'<row r="{first}">{_cells(list(frame.columns), first)}</row>', *(text + "</row>").tolist()]


def _write_xlsx(path: Path, sheets: dict[str, list[str]]) -> None:
    """A plain workbook of text cells. Written by hand: general writers take seconds for what needs no styles."""
    path.parent.mkdir(parents=True, exist_ok=True)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    rels = "application/vnd.openxmlformats-package.relationships+xml"
    names = list(sheets)
    entries = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types"><Default Extension="rels" ContentType="{rels}"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{kinds}.worksheet+xml"/>'
            for i in range(1, len(names) + 1)
        )
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{packages}/relationships">'
        f'<Relationship Id="r1" Type="{links}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{links}"><sheets>'
        + "".join(f'<sheet name="{escape(name)}" sheetId="{i}" r:id="r{i}"/>' for i, name in enumerate(names, start=1))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{packages}/relationships">'
        + "".join(
            f'<Relationship Id="r{i}" Type="{links}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, len(names) + 1)
        )
        + "</Relationships>",
    }
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in entries.items():
            archive.writestr(
                _entry(name), '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + content, compresslevel=1
            )
        for index, sheet in enumerate(names, start=1):
            body = io.StringIO()
            body.write(f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet xmlns="{main}"><sheetData>')
            body.write("".join(sheets[sheet]))
            body.write("</sheetData></worksheet>")
            archive.writestr(_entry(f"xl/worksheets/sheet{index}.xml"), body.getvalue(), compresslevel=1)


def _entry(name: str) -> zipfile.ZipInfo:
    """An archive entry without a clock: the same borough gives the same bytes."""
    entry = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
