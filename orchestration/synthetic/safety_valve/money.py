"""The money of a financial year, column by column of the return: the blocks of the grant, the s251 lines, what places cost."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from orchestration.synthetic.calibrate import spread
from orchestration.synthetic.safety_valve.facts import FIRST_INVENTED_BALANCE, FIRST_YEAR, money

BLOCKS = ("SB", "CSSB", "HNB", "EYB")
LINES = ("1.0.2", *(f"1.2.{line}" for line in (*range(1, 12), 13)))
MEMO = ("1.4.11", "2.1.1", "2.1.2", "2.1.4", "2.1.6", "2.1.7")
REST = "1.2.2"
"""The line that takes what the others leave of the published total."""

KNOWN_BY = (0.30, 0.55, 0.80, 1.0)
"""How much of the way from plan to outturn each quarter's forecast has gone."""
SPENT_BY = (0.235, 0.485, 0.74, 0.997)
"""Share of the year's spending that each quarter's actual holds."""
VIRED = 0.02
"""Share of the plan of 1.2.3 that the budget holds in the line that takes the rest."""
REVISED = (2023, 3)
"""The quarter of the return that brings a new plan, and the day schools forum approved it."""
REVISED_ON = "17 November 2023 (2023-11-17)"

MISPOSTED = (2024, ("1.2.2", "1.2.3"), 412_318)
"""Year, lines and pounds that stood in the first instead of the second until they were restated at the second quarter."""

INDEPENDENT_POST_16 = 0.14
"""Share of 1.2.3 that is fees of independent specialist post-16, in no unit cost."""
TOP_UP_WEIGHTS = {"MmSoA": 1.0, "RPSEN": 1.7, "MdSSA": 2.7, "P16FE": 1.15}
"""What a place in each category takes of the top-ups, beside one in a mainstream school."""
COST_BASIS = dict.fromkeys(TOP_UP_WEIGHTS, "TOPUP") | dict.fromkeys(("NMISS", "HspAP", "OTHER"), "FULL")

Row = dict[str, Any]
Amounts = dict[str, dict[str, int]]
"""Column -> line or block -> pounds."""


@dataclass(frozen=True)
class Year:
    """A financial year as each column of the return tells it; `plan` and `revised` are two columns that stand in one place.

    `lines`, `memo` and `blocks` (expenditure) hold columns plan, revised, budget, q1_forecast to q4_forecast, outturn; `lines`,
    `memo` and `blocks` also q1_actual to q4_actual.
    """

    year: int
    opening: int
    lines: Amounts
    memo: Amounts
    blocks: Amounts
    agreed_closing: int

    def in_year(self, column: str) -> int:
        """Balance of the year over all blocks."""
        facts = money(self.year)
        income = sum(facts[f"{block.lower()}_income"] for block in BLOCKS)
        return income - sum(self.blocks[column].values())

    def closing(self, column: str) -> int:
        """Balance carried forward."""
        return self.opening + self.in_year(column) + money(self.year)["sv_payment"]

    def plan_column(self, quarter: int) -> str:
        """The plan that counts at a quarter."""
        return "revised" if (self.year, quarter) >= REVISED and self.year == REVISED[0] else "plan"


def outturn_lines(year: int) -> dict[str, int]:
    """High needs spending of a year by line; 1.2.1 to 1.2.13 add to the published total where there is one."""
    facts = money(year)
    given = {line: facts[line] for line in LINES if line in facts}
    rest = facts["s251"] - sum(given.values())
    others = sum(facts[f"{block.lower()}_in_year"] for block in BLOCKS if block != "HNB")
    places = facts["hnb_income"] + facts["transfer"] - facts["s251"] - (facts["in_year"] - others)
    made = given | {REST: rest, "1.0.2": places}
    return {line: made[line] for line in LINES}


