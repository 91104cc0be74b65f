"""The cohort model: plans by age, primary need and placement, carried from one January to the next.

Each year of a forecast

1. every plan grows a year older; at 26 it is gone;
2. some cease, at rates by age and placement;
3. those that stay change placement, at rates by phase and placement held, and primary need;
4. plans begin, at rates per head of population by age and primary need, in placements by phase and need.

All rates come from counts of children in two returns, one year apart, never from a child. Of sparse cells the rate leans to
that of a wider one by `PRIOR` plans. Years differ from each other: each year of a simulation is like one of the years that the
rates are from, drawn at random, and the level of new plans changes from year to year as it did in this authority and its
neighbours.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestration.forecast.history import Numbers

AGES = 26  # 0 to 25, at 31 August before the January
YEARS_OF_RATES = 3
PRIOR = 20.0
# Phases by age after the step: a plan whose child turns 4, 11 or 16 changes setting as a rule.
PHASE_STARTS = (0, 4, 5, 11, 12, 16, 17, 19)
SIMULATIONS = 500
SEED = 372

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """What the axes of the arrays stand for."""

    needs: tuple[str, ...]
    placements: tuple[str, ...]

    @classmethod
    def of(cls, transitions: pd.DataFrame) -> "Layout":
        """Of every need and placement that the transitions name."""
        return cls(*(_named(transitions, f"{name}_before", f"{name}_after") for name in ("need", "placement")))


def _named(transitions: pd.DataFrame, *columns: str) -> tuple[str, ...]:
    return tuple(sorted(set(pd.concat([transitions[column] for column in columns]).dropna())))


@dataclass(frozen=True)
class Rates:
    """What happens to plans in a year, by the year it was seen in: Y years, A ages, N needs, P placements, S phases."""

    stock: Counts  # A x N x P: plans at the origin
    ceasing: Numbers  # Y x A x P, by age after the step: share that ceases
    moving: Numbers  # Y x S x P x P, from placement to placement, of those that stay; rows add up to 1
    recoding: Numbers  # Y x N x N, from need to need, of those that stay; rows add up to 1
    beginning: Numbers  # Y x A x N: plans that begin per head, at the level of the last year
    placing: Numbers  # Y x S x N x P: where plans begin; adds up to 1 over placements


def phases() -> Counts:
    """The phase of every age, A."""
    return np.searchsorted(PHASE_STARTS, np.arange(AGES), side="right") - 1


def count(transitions: pd.DataFrame, layout: Layout, *axes: str) -> Counts:
    """Plans of transitions by age and other axes, in the order given, dense; rows in which an axis is blank are left out."""
    codes = {"need": layout.needs, "placement": layout.placements}
    kept = transitions.dropna(subset=list(axes))
    places = [
        kept["age"].to_numpy()
        if axis == "age"
        else pd.Index(codes[axis.split("_")[0]]).get_indexer(pd.Index(kept[axis]))
        for axis in axes
    ]
    shape = [AGES if axis == "age" else len(codes[axis.split("_")[0]]) for axis in axes]
    counted = np.zeros(shape, dtype=np.int64)
    np.add.at(counted, tuple(places), kept["plan_count"].to_numpy())
    return counted


def stock_of(transitions: pd.DataFrame, layout: Layout, census_year: int) -> Counts:
    """Plans of a January by age, need and placement, A x N x P."""
    of_year = transitions[transitions["census_year"] == census_year]
    return count(of_year, layout, "age", "need_after", "placement_after")


def estimate(transitions: pd.DataFrame, layout: Layout, population: Numbers, origin: int) -> Rates:
    """Rates from the transitions into the origin and the two Januaries before it, as far as they are known.

    Args:
        transitions: rows of `int_forecast__transition` of one authority, none after the origin.
        layout: the axes.
        population: A x Januaries, the last of them the origin's: heads at the middle of the year before.
        origin: the last January known.
    """
    known = transitions[transitions["census_year"] > origin - YEARS_OF_RATES]
    of_years = [known[known["census_year"] == year] for year in sorted(known["census_year"].unique())]
    places, needs = len(layout.placements), len(layout.needs)

    def counted(rows: str, *axes: str) -> Numbers:
        """Y x axes: plans that were held before (`held`), of them those that ceased or stayed, or that came."""
        was, is_now = known["need_before"].notna(), known["need_after"].notna()
        kept = {"held": was, "ceased": ~is_now, "stayed": was & is_now, "came": ~was}[rows]
        return np.array([count(one[kept.loc[one.index]], layout, *axes) for one in of_years], dtype="float64")

    at_risk, ceased = (counted(rows, "age", "placement_before") for rows in ("held", "ceased"))
    by_phase = _sums_by_phase(ceased).sum(axis=(0, 2)) / np.maximum(_sums_by_phase(at_risk).sum(axis=(0, 2)), 1.0)
    by_age = _leaning(ceased.sum(axis=(0, 2)), at_risk.sum(axis=(0, 2)), by_phase[phases()])
    usual = _leaning(ceased.sum(axis=0), at_risk.sum(axis=0), by_age[:, None])
    # Of one year no more is told than how its ceasing stood to that of all.
    level = (ceased.sum(axis=(1, 2)) + PRIOR) / ((at_risk * usual).sum(axis=(1, 2)) + PRIOR)
    ceasing = np.minimum(usual[None] * level[:, None, None], 1.0)

    moved = _sums_by_phase(counted("stayed", "age", "placement_before", "placement_after"))
    # A placement that nobody of the phase has held so far is kept.
    moving = _shares(moved + PRIOR * _shares(moved.sum(axis=0) + np.eye(places)))
    recoded = counted("stayed", "need_before", "need_after")
    recoding = _shares(recoded + PRIOR * _shares(recoded.sum(axis=0) + np.eye(needs)))

    begun = counted("came", "age", "need_after")
    heads = population[:, -len(of_years) :]
    per_head = begun.sum(axis=0) / np.maximum(heads.sum(axis=1), 1.0)[:, None]
    expected = np.einsum("an,ay->yn", per_head, heads)
    beginning = per_head[None] * ((begun.sum(axis=1) + PRIOR) / (expected + PRIOR))[:, None, :]
    at_origin = (beginning * heads[:, -1][None, :, None]).sum(axis=(1, 2))
    beginning = beginning * (begun[-1].sum() / np.maximum(at_origin, 1e-9))[:, None, None]

    placed = _sums_by_phase(counted("came", "age", "need_after", "placement_after"))
    anywhere = _shares(placed.sum(axis=(0, 1, 2)) + 1e-9)
    of_phase = _shares(placed.sum(axis=(0, 2)) + anywhere)
    of_need = _shares(placed.sum(axis=0) + PRIOR * of_phase[:, None, :])
    placing = _shares(placed + PRIOR * of_need)
    return Rates(stock_of(transitions, layout, origin), ceasing, moving, recoding, beginning, placing)


def _sums_by_phase(counts: Numbers) -> Numbers:
    """Y x ages and more, added up to Y x phases and more."""
    return np.asarray(np.add.reduceat(counts, PHASE_STARTS, axis=1))


def _leaning(events: Numbers, at_risk: Numbers, wider: Numbers) -> Numbers:
    """Rates that lean to a wider one by so many plans."""
    return np.asarray((events + PRIOR * wider) / (at_risk + PRIOR))


def _shares(counts: Numbers) -> Numbers:
    """Of the last axis: each row over its sum."""
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class Simulated:
    """One January of every simulation."""

    stock: Counts  # simulations x A x N x P
    begun: Counts  # simulations x A x N: of them, plans that began in the year before


def simulate(
    rates: Rates,
    heads: Numbers,
    new_level_changes: Numbers,
    *,
    need_factors: Numbers,
    level_factor: float,
    simulations: int = SIMULATIONS,
) -> list[Simulated]:
    """Carry the stock forward, one element a year.

    Args:
        rates: what happens in a year.
        heads: A x years, the population that plans begin from.
        new_level_changes: how the level of new plans can change from year to year, as factors around 1; one is drawn a year.
        need_factors: N, of a scenario: what begins with each need, against what would.
        level_factor: of a scenario: what begins in all, against what would.
        simulations: how many. The seed is fixed, so that the same data give the same forecast.
    """
    years = heads.shape[1]
    random = np.random.default_rng(SEED)
    like = random.integers(len(rates.ceasing), size=(simulations, years))
    new_level = np.cumprod(random.choice(new_level_changes, size=(simulations, years)), axis=1) * level_factor
    phase = phases()
    stock = np.repeat(rates.stock[None], simulations, axis=0)
    made = []
    for year in range(years):
        drawn = like[:, year]
        older = np.zeros_like(stock)
        older[:, 1:] = stock[:, :-1]
        staying = 1.0 - rates.ceasing[drawn]  # simulations x A x P
        moving, recoding = rates.moving[drawn][:, phase], rates.recoding[drawn]
        same = np.einsum("rapp->rap", moving)[:, :, None, :] * np.einsum("rnn->rn", recoding)[:, None, :, None]
        expected = older * staying[:, :, None, :]
        # Who keeps place and need is drawn of the plans held; who comes to another place or need, of how many are expected.
        kept = random.binomial(older, staying[:, :, None, :] * same)
        arriving = np.einsum("raqk,rkn->ranq", np.einsum("rakp,rapq->raqk", expected, moving), recoding)
        changed = random.poisson(np.maximum(arriving - expected * same, 0.0))
        rate = rates.beginning[drawn] * heads[:, year][None, :, None] * need_factors
        begun = random.poisson(rate * new_level[:, year, None, None])
        stock = kept + changed + random.multinomial(begun, rates.placing[drawn][:, phase])
        made.append(Simulated(stock, begun))
    return made
