"""Provisions and their places, what they cost to build, and the places that will be needed."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from orchestration.synthetic.calibrate import spread
from orchestration.synthetic.registers import NEIGHBOUR
from orchestration.synthetic.safety_valve.plans import GROUPS, Plans, calendar_quarter

RESOURCED_PLACES = (12, 10, 8, 10, 12, 8, 10, 10, 10, 10)
"""Ten provisions of a hundred places, as the phases of the agreement have it by June 2023."""
RESOURCED_OPENED = (
    date(2021, 9, 1), date(2021, 9, 1), date(2021, 9, 1), date(2022, 1, 10), date(2022, 9, 1),
    date(2022, 9, 1), date(2022, 9, 1), date(2023, 1, 9), date(2023, 6, 5), date(2023, 6, 5),
)  # fmt: skip
RESOURCED_NEEDS = ("ASD", "SEMH", "SLCN", "ASD", "SEMH", "HI", "ASD", "SLCN", "SEMH", "ASD")
RESOURCED_BUDGETS = (262_140, 241_300, 198_450, 255_120, 287_910, 214_330, 249_870, 251_640, 268_420, 250_820)
UNIT_PLACES, UNIT_OPENED, UNITS_KNOWN = (20, 18, 16), date(2024, 9, 2), (2023, 4)
UNIT_NEEDS, UNIT_BUDGETS = ("ASD", "SLCN", "SEMH"), (912_430, 876_215, 794_108)
SPECIAL_BUDGET, SPECIAL_OPENED = 1_820_000, date(2023, 9, 4)
"""The project that with the resourced provisions uses up the agreement's extra capital of 4.3 million, as published."""

SPECIAL_SHARE = 0.95
"""Commissioned places in the borough's special schools beside the plans in such schools anywhere."""
FULL = 0.985
AT_FIRST, A_MONTH = 0.5, 0.05
"""Share of a new provision's places that are taken when it opens, and how many more each month."""

ACADEMIC_YEARS = ("202526", "202627", "202728", "202829", "202930", "203031")
EXTRA = {
    "MAINSTREAM": (0, 120, 250, 380, 540, 700),
    "RP": (5, 20, 30, 40, 50, 60),
    "SPECIAL": (20, 70, 115, 161, 230, 300),
    "ISP": (10, 33, 55, 78, 103, 128),
    "INM": (15, 50, 85, 121, 140, 155),
    "POST16": (10, 60, 115, 170, 200, 230),
}
"""Places missing in each academic year if nothing changes."""
EXTRA_SOURCES = {
    "MAINSTREAM": "SEND sufficiency strategy: up to 380 by 2028; council minutes 103506: up to 700 by 2030",
    "RP": "Invented: no figure is published",
    "SPECIAL": "SEND sufficiency strategy: 161 by 2028 and 300 by 2030",
    "ISP": "SEND sufficiency strategy: 78 by 2028 and 128 by 2030; council minutes say otherwise of independent places",
    "INM": "Council minutes 103180: more than 120 independent places by 2028; the sufficiency strategy says otherwise",
    "POST16": "Council minutes 103506: about 170 by 2028",
}
STRATEGY_KNOWN = (2024, 1)
"""The quarter of the first return that knows of these planning figures; before it they are invented."""
BEFORE_STRATEGY = 0.8
PLAN_DEMAND, PLAN_CAPACITY = 0.7, 0.5
"""Shares of the extra places that are still needed, and that are built, when the plan is carried out."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Provision:
    """A provision that opens, with its capital project where it has one. `known`: the first quarter that tells of it."""

    identity: str
    urn: str
    name: str
    kind: str
    phase: str
    need: str | None
    places: int
    opened: date
    known: tuple[int, int]
    project: str
    source: str
    budget: int


def provisions(register: pd.DataFrame) -> list[Provision]:
    """Resourced provisions and SEN units in schools of the register."""
    own = register[(register["LA (code)"] != NEIGHBOUR[0]) & (register["EstablishmentStatus (name)"] == "Open")]
    academies = own[own["line"] == "mainstream_academy"].sort_values("URN")
    made = []
    of_kind = academies["TypeOfResourcedProvision (name)"]
    hosts = academies[of_kind == "Resourced provision"].head(len(RESOURCED_PLACES)).reset_index(drop=True)
    for i, host in hosts.iterrows():
        at = int(str(i))
        made.append(
            Provision(
                f"RP-{at + 1:02d}", str(host["URN"]), f"{host['EstablishmentName']} resourced provision", "RP",
                str(host["PhaseOfEducation (name)"]).upper(), RESOURCED_NEEDS[at], RESOURCED_PLACES[at],
                RESOURCED_OPENED[at], (2021, 1), f"CP-RP{at + 1:02d}", "SV", RESOURCED_BUDGETS[at],
            )
        )  # fmt: skip
    hosts = academies[of_kind == "SEN unit"].head(len(UNIT_PLACES)).reset_index(drop=True)
    for i, host in hosts.iterrows():
        at = int(str(i))
        made.append(
            Provision(
                f"SU-{at + 1:02d}", str(host["URN"]), f"{host['EstablishmentName']} SEN unit", "SEN_UNIT",
                str(host["PhaseOfEducation (name)"]).upper(), UNIT_NEEDS[at], UNIT_PLACES[at],
                UNIT_OPENED, UNITS_KNOWN, f"CP-SU{at + 1:02d}", "HNPCA", UNIT_BUDGETS[at],
            )
        )  # fmt: skip
    return made


def special_schools(register: pd.DataFrame) -> pd.DataFrame:
    """The borough's maintained special schools and special academies: URN, EstablishmentName."""
    lines = ["special_la_maintained", "special_academy", "special_free_school"]
    own = register[(register["LA (code)"] != NEIGHBOUR[0]) & register["line"].isin(lines)]
    return own.sort_values("URN")[["URN", "EstablishmentName"]].reset_index(drop=True)


