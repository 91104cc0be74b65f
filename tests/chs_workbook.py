"""A small community waiting-list workbook in each published layout: two trusts, all 17 lines for children."""

from pathlib import Path
from typing import Any

from openpyxl import Workbook

from orchestration.returns.spec import load_spec

CYP_LINES = load_spec("published_statistics").files["chs_workbook"].cyp_lines
SPEECH = "(CYP) Therapy interventions: Speech and language"
OT = "(CYP) Therapy interventions: Occupational therapy"

# Sheet -> (title before the month, waits of the first trust's speech and language, of its occupational therapy)
BANDS: dict[str, tuple[str, int, int]] = {
    "Table 4": ("Total waiting list by service", 182, 140),
    "Table 4a": ("Number waiting 0-1 weeks (0-7 days) by service", 10, 7),
    "Table 4b": ("Number waiting >1-2 weeks (8-14 days) by service", 20, 2),
    "Table 4c": ("Number waiting >2-4 weeks (15-28 days) by service", 50, 3),
    "Table 4d": ("Number waiting >4-12 weeks (29-84 days) by service", 61, 15),
    "Table 4e": ("Number waiting >12-18 weeks (85-126 days) by service", 20, 9),
    "Table 4f": ("Number waiting >18-52 weeks (127-364 days) by service", 21, 64),
    "Table 4g": ("Number waiting >52-104 weeks (365-728 days) by service", 0, 40),
    "Table 4h": ("Number waiting over 104 weeks (over 2 years) by service", 0, 0),
}
OVER_52_WEEKS = "Number waiting over 52 weeks (over 365 days) by service"  # before the band was split
TRUSTS = (("RFR", "The Rotherham NHS Foundation Trust"), ("RXE", "Rotherham Doncaster and South Humber NHS FT"))


def _services() -> list[str]:
    return ["(A) Adult safeguarding", *CYP_LINES]


def _values(kind: str, speech: int, ot: int, *, star: str) -> list[Any]:
    """One organisation's cells: the first trust submits two lines, the second none; three lines are withheld."""
    cells: list[Any] = []
    for service in _services():
        if "safeguarding" in service.lower() or "Looked after" in service:
            cells.append(star)
        elif kind != "RXE" and service.lower() == SPEECH.lower():
            cells.append(speech)
        elif kind != "RXE" and service.lower() == OT.lower():
            cells.append(ot)
        elif kind in ("RFR", "England") and service == "(CYP) Audiology":
            cells.append(0)
        else:
            cells.append(None)
    return cells


def write_workbook(
    path: Path,
    *,
    era: int = 3,
    month: str = "October 2025",
    series_head: str = "Oct-25",
    change: dict[tuple[str, str], Any] | None = None,
    without: tuple[str, ...] = (),
) -> Path:
    """Write a workbook whose England, region and ICB rows are sums of the two trusts.

    `change` replaces the cell of the first trust at (sheet, service); `without` leaves sheets out.
    """
    book = Workbook()
    cover = book.active
    assert cover is not None
    cover.title = "Cover page"
    cover.append(["Title:", "Community Health Services Waiting Times"])
    cover.append(["Published:", "11/12/2025"])
    cover.append(["Revised:", "-"])
    contents = book.create_sheet("Contents")
    contents.append(["Contents"])
    contents.append([f"Table 4: Total waiting list by service, {month}"])
    series = book.create_sheet("Table 2")
    series.append(["National time series"])
    series.append(["Service", "Sep-25", series_head, "Nov-25"])
    series.append(["England", 320, 322, None])
    star = "*" if era < 3 else None
    sheets = {name: band for name, band in BANDS.items() if era == 3 or name != "Table 4h"}
    for name, (title, speech, ot) in sheets.items():
        if name in without:
            continue
        sheet = book.create_sheet(name)
        open_ended = era < 3 and name == "Table 4g"
        sheet.append([f"{OVER_52_WEEKS if open_ended else title}, {month}"])
        for _ in range(4 if era == 1 else 3):
            sheet.append([])
        left = {
            1: [None] * 3,
            2: ["Organisation Type", "Organisation Name"],
            3: ["Organisation Type", "Organisation Code", "Organisation Name"],
        }[era]
        if era == 2 and name == "Table 4g":
            left = ["level", "name"]
        services = [service if era > 1 else service.replace(": S", ": s") for service in _services()]
        sheet.append([*left, *services])
        rows = [("England", "National", None, "England"), ("region", "Region", "Y63", "North East and Yorkshire"),
                ("icb", "ICB", "QF7", "NHS South Yorkshire ICB"),
                *((code, "Provider" if era > 1 else "Organisation", code, trust) for code, trust in TRUSTS)]  # fmt: skip
        seen: set[str] = set()
        for kind, level, code, org in rows:
            values = _values(kind, speech, ot, star="" if star is None else star)
            if kind != "RXE":
                for (at_sheet, service), value in (change or {}).items():
                    if at_sheet == name:
                        values[_services().index(service)] = value
            if era == 1:
                first = level if level not in seen and kind != "England" else None
                sheet.append([None, first, org, *values])
            elif era == 2:
                sheet.append([level, org, *values])
            else:
                sheet.append([level, code, org.upper() if kind != "England" else org, *values])
            seen.add(level)
    book.save(path)
    return path
