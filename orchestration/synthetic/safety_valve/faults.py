"""Faults planted in copies of a return, one rule a workbook, each with its lines in the answer key.

What one return can break is planted in the return of one quarter, beside the same return without a fault. What only a series of
returns or published figures can show is planted in returns that agree with themselves; the key says what it takes to see it. A rule
that cannot be broken without breaking another names the other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from openpyxl.workbook import Workbook

from orchestration.synthetic.safety_valve.write import KEYS, Return, area, filled, place_of, save

if TYPE_CHECKING:
    from orchestration.synthetic.safety_valve.borough import Series

SPOILT = "2025-26Q3"
"""The return that is spoilt for the rules of one return."""
LATEST, CLOSED = "2025-26Q4", "2024-25Q4"
"""The returns that are spoilt for rules between returns: an open year's and a closed year's."""

NOT_PLANTED = {
    "RSV-132": "happens in the clean returns: a closed quarter of 2024-25 is restated",
    "RSV-154": "no return can break it: it guards how budget and outturn are compared",
    "RSV-155": "no return can break it: it is about the figures of the reform plan",
}
"""Rules left out of the answer key, and why."""

COVER, FINANCE, LINES, MEMO = "tblCover", "tblFinance", "tblHighNeeds", "tblMemo"
PLANS, FLOWS, COSTS = "tblEhcp", "tblFlows", "tblUnitCost"
CONDITIONS, PLACES, DEMAND, RISKS = "tblConditions", "tblPlaces", "tblDemand", "tblRisks"
NARRATIVE, SIGN_OFF = "tblNarrative", "tblSignOff"

Key = tuple[str, ...] | int
"""The line of a table: its key, or where lines follow one another its number from 1."""
Edit = tuple[str, Key, str, Any]
"""A cell and what is written over it: table, line, column, value."""


@dataclass(frozen=True)
class Fault:
    """How a rule is broken: cells written over, of which the first is the fault, or a table taken away."""

    edits: list[Edit] = field(default_factory=list)
    also: tuple[str, ...] = ()
    """Rules that break with it."""
    at: tuple[tuple[str, Key], ...] = ()
    """Lines that the rule reports, where they are others than that of the first cell."""
    without: str = ""
    """A named table that is taken away."""
    name: str | None = None
    """Another name for the file."""


Plant = Callable[[Return], Fault]


def _cell(table: str, key: Key, column: str, value: Any, *quiet: Edit, **also: Any) -> Plant:
    return lambda _: Fault([(table, key, column, value), *quiet], **also)


def _more(one: Return, table: str, key: tuple[str, ...], column: str, number: float) -> Edit:
    """A number added to a cell."""
    return (table, key, column, one.row(table, *key)[column] + number)


def _moved(column: str, number: float, table: str, key: tuple[str, ...], *to: tuple[str, ...]) -> Plant:
    """A number added to a cell of one line and taken from the same of others."""
    return lambda one: Fault(
        [_more(one, table, key, column, number), *(_more(one, table, other, column, -number) for other in to)]
    )


def _in_year(one: Return, block: str, column: str) -> int:
    lines = {
        line: one.row(FINANCE, block, line)[column] for line in ("INCOME", "TRANSFER_IN", "TRANSFER_OUT", "EXPENDITURE")
    }
    return int(lines["INCOME"] + lines["TRANSFER_IN"] - lines["TRANSFER_OUT"] - lines["EXPENDITURE"])


def _all_in_year(one: Return, column: str) -> int:
    return sum(_in_year(one, block, column) for block in ("SB", "CSSB", "HNB", "EYB"))


def _total(one: Return, column: str) -> int:
    return sum(int(row[column]) for row in one.tables[LINES] if column in row)


_OTHER_GROUPS = (("AGE", "11-15"), ("NEED", "ASD"), ("PLACEMENT", "MmSoA"))


def _plans_moved(one: Return, number: int, *columns: str) -> list[Edit]:
    """Plans added to the total and to a category of every group."""
    keys = (("TOTAL", "TOTAL"), *_OTHER_GROUPS)
    return [_more(one, PLANS, key, column, number) for column in columns for key in keys]


def _nothing_of_the_quarter(one: Return) -> Fault:
    columns = ("q3_actual_gbp", "q3_forecast_gbp")
    cells: list[Edit] = [
        (FINANCE, (row["block"], row["line_code"]), column, None)
        for row in one.tables[FINANCE]
        for column in columns
        if column in row
    ]
    return Fault(cells, also=("RSV-016",))


def _in_thousands(one: Return) -> Fault:
    """All money in thousands; the expenditure of the block is the sum of its lines, rounded as they are."""
    cells: list[Edit] = []
    for table in (FINANCE, LINES, MEMO, COSTS):
        for row in one.tables[table]:
            key = tuple(row[name] for name in KEYS[table])
            for column in (name for name in row if name.endswith("_gbp")):
                value = round(row[column] / 1000)
                if (table, key) == (FINANCE, ("HNB", "EXPENDITURE")):
                    value = sum(round(line[column] / 1000) for line in one.tables[LINES] if column in line)
                cells.append((table, key, column, value))
    return Fault(cells, also=("RSV-028",))  # rounding leaves a plan that was balanced a thousand above nought


def _closing_above_nought(_: Return) -> Fault:
    adjustment = (FINANCE, ("ALL", "OTHER_ADJ"))
    return Fault(
        [(*adjustment, "q3_forecast_gbp", 2_500_000), (*adjustment, "note", "An adjustment of earlier years.")],
        at=((FINANCE, ("ALL", "CLOSING")),),
    )


def _wrong_total(rule_table: str, key: tuple[str, ...], value: Callable[[Return], int], **also: Any) -> Plant:
    """A number instead of the formula of the quarter's forecast."""
    return lambda one: Fault([(rule_table, key, "q3_forecast_gbp", value(one))], **also)


