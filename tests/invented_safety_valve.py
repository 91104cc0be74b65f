"""An invented safety valve return: the blank workbook of a quarter, filled in with figures that agree with one another."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import range_boundaries
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from orchestration.returns.spec import load_spec, quarter_end
from orchestration.settings import Settings
from orchestration.template.workbook import write_template

SPEC = load_spec("safety_valve")
LINES = [code for code in SPEC.codes["high_needs_line"].codes if code != "TOTAL_HN"]
PLACEMENTS = {"MmSoA": 1400, "RPSEN": 150, "MdSSA": 1200, "NMISS": 120, "HspAP": 20, "P16FE": 680, "OTHER": 130}
AGES = {"U5": 100, "5-10": 1200, "11-15": 1500, "16-19": 700, "20-25": 200}
LINE_GBP = 3_700_123
FORECASTS = (
    "plan_gbp",
    "budget_gbp",
    "q1_forecast_gbp",
    "q2_forecast_gbp",
    "q3_forecast_gbp",
    "q4_forecast_gbp",
    "outturn_gbp",
)
_FINANCE = {
    ("ALL", "OPENING"): -1_700_321,
    ("SB", "INCOME"): 240_000_777,
    ("SB", "TRANSFER_OUT"): 1_150_021,
    ("SB", "EXPENDITURE"): 238_850_756,
    ("CSSB", "INCOME"): 2_000_111,
    ("CSSB", "EXPENDITURE"): 2_000_111,
    ("HNB", "INCOME"): 46_650_999,
    ("HNB", "TRANSFER_IN"): 1_150_021,
    ("HNB", "EXPENDITURE"): LINE_GBP * len(LINES),
    ("EYB", "INCOME"): 20_000_555,
    ("EYB", "EXPENDITURE"): 20_000_555,
    ("ALL", "SV_PAYMENT"): 2_000_000,
    ("ALL", "OTHER_ADJ"): 0,
    ("ALL", "AGREED_CLOSING"): 0,
}
IN_YEAR = 46_650_999 + 1_150_021 - LINE_GBP * len(LINES)
CLOSING = -1_700_321 + IN_YEAR + 2_000_000

Place = tuple[str, int, str]
"""A cell: its table, its line from 1, and its column."""


def area(book: Workbook, table: str) -> tuple[Worksheet, int, dict[str, int], int]:
    """Where a named table stands: its sheet, the row of its header, its columns by name, and its last row."""
    for sheet in book.worksheets:
        if table in sheet.tables:
            left, top, right, bottom = range_boundaries(sheet.tables[table].ref)
            assert left and top and right and bottom
            return sheet, top, {str(sheet.cell(top, c).value): c for c in range(left, right + 1)}, bottom
    raise KeyError(table)


def lines(book: Workbook, table: str, *keys: str) -> dict[tuple[Any, ...], int]:
    """The rows of a table by what stands in some of its columns."""
    sheet, top, columns, bottom = area(book, table)
    return {tuple(sheet.cell(row, columns[key]).value for key in keys): row for row in range(top + 1, bottom + 1)}


def write_return(
    folder: Path,
    settings: Settings,
    quarter: str = "2025-26Q1",
    *,
    final: bool = False,
    name: str | None = None,
    changed: Mapping[tuple[str, Any, str], Any] | None = None,
    **cover: Any,
) -> Path:
    """A signed return of a quarter; `changed` gives other values to cells, by table, key of the line and column."""
    blank = folder.parent / f"{quarter}.blank"
    blank.unlink(missing_ok=True)
    write_template(settings, "safety-valve", quarter, blank)
    with blank.open("rb") as stream:
        book = load_workbook(stream)
    blank.unlink()
    _fill(book, quarter, final)
    _bring_forward(book, quarter, final)
    said = {"stage": "FINAL" if final else "SUBMITTED", "prepared_by_role": "Finance business partner"}
    said |= {"la_ons_code": "E08000018", "prepared_on": quarter_end(quarter), "version": 2 if final else 1, **cover}
    sheet, top, columns, bottom = area(book, "tblCover")
    for row in range(top + 1, bottom + 1):
        if (key := sheet.cell(row, columns["key"]).value) in said:
            sheet.cell(row, columns["value"], said[str(key)])
    for (table, key, column), value in (changed or {}).items():
        change(book, table, key, column, value)
    year, version = quarter[:4] + quarter[5:7], said["version"]
    path = folder / (name or f"rsv_372_{year}_Q{quarter[-1]}_v{version}.xlsx")
    book.save(path)
    return path


def change(book: Workbook, table: str, key: Any, column: str, value: Any) -> None:
    """Give a cell another value: of the line whose first columns hold `key`, or of that number where it is one."""
    sheet, top, columns, _ = area(book, table)
    keys = key if isinstance(key, tuple) else (key,)
    names = list(columns)[: len(keys)]
    row = top + key if isinstance(key, int) else lines(book, table, *names)[keys]
    sheet.cell(row, columns[column]).value = value


def _put(book: Workbook, table: str, row: int, values: Mapping[str, Any]) -> None:
    sheet, _, columns, _ = area(book, table)
    for column, value in values.items():
        sheet.cell(row, columns[column]).value = value


def _fill(book: Workbook, quarter: str, final: bool) -> None:
    last = int(quarter[-1])
    forecasts = _forecasts(last, final)
    actuals = {f"q{q}_actual_gbp": q for q in range(1, last + 1)}
    for (block, line), row in lines(book, "tblFinance", "block", "line_code").items():
        if line in {"IN_YEAR", "CLOSING"}:
            continue
        amount = _FINANCE.get((block, line), 0)
        _put(book, "tblFinance", row, dict.fromkeys(forecasts, amount))
        if line == "EXPENDITURE":
            _put(book, "tblFinance", row, {column: amount * q // 5 for column, q in actuals.items()})
    spent = {column: _FINANCE["HNB", "EXPENDITURE"] * q // 5 for column, q in actuals.items()}
    for (line,), row in lines(book, "tblHighNeeds", "line_code").items():
        if line == "TOTAL_HN":
            continue
        _put(book, "tblHighNeeds", row, dict.fromkeys(forecasts, LINE_GBP))
        rest = {
            column: amount - (len(LINES) - 1) * (LINE_GBP * actuals[column] // 5) for column, amount in spent.items()
        }
        even = {column: LINE_GBP * q // 5 for column, q in actuals.items()}
        _put(book, "tblHighNeeds", row, rest if line == LINES[-1] else even)
        if line == "1.0.2":
            _put(book, "tblHighNeeds", row, {"recoupment_gbp": 9_291_335})
    for row in lines(book, "tblMemo", "line_code").values():
        _put(book, "tblMemo", row, dict.fromkeys([*forecasts, *actuals], 1_234_567))
    _fill_plans(book, last)
    _fill_words(book, quarter)


def opening(quarter: str) -> int:
    """The balance brought forward into the year of a quarter: every year closes with what the next one begins with."""
    return -1_700_321 + (int(quarter[:4]) - 2025) * (IN_YEAR + 2_000_000)


def _bring_forward(book: Workbook, quarter: str, final: bool) -> None:
    row = lines(book, "tblFinance", "block", "line_code")["ALL", "OPENING"]
    _put(book, "tblFinance", row, dict.fromkeys(_forecasts(int(quarter[-1]), final), opening(quarter)))


def _forecasts(last: int, final: bool) -> list[str]:
    columns = [column for column in FORECASTS if not column.startswith("q") or int(column[1]) <= last]
    return [column for column in columns if column != "outturn_gbp" or final]


def _fill_plans(book: Workbook, last: int) -> None:
    columns = ["plan_count", *(f"q{q}_{what}" for q in range(1, last + 1) for what in ("actual", "forecast"))]
    columns += ["sen2_january"] if last == 4 else []
    total = sum(PLACEMENTS.values())
    counts = {"TOTAL": total, **AGES, "ASD": 1500, "SEMH": 1200, "SLCN": 800, "MLD": total - 3500, **PLACEMENTS}
    for (group, code), row in lines(book, "tblEhcp", "measure_group", "category_code").items():
        _put(book, "tblEhcp", row, dict.fromkeys(columns, counts.get(code, 0) if group else 0))
    flows = {
        "REQUESTS": 200,
        "REFUSED": 40,
        "ASSESS_AGREED": 160,
        "ISSUED": 100,
        "NOT_ISSUED": 10,
        "CEASED": 110,
        "TRANSFER_IN": 10,
    }
    for (code,), row in lines(book, "tblFlows", "flow_code").items():
        _put(book, "tblFlows", row, dict.fromkeys((f"q{q}" for q in range(1, last + 1)), flows[code]))
        _put(book, "tblFlows", row, {"year_forecast": 4 * flows[code]})
    for (code, basis), row in lines(book, "tblUnitCost", "placement_code", "cost_basis").items():
        if basis == "FULL":
            cost = LINE_GBP if code == "NMISS" else 1_000_001
            figures = {f"avg_places_{of}": PLACEMENTS[code] + 0.5 for of in ("plan", "forecast")}
            _put(book, "tblUnitCost", row, figures | {f"cost_{of}_gbp": cost for of in ("plan", "forecast")})


def _fill_words(book: Workbook, quarter: str) -> None:
    end = quarter_end(quarter)
    _, top, _, _ = area(book, "tblConditions")
    for row in range(top + 1, top + 5):
        said = {
            "workstream": "Inclusion",
            "owner_role": "Head of SEND",
            "milestone": "Review",
            "rag": "G",
            "rag_previous": "G",
        }
        _put(book, "tblConditions", row, said | {"due_date": date(2027, 3, 31)})
    _, top, _, _ = area(book, "tblPlaces")
    place = {
        "provision_id": "RP-01",
        "provision_name": "Invented Primary",
        "urn": "999001",
        "provision_type": "RP",
        "phase": "PRIMARY",
    }
    places = {"places_commissioned": 10.5, "places_occupied": 9, "opening_actual": date(2020, 9, 1)}
    _put(book, "tblPlaces", top + 1, place | places)
    for row in lines(book, "tblDemand", "provision_type", "academic_year", "scenario").values():
        _put(book, "tblDemand", row, {"demand_places": 20, "funded_capacity": 11, "note": "Invented."})
    _, top, _, _ = area(book, "tblRisks")
    risk = {"risk_id": "R1", "description": "Demand rises", "mitigation": "Early support", "owner_role": "Head of SEND"}
    rated = {"likelihood": 3, "impact": 4, "rag": "A", "trend": "SAME", "next_review": date(2027, 1, 31)}
    _put(book, "tblRisks", top + 1, risk | rated)
    for (code,), row in lines(book, "tblNarrative", "section_code").items():
        _put(book, "tblNarrative", row, {"text": f"What section {code} says of the quarter, in a sentence or two."})
    for (role,), row in lines(book, "tblSignOff", "role_code").items():
        if role:
            _put(book, "tblSignOff", row, {"status": "SIGNED", "signed_on": end})
