"""Published history of EHC plans as the models read it: stocks each January and plans issued each year."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

# Ages at 31 August before the census, as DfE groups them, and how many years of age each group spans: a plan leaves its
# group for the next one after as many years. Few plans begin before the age of two.
AGE_GROUPS = ("Under 5", "5 to 10", "11 to 15", "16 to 19", "20 to 25")
YEARS_IN_GROUP = np.array([3.0, 6.0, 5.0, 4.0, 6.0])
TOTAL = "Total"
HISTORY_COLUMNS = ("la_code", "kind", "history_year", "age_group", "plan_count")

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """What is known of some authorities, by year; of an origin, only what `known_at` leaves."""

    stock: pd.DataFrame  # January x authority: plans held
    new: pd.DataFrame  # calendar year x authority: plans issued
    stock_by_age: pd.DataFrame  # (authority, January) x age group
    new_by_age: pd.DataFrame  # (authority, calendar year) x age group

    @classmethod
    def of(cls, figures: pd.DataFrame) -> "History":
        """From rows of `HISTORY_COLUMNS`: kind is `plans` (January of the year) or `new_plans` (calendar year)."""
        typed = figures.astype({"la_code": "str", "history_year": "int64", "plan_count": "float64"})
        stock, new = (typed[typed["kind"] == kind] for kind in ("plans", "new_plans"))
        return cls(_totals(stock), _totals(new), _by_age(stock), _by_age(new))

    def known_at(self, origin: int) -> "History":
        """What is known once the January of the origin is counted: stocks to that January, plans issued to the year before."""
        return History(
            self.stock.loc[:origin],
            self.new.loc[: origin - 1],
            self.stock_by_age[self.stock_by_age.index.get_level_values("history_year") <= origin],
            self.new_by_age[self.new_by_age.index.get_level_values("history_year") < origin],
        )


def _totals(figures: pd.DataFrame) -> pd.DataFrame:
    """A total that is not held itself is the sum of its age groups."""
    summed = (
        figures[figures["age_group"] != TOTAL].groupby(["la_code", "history_year"], as_index=False)["plan_count"].sum()
    )
    held = figures[figures["age_group"] == TOTAL][["la_code", "history_year", "plan_count"]]
    totals = pd.concat([held, summed]).drop_duplicates(["la_code", "history_year"])
    wide = totals.pivot(index="history_year", columns="la_code", values="plan_count").sort_index()
    return wide.reindex(range(int(wide.index.min()), int(wide.index.max()) + 1)) if len(wide) else wide


def _by_age(figures: pd.DataFrame) -> pd.DataFrame:
    """A group that a table leaves out holds nobody."""
    by_age = figures[figures["age_group"] != TOTAL]
    wide = by_age.pivot(index=["la_code", "history_year"], columns="age_group", values="plan_count")
    return wide.reindex(columns=list(AGE_GROUPS)).fillna(0.0).sort_index()