def _closing(one: Return, column: str) -> int:
    lines = ("OPENING", "SV_PAYMENT", "OTHER_ADJ")
    return _all_in_year(one, column) + sum(int(one.row(FINANCE, "ALL", line)[column]) for line in lines)


def _more_transferred(one: Return) -> Fault:
    out, into = ("SB", "TRANSFER_OUT"), ("HNB", "TRANSFER_IN")
    column = "q3_forecast_gbp"
    return Fault(
        [
            _more(one, FINANCE, out, column, 700_000),
            _more(one, FINANCE, into, column, 700_000),
            (FINANCE, out, "note", None),
        ]
    )


def _without_spending(one: Return) -> Fault:
    columns = ("q1_actual_gbp", "q2_actual_gbp", "q3_actual_gbp")
    spent = {column: one.row(LINES, "1.2.6")[column] for column in columns}
    return Fault(
        [(LINES, ("1.2.6",), column, 0) for column in columns]
        + [_more(one, LINES, ("1.2.7",), column, pounds) for column, pounds in spent.items()]
    )


def _many_ceased(one: Return) -> Fault:
    ceased = ("CEASED",)
    return Fault(
        [_more(one, FLOWS, ceased, "q3", 80), _more(one, FLOWS, ceased, "year_forecast", 80)],
        at=((PLANS, ("TOTAL", "TOTAL")),),
    )


def _leap(one: Return) -> Fault:
    number = one.row(PLANS, "TOTAL", "TOTAL")["q2_actual"] // 14
    issued = ("ISSUED",)
    return Fault(
        [
            *_plans_moved(one, number, "q3_actual", "q3_forecast"),
            *(_more(one, FLOWS, issued, c, number) for c in ("q3", "year_forecast")),
        ]
    )


def _falling(one: Return) -> Fault:
    total = one.row(PLANS, "TOTAL", "TOTAL")
    return Fault(_plans_moved(one, total["q3_actual"] - total["q3_forecast"] - 10, "q3_forecast"))


def _scaled_cost(code: str, places: float, cost: float) -> Plant:
    def plant(one: Return) -> Fault:
        [row] = [row for row in one.tables[COSTS] if row["placement_code"] == code]
        key = (code, row["cost_basis"])
        return Fault(
            [
                (COSTS, key, "avg_places_forecast", round(places * row["avg_places_forecast"], 1)),
                (COSTS, key, "cost_forecast_gbp", round(cost * row["cost_forecast_gbp"])),
            ]
        )

    return plant


def _signed(key: int, **values: Any) -> Plant:
    return lambda _: Fault([(SIGN_OFF, key, column, value) for column, value in values.items()])


def _cover(**values: Any) -> Plant:
    return lambda _: Fault([(COVER, (key,), "value", value) for key, value in values.items()])


