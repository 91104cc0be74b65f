"""Forecasts of the plans of one authority from published history: four simple benchmarks, and the cohort model by age group.

Each takes a `History` that ends at its origin, an authority and a number of years, and gives the plans of that many
Januaries, or None where the history does not hold what it needs.
"""

import warnings
from collections.abc import Callable

import numpy as np

from orchestration.forecast.history import YEARS_IN_GROUP, History, Numbers

LEAST_YEARS_OF_TREND = 4
YEARS_OF_LEAVING = 3

TotalModel = Callable[[History, str, int], Numbers | None]


def no_change(history: History, la_code: str, years: int) -> Numbers | None:
    """As many plans as at the origin."""
    stock = _known(history, la_code)
    return np.repeat(stock[-1], years) if len(stock) else None


def last_year_growth(history: History, la_code: str, years: int) -> Numbers | None:
    """The percentage of the last year, again each year."""
    stock = _known(history, la_code)
    if len(stock) < 2:
        return None
    return np.asarray(stock[-1] * (stock[-1] / stock[-2]) ** np.arange(1, years + 1))


def last_year_increase(history: History, la_code: str, years: int) -> Numbers | None:
    """As many plans more as in the last year, again each year."""
    stock = _known(history, la_code)
    if len(stock) < 2:
        return None
    return np.asarray(stock[-1] + (stock[-1] - stock[-2]) * np.arange(1, years + 1))


def damped_trend(history: History, la_code: str, years: int) -> Numbers | None:
    """Exponential smoothing with a damped trend, of the logarithm (statsmodels)."""
    from statsmodels.tools.sm_exceptions import ConvergenceWarning
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    stock = _known(history, la_code)
    if len(stock) < LEAST_YEARS_OF_TREND:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = ExponentialSmoothing(np.log(stock), trend="add", damped_trend=True, initialization_method="estimated")
        return np.asarray(np.exp(model.fit().forecast(years)), dtype="float64")


def cohort_by_age_group(history: History, la_code: str, years: int) -> Numbers | None:
    """The cohort model as far as published tables can tell it.

    Each year plans grow older, one in as many as their age group spans changing to the next; some cease, at the average
    rate of the age group over the last three years that are known; and as many begin, by age, as in the last year.
    """
    known = history.stock_by_age
    if la_code not in known.index.get_level_values("la_code") or la_code not in history.stock.columns:
        return None
    stock, new = known.loc[la_code], history.new_by_age.loc[la_code]
    origin = int(history.stock.index.max())
    pairs = [
        year
        for year in range(origin - YEARS_OF_LEAVING + 1, origin + 1)
        if {year - 1, year} <= set(stock.index) and year - 1 in new.index
    ]
    if origin not in stock.index or origin - 1 not in new.index or not pairs:
        return None
    older = np.array([_a_year_older(stock.loc[year - 1].to_numpy(dtype="float64")) for year in pairs])
    stayed = np.array([stock.loc[year].to_numpy() - new.loc[year - 1].to_numpy() for year in pairs])
    leaving = (older - stayed).sum(axis=0) / np.maximum(older.sum(axis=0), 1.0)
    begun = new.loc[origin - 1].to_numpy()
    # The published total decides where the ages of a table do not add up to it.
    by_age = stock.loc[origin].to_numpy(dtype="float64")
    held = by_age * (history.stock[la_code].iloc[-1] / by_age.sum())
    totals = []
    for _ in range(years):
        held = np.maximum(_a_year_older(held) * (1 - leaving) + begun, 0.0)
        totals.append(held.sum())
    return np.array(totals)


def _a_year_older(held: Numbers) -> Numbers:
    changing = held / YEARS_IN_GROUP
    return np.asarray(held - changing + np.concatenate([[0.0], changing[:-1]]))


def _known(history: History, la_code: str) -> Numbers:
    """The plans of the authority each January up to the origin; empty where the origin's is not known."""
    if la_code not in history.stock.columns or not len(history.stock):
        return np.array([])
    stock = history.stock[la_code]
    if np.isnan(stock.iloc[-1]):
        return np.array([])
    # From the last gap on: a trend over a gap would take two years for one.
    gaps = np.flatnonzero(stock.isna().to_numpy())
    return stock.iloc[gaps[-1] + 1 if len(gaps) else 0 :].to_numpy(dtype="float64")


COHORT = "cohort"
TOTAL_MODELS: dict[str, TotalModel] = {
    COHORT: cohort_by_age_group,
    "damped_trend": damped_trend,
    "last_year_growth": last_year_growth,
    "last_year_increase": last_year_increase,
    "no_change": no_change,
}
