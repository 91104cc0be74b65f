"""The EHC plans return of a few invented people, written in every shape councils hold it in."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

MODULES = {
    "Header": "sen2", "Person": "person", "Requests": "requests", "Assessment": "assessment", "NamedPlan": "namedplan",
    "PlanDetail": "plandetail", "ActivePlans": "activeplans", "PlacementDetail": "placementdetail", "SENneed": "senneed",
}  # fmt: skip
PARENTS = {
    "Person": "Header", "Requests": "Person", "Assessment": "Requests", "NamedPlan": "Assessment",
    "PlanDetail": "NamedPlan", "ActivePlans": "Requests", "PlacementDetail": "ActivePlans", "SENneed": "ActivePlans",
}  # fmt: skip
SHEETS = {
    "Header": "Header Record", "Person": "Person Record", "Requests": "Requests Records",
    "Assessment": "Assessments Records", "NamedPlan": "Named Plan Records", "PlanDetail": "Plan Detail Records",
    "ActivePlans": "Active Plan Records", "PlacementDetail": "Placement Detail Records", "SENneed": "SEN Need Records",
}  # fmt: skip
HEADINGS = {
    "ReceivedDate": "Date request was received", "RequestOutcomeDate": "Request Outcome Date",
    "PersonBirthDate": "Date of Birth", "StartDate": "EHC Plan Start Date", "CeaseDate": "Date EHC plan ceased",
    "LastReview": "EHC Plan Review Decisions Date", "ReviewMeeting": "Annual Review Meeting Date",
    "EntryDate": "Placement Start Date", "SENtype": "SEN Type of Need", "Week20": "Twenty week time limit exceptions apply",
    "PlacementRank": "Placement Rank (1=Primary, 2=Secondary)", "RequestSource": "Source of request for an EHC needs assessment",
}  # fmt: skip
DATES = {
    "ReferenceDate", "DateTime", "PersonBirthDate", "ReceivedDate", "RequestOutcomeDate", "AssessmentOutcomeDate",
    "StartDate", "CeaseDate", "ReviewMeeting", "LastReview", "EntryDate", "LeavingDate",
}  # fmt: skip
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@dataclass
class Record:
    """One record: its element, its fields under their element names, and the records within it."""

    element: str
    fields: dict[str, str] = field(default_factory=dict)
    within: list["Record"] = field(default_factory=list)


def header(year: int = 2025, serial: str = "1", **changed: str) -> Record:
    days = {2023: "2023-01-19", 2024: "2024-01-18", 2025: "2025-01-16", 2026: "2026-01-15"}
    fields = {
        "Collection": "SEN2", "Year": str(year), "ReferenceDate": days.get(year, f"{year}-01-15"), "SourceLevel": "L",
        "LEA": "372", "SoftwareCode": "Invented", "Release": "1.0", "SerialNo": serial,
        "DateTime": f"{year}-02-14T10:20:30", "DMO": "Y", "DCO": "N",
    }  # fmt: skip
    return Record("Header", fields | changed)


def ada(**changed: str) -> Record:
    """Assessed and issued a plan in the year, in a special school, with two needs."""
    return Record(
        "Person",
        {
            "Surname": "Zzlovelace", "Forename": "Adaxia", "PersonBirthDate": "2014-08-31", "Sex": "F", "Ethnicity": "WBRI",
            "PostCode": "zz1 1aa", "UPN": "E372400021001",
        } | changed,
        [
            Record(
                "Requests",
                {
                    "ReceivedDate": "2024-02-05", "RequestSource": "1", "RYA": "0", "RequestOutcomeDate": "2024-03-12",
                    "RequestOutcome": "Y", "RequestMediation": "0", "RequestTribunal": "0",
                },
                [
                    Record(
                        "Assessment",
                        {
                            "AssessmentOutcome": "Y", "AssessmentOutcomeDate": "2024-06-20", "AssessmentMediation": "0",
                            "AssessmentTribunal": "0", "OtherMediation": "0", "OtherTribunal": "0", "Week20": "0",
                        },
                        [
                            Record(
                                "NamedPlan",
                                {"StartDate": "2024-06-20", "PB": "1", "OA": "0", "DP": "E"},
                                [Record("PlanDetail", {"URN": "999001", "PlacementRank": "1", "SENunitIndicator": "0"})],
                            )
                        ],
                    ),
                    Record(
                        "ActivePlans",
                        {"ReviewMeeting": "2024-11-01", "LastReview": "2024-11-20", "ReviewOutcome": "M"},
                        [
                            Record(
                                "PlacementDetail",
                                {"URN": "999001", "PlacementRank": "1", "EntryDate": "2024-09-02", "SENunitIndicator": "0"},
                            ),
                            Record(
                                "PlacementDetail",
                                {
                                    "SENSetting": "OTH", "SENSettingOther": "Zztherapy with Adaxia's aunt",
                                    "PlacementRank": "2", "EntryDate": "2024-10-01",
                                },
                            ),
                            Record("SENneed", {"SENtype": "ASD", "SENtypeRank": "1"}),
                            Record("SENneed", {"SENtype": "SLCN", "SENtypeRank": "2"}),
                        ],
                    ),
                ],
            )
        ],
    )  # fmt: skip


def alan(**changed: str) -> Record:
    """Refused once, then asked again; in college, known by a learner number."""
    return Record(
        "Person",
        {
            "Surname": "Zzturing", "Forename": "Alanoid", "PersonBirthDate": "2006-02-28", "Sex": "M", "Ethnicity": "NOBT",
            "PostCode": "ZZ2 2BB", "UniqueLearnerNumber": "1000102504",
        } | changed,
        [
            Record(
                "Requests",
                {
                    "ReceivedDate": "2024-09-30", "RequestSource": "2", "RYA": "0", "RequestOutcome": "A",
                    "RequestMediation": "0", "RequestTribunal": "0",
                },
            ),
            Record(
                "Requests",
                {
                    "ReceivedDate": "2024-01-10", "RequestSource": "5", "RYA": "1", "RequestOutcomeDate": "2024-02-20",
                    "RequestOutcome": "N", "RequestMediation": "1", "RequestTribunal": "0",
                },
            ),
        ],
    )  # fmt: skip


def grace(**changed: str) -> Record:
    """A plan that ceased in the year; neither number known."""
    return Record(
        "Person",
        {
            "Surname": "Zzhopper", "Forename": "Graceling", "PersonBirthDate": "2000-05-17", "Sex": "F", "Ethnicity": "APKN",
            "PostCode": "ZZ3 3CC", "UPNunknown": "UN5",
        } | changed,
        [
            Record(
                "Requests",
                {"RYA": "0", "RequestOutcome": "H", "RequestMediation": "0", "RequestTribunal": "0"},
                [
                    Record(
                        "Assessment",
                        {
                            "AssessmentOutcome": "H", "AssessmentMediation": "0", "AssessmentTribunal": "0",
                            "OtherMediation": "0", "OtherTribunal": "0",
                        },
                        [
                            Record(
                                "NamedPlan",
                                {"StartDate": "2016-03-01", "CeaseDate": "2024-07-31", "CeaseReason": "4", "PB": "0", "OA": "0"},
                                [Record("PlanDetail", {"SENSetting": "EHE", "PlacementRank": "1"})],
                            )
                        ],
                    )
                ],
            )
        ],
    )  # fmt: skip


def people() -> list[Record]:
    return [ada(), alan(), grace()]


def xml_text(
    head: Record | None,
    persons: list[Record],
    *,
    spell: Callable[[str], str] = str,
    namespace: str = "",
    reverse: bool = False,
    prolog: str = '<?xml version="1.0" encoding="utf-8"?>',
) -> str:
    """The return as XML; `reverse` turns the order of everything round, the header last."""

    def element(name: str, content: str) -> str:
        return f"<{spell(name)}>{content}</{spell(name)}>"

    def record(one: Record) -> str:
        parts = [element(name, escape(value)) for name, value in one.fields.items()]
        parts += [record(within) for within in one.within]
        return element(one.element, "\n".join(reversed(parts) if reverse else parts))

    parts = []
    if head is not None:
        details = {"Collection", "Year", "ReferenceDate"}
        inner = [
            element("CollectionDetails", "".join(element(n, v) for n, v in head.fields.items() if n in details)),
            element("Source", "".join(element(n, v) for n, v in head.fields.items() if n not in details)),
        ]
        parts.append(element("Header", "".join(inner)))
    # Persons stay in order: the row a message names counts from the top.
    parts.append(element("Persons", "\n".join(record(person) for person in persons)))
    root = spell("Message")
    attribute = f' xmlns="{namespace}"' if namespace else ""
    return f"{prolog}<{root}{attribute}>{''.join(reversed(parts) if reverse else parts)}</{root}>"


@dataclass
class Table:
    """Records of one element as rows: own number, the parent's, fields."""

    element: str
    rows: list[tuple[int, int | None, dict[str, str]]] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(name for _, _, fields in self.rows for name in fields))