_BLANK_COST = ("avg_places_plan", "avg_places_forecast", "cost_plan_gbp", "cost_forecast_gbp")

FAULTS: dict[str, Plant] = {
    "SVR-001": _nothing_of_the_quarter,
    "SVR-002": _cell(RISKS, 2, "next_review", "31/02/2026"),
    "RSV-001": lambda _: Fault(without=RISKS),
    "RSV-002": _cover(la_ons_code="E08000019"),
    "RSV-003": _cover(quarter=5),
    "RSV-004": _cover(period_end=date(2025, 12, 30)),
    "RSV-005": _cover(unit="thousands"),
    "RSV-007": _cover(restatement_reason="A correction"),
    "RSV-008": lambda one: Fault(name=one.file_name.replace("Q3", "Q2")),
    "RSV-009": _cover(recoupment_basis=None),
    "RSV-011": _cover(agreement_total_gbp=20_530_000),
    "RSV-012": _cell(RISKS, 2, "trend", "STEADY"),
    "RSV-013": _cell(FINANCE, ("ALL", "SV_PAYMENT"), "agreement_gbp", "about 3.0m"),
    "RSV-013_error": _cell(FINANCE, ("ALL", "SV_PAYMENT"), "agreement_gbp", "#REF!"),
    "RSV-014": _in_thousands,
    "RSV-015": _cell(MEMO, ("2.1.1",), "q4_forecast_gbp", 842_906),
    "RSV-016": _cell(MEMO, ("2.1.1",), "q3_forecast_gbp", None),
    "RSV-020": _cell(FINANCE, ("EYB", "TRANSFER_IN"), "line_code", "TRANSFER_OUT"),
    "RSV-021": _wrong_total(FINANCE, ("SB", "IN_YEAR"), lambda one: _in_year(one, "SB", "q3_forecast_gbp") + 5_000),
    "RSV-022": _wrong_total(FINANCE, ("ALL", "IN_YEAR"), lambda one: _all_in_year(one, "q3_forecast_gbp") + 5_000),
    "RSV-023": _wrong_total(FINANCE, ("ALL", "CLOSING"), lambda one: _closing(one, "q3_forecast_gbp") + 5_000),
    "RSV-024": _cell(FINANCE, ("EYB", "TRANSFER_IN"), "q3_forecast_gbp", 50_000),
    "RSV-025": _cell(FINANCE, ("CSSB", "EXPENDITURE"), "q1_actual_gbp", -45_000),
    "RSV-027": lambda one: Fault([_more(one, FINANCE, ("ALL", "OPENING"), "q2_forecast_gbp", 1_000)]),
    "RSV-028": _closing_above_nought,
    "RSV-029": _cell(FINANCE, ("ALL", "OTHER_ADJ"), "q3_forecast_gbp", 12_345),
    "RSV-030": _cell(
        FINANCE, ("ALL", "SV_PAYMENT"), "q3_forecast_gbp", 1_900_000, (FINANCE, ("ALL", "SV_PAYMENT"), "note", None)
    ),
    "RSV-032": _more_transferred,
    "RSV-033": lambda one: Fault(
        [
            (
                FINANCE,
                ("CSSB", "EXPENDITURE"),
                "q3_actual_gbp",
                one.row(FINANCE, "CSSB", "EXPENDITURE")["q2_actual_gbp"] - 1,
            )
        ]
    ),
    "RSV-034": lambda one: Fault(
        [
            (
                FINANCE,
                ("CSSB", "EXPENDITURE"),
                "q3_actual_gbp",
                one.row(FINANCE, "CSSB", "EXPENDITURE")["q3_forecast_gbp"] + 1,
            )
        ]
    ),
    "RSV-035": lambda one: Fault([_more(one, FINANCE, ("CSSB", "EXPENDITURE"), "q3_forecast_gbp", 60_000)]),
    "RSV-036": _cell(NARRATIVE, ("N3",), "text", "Higher fees.", at=((FINANCE, ("ALL", "CLOSING")),)),
    "RSV-037": _cell(FINANCE, ("ALL", "CLOSING"), "q3_actual_gbp", -500_000),
    "RSV-050": _cell(
        LINES, ("1.2.9",), "line_code", "1.2.8", (LINES, ("1.2.9",), "line_label", "Support for inclusion")
    ),
    "RSV-051": _wrong_total(LINES, ("TOTAL_HN",), lambda one: _total(one, "q3_forecast_gbp") + 5_000),
    "RSV-052": lambda one: Fault(
        [_more(one, FINANCE, ("HNB", "EXPENDITURE"), "q3_actual_gbp", 5_000)], at=((LINES, ("TOTAL_HN",)),)
    ),
    "RSV-053": _wrong_total(
        LINES,
        ("TOTAL_HN",),
        lambda one: _total(one, "q3_forecast_gbp") + one.row(MEMO, "1.4.11")["q3_forecast_gbp"],
        also=("RSV-051",),
    ),
    "RSV-054": _moved("q3_actual_gbp", -1_000, LINES, ("1.2.9",), ("1.2.8",)),
    "RSV-055": _cell(LINES, ("1.2.6",), "line_label", "Home tuition"),
    "RSV-056": _cell(LINES, ("1.0.2",), "recoupment_gbp", None),
    "RSV-058": _without_spending,
    "RSV-070": _cell(FLOWS, ("REFUSED",), "q3", -3),
    "RSV-071": lambda one: Fault(
        [_more(one, PLANS, ("NEED", "MLD"), "q3_actual", 1)], at=((PLANS, ("TOTAL", "TOTAL")),)
    ),
    "RSV-072": _many_ceased,
    "RSV-073": _cell(FLOWS, ("REQUESTS",), "year_forecast", 1),
    "RSV-074": _leap,
    "RSV-075": _falling,
    "RSV-076": _cell(COSTS, ("MdSSA", "TOPUP"), "unit_cost_forecast_gbp", 99_999),
    "RSV-077": _scaled_cost("RPSEN", 1.0, 1.4),
    "RSV-078": _scaled_cost("MdSSA", 1.2, 1.2),
    "RSV-079": lambda _: Fault([(COSTS, ("HspAP", "FULL"), column, None) for column in _BLANK_COST]),
    "RSV-080": _cell(COSTS, ("NMISS", "FULL"), "note", None, (LINES, ("1.2.3",), "note", None)),
    "RSV-090": _cell(CONDITIONS, 3, "rag", None),
    "RSV-091": _cell(CONDITIONS, 2, "closed_date", None),
    "RSV-094": _cell(CONDITIONS, 1, "comment", None),
    "RSV-096": _cell(
        CONDITIONS, 1, "rag", "G", (CONDITIONS, 1, "rag_previous", "R"), (CONDITIONS, 1, "evidence_ref", None)
    ),
    "RSV-100": _cell(PLACES, 3, "capital_spend_to_date_gbp", -5),
    "RSV-101": _cell(PLACES, 1, "places_occupied", 40),
    "RSV-102": _cell(PLACES, 2, "opening_actual", date(2026, 3, 1)),
    "RSV-103": _cell(DEMAND, ("ISP", "202829", "NO_ACTION"), "gap_places", 5),
    "RSV-104": _cell(DEMAND, ("ISP", "202930", "PLAN"), "academic_year", "203031"),
    "RSV-105": lambda one: Fault([_more(one, DEMAND, ("RP", "202526", "PLAN"), "funded_capacity", 10)]),
    "RSV-106": _cell(PLACES, 4, "capital_forecast_gbp", 900_000),
    "RSV-108": _cell(PLACES, 5, "urn", "90001"),
    "RSV-110": _cell(RISKS, 1, "likelihood", 6),
    "RSV-111": _cell(RISKS, 3, "next_review", date(2025, 12, 1)),
    "RSV-112": _cell(NARRATIVE, ("N4",), "text", None),
    "RSV-113": _cell(NARRATIVE, ("N5",), "text", "Places: ask someone@example.org for the list."),
    "RSV-114": _cell(NARRATIVE, ("N5",), "text", "Three children at Larkspindle Academy wait for a place."),
    "RSV-115": _signed(2, status="PENDING", signed_on=None),
    "RSV-116": _signed(1, signed_on=date(2025, 12, 1)),
    "RSV-117": _cover(submission_type="RESTATED", restates_version=1, restatement_reason="A correction"),
}
"""Rule -> how it is broken in a return that is otherwise sound. What follows an underscore tells two ways apart."""

