"""All returns of the agreement: twenty quarters, the closed years' final returns, and one that restates."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from orchestration.returns.spec import quarter_end
from orchestration.synthetic.returns import Return as PlansReturn
from orchestration.synthetic.safety_valve.facts import (
    AGREEMENT_GBP,
    AUTHORITY,
    FIRST_YEAR,
    LAST_YEAR,
    RETURN_ID,
    money,
    period,
    year_code,
)
from orchestration.synthetic.safety_valve.money import (
    MISPOSTED,
    REVISED_ON,
    Year,
    cost_rows,
    finance_rows,
    line_rows,
    live_through_year,
    memo_rows,
)
from orchestration.synthetic.safety_valve.places import (
    Provision,
    demand_rows,
    place_rows,
    provisions,
    special_schools,
)
from orchestration.synthetic.safety_valve.plans import (
    FLOWS,
    GROUPS,
    LATE_IN,
    Plans,
    between,
    calendar_quarter,
    count_plans,
)
from orchestration.synthetic.safety_valve.words import (
    PREPARED_BY,
    condition_rows,
    narrative_rows,
    risk_rows,
    sign_off_rows,
)
from orchestration.synthetic.safety_valve.write import Return, Row, write_return

STREAM = 2021_2026
"""Second word of the seed: the returns draw from a stream of their own, so that everything else is the same with them and without."""

PLANNED, REPLANNED = 0.85, 0.97
"""How much of the year's change in plans the plan foresees, the revised one likewise."""
FORESEEN = 0.8
"""How much of the change still to come a quarter's forecast foresees."""
LAST_FINAL = LAST_YEAR - 1
"""The last year whose accounts are closed."""
RESTATED_AT = (MISPOSTED[0], 2)
RESTATEMENT = "Independent fees of the first two quarters were posted to top-ups of academies."


@dataclass(frozen=True)
class ValveReport:
    """What was written."""

    files: int
    returns: int
    faults: int
    """Lines of the answer key."""


@dataclass(frozen=True)
class Series:
    """The returns in the order in which they are sent."""

    returns: list[Return]

    def last_before(self, at: int) -> Return | None:
        """The return of the same year that came before one of the series."""
        before = self.returns[at - 1] if at else None
        return before if before and before.period[:-1] == self.returns[at].period[:-1] else None

    def of(self, wanted: str) -> Return:
        """The last return of a period."""
        return next(one for one in reversed(self.returns) if one.period == wanted)


def report_quarters(
    made: dict[int, PlansReturn], register: pd.DataFrame, *, ons_code: str, seed: int, scale: float
) -> Series:
    """Every return of the agreement. `made`: the EHC plan returns of the same borough; the money is that of the whole authority."""
    return tell_quarters(count_plans(made, register, scale), register, ons_code=ons_code, seed=seed)


def tell_quarters(plans: Plans, register: pd.DataFrame, *, ons_code: str, seed: int) -> Series:
    """Every return of the agreement, of plans that have been counted."""
    rng = np.random.default_rng([seed, STREAM])
    built, schools = provisions(register), special_schools(register)
    opening, returns = money(FIRST_YEAR)["opening"], []
    for number in range(FIRST_YEAR, LAST_YEAR + 1):
        year = live_through_year(number, opening, rng)
        opening = year.closing("outturn")
        for quarter in (1, 2, 3, 4):
            tell = _Teller(year, quarter, plans, built, schools, ons_code)
            is_wrong = number == MISPOSTED[0] and quarter <= RESTATED_AT[1]
            returns.append(tell.told(1, restated=not is_wrong))
            if (number, quarter) == RESTATED_AT:
                restated: dict[str, Any] = {
                    "submission_type": "RESTATED", "restates_version": 1, "restatement_reason": RESTATEMENT,
                }  # fmt: skip
                returns.append(tell.told(2, restated=True, **restated))
        if number <= LAST_FINAL:
            returns.append(_Teller(year, 4, plans, built, schools, ons_code).told(2, final=True, restated=True))
    return Series(returns)