def tables(head: Record | None, persons: list[Record]) -> dict[str, Table]:
    """The records flattened; every number is unlike any position, as in a database."""
    found = {element: Table(element) for element in MODULES}
    numbers = iter(range(70_001, 90_000))

    def add(record: Record, parent: int | None) -> None:
        own = next(numbers)
        found[record.element].rows.append((own, parent, record.fields))
        for within in record.within:
            add(within, own)

    root = 70_000
    if head is not None:
        found["Header"].rows.append((root, None, head.fields))
    for person in persons:
        add(person, root)
    return found


def collect_date(value: str) -> str:
    """`2022-09-28` as the COLLECT export writes it: `2022-Sep-28 00:00:00`."""
    day, _, clock = value.partition("T")
    year, month, number = day.split("-")
    return f"{year}-{_MONTHS[int(month) - 1]}-{number} {clock or '00:00:00'}"


def write_collect_export(folder: Path, head: Record, persons: list[Record], date: str = "14-02-2025") -> list[Path]:
    """Nine files, lower-case columns, table ids as keys; a column for every field that any record has."""
    paths = []
    for element, table in tables(head, persons).items():
        module = MODULES[element]
        parent = [f"{MODULES[PARENTS[element]]}tableid"] if element in PARENTS else []
        columns = table.columns or _usual_columns(element)
        rows = [
            [f"{module}tableid", "NativeId", f"{module}orderseqcolumn", "sourceid", *parent, *map(str.lower, columns)]
        ]
        for position, (own, above, fields) in enumerate(table.rows, start=1):
            values = [collect_date(fields[c]) if c in DATES and fields.get(c) else fields.get(c, "") for c in columns]
            rows.append([str(own), "", str(position), "1", *([str(above)] if parent else []), *values])
        path = folder / f"Blade-Export_{date}_{module}.csv"
        _write_csv(path, rows)
        paths.append(path)
    return paths