_CONDITION = ("condition_id", "condition_text", "source", "workstream", "owner_role", "milestone", "due_date", "rag", "rag_previous",
              "kpi_id", "evidence_ref", "comment", "closed_date")  # fmt: skip
_SPECIAL_2028 = ("SPECIAL", "202829", "NO_ACTION")
_SERIES, _YEAR_BEFORE = "the returns before it", "the returns of the years before"


def _other_opening(one: Return) -> Fault:
    """Another opening balance in the quarter's forecast alone: the other columns repeat what was accepted."""
    return Fault([_more(one, FINANCE, ("ALL", "OPENING"), "q4_forecast_gbp", -100_000)], also=("RSV-027",))


def _without_therapies(one: Return) -> Fault:
    columns = ("q4_actual_gbp", "q4_forecast_gbp")
    moved = [_more(one, LINES, ("1.2.5",), column, one.row(LINES, "1.2.13")[column]) for column in columns]
    return Fault([*((LINES, ("1.2.13",), column, 0) for column in columns), *moved])


def _other_outturn(one: Return, pounds: int) -> Fault:
    return Fault(
        [
            _more(one, LINES, ("1.2.2",), "outturn_gbp", -pounds),
            _more(one, FINANCE, ("HNB", "EXPENDITURE"), "outturn_gbp", -pounds),
        ]
    )


