"""The forecast of an authority's plans: the cohort model by age, need and placement, under the total that the back-test chose."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from orchestration.forecast.back_test import COVERAGE, HORIZONS, Choice, choose, interval_half_width
from orchestration.forecast.cohort import (
    AGES,
    SEED,
    YEARS_OF_RATES,
    Counts,
    Layout,
    Rates,
    Simulated,
    count,
    estimate,
    simulate,
    stock_of,
)
from orchestration.forecast.history import AGE_GROUPS, TOTAL, YEARS_IN_GROUP, History, Numbers
from orchestration.forecast.scenarios import BASELINE, Scenario
from orchestration.forecast.totals import COHORT, TOTAL_MODELS

LAST_JANUARY = 2030
YEAR_GROUPS = {"6": 10, "11": 15}  # by age at 31 August before the January
LOW, HIGH = (1 - COVERAGE) / 2, (1 + COVERAGE) / 2
# Parts this large, and so many of them, tell how far off a kind of part is: of fewer children chance alone decides.
LEAST_COUNT, LEAST_PARTS = 10, 20
DECIMALS = 2
SPLITS = (
    "age_group",
    "year_group",
    "need_code",
    "placement_group_code",
    "provision_code",
    "need_table_no",
    "ward_code",
)

FORECAST_SCHEMA = {
    "la_code": "str",
    "forecast_version": "str",
    "origin_year": "int64",
    "scenario_code": "str",
    "measure_code": "str",
    "census_year": "int64",
    "horizon": "int64",
    **dict.fromkeys(SPLITS, "str"),
    "plan_count": "float64",
    "low_count": "float64",
    "high_count": "float64",
    "actual_count": "float64",
    "total_model_code": "str",
    "total_model_reason": "str",
}


@dataclass(frozen=True)
class Known:
    """What the forecast of one authority from one origin may read."""

    la_code: str
    origin: int
    transitions: pd.DataFrame
    areas: pd.DataFrame
    population: pd.DataFrame
    history: History
    tested: pd.DataFrame
    need_tables: Mapping[str, str]
    scenarios: Sequence[Scenario]

    def heads(self, years: range) -> Numbers:
        """Population by age and January, ages x Januaries: at the middle of the year before, or the nearest one projected.

        Where the authority has no projection, every age counts one: plans then begin as if the population stood still.
        """
        if self.population.empty:
            return np.ones((AGES, len(years)))
        by_year = self.population.pivot(index="age", columns="mid_year", values="persons")
        held = by_year.columns.to_numpy(dtype="int64")
        nearest = [held[np.abs(held - (year - 1)).argmin()] for year in years]
        return by_year.reindex(range(AGES))[nearest].fillna(0.0).to_numpy(dtype="float64")


def forecast_plans(
    transitions: pd.DataFrame,
    areas: pd.DataFrame,
    population: pd.DataFrame,
    figures: pd.DataFrame,
    tested: pd.DataFrame,
    need_tables: Mapping[str, str],
    scenarios: Sequence[Scenario],
) -> pd.DataFrame:
    """The forecasts of every authority with returns, from every January that has one before it: the latest and earlier ones.

    A forecast from an earlier January reads what was known then, except for the population, of which there is the latest projection
    alone, so that it can be set beside what came since.

    Args:
        transitions: plans by what they were in one January and in the next (`int_forecast__transition`).
        areas: plans by January, age group, ward and provision (`int_forecast__area`).
        population: projected heads by authority, middle of a year and single age.
        figures: published history (`history.HISTORY_COLUMNS`).
        tested: the back-test (`back_test.BACK_TEST_SCHEMA`).
        need_tables: by provision, the table of the reform plan that splits it by need; provisions without one are left out.
        scenarios: the settings, the baseline first; the others are told from the latest January alone.

    Returns: columns of `FORECAST_SCHEMA`, sorted. The total is the median of the simulations; a part is its mean share of them,
    so that parts add up to the total. `low_count` and `high_count` hold 80% of the simulations, of parts as much wider as
    earlier forecasts call for (`_unforeseen`). Horizon 0 is the origin itself, counted.
    """
    history = History.of(figures)
    made = [pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in FORECAST_SCHEMA.items()})]
    for la_code, own in transitions.groupby("la_code"):
        layout = Layout.of(own)
        own_areas = areas[areas["la_code"] == la_code]
        counted = _counted(layout, need_tables, own, own_areas)
        earlier: list[pd.DataFrame] = []
        origins = [int(year) for year in sorted(own["census_year"].unique())]
        for origin in origins:
            known = Known(
                str(la_code),
                origin,
                own[own["census_year"] <= origin],
                own_areas[own_areas["census_year"] == origin],
                population[population["la_code"] == la_code],
                history.known_at(origin),
                tested,
                need_tables,
                # What came since is of no scenario: from an earlier January there is the baseline alone.
                scenarios if origin == origins[-1] else [one for one in scenarios if one.scenario_code == BASELINE],
            )
            # Needs and placements of later Januaries are not known yet.
            forecast = _forecast(known, Layout.of(known.transitions))
            keys = ["measure_code", "census_year", *SPLITS]
            beside = forecast.merge(counted, on=keys, how="left", validate="many_to_one")
            widened = _widened(beside, _unforeseen(earlier, origin))
            made.append(widened.assign(forecast_version=_version(widened, origin)))
            earlier.append(beside[beside["scenario_code"] == BASELINE])
    forecasts = pd.concat(made, ignore_index=True) if len(made) > 1 else made[0]
    order = [
        name for name, kind in FORECAST_SCHEMA.items() if not kind.startswith("float") and not name.startswith("total")
    ]
    return forecasts.astype(FORECAST_SCHEMA).sort_values(order, ignore_index=True)[list(FORECAST_SCHEMA)]


def _forecast(known: Known, layout: Layout) -> pd.DataFrame:
    origin = known.origin
    years = range(origin + 1, max(origin + HORIZONS, LAST_JANUARY) + 1)
    past = range(origin - YEARS_OF_RATES + 1, origin + 1)
    rates = estimate(known.transitions, layout, known.heads(past), origin)
    choice = choose(known.tested, origin)
    changes = _level_changes(known.history)
    shares = _ward_shares(known.areas)
    scales: list[Numbers] = []
    told: list[pd.DataFrame] = []
    for scenario in known.scenarios:
        level = _level_factor(known, scenario)
        if level is None:
            continue
        need_factors = np.array([1 + scenario.new_plans_change_pct.get(need, 0.0) / 100 for need in layout.needs])
        simulated = simulate(rates, known.heads(years), changes, need_factors=need_factors, level_factor=level)
        if scenario.scenario_code == BASELINE:
            scales, choice = _calibration(known, choice, simulated)
        summaries = _summaries(known, layout, rates, simulated, scales, shares, years)
        told += [rows.assign(scenario_code=scenario.scenario_code) for rows in summaries]
    return pd.concat(told, ignore_index=True).assign(
        la_code=known.la_code,
        origin_year=origin,
        total_model_code=choice.model_code,
        total_model_reason=choice.reason,
    )


def _version(forecast: pd.DataFrame, origin: int) -> str:
    """The origin, and a digest of the baseline: what says the same has the same version, whatever code and data made it."""
    said = [name for name in FORECAST_SCHEMA if name not in ("forecast_version", "actual_count")]
    baseline = forecast[forecast["scenario_code"] == BASELINE]
    ordered = baseline[said].sort_values(["measure_code", "census_year", *SPLITS])
    digest = hashlib.sha256(ordered.to_csv(index=False).encode()).hexdigest()
    return f"{origin}-{digest[:8]}"


def _kind(rows: pd.DataFrame) -> pd.Series:
    """What a figure is of, as far as parts of it err alike: its measure, and whether it is told by child, by placement or by ward.

    Totals have none: their interval is the back-test's.
    """
    is_split = rows[list(SPLITS)] != TOTAL
    by_child = is_split[["age_group", "year_group", "need_code"]].any(axis=1)
    by_placement = is_split[["placement_group_code", "provision_code", "need_table_no"]].any(axis=1)
    kind = np.select([is_split["ward_code"], by_placement, by_child], ["ward", "placement", "child"], "")
    return pd.Series((rows["measure_code"] + " " + kind).mask(kind == ""), index=rows.index)


def _unforeseen(earlier: Sequence[pd.DataFrame], origin: int) -> pd.Series:
    """By kind, how far off a part is in a year beyond what the simulations foresee, in roots of its plans.

    The simulations know how children differ by chance, and years by what was seen of them, which is little. Read are the
    forecasts from earlier origins, as simulated, of Januaries known at the origin; told is that with which four in five of their
    parts of ten or more would have lain in the interval (`_widened`). In roots of its plans, because small parts miss by larger
    shares of themselves than large ones. Of a kind of fewer than `LEAST_PARTS` such figures nothing is told.
    """
    told = (
        pd.concat(earlier, ignore_index=True)
        if earlier
        else pd.DataFrame(columns=["census_year", "horizon", "actual_count"])
    )
    known = told[(told["census_year"] <= origin) & (told["horizon"] > 0) & (told["actual_count"] >= LEAST_COUNT)]
    if known.empty:
        return pd.Series(dtype="float64")
    miss = known["actual_count"] - known["plan_count"]
    half = np.where(miss > 0, known["high_count"] - known["plan_count"], known["plan_count"] - known["low_count"])
    plans = np.maximum(known["plan_count"], 1.0)
    squared = (miss**2 - half**2).clip(lower=0.0) / (plans * known["horizon"])
    in_roots = (squared**0.5).groupby(_kind(known))
    return pd.Series(in_roots.quantile(COVERAGE)[in_roots.size() >= LEAST_PARTS])


def _widened(forecast: pd.DataFrame, unforeseen: pd.Series) -> pd.DataFrame:
    """The forecast with the intervals of its parts wider by what is unforeseen; none reaches below nought.

    What is independent of the simulations and of other years adds to them as the root of the sum of squares.
    """
    middle = forecast["plan_count"]
    roots = (middle * forecast["horizon"]) ** 0.5
    beyond = _kind(forecast).map(unforeseen).astype("float64").fillna(0.0) * roots
    low = (middle - np.hypot(middle - forecast["low_count"], beyond)).clip(lower=0.0)
    high = middle + np.hypot(forecast["high_count"] - middle, beyond)
    return forecast.assign(low_count=low.round(DECIMALS), high_count=high.round(DECIMALS))


def _level_changes(history: History) -> Numbers:
    """How the number of new plans changed from one year to the next in the latest three years, over all authorities.

    Their geometric mean is made 1: the level wanders, it has no trend.
    """
    changes = (history.new / history.new.shift(1)).iloc[-YEARS_OF_RATES:].to_numpy().ravel()
    known = changes[np.isfinite(changes) & (changes > 0)]
    return np.sort(known / np.exp(np.log(known).mean())) if len(known) else np.ones(1)


def _level_factor(known: Known, scenario: Scenario) -> float | None:
    """What a scenario makes of the plans that began before the origin; None where the published year it asks for is not held."""
    if scenario.new_plans_as_in is None:
        return 1.0
    new = known.history.new
    if known.la_code not in new.columns or scenario.new_plans_as_in not in new.index:
        return None
    wanted = new[known.la_code].dropna().get(scenario.new_plans_as_in)
    last = known.transitions[known.transitions["census_year"] == known.origin]
    begun = last[last["need_before"].isna()]["plan_count"].sum()
    return None if wanted is None or not begun else float(wanted / begun)


def _calibration(known: Known, choice: Choice, simulated: Sequence[Simulated]) -> tuple[list[Numbers], Choice]:
    """What each simulation is multiplied by, so that the totals have the middle that was chosen and the tested interval.

    A simulation keeps its rank among the totals of its year. Where nothing was tested the simulations stay as they are.
    """
    totals = np.array([one.stock.sum(axis=(1, 2, 3)) for one in simulated], dtype="float64")
    years = len(simulated)
    middle = np.median(totals, axis=1)
    if choice.model_code != COHORT:
        benchmark = TOTAL_MODELS[choice.model_code](known.history, known.la_code, years)
        if benchmark is None:
            choice = Choice(COHORT, None, None)
        else:
            middle = benchmark
    width = interval_half_width(known.tested, choice.model_code, known.origin)
    if np.isnan(width):
        return list(middle[:, None] / np.median(totals, axis=1)[:, None] * np.ones_like(totals)), choice
    ranks = np.argsort(np.argsort(totals, axis=1, kind="stable"), axis=1, kind="stable")
    spread = norm.ppf((ranks + 0.5) / totals.shape[1]) / norm.ppf(HIGH)
    widths = width * np.sqrt(np.arange(1, years + 1))
    return list(middle[:, None] * np.exp(widths[:, None] * spread) / totals), choice


def _in_groups(by_age: Counts) -> Counts:
    """Sums over ages, the axis after the simulations, by age group."""
    return np.add.reduceat(by_age, _group_starts(), axis=1)


def _group_starts() -> list[int]:
    # The first group begins at 0, however few plans begin so early; the others where they are called after.
    return [0, *(AGES - np.cumsum(YEARS_IN_GROUP[::-1])[::-1][1:]).astype(int)]


def _summaries(
    known: Known,
    layout: Layout,
    rates: Rates,
    simulated: Sequence[Simulated],
    scales: Sequence[Numbers],
    shares: pd.DataFrame,
    years: range,
) -> Iterator[pd.DataFrame]:
    """Each figure of each year: what it is split by, and the median and interval over the simulations."""
    random = np.random.default_rng(SEED)
    counted = Simulated(rates.stock[None], _begun(known.transitions, layout, known.origin)[None])
    steps = [(known.origin, counted, np.ones(1)), *zip(years, simulated, scales, strict=True)]
    for census_year, one, scale in steps:
        plans = dict(_splits(layout, known.need_tables, one.stock))
        if census_year == known.origin:
            plans |= _by_ward(known.areas)
        else:
            plans |= _ward_draws(layout, one.stock, shares, random)
        new_plans = dict(_new_splits(layout, one.begun))
        for measure_code, of_measure, factor in (("plans", plans, scale), ("new_plans", new_plans, np.ones(1))):
            values = np.stack(list(of_measure.values())) * factor
            middle = _adding_up(values)
            low, high = np.quantile(values, [LOW, HIGH], axis=1)
            yield _rows(of_measure, measure_code, census_year, horizon=census_year - known.origin).assign(
                plan_count=np.round(middle, DECIMALS),
                # Of parts that are rarely anything, the mean may lie beyond what most simulations hold.
                low_count=np.round(np.minimum(low, middle), DECIMALS),
                high_count=np.round(np.maximum(high, middle), DECIMALS),
            )


def _adding_up(values: Numbers) -> Numbers:
    """Of figures x simulations, total first: the median of the total, and of it each part's mean share.

    Parts add up to the total in each simulation, and so in the mean; medians of parts would not.
    """
    means = values.mean(axis=1)
    return np.asarray(means * (np.median(values[0]) / means[0]) if means[0] else means)


# What a figure is split by, as pairs of column and item; of a column that is not named it is the total.
Split = tuple[tuple[str, str], ...]


def _rows(splits: Iterable[Split], measure_code: str, census_year: int, **more: int) -> pd.DataFrame:
    rows = pd.DataFrame([dict(split) for split in splits], columns=list(SPLITS)).fillna(TOTAL)
    return rows.assign(measure_code=measure_code, census_year=census_year, **more)


def _begun(transitions: pd.DataFrame, layout: Layout, census_year: int) -> Counts:
    """Plans that a January holds and the one before did not, A x N."""
    came = transitions[(transitions["census_year"] == census_year) & transitions["need_before"].isna()]
    return count(came, layout, "age", "need_after")


def _placement_items(layout: Layout, need_tables: Mapping[str, str]) -> dict[tuple[str, str], list[int]]:
    """The places on the axis of placements that each placement group, provision and table of needs is made of."""
    items: dict[tuple[str, str], list[int]] = {}
    for number, placement in enumerate(layout.placements):
        group, _, provision = placement.partition("/")
        items.setdefault(("placement_group_code", group), []).append(number)
        items.setdefault(("provision_code", provision), []).append(number)
        if provision in need_tables:
            items.setdefault(("need_table_no", need_tables[provision]), []).append(number)
    return items


def _splits(layout: Layout, need_tables: Mapping[str, str], stock: Counts) -> Iterator[tuple[Split, Counts]]:
    """Plans of each simulation in every breakdown: by age, need and placement, and by each two of them."""
    groups = _in_groups(stock)  # simulations x age groups x N x P
    of_years = {year_group: stock[:, age].sum(axis=1) for year_group, age in YEAR_GROUPS.items()}  # simulations x P
    items = _placement_items(layout, need_tables)
    by_place = groups.sum(axis=(1, 2))
    yield (), by_place.sum(axis=1)
    for item, places in items.items():
        yield (item,), by_place[:, places].sum(axis=1)
    ages = [(("age_group", group), groups[:, number]) for number, group in enumerate(AGE_GROUPS)]
    needs = [(("need_code", need), groups[:, :, number]) for number, need in enumerate(layout.needs)]
    for first, counts in [*ages, *needs]:
        of_place = counts.sum(axis=1)
        yield (first,), of_place.sum(axis=1)
        for item, places in items.items():
            yield (first, item), of_place[:, places].sum(axis=1)
    for age, counts in ages:
        of_need = counts.sum(axis=2)
        for number, (need, _) in enumerate(needs):
            yield (age, need), of_need[:, number]
    for year_group, of_place in of_years.items():
        yield (("year_group", year_group),), of_place.sum(axis=1)
        for item, places in items.items():
            yield (("year_group", year_group), item), of_place[:, places].sum(axis=1)


def _ward_shares(areas: pd.DataFrame) -> pd.DataFrame:
    """Of the plans of each age group, the share of each ward; a ward's share is taken to stay.

    Of an age group that nobody is in, it is the share of all.
    """
    wide = areas.pivot_table(index="age_group", columns="ward_code", values="plan_count", aggfunc="sum", fill_value=0)
    wide = wide.reindex(list(AGE_GROUPS), fill_value=0).astype("float64")
    wide[wide.sum(axis=1) == 0] = wide.sum().to_numpy()[None, :]
    return wide.div(wide.sum(axis=1), axis=0)


def _by_ward(areas: pd.DataFrame) -> dict[Split, Counts]:
    """Plans counted in each ward, of all provisions and of each."""
    by_ward = areas.groupby("ward_code")["plan_count"].sum()
    by_provision = areas.groupby(["ward_code", "provision_code"])["plan_count"].sum()
    counted: dict[Split, Counts] = {(("ward_code", str(ward)),): np.array([plans]) for ward, plans in by_ward.items()}
    for (ward, provision), plans in zip(by_provision.index.tolist(), by_provision, strict=True):
        counted[("ward_code", str(ward)), ("provision_code", str(provision))] = np.array([plans])
    return counted


def _ward_draws(
    layout: Layout, stock: Counts, shares: pd.DataFrame, random: np.random.Generator
) -> dict[Split, Counts]:
    """Plans of each simulation by ward, of all provisions and of each: who is in a provision lives where others of the age do."""
    if shares.empty:
        return {}
    provisions = sorted({placement.partition("/")[2] for placement in layout.placements})
    places = [provisions.index(placement.partition("/")[2]) for placement in layout.placements]
    by_place = _in_groups(stock).sum(axis=2)  # simulations x age groups x P
    by_provision = np.zeros((*by_place.shape[:2], len(provisions)), dtype=np.int64)
    for number, place in enumerate(places):
        by_provision[:, :, place] += by_place[:, :, number]
    drawn = random.multinomial(by_provision, shares.to_numpy()[None, :, None, :]).sum(axis=1)
    made: dict[Split, Counts] = {}
    for number, ward in enumerate(map(str, shares.columns)):
        made[(("ward_code", ward),)] = drawn[:, :, number].sum(axis=1)
        for place, provision in enumerate(provisions):
            made[("ward_code", ward), ("provision_code", provision)] = drawn[:, place, number]
    return made


def _new_splits(layout: Layout, begun: Counts) -> Iterator[tuple[Split, Counts]]:
    groups = _in_groups(begun)
    yield (), groups.sum(axis=(1, 2))
    for number, group in enumerate(AGE_GROUPS):
        yield (("age_group", group),), groups[:, number].sum(axis=1)
    for number, need in enumerate(layout.needs):
        yield (("need_code", need),), groups[:, :, number].sum(axis=1)


def _counted(
    layout: Layout, need_tables: Mapping[str, str], transitions: pd.DataFrame, areas: pd.DataFrame
) -> pd.DataFrame:
    """What came: every figure of every January that the returns tell of."""
    told = []
    for year in map(int, sorted(transitions["census_year"].unique())):
        plans = dict(_splits(layout, need_tables, stock_of(transitions, layout, year)[None]))
        plans |= _by_ward(areas[areas["census_year"] == year])
        new_plans = dict(_new_splits(layout, _begun(transitions, layout, year)[None]))
        for measure_code, of_measure in (("plans", plans), ("new_plans", new_plans)):
            values = np.concatenate(list(of_measure.values()))
            told.append(_rows(of_measure, measure_code, year).assign(actual_count=values))
    return pd.concat(told, ignore_index=True)
