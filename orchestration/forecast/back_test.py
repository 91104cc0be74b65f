"""The back-test: what each model would have said at past origins, how wrong it was, and which one to use.

An origin is a January whose plans are the last ones known. Nothing later is used: neither by a model, nor for its
interval, nor for the choice among models.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.forecast.history import History
from orchestration.forecast.totals import COHORT, TOTAL_MODELS

FIRST_ORIGIN = 2013  # the errors of the first years make the intervals of those after them
# Models are compared from here on: until 2018 statements became plans and plans reached the age of 25, once and for all.
FIRST_COMPARED_ORIGIN = 2019
HORIZONS = 4
COVERAGE = 0.8
# A model's errors one year ahead, of every authority, in the latest three years make its interval.
YEARS_OF_ERRORS = 3
LEAST_ERRORS = 5

BACK_TEST_SCHEMA = {
    "la_code": "str",
    "model_code": "str",
    "origin_year": "int64",
    "horizon": "int64",
    "forecast_count": "float64",
    "low_count": "float64",
    "high_count": "float64",
    "actual_count": "float64",
    "scaled_error": "float64",
    "is_within": "boolean",
    "is_chosen": "bool",
}


def back_test(figures: pd.DataFrame) -> pd.DataFrame:
    """Every model at every origin, for each authority and up to four years ahead, beside what came.

    Args:
        figures: rows of `history.HISTORY_COLUMNS`.

    Returns: columns of `BACK_TEST_SCHEMA`, sorted. `scaled_error` is the absolute error over the authority's mean yearly
    change up to the origin: its mean is the MASE. `is_within` says whether what came is inside the 80% interval, which is
    missing at origins with too few earlier errors. `is_chosen` marks the model that the rule would have used at the origin,
    once it had anything to go by.
    """
    history = History.of(figures)
    tested = _tested(history)
    if tested.empty:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in BACK_TEST_SCHEMA.items()})
    half_width = {
        (model, origin): interval_half_width(tested, model, origin)
        for model, origin in tested[["model_code", "origin_year"]].drop_duplicates().itertuples(index=False)
    }
    widths = np.array(
        [half_width[key] for key in zip(tested["model_code"], tested["origin_year"], strict=True)], dtype="float64"
    ) * np.sqrt(tested["horizon"].to_numpy())
    tested["low_count"] = tested["forecast_count"] * np.exp(-widths)
    tested["high_count"] = tested["forecast_count"] * np.exp(widths)
    is_within = tested["actual_count"].between(tested["low_count"], tested["high_count"]).astype("boolean")
    tested["is_within"] = is_within.mask(tested["low_count"].isna())
    choices = {origin: choose(tested, origin) for origin in sorted(tested["origin_year"].unique())}
    chosen = {origin: choice.model_code for origin, choice in choices.items() if choice.is_tested}
    tested["is_chosen"] = tested["model_code"] == tested["origin_year"].map(chosen)
    ordered = tested.sort_values(["la_code", "model_code", "origin_year", "horizon"], ignore_index=True)
    return ordered.astype(BACK_TEST_SCHEMA)[list(BACK_TEST_SCHEMA)]


def _tested(history: History) -> pd.DataFrame:
    stock = history.stock
    found = []
    for origin in [year for year in stock.index if year >= FIRST_ORIGIN]:
        known = history.known_at(origin)
        yearly_change = known.stock.diff().abs().mean()
        for la_code in yearly_change.index[yearly_change > 0]:
            actual = stock[la_code].reindex(range(origin + 1, origin + HORIZONS + 1)).to_numpy()
            for name, model in TOTAL_MODELS.items():
                forecast = model(known, la_code, HORIZONS)
                if forecast is None:
                    continue
                found.append(
                    pd.DataFrame(
                        {
                            "la_code": la_code,
                            "model_code": name,
                            "origin_year": origin,
                            "horizon": np.arange(1, HORIZONS + 1),
                            "forecast_count": forecast,
                            "actual_count": actual,
                            "scaled_error": np.abs(actual - forecast) / yearly_change[la_code],
                        }
                    )
                )
    return pd.concat(found, ignore_index=True).dropna(subset="actual_count") if found else pd.DataFrame()


def interval_half_width(tested: pd.DataFrame, model_code: str, origin: int) -> float:
    """Half of the 80% interval one year ahead, as a difference of logarithms; at h years, times the root of h.

    It is the size that four in five of the model's errors did not exceed, one year ahead, over all authorities and the
    three years up to the origin. Errors of single years that are independent of each other add up as the root of their
    number. NaN where fewer than five errors are known.
    """
    target = tested["origin_year"] + tested["horizon"]
    known = tested[
        (tested["model_code"] == model_code)
        & (tested["horizon"] == 1)
        & (target <= origin)
        & (target > origin - YEARS_OF_ERRORS)
    ]
    if len(known) < LEAST_ERRORS:
        return float("nan")
    errors = np.abs(np.log(known["actual_count"] / known["forecast_count"]))
    return float(np.quantile(errors, COVERAGE))


@dataclass(frozen=True)
class Choice:
    """Which model gives the total, and the mean scaled errors (MASE) of the cohort model and of the best benchmark."""

    model_code: str
    cohort_error: float | None
    benchmark_error: float | None

    @property
    def is_tested(self) -> bool:
        """Whether any error was known to choose by; until then it is the cohort model."""
        return self.cohort_error is not None

    @property
    def reason(self) -> str:
        """One sentence for readers."""
        if self.cohort_error is None or self.benchmark_error is None:
            return "The cohort model: there is no published history to test it on."
        words = f"MASE {self.cohort_error:.2f} against {self.benchmark_error:.2f}"
        if self.model_code == COHORT:
            return (
                "The cohort model: as far as published tables can tell it, by age group, it beat every benchmark over the"
                f" authorities tested ({words})."
            )
        return (
            f"A benchmark, {self.model_code}: the cohort model did not beat it over the authorities tested ({words})."
        )


def choose(tested: pd.DataFrame, origin: int) -> Choice:
    """The cohort model where its mean scaled error is below that of every benchmark, else the best benchmark.

    Only errors known at the origin count, and only cells (authority, origin, years ahead) that every model was tested on; of
    all authorities together, because one has too few to tell models apart.
    """
    if tested.empty:
        return Choice(COHORT, None, None)
    is_known = tested["origin_year"] + tested["horizon"] <= origin
    known = tested[is_known & (tested["origin_year"] >= FIRST_COMPARED_ORIGIN)]
    by_model = known.pivot(index=["la_code", "origin_year", "horizon"], columns="model_code", values="scaled_error")
    shared = by_model.reindex(columns=list(TOTAL_MODELS)).dropna()
    if shared.empty:
        return Choice(COHORT, None, None)
    errors = shared.mean()
    benchmarks = errors.drop(COHORT)
    best = str(benchmarks.idxmin())
    chosen = COHORT if errors[COHORT] < benchmarks[best] else best
    return Choice(chosen, float(errors[COHORT]), float(benchmarks[best]))