def _gross(_: Return) -> Fault:
    return Fault([(COVER, ("recoupment_basis",), "value", "GROSS"), (LINES, ("1.0.2",), "recoupment_gbp", None)])


BETWEEN: dict[str, tuple[str, str, Plant]] = {
    "RSV-006": (SPOILT, "an accepted return of the quarter",
                lambda one: Fault([(COVER, ("version",), "value", 1)], name=one.copied(version=1).file_name)),
    "RSV-010": (LATEST, _SERIES, _gross),
    "RSV-026": (LATEST, _YEAR_BEFORE, _other_opening),
    "RSV-031": (LATEST, _YEAR_BEFORE, _cell(FINANCE, ("ALL", "SV_PAYMENT"), "q4_forecast_gbp", 2_400_000)),
    "RSV-057": (CLOSED, "the amounts deducted at source as published", _cell(LINES, ("1.0.2",), "recoupment_gbp", 14_000_000)),
    "RSV-059": (LATEST, _YEAR_BEFORE, _without_therapies),
    "RSV-072E": ("2025-26Q1", "a store of the returns of the years before alone",
                 lambda one: Fault([_more(one, FLOWS, ("ISSUED",), column, 80) for column in ("q1", "year_forecast")],
                                   at=((PLANS, ("TOTAL", "TOTAL")),))),
    "RSV-077E": (LATEST, _SERIES, _scaled_cost("MmSoA", 1.0, 0.845)),
    "RSV-081": (LATEST, "the EHC plan return of the January",
                lambda one: Fault([_more(one, FLOWS, ("ISSUED",), column, 30) for column in ("q3", "year_forecast")])),
    "RSV-092": (LATEST, _SERIES, lambda _: Fault([(CONDITIONS, 4, column, None) for column in _CONDITION])),
    "RSV-093": (LATEST, _SERIES, _cell(CONDITIONS, 3, "rag_previous", "A")),
    "RSV-095": (LATEST, "the KPI catalogue", _cell(CONDITIONS, 3, "kpi_id", "no_such_measure")),
    "RSV-107": (LATEST, "the published planning figures",
                _cell(DEMAND, _SPECIAL_2028, "demand_places", 3_000, (DEMAND, _SPECIAL_2028, "note", None))),
    "RSV-108R": (LATEST, "the schools register", _cell(PLACES, 5, "urn", "199999")),
    "RSV-130": (LATEST, "a store without the return of the quarter before", lambda _: Fault()),
    "RSV-131": (LATEST, _SERIES, lambda one: Fault([_more(one, FINANCE, ("CSSB", "EXPENDITURE"), "q2_actual_gbp", 7_000)])),
    "RSV-133": (LATEST, _SERIES, _moved("plan_gbp", 40_000, LINES, ("1.2.5",), ("1.2.8",))),
    "RSV-134": (CLOSED, _SERIES, lambda one: _other_outturn(one, 300_000)),
    "RSV-135": (LATEST, _SERIES, _moved("budget_gbp", 40_000, LINES, ("1.2.5",), ("1.2.8",))),
    "RSV-150": (CLOSED, "the s251 outturn as published", lambda one: _other_outturn(one, 50_000)),
    "RSV-151": ("2023-24Q2", "the grant as published",
                lambda one: Fault([_more(one, FINANCE, ("HNB", "INCOME"), "q2_forecast_gbp", 900_000)])),
    "RSV-152": (LATEST, "the EHC plan return of the January", lambda one: Fault(_plans_moved(one, 5, "sen2_january"))),
    "RSV-153": ("2023-24Q4", "the balance as published",
                _cell(FINANCE, ("ALL", "OTHER_ADJ"), "outturn_gbp", 60_000, (FINANCE, ("ALL", "OTHER_ADJ"), "note", "An adjustment."))),
}  # fmt: skip
"""Rule -> the return that is spoilt, what else it takes to see it, and how. A letter marks the part of a rule that needs it."""


