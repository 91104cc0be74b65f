"""EHC plans by quarter: the stock and the flows of the people in the EHC plan returns, counted as the published tables count them."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.synthetic.calibrate import spread
from orchestration.synthetic.dates import CENSUS_DAYS, year_of
from orchestration.synthetic.population import SPECIAL_ACADEMIES
from orchestration.synthetic.recount import counted_cases
from orchestration.synthetic.returns import Return as PlansReturn
from orchestration.synthetic.safety_valve.facts import (
    FIRST_YEAR,
    LAST_YEAR,
    PLANS_IN_JANUARY,
    flows_beside_the_returns,
)
from orchestration.synthetic.targets import PLACEMENT_GROUPS, PLACEMENT_LINES

GROUPS = {
    "AGE": ("U5", "5-10", "11-15", "16-19", "20-25"),
    "NEED": ("ASD", "DS", "HI", "MLD", "MSI", "PD", "PMLD", "SEMH", "SLCN", "SLD", "SPLD", "VI", "OTH", "UKN"),
    "PLACEMENT": ("MmSoA", "RPSEN", "MdSSA", "NMISS", "HspAP", "P16FE", "OTHER"),
}
FLOWS = ("REQUESTS", "REFUSED", "ASSESS_AGREED", "ISSUED", "NOT_ISSUED", "CEASED", "TRANSFER_IN")
CHANGE = {"ISSUED": 1, "TRANSFER_IN": 1, "CEASED": -1}

TRANSFER_SHARES = (0.1, 0.3, 0.3, 0.3)
"""When plans moved in: the returns say of the year alone."""
LATE_IN, MOST_LATE = (2023, 2), 0.009
"""The calendar quarter in which plans recorded late entered the count, and the share of the stock that they are at most."""

Counts = npt.NDArray[np.int64]
Quarter = tuple[int, int]
"""A calendar year and its quarter, 1 to 4."""


@dataclass(frozen=True)
class Plans:
    """Plans of every quarter end. `stock`: categories of a quarter end, by group, with the group TOTAL; `flows`: of the quarter alone.

    `january`: as `stock`, of the EHC plan returns. `late`: plans recorded late, in the stock and in no flow.
    """

    stock: dict[Quarter, dict[str, Counts]]
    flows: dict[Quarter, dict[str, int]]
    january: dict[int, dict[str, Counts]]
    late: int


def calendar_quarter(year: int, quarter: int) -> Quarter:
    """The calendar quarter of a quarter of a financial year."""
    return (year, quarter + 1) if quarter < 4 else (year + 1, 1)


def before(quarter: Quarter) -> Quarter:
    """The calendar quarter before."""
    return (quarter[0], quarter[1] - 1) if quarter[1] > 1 else (quarter[0] - 1, 4)


_PLACE_OF = (
    dict.fromkeys(PLACEMENT_LINES, "OTHER")
    | dict.fromkeys(PLACEMENT_GROUPS["mainstream_total"], "MmSoA")
    | {line: "RPSEN" for line in PLACEMENT_LINES if line.endswith(("_resourced_provision", "_senunit"))}
    | dict.fromkeys(("special_la_maintained", *SPECIAL_ACADEMIES), "MdSSA")
    | dict.fromkeys(("special_independent", "special_non_maintained", "mainstream_independent"), "NMISS")
    | dict.fromkeys(PLACEMENT_GROUPS["ap_pru_total"], "HspAP")
    | dict.fromkeys(PLACEMENT_GROUPS["fe_total"], "P16FE")
    | {"nm_early_years": "MmSoA"}
)
"""Published placement line -> category of the DSG management plan."""


def _by_category(stock: pd.DataFrame) -> dict[str, Counts]:
    """People by age group, need and placement of the DSG management plan."""
    ages = pd.cut(stock["stock_age"], [-1, 4, 10, 15, 19, 200], labels=list(GROUPS["AGE"])).astype(str)
    needs = stock["need"].replace({"unknown": "UKN"})
    places = stock["line"].map(_PLACE_OF)
    made: dict[str, Counts] = {"TOTAL": np.array([len(stock)], dtype=np.int64)}
    for group, codes in (("AGE", ages), ("NEED", needs), ("PLACEMENT", places)):
        counts = np.asarray(codes.value_counts().reindex(list(GROUPS[group])).fillna(0), dtype=np.int64)
        if counts.sum() != len(stock):
            raise RuntimeError(f"plans of no known {group.lower()} in an invented return")
        made[group] = counts
    return made


def _quarters(days: "pd.Series[Any]", year: int) -> Counts:
    """Days of one calendar year by quarter."""
    mine = days.to_numpy(np.int64)
    mine = mine[year_of(mine) == year]
    month = mine.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    return np.bincount(month // 3, minlength=4)


def _flows_of(cases: pd.DataFrame, year: int) -> dict[str, Counts]:
    """What the return after a calendar year tells of it."""
    asked = cases[cases["RequestOutcome"] != "H"]
    decided = cases["RequestOutcome"]
    fresh = cases[(cases["AssessmentOutcome"] != "H") & (cases["_StartDate"] > 0)]
    refused = cases[cases["AssessmentOutcome"] == "N"]
    came = int((cases["TransferLA"] != "").sum())
    return {
        "REQUESTS": _quarters(asked["_ReceivedDate"], year),
        "REFUSED": _quarters(cases.loc[decided == "N", "_RequestOutcomeDate"], year),
        "ASSESS_AGREED": _quarters(cases.loc[decided == "Y", "_RequestOutcomeDate"], year),
        "ISSUED": _quarters(fresh["_StartDate"], year),
        "NOT_ISSUED": _quarters(refused["_AssessmentOutcomeDate"], year),
        "CEASED": _quarters(cases.loc[cases["_CeaseDate"] > 0, "_CeaseDate"], year),
        "TRANSFER_IN": spread(came, np.array(TRANSFER_SHARES)),
    }


def count_plans(made: dict[int, PlansReturn], register: pd.DataFrame, scale: float) -> Plans:
    """The plans of every quarter end from 31 March 2021 to 31 March 2026. `made`: the EHC plan returns of every year."""
    january: dict[int, dict[str, Counts]] = {}
    flows: dict[Quarter, dict[str, int]] = {}
    begun = 0
    for year, one in sorted(made.items()):
        cases = counted_cases(one, register)
        stock = cases[cases["live"]]
        january[year] = _by_category(stock)
        of_year = _flows_of(cases, year - 1)
        flows |= {(year - 1, q + 1): {code: int(of_year[code][q]) for code in FLOWS} for q in range(4)}
        begun = int((year_of(stock["_StartDate"].to_numpy()) == year).sum())
    beside = flows_beside_the_returns()
    for year, quarter, code, number in beside[["year", "quarter", "flow_code", "number"]].to_numpy(object):
        flows.setdefault((int(year), int(quarter)), {})[str(code)] = round(int(number) * scale)
    first = min(january)
    for year, number in PLANS_IN_JANUARY.items():
        january[year] = _shared_out(round(number * scale), january[first])
    total, late = _totals(flows, int(january[max(january)]["TOTAL"][0]) - begun, january)
    stock_by_quarter = {
        quarter: _shared_out(number, _composition(january, quarter)) for quarter, number in total.items()
    }
    return Plans(stock_by_quarter, flows, january, late)


def _totals(
    flows: dict[Quarter, dict[str, int]], at_last_december: int, january: dict[int, dict[str, Counts]]
) -> tuple[dict[Quarter, int], int]:
    """The stock of every quarter end: that of the last December, and the flows there and back."""
    end = (max(january) - 1, 4)
    total = {end: at_last_december}
    quarter = end
    while quarter > (FIRST_YEAR, 1):
        total[before(quarter)] = total[quarter] - _change(flows[quarter])
        quarter = before(quarter)
    first = min(january)
    late = min(total[first - 1, 4] - int(january[first]["TOTAL"][0]), int(MOST_LATE * total[before(LATE_IN)]))
    late = max(late, 0)
    total = {quarter: number - (late if quarter < LATE_IN else 0) for quarter, number in total.items()}
    after = (LAST_YEAR + 1, 1)
    total[after] = total[before(after)] + _change(flows[after])
    return total, late


def _change(flows: dict[str, int]) -> int:
    return sum(sign * flows[code] for code, sign in CHANGE.items())


def _composition(january: dict[int, dict[str, Counts]], quarter: Quarter) -> dict[str, npt.NDArray[np.float64]]:
    """What the stock of a quarter end is made of: between two Januaries their mean by time, beyond them that of the nearest."""
    year, q = quarter
    end = np.datetime64(date(year + q // 4, q * 3 % 12 + 1, 1)).astype(np.int64) - 1
    years = sorted(january)
    days = [np.datetime64(CENSUS_DAYS[one]).astype(np.int64) for one in years]
    return {
        group: np.array(
            [np.interp(end, days, [float(january[one][group][i]) for one in years]) for i in range(len(codes))]
        )
        for group, codes in GROUPS.items()
    }


def _shared_out(total: int, shares: Any) -> dict[str, Counts]:
    """A total by group and category, in the proportions given."""
    return {"TOTAL": np.array([total])} | {group: spread(total, shares[group]) for group in GROUPS}


def between(start: dict[str, Counts], end: dict[str, Counts], share: float, *, least: int = 0) -> dict[str, Counts]:
    """The stock that lies a share of the way from one to another, of `least` plans or more."""
    total = round(float(start["TOTAL"][0] + share * (end["TOTAL"][0] - start["TOTAL"][0])))
    return _shared_out(
        max(total, least), {group: start[group] + share * (end[group] - start[group]) for group in GROUPS}
    )


__all__ = ["FLOWS", "GROUPS", "Plans", "between", "calendar_quarter", "count_plans"]