def live_through_year(year: int, opening: int, rng: np.random.Generator) -> Year:
    """Every column of a year's money."""
    facts = money(year)
    outturn = outturn_lines(year)
    available = facts["hnb_income"] + facts["transfer"]
    plan = _scaled_to(outturn, available - facts["in_year_plan"])
    revised = _scaled_to(outturn, available - facts.get("in_year_plan_revised", facts["in_year_plan"]))
    budget = dict(plan)
    moved = int(VIRED * plan["1.2.3"])
    budget["1.2.3"] -= moved
    budget[REST] += moved
    provisional = outturn | {REST: outturn[REST] + facts["closedown"]}
    lines = {"plan": plan, "revised": revised, "budget": budget, "outturn": outturn}
    lines |= _through(plan, provisional, rng)
    memo_outturn = {line: facts[line] for line in MEMO}
    memo_plan = {line: int(0.94 * value) for line, value in memo_outturn.items()}
    memo = {"plan": memo_plan, "revised": memo_plan, "budget": memo_plan, "outturn": memo_outturn}
    memo |= _through(memo_plan, memo_outturn, rng)
    other = {}
    planned = {}
    for block in BLOCKS:
        if block != "HNB":
            planned[block] = facts[f"{block.lower()}_income"] - (facts["transfer"] if block == "SB" else 0)
            other[block] = planned[block] - facts[f"{block.lower()}_in_year"]
    blocks = {"plan": planned, "revised": planned, "budget": planned, "outturn": other} | _through(planned, other, rng)
    # the transfer is income of the high needs block and none of the schools block, so that over all blocks it cancels out
    spent = {
        column: {block: sum(lines[column].values()) if block == "HNB" else blocks[column][block] for block in BLOCKS}
        for column in lines
    }
    closing = opening + facts["in_year_plan"] + facts["sv_payment"]
    return Year(year, opening, lines, memo, spent, closing)


def _scaled_to(lines: dict[str, int], total: int) -> dict[str, int]:
    scale = total / sum(lines.values())
    made = {line: int(value * scale) for line, value in lines.items()}
    made[REST] += total - sum(made.values())
    return made


def _through(plan: dict[str, int], provisional: dict[str, int], rng: np.random.Generator) -> Amounts:
    """Forecasts on their way from the plan to the provisional outturn, and what was spent so far."""
    made: Amounts = {}
    names = list(provisional)
    pace: npt.NDArray[np.float64] = rng.uniform(0.985, 1.015, len(names))
    for quarter, (known, spent) in enumerate(zip(KNOWN_BY, SPENT_BY, strict=True), start=1):
        drift = 1 + rng.uniform(-0.0005, 0.0005, len(names)) * (1 - known)
        forecast = {
            name: round((plan[name] + known * (provisional[name] - plan[name])) * drift[i])
            for i, name in enumerate(names)
        }
        made[f"q{quarter}_forecast"] = forecast
        slack = 1 - quarter / 4
        made[f"q{quarter}_actual"] = {
            name: int(provisional[name] * spent * (1 + (pace[i] - 1) * slack)) for i, name in enumerate(names)
        }
    return made


def columns_shown(year: Year, quarter: int, *, final: bool) -> dict[str, str]:
    """The filled columns of a return, each with the column of the year that stands there."""
    shown = {"plan_gbp": year.plan_column(quarter), "budget_gbp": "budget"}
    for q in range(1, quarter + 1):
        shown |= {f"q{q}_actual_gbp": f"q{q}_actual", f"q{q}_forecast_gbp": f"q{q}_forecast"}
    return shown | ({"outturn_gbp": "outturn"} if final else {})