def plant_valve_faults(out: Path, series: "Series") -> int:
    """Write spoilt copies of returns and the key to them. Returns the lines in the key.

    Below `out`: `valve_faulty/<rule>/`, a workbook that breaks one rule; `valve_faulty/sample/`, the same return without a fault;
    `valve_answer_key.csv`; `valve_answer_key_not_planted.csv`, the rules left out, each with its reason. Every copy of a
    return has a version of its own, above that of the clean one.

    The key's `row` is that of the sheet; 0 where the fault is the whole workbook's.
    """
    folder = out / "valve_faulty"
    books: dict[str, tuple[Return, Workbook]] = {}
    lines: list[dict[str, Any]] = []

    def write(of: str, rule: str, version: int, needs: str, plant: Plant) -> None:
        if of not in books:
            clean = series.of(of)
            books[of] = clean, filled(clean, series.last_before(series.returns.index(clean)))
        clean, book = books[of]
        lines.extend(_write(clean.copied(version=version), book, plant, folder / rule, needs))

    write(SPOILT, "sample", 2, "", lambda _: Fault())
    lines.clear()
    for version, (rule, plant) in enumerate(FAULTS.items(), start=3):
        write(SPOILT, rule, version, "", plant)
    for version, (rule, (of, needs, plant)) in enumerate(BETWEEN.items(), start=1_000):
        write(of, rule, version, needs, plant)
    pd.DataFrame(lines).to_csv(out / "valve_answer_key.csv", index=False)
    left_out = pd.DataFrame(sorted(NOT_PLANTED.items()), columns=["rule_id", "reason"])
    left_out.to_csv(out / "valve_answer_key_not_planted.csv", index=False)
    return len(lines)


def _write(one: Return, book: Workbook, plant: Plant, folder: Path, needs: str) -> list[dict[str, Any]]:
    """One spoilt workbook, and its lines of the key; `book`, that of the return without the fault, is as it was afterwards."""
    fault = plant(one)
    edits = [(COVER, ("version",), "value", one.cover["version"]), *fault.edits]
    cells = [(table, _row(book, table, key), column, value) for table, key, column, value in edits]
    rows = [(table, _row(book, table, key)) for table, key in fault.at] or [cell[:2] for cell in cells[1:2]]
    held = []
    for table, row, column, value in cells:
        found = area(book, table)
        cell = found.sheet.cell(row, found.columns[column])
        held.append((cell, cell.value))
        cell.value = value
    taken = area(book, fault.without) if fault.without else None
    table_taken = taken.sheet.tables.pop(fault.without) if taken else None
    path = save(book, one.cover["prepared_on"], folder / (fault.name or one.file_name))
    if taken and table_taken:
        taken.sheet.tables[fault.without] = table_taken
    for cell, value in reversed(held):
        cell.value = value
    _, _, column, value = fault.edits[0] if fault.edits else ("", 0, "", "")
    return [
        {
            "return": f"valve_faulty/{folder.name}/{path.name}",
            "rule_id": folder.name.split("_")[0],
            "table": table,
            "row": row,
            "field": column,
            "value": value,
            "also_breaks": ";".join(fault.also),
            "needs": needs,
        }
        for table, row in rows or [(fault.without, 0)]
    ]


def _row(book: Workbook, table: str, key: Key) -> int:
    if isinstance(key, int):
        return area(book, table).header + key
    if table == COVER:
        found = area(book, table)
        return next(row for row in found.rows() if found.value(row, "key") == key[0])
    return place_of(book, table, *key)
