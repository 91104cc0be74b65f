"""What the invented returns are held to: published figures where there are any, and invented ones that fit them.

`facts.csv` holds the money of each financial year in pounds, `flows.csv` the flows of EHC plans in the calendar years that no
invented EHC plan return tells of. Every figure says whether it was published; of one that was published rounded, the pounds are
invented. No balance of 31 March 2025 or later is published.
"""

from functools import lru_cache
from pathlib import Path

import pandas as pd

FACTS_FILE = Path(__file__).parent / "facts.csv"
FLOWS_FILE = Path(__file__).parent / "flows.csv"

RETURN_ID = "safety_valve"
AUTHORITY = "372"
"""The authority whose agreement it is."""
FIRST_YEAR, LAST_YEAR = 2021, 2025
"""Financial years of the agreement, by the year in which they begin."""
AGREEMENT_GBP = 20_528_000

PLANS_IN_JANUARY = {2022: 2600}
"""Published EHC plans in a January of which there is no invented return."""
FIRST_INVENTED_BALANCE = 2024
"""The first financial year whose closing balance is invented."""


def year_code(year: int) -> str:
    """The financial year that begins in April of a year, 202526."""
    return f"{year}{(year + 1) % 100:02d}"


def period(year: int, quarter: int) -> str:
    """The period of a return, 2025-26Q4."""
    return f"{year}-{(year + 1) % 100:02d}Q{quarter}"


@lru_cache
def money(year: int) -> dict[str, int]:
    """The facts of a financial year by item, in pounds."""
    frame = pd.read_csv(FACTS_FILE, dtype={"financial_year": str, "item": str})
    mine = frame[frame["financial_year"] == year_code(year)]
    return {str(item): int(value) for item, value in zip(mine["item"], mine["value"], strict=True)}


@lru_cache
def flows_beside_the_returns() -> pd.DataFrame:
    """Flows of the calendar years without a return: columns year, quarter, flow_code, number."""
    wide = pd.read_csv(FLOWS_FILE).drop(columns="basis")
    long = wide.melt(id_vars=["year", "flow_code"], var_name="quarter", value_name="number").dropna()
    return long.assign(quarter=long["quarter"].str[1:].astype(int), number=long["number"].astype(int))