def finance_rows(year: Year, quarter: int, *, final: bool) -> list[Row]:
    """The lines of tblFinance that are entered, with their notes."""
    facts, shown = money(year.year), columns_shown(year, quarter, final=final)
    balances = {column: of for column, of in shown.items() if "actual" not in column}
    rows: list[Row] = [
        {"block": "ALL", "line_code": "OPENING"} | dict.fromkeys(balances, year.opening) | _noted(_opening_note(year))
    ]
    for block in BLOCKS:
        into, out = (facts["transfer"] if block == one else 0 for one in ("HNB", "SB"))
        entered = {"INCOME": facts[f"{block.lower()}_income"], "TRANSFER_IN": into, "TRANSFER_OUT": out}
        rows += [
            {"block": block, "line_code": line}
            | dict.fromkeys(balances, value)
            | _noted(_entered_note(year, block, line))
            for line, value in entered.items()
        ]
        spent = {column: year.blocks[of][block] for column, of in shown.items()}
        rows.append({"block": block, "line_code": "EXPENDITURE"} | spent | _noted(_spent_note(year, quarter, block)))
    payment = {"agreement_gbp": facts["sv_agreed"]} | dict.fromkeys(balances, facts["sv_payment"])
    rows.append({"block": "ALL", "line_code": "SV_PAYMENT"} | payment | _noted(_payment_note(year)))
    rows.append({"block": "ALL", "line_code": "OTHER_ADJ"} | dict.fromkeys(balances, 0))
    rows.append({"block": "ALL", "line_code": "CLOSING"} | _noted(_closing_note(year)))
    agreed: Row = dict.fromkeys(balances, year.agreed_closing)
    if year.agreed_closing == 0:
        agreed["agreement_gbp"] = 0
    rows.append({"block": "ALL", "line_code": "AGREED_CLOSING"} | agreed | _noted(_agreed_note(year)))
    return rows


def line_rows(year: Year, quarter: int, *, final: bool, restated: bool) -> list[Row]:
    """The lines of tblHighNeeds that are entered; until it is `restated`, money stands in the wrong line."""
    shown = columns_shown(year, quarter, final=final)
    rows = []
    for line in LINES:
        row: Row = {"line_code": line} | {column: year.lines[of][line] for column, of in shown.items()}
        notes = [_plan_note(year, quarter)]
        wrong_year, wrong_lines, pounds = MISPOSTED
        if year.year == wrong_year and line in wrong_lines:
            if not restated:
                sign = 1 if line == wrong_lines[0] else -1
                for q in range(1, min(quarter, 2) + 1):
                    row[f"q{q}_actual_gbp"] += sign * pounds // (3 - q)
            elif quarter == 2:
                notes.append("Restated: independent fees of the first two quarters were posted to 1.2.2.")
        if line == "1.0.2":
            row["recoupment_gbp"] = money(year.year)["recoupment"]
            notes.append("Place funding net of what is deducted at source; the net line is invented.")
        if line == "1.2.3":
            notes.append("Holds the fees of independent specialist post-16.")
        rows.append(row | _noted(*notes))
    return [*rows, {"line_code": "TOTAL_HN"} | _noted(_plan_note(year, quarter))]


def memo_rows(year: Year, quarter: int, *, final: bool) -> list[Row]:
    """The lines of tblMemo."""
    shown = columns_shown(year, quarter, final=final)
    return [{"line_code": line} | {column: year.memo[of][line] for column, of in shown.items()} for line in MEMO]


def place_costs(lines: dict[str, int], places: dict[str, float]) -> dict[str, int]:
    """What the places of each category cost, of the lines that pay for them, in pounds."""
    top_ups = lines["1.2.1"] + lines["1.2.2"] + lines["1.2.4"]
    weights = np.array([places[code] * weight for code, weight in TOP_UP_WEIGHTS.items()])
    costs = dict(zip(TOP_UP_WEIGHTS, spread(top_ups, weights).tolist(), strict=True))
    costs["NMISS"] = round(lines["1.2.3"] * (1 - INDEPENDENT_POST_16))
    costs["HspAP"] = lines["1.2.6"] + round(0.3 * lines["1.2.7"])
    costs["OTHER"] = lines["1.2.11"] + round(0.2 * lines["1.2.7"])
    return costs


def cost_rows(year: Year, quarter: int, places: dict[str, dict[str, float]], *, final: bool) -> list[Row]:
    """The lines of tblUnitCost. `places`: average places by category, of `plan`, `forecast` and `outturn`."""
    lines = {
        "plan": year.lines[year.plan_column(quarter)],
        "forecast": year.lines[f"q{quarter}_forecast"],
        "outturn": year.lines["outturn"],
    }
    told = ("plan", "forecast", "outturn") if final else ("plan", "forecast")
    costs = {of: place_costs(lines[of], places[of]) for of in told}
    rows = []
    for code, basis in COST_BASIS.items():
        row: Row = {"placement_code": code, "cost_basis": basis}
        for of in told:
            row |= {f"avg_places_{of}": places[of][code], f"cost_{of}_gbp": costs[of][code]}
        rows.append(row | _noted("Places are the mean of four quarter ends.", _COST_NOTES.get(code)))
    return rows