def write_module_csvs(folder: Path, persons: list[Record], year: str = "2025") -> list[Path]:
    """A case system's files, one a module: no header record, British dates, numbers called `person id`, ticks as words."""
    paths = []
    for element, table in tables(None, persons).items():
        if element == "Header":
            continue
        module = MODULES[element]
        parent = [] if element == "Person" else [f"{MODULES[PARENTS[element]]} id"]
        columns = table.columns or _usual_columns(element)
        rows = [[f"{module} id", *parent, *columns]]
        for own, above, fields in table.rows:
            rows.append(
                [str(own), *([str(above)] if parent else []), *(_british(c, fields.get(c, "")) for c in columns)]
            )
        path = folder / f"return {year} {module}.csv"
        _write_csv(path, rows)
        paths.append(path)
    return paths


def _usual_columns(element: str) -> list[str]:
    return {"PlanDetail": ["URN", "PlacementRank"], "SENneed": ["SENtype", "SENtypeRank"]}.get(
        element, ["StartDate", "PB"]
    )


def _british(column: str, value: str) -> str:
    if column in DATES and value:
        year, month, day = value[:10].split("-")
        return f"{day}/{month}/{year}"
    if column in {"RYA", "RequestMediation", "RequestTribunal", "PB"}:
        return {"1": "true", "0": "FALSE"}.get(value, value)
    return value


def _write_csv(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def write_workbook(path: Path, head: Record | None, persons: list[Record], *, stacked: bool) -> Path:
    """A workbook with a module on each sheet, or with all of them below their titles on one."""
    from datetime import datetime

    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Data Entry Template" if stacked else "Notes"
    if not stacked:
        sheet.append(["Invented people; for tests alone."])
    for element, table in tables(head, persons).items():
        if not table.rows and element == "Header":
            continue
        if stacked:
            sheet.append([])
            sheet.append([SHEETS[element]])
        else:
            sheet = book.create_sheet(SHEETS[element].replace(" Records", "").replace(" Record", ""))
        parent = [f"{MODULES[PARENTS[element]]} ID"] if element in PARENTS else []
        columns = table.columns or _usual_columns(element)
        sheet.append([f"{MODULES[element]} ID", *parent, *(HEADINGS.get(c, c) for c in columns)])
        for own, above, fields in table.rows:
            cells: list[object] = [own, *([above] if parent else [])]
            for column in columns:
                value = fields.get(column, "")
                if column in DATES and value:
                    cells.append(datetime.fromisoformat(value))
                elif value.isdigit():
                    cells.append(int(value))
                else:
                    cells.append(value or None)
            sheet.append(cells)
    book.save(path)
    return path