@dataclass(frozen=True)
class _Teller:
    """All that the returns of one quarter are told from."""

    year: Year
    quarter: int
    plans: Plans
    built: list[Provision]
    schools: pd.DataFrame
    ons_code: str

    def told(self, version: int, *, restated: bool, final: bool = False, **cover: Any) -> Return:
        """The return under a version."""
        year, quarter = self.year, self.quarter
        when = period(year.year, quarter)
        end = quarter_end(when)
        prepared = _working_day(end + timedelta(days=98 if final else 21 + 14 * (version - 1)))
        says = {
            "la_code": AUTHORITY,
            "la_ons_code": self.ons_code,
            "financial_year": year_code(year.year),
            "quarter": quarter,
            "period_end": end,
            "version": version,
            "stage": "FINAL" if final else "SUBMITTED",
            "submission_type": "ORIGINAL",
            "recoupment_basis": "NET",
            "agreement_total_gbp": AGREEMENT_GBP,
            "prepared_by_role": PREPARED_BY,
            "prepared_on": prepared,
        }
        places = place_rows(self.built, self.schools, self.plans, year.year, quarter, end)
        tables = {
            "tblFinance": finance_rows(year, quarter, final=final),
            "tblHighNeeds": line_rows(year, quarter, final=final, restated=restated),
            "tblMemo": memo_rows(year, quarter, final=final),
            "tblEhcp": self._plan_rows(),
            "tblFlows": self._flow_rows(),
            "tblUnitCost": cost_rows(year, quarter, self._average_places(), final=final),
            "tblConditions": condition_rows(year.year, quarter, end),
            "tblPlaces": places,
            "tblDemand": demand_rows(places, self.plans, year.year, quarter),
            "tblRisks": risk_rows(year.year, quarter, end),
            "tblNarrative": narrative_rows(year, quarter, self.plans, final=final),
            "tblSignOff": sign_off_rows(
                _working_day(prepared + timedelta(days=4)), restated="restates_version" in cover
            ),
        }
        return Return(when, says | cover, tables)

    def _stock(self, quarter: int) -> dict[str, Any]:
        return self.plans.stock[calendar_quarter(self.year.year, quarter)]

    def _forecast(self, quarter: int) -> dict[str, Any]:
        now = self._stock(quarter)
        return between(now, self._stock(4), FORESEEN if quarter < 4 else 0.0, least=int(now["TOTAL"][0]))

    def _planned(self, quarter: int) -> dict[str, Any]:
        before = self.plans.stock[calendar_quarter(self.year.year - 1, 4)]
        return between(before, self._stock(4), REPLANNED if self.year.plan_column(quarter) == "revised" else PLANNED)

    def _plan_rows(self) -> list[Row]:
        """The lines of tblEhcp."""
        columns = {"plan_count": self._planned(self.quarter)}
        for q in range(1, self.quarter + 1):
            columns |= {f"q{q}_actual": self._stock(q), f"q{q}_forecast": self._forecast(q)}
        if self.quarter == 4:
            columns["sen2_january"] = self.plans.january[self.year.year + 1]
        revised = self.year.plan_column(self.quarter) == "revised"
        note = f"New DSG management plan approved by schools forum on {REVISED_ON}." if revised else None
        rows: list[Row] = []
        for group, codes in ({"TOTAL": ("TOTAL",)} | GROUPS).items():
            for i, code in enumerate(codes):
                counts = {column: int(stock[group][i]) for column, stock in columns.items()}
                rows.append({"measure_group": group, "category_code": code} | counts | ({"note": note} if note else {}))
        if self.plans.late and calendar_quarter(self.year.year, self.quarter) == LATE_IN:
            rows[0]["note"] = f"{self.plans.late} plans that were recorded late entered the count in this quarter."
        return rows

    def _flow_rows(self) -> list[Row]:
        """The lines of tblFlows."""
        of_quarter = {q: self.plans.flows[calendar_quarter(self.year.year, q)] for q in (1, 2, 3, 4)}
        rows: list[Row] = []
        for code in FLOWS:
            so_far = {f"q{q}": of_quarter[q][code] for q in range(1, self.quarter + 1)}
            to_come = sum(of_quarter[q][code] for q in range(self.quarter + 1, 5))
            rows.append({"flow_code": code} | so_far | {"year_forecast": sum(so_far.values()) + round(0.95 * to_come)})
        return rows

    def _average_places(self) -> dict[str, dict[str, float]]:
        """Average places of the year by category: the mean of four quarter ends, of those to come as they are expected."""

        def mean(*ends: Any) -> dict[str, float]:
            by_code = np.mean([stock["PLACEMENT"] for stock in ends], axis=0).round(1)
            return dict(zip(GROUPS["PLACEMENT"], by_code.tolist(), strict=True))

        before = self.plans.stock[calendar_quarter(self.year.year - 1, 4)]
        planned, now, expected = self._planned(self.quarter), self._stock(self.quarter), self._forecast(self.quarter)
        to_come = 4 - self.quarter
        rest = [between(now, expected, (q + 1) / to_come) for q in range(to_come)]
        return {
            "plan": mean(*(between(before, planned, q / 4) for q in (1, 2, 3, 4))),
            "forecast": mean(*(self._stock(q) for q in range(1, self.quarter + 1)), *rest),
            "outturn": mean(*(self._stock(q) for q in (1, 2, 3, 4))),
        }


def _working_day(day: date) -> date:
    """The day, or the Monday after."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def write_quarters(out: Path, series: Series, *, faults: bool = False) -> ValveReport:
    """Write `safety_valve/<financial year>/rsv_....xlsx`; with `faults`, spoilt copies and their key (see faults.plant_valve_faults)."""
    for at, one in enumerate(series.returns):
        write_return(one, series.last_before(at), out / RETURN_ID / one.cover["financial_year"])
    planted = 0
    if faults:
        from orchestration.synthetic.safety_valve.faults import plant_valve_faults

        planted = plant_valve_faults(out, series)
    return ValveReport(len(series.returns), len(series.returns), planted)


__all__ = ["Series", "ValveReport", "report_quarters", "write_quarters"]