_COST_NOTES = {
    "NMISS": "Fees of independent specialist post-16 stand in 1.2.3 and are left out here.",
    "P16FE": "Element 3 in colleges; independent specialist post-16 is in no unit cost.",
    "HspAP": "1.2.6 and the part of 1.2.7 that goes with EHC plans.",
    "OTHER": "Direct payments and the tuition in 1.2.7.",
}


def _noted(*sentences: str | None) -> Row:
    said = " ".join(sentence for sentence in sentences if sentence)
    return {"note": said} if said else {}


def _opening_note(year: Year) -> str:
    if year.year == FIRST_YEAR:
        return "Balance of 31 March 2021 as published in council minutes."
    if year.year > FIRST_INVENTED_BALANCE:
        return f"Invented: no balance of 31 March {year.year} is published."
    return f"Balance of 31 March {year.year} as published in council minutes, rounded there; the pounds are invented."


def _entered_note(year: Year, block: str, line: str) -> str | None:
    if line == "INCOME" and block == "HNB":
        if year.year < FIRST_INVENTED_BALANCE:
            return "High needs block after deductions, as in the published DSG allocation."
        return (
            "After deductions; council minutes say about 46.37 million."
            if year.year == FIRST_INVENTED_BALANCE
            else "Invented."
        )
    if line == "INCOME":
        return "Invented."
    if (block, line) not in (("SB", "TRANSFER_OUT"), ("HNB", "TRANSFER_IN")):
        return None
    share = (
        "1.5 per cent of the schools block"
        if year.year < FIRST_INVENTED_BALANCE
        else "0.5 per cent of the schools block"
    )
    published = year.year >= FIRST_INVENTED_BALANCE - 1
    whence = "as council minutes have it" if published else "invented"
    return f"{share}, {whence}; agreed by schools forum and, above 0.5 per cent, by the Secretary of State."


def _spent_note(year: Year, quarter: int, block: str) -> str | None:
    if block != "HNB":
        column, last = f"q{quarter}_forecast", f"q{quarter - 1}_forecast" if quarter > 1 else year.plan_column(quarter)
        now, then = year.blocks[column][block], year.blocks[last][block]
        return "Forecast follows the pupils counted in the quarter." if _moved(now, then) else None
    published = "outturn of 1.2.1 to 1.2.13 as published in s251" if year.year <= FIRST_INVENTED_BALANCE else "invented"
    moved = "Forecast moved with placements and top-ups: see N3."
    return f"{moved} High needs spending: {published}." + (f" {plan}" if (plan := _plan_note(year, quarter)) else "")


def _moved(now: int, then: int) -> bool:
    return abs(now - then) > 250_000 or abs(now - then) * 100 > abs(then)


def _payment_note(year: Year) -> str:
    if year.year == FIRST_YEAR:
        return "Council minutes say 8.53 million; with 8,528,000 the five payments make the agreement's 20,528,000."
    return "Payment of the revised profile, as in council minutes."


def _closing_note(year: Year) -> str:
    what = "Published rounded; the pounds are invented."
    if year.year >= FIRST_INVENTED_BALANCE:
        what = f"Invented: no balance of 31 March {year.year + 1} is published."
    elif year.year == FIRST_INVENTED_BALANCE - 1:
        what = "Published as a draft and rounded; the pounds are invented."
    return f"{what} The forecast follows high needs expenditure: see N3."


def _agreed_note(year: Year) -> str:
    if year.agreed_closing == 0:
        return "The published aim: a balanced reserve at 31 March 2026."
    return "The agreement's profile by year is not published: this is the year's first plan, invented."


def _plan_note(year: Year, quarter: int) -> str | None:
    if year.plan_column(quarter) != "revised":
        return None
    return f"New DSG management plan approved by schools forum on {REVISED_ON}."