def place_rows(
    made: list[Provision], schools: pd.DataFrame, plans: Plans, year: int, quarter: int, end: date
) -> list[Row]:
    """The lines of tblPlaces."""
    rows = [_provision_row(one, end) for one in made if one.known <= (year, quarter)]
    return rows + _special_rows(schools, plans, end)


def _provision_row(one: Provision, end: date) -> Row:
    months = (end.year - one.opened.year) * 12 + end.month - one.opened.month
    is_open = one.opened <= end
    next_september = date(end.year + (end.month >= 9), 9, 30)
    spent = 1.0 if is_open else max(0.0, min(0.9, 1 + months / 12))
    forecast = round(one.budget * (1 + (int(one.urn) % 7 - 3) / 100))
    rag = "C" if months >= 3 else "G"
    row: Row = {
        "provision_id": one.identity,
        "provision_name": one.name,
        "urn": one.urn,
        "provision_type": one.kind,
        "phase": one.phase,
        "primary_need": one.need,
        "places_commissioned": float(one.places if is_open else 0),
        "places_occupied": int(one.places * min(1.0, AT_FIRST + A_MONTH * months)) if is_open else 0,
        "places_planned_next_september": float(one.places if one.opened <= next_september else 0),
        "opening_planned": one.opened,
        "opening_actual": one.opened if is_open else None,
        "capital_project_id": one.project,
        "capital_source": one.source,
        "capital_budget_gbp": one.budget,
        "capital_spend_to_date_gbp": int(forecast * spent),
        "capital_forecast_gbp": forecast,
        "rag": rag,
    }
    return row


def _special_rows(schools: pd.DataFrame, plans: Plans, end: date) -> list[Row]:
    """Special schools: places of the academic year, shared out over the schools."""
    begun = end.year - (end.month < 9)
    in_special = GROUPS["PLACEMENT"].index("MdSSA")

    def commissioned(academic_year: int) -> Any:
        january = min(max(academic_year + 1, min(plans.january)), max(plans.january))
        total = round(SPECIAL_SHARE * int(plans.january[january]["PLACEMENT"][in_special]))
        return spread(total, np.array([8 + i % 5 for i in range(len(schools))], dtype=float))

    now, soon = commissioned(begun), commissioned(end.year if end.month < 9 else end.year + 1)
    taken = np.floor(now * FULL).astype(int)
    rows: list[Row] = []
    for i, school in schools.iterrows():
        at = int(str(i))
        rows.append(
            {
                "provision_id": f"SS-{at + 1:02d}",
                "provision_name": str(school["EstablishmentName"]),
                "urn": str(school["URN"]),
                "provision_type": "SPECIAL",
                "phase": "ALL",
                "places_commissioned": float(now[at]),
                "places_occupied": int(taken[at]),
                "places_planned_next_september": float(soon[at]),
            }
        )
    is_built = end >= SPECIAL_OPENED
    months = (end.year - SPECIAL_OPENED.year) * 12 + end.month - SPECIAL_OPENED.month
    spent = 1.0 if is_built else max(0.0, min(0.95, 1 + months / 24))
    rows[0] |= {
        "capital_project_id": "CP-SS01",
        "capital_source": "SV",
        "capital_budget_gbp": SPECIAL_BUDGET,
        "capital_spend_to_date_gbp": int(1_866_420 * spent),
        "capital_forecast_gbp": 1_866_420,
        "rag": "C" if is_built else "A",
        "note": "Extension; with the resourced provisions it uses the extra capital of the agreement, 4.3 million as published.",
    }
    return rows


def demand_rows(places: list[Row], plans: Plans, year: int, quarter: int) -> list[Row]:
    """The lines of tblDemand: the capacity of today, and what is missing beside it."""
    stock = plans.stock[calendar_quarter(year, quarter)]["PLACEMENT"]
    by_code = dict(zip(GROUPS["PLACEMENT"], stock.tolist(), strict=True))
    built = {
        kind: round(sum(row["places_commissioned"] for row in places if row["provision_type"] == kind))
        for kind in ("RP", "SPECIAL")
    }
    capacity = {
        "MAINSTREAM": by_code["MmSoA"],
        "ISP": round(by_code["P16FE"] * 0.06),
        "INM": by_code["NMISS"],
        "POST16": by_code["P16FE"],
    } | built
    known = (year, quarter) >= STRATEGY_KNOWN
    rows = []
    for kind, every in EXTRA.items():
        note = (
            f"{EXTRA_SOURCES[kind]}; years between are invented."
            if known
            else "Invented: before the sufficiency strategy."
        )
        for at, academic_year in enumerate(ACADEMIC_YEARS):
            extra = every[at] if known else round(BEFORE_STRATEGY * every[at])
            planned = (round(PLAN_DEMAND * extra), round(PLAN_CAPACITY * extra)) if at else (extra, 0)
            for scenario, (more, more_built) in (("NO_ACTION", (extra, 0)), ("PLAN", planned)):
                rows.append(
                    {
                        "provision_type": kind,
                        "academic_year": academic_year,
                        "scenario": scenario,
                        "demand_places": capacity[kind] + more,
                        "funded_capacity": capacity[kind] + more_built,
                        "note": note,
                    }
                )
    return rows
