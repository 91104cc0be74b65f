"""Whole numbers of people in cells, such that published margins hold.

One formulation serves every table: cells (a combination of attributes, or a group of people crossed with the labels
they may get) hold whole numbers; each published figure is the sum of some cells. The integer programme asks for the
numbers that meet every figure. Figures that contradict each other cannot all be met: every figure is elastic at a price, so
the answer misses as little as possible, and what is missed is reported, never forced.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NODE_LIMIT = 200
"""Branch-and-bound nodes before the best answer so far is taken: a limit in nodes, not in seconds, keeps a seed reproducible."""
WHOLE = 1e-6
CANDIDATES = 60
"""People weighed for one move of the settling walk."""
ATTEMPTS = 5
"""Corners of the relaxed problem that are tried before a miss is accepted."""
RELATIVE_GAP = 1e-2


@dataclass(frozen=True)
class Target:
    """Published figures over cells: `row[i]` is the figure that cell `cell[i]` counts towards.

    `sense` is "eq" (miss either way is priced), "le" (only an excess is priced) or "ge" (only a shortfall is priced).
    """

    cell: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    values: Floats
    price: float = 100.0
    sense: str = "eq"
    coefficient: Floats | None = None
    """What a person in the cell adds to its figure, where that is not one."""


def over(
    cells: pd.DataFrame,
    columns: Sequence[str],
    figures: "pd.Series[Any]",
    *,
    price: float = 100.0,
    sense: str = "eq",
    where: "pd.Series[bool] | npt.NDArray[np.bool_] | None" = None,
    zero_elsewhere: bool = False,
) -> Target:
    """The figures indexed by `columns`, as a target over `cells` (only those `where` is true).

    A figure that no cell can reach stays in the target (and will be missed). With `zero_elsewhere` a combination that
    the published table leaves out counts as nought.
    """
    chosen = np.arange(len(cells)) if where is None else np.flatnonzero(np.asarray(where))
    index = figures.index if len(columns) > 1 else pd.MultiIndex.from_arrays([figures.index])
    found = cells.iloc[chosen]
    keys = pd.MultiIndex.from_arrays([found[column] for column in columns])
    values = figures.to_numpy(dtype=float)
    if zero_elsewhere:
        extra = (
            pd.MultiIndex.from_tuples(sorted(set(keys) - set(index)), names=keys.names)
            if set(keys) - set(index)
            else index[:0]
        )
        index = index.append(extra)
        values = np.concatenate([values, np.zeros(len(extra))])
    if not len(index):
        return Target(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), price, sense)
    row = index.get_indexer(keys)
    known = (row >= 0) & ~np.isnan(np.where(row >= 0, values[row], 0.0))
    return Target(chosen[known], row[known], np.nan_to_num(values), price, sense)


def _coefficients(target: Target) -> Floats:
    return np.ones(len(target.cell)) if target.coefficient is None else target.coefficient


def _programme(
    size: int, targets: Sequence[Target], cost: Floats | None, upper: Floats | float, lower: Floats | float
) -> tuple[Floats, Any, Floats, Floats]:
    """Prices, constraint and bounds over the cells followed by a slack for each figure and direction."""
    from scipy.optimize import LinearConstraint
    from scipy.sparse import coo_array, csr_array, hstack, vstack

    blocks: list[Any] = []
    low: list[Floats] = []
    high: list[Floats] = []
    prices: list[Floats] = [np.zeros(size) if cost is None else np.asarray(cost, dtype=float)]
    slack_bounds: list[Floats] = []
    slack_columns: list[tuple[int, Any]] = []
    row_start = 0
    for target in targets:
        rows = len(target.values)
        blocks.append(coo_array((_coefficients(target), (target.row, target.cell)), shape=(rows, size)))
        low.append(np.full(rows, -np.inf) if target.sense == "le" else target.values)
        high.append(np.full(rows, np.inf) if target.sense == "ge" else target.values)
        eye = np.arange(rows) + row_start
        if target.sense in ("eq", "ge"):
            slack_columns.append((1, eye))
            prices.append(np.full(rows, target.price))
        if target.sense in ("eq", "le"):
            slack_columns.append((-1, eye))
            prices.append(np.full(rows, target.price))
        row_start += rows
    slacks = sum(len(rows) for _, rows in slack_columns)
    slack_matrix = coo_array(
        (
            np.concatenate([np.full(len(rows), float(sign)) for sign, rows in slack_columns]),
            (np.concatenate([rows for _, rows in slack_columns]), np.arange(slacks)),
        ),
        shape=(row_start, slacks),
    )
    matrix = csr_array(hstack([vstack(blocks), slack_matrix]))
    slack_bounds.append(np.full(slacks, np.inf))
    prices_all = np.concatenate(prices)
    constraint = LinearConstraint(matrix, np.concatenate(low), np.concatenate(high))
    floor = np.concatenate([np.broadcast_to(lower, size), np.zeros(slacks)])
    ceiling = np.concatenate([np.broadcast_to(upper, size), np.full(slacks, np.inf)])
    return prices_all, constraint, floor, ceiling


def relax(size: int, targets: Sequence[Target], *, cost: Floats) -> Floats:
    """The fractional answer to the same question as `fit`: a guide for rounding in steps. Shape: (size,)."""
    from scipy.optimize import Bounds, milp

    prices, constraint, floor, ceiling = _programme(size, targets, cost, np.inf, 0.0)
    result = milp(prices, constraints=constraint, bounds=Bounds(floor, ceiling))
    if result.x is None:
        raise RuntimeError(f"no numbers fit the figures: {result.message}")
    return np.asarray(result.x[:size], dtype=float)


def fit(
    size: int,
    targets: Sequence[Target],
    *,
    cost: Floats | None = None,
    upper: Floats | float = np.inf,
    lower: Floats | float = 0.0,
    gap: float = RELATIVE_GAP,
    attempts: int = ATTEMPTS,
) -> Counts:
    """Whole numbers for `size` cells that miss the targets by the least total price, then cost the least.

    A wide `gap` with one attempt takes the first good answer, for a caller that settles the rest person by person.

    Shape: (size,). Raises RuntimeError when the solver gives no answer, which elastic targets make impossible unless
    the bounds contradict each other.
    """
    from scipy.optimize import Bounds, milp

    if size == 0:
        return np.zeros(0, dtype=np.int64)
    prices_all, constraint, floor, ceiling = _programme(size, targets, cost, upper, lower)
    slacks = len(prices_all) - size
    row_start = len(constraint.lb)
    lottery = np.random.default_rng(size)
    best: tuple[float, Counts] | None = None
    for _ in range(attempts):
        relaxed = milp(prices_all, constraints=constraint, bounds=Bounds(floor, ceiling))
        if relaxed.x is None:
            raise RuntimeError(f"no numbers fit the {row_start} figures: {relaxed.message}")
        near = relaxed.x[:size]
        bound = float(prices_all[size:] @ relaxed.x[size:])
        if np.abs(near - np.rint(near)).max() < WHOLE:
            return np.asarray(np.rint(near), dtype=np.int64)
        # only the cells that came out as fractions are left to decide
        result = milp(
            prices_all,
            constraints=constraint,
            bounds=Bounds(
                np.concatenate([np.floor(near + WHOLE), floor[size:]]),
                np.concatenate([np.ceil(near - WHOLE), ceiling[size:]]),
            ),
            integrality=np.concatenate([np.ones(size), np.zeros(slacks)]),
            options={"node_limit": NODE_LIMIT, "mip_rel_gap": gap},
        )
        if result.x is None:
            raise RuntimeError(f"no whole numbers fit the {row_start} figures: {result.message}")
        missed = float(prices_all[size:] @ result.x[size:])
        if best is None or missed < best[0]:
            best = (missed, np.rint(result.x[:size]).astype(np.int64))
        if missed <= bound + 1.0:
            break
        # another corner of the same face: other ties, often fewer fractions
        prices_all[:size] += lottery.random(size) * 0.02
    assert best is not None
    return best[1]


def rake(prior: Floats, targets: Sequence[Target], rounds: int = 60) -> Floats:
    """Iterative proportional fitting: the fractional numbers nearest to `prior` in shape that meet the "eq" targets.

    Contradicting targets leave a compromise. Shape as `prior`.
    """
    values = np.array(prior, dtype=float)
    for _ in range(rounds):
        for target in targets:
            if target.sense != "eq":
                continue
            reached = np.bincount(target.row, weights=values[target.cell], minlength=len(target.values))
            factor = np.divide(target.values, reached, out=np.ones_like(reached), where=reached > 0)
            values[target.cell] *= factor[target.row]
    return values


def fit_near(
    prior: Floats,
    targets: Sequence[Target],
    *,
    rounds: int = 60,
    room: float = 1.0,
    gap: float = RELATIVE_GAP,
    attempts: int = ATTEMPTS,
) -> Counts:
    """Whole numbers that meet the targets and stay near the raked `prior`: between its floor and its ceiling plus `room`.

    A people spread over many cells looks like a people; the corner of a polytope does not.
    """
    raked = rake(prior, targets, rounds)
    floor = np.floor(raked + 1e-9)
    return fit(
        len(raked),
        targets,
        cost=0.01 * (1.0 - 2.0 * (raked - floor)),
        lower=np.maximum(floor - room + 1.0, 0.0),
        upper=np.ceil(raked - 1e-9) + room,
        gap=gap,
        attempts=attempts,
    )


@dataclass(frozen=True)
class Margin:
    """Published counts of labels within the values of one attribute: `key[i]` is the row of person i (-1: not in the table).

    `counts` has shape (values, labels).
    """

    key: npt.NDArray[np.int64]
    counts: Floats
    price: float


def settle(
    start: npt.NDArray[np.int64],
    margins: Sequence[Margin],
    rng: np.random.Generator,
    patience: int = 2_000,
    allowed: Floats | None = None,
) -> npt.NDArray[np.int64]:
    """Labels (as numbers) moved between people until every margin holds, or the last `patience` moves brought nothing.

    For tables that tie one label to several attributes at once, where the integer programme is slow: a walk that takes
    one overfull cell at a time and moves the person out of it whose move repairs most, with a short memory against going back.
    """
    labels = start.copy()
    if not margins:
        return labels
    tables = []
    for margin in margins:
        table = -margin.counts.astype(float)
        counted = margin.key >= 0
        np.add.at(table, (margin.key[counted], labels[counted]), 1.0)
        tables.append(table)
    number = margins[0].counts.shape[1]
    barred = np.zeros((len(labels), number), dtype=np.int64)
    if allowed is not None:
        barred[allowed == 0] = np.iinfo(np.int64).max
    miss = sum(margin.price * float(np.abs(table).sum()) for margin, table in zip(margins, tables, strict=True))
    overfull = np.array([int((table > 0.5).sum()) for table in tables])
    best, best_miss, best_move = labels.copy(), miss, 0
    for move in itertools.count():
        if miss < best_miss - 1e-9:
            best, best_miss, best_move = labels.copy(), miss, move
        waiting = overfull.sum()
        if waiting == 0 or move - best_move > patience:
            break
        which = int(np.searchsorted(overfull.cumsum(), rng.integers(waiting), side="right"))
        cells = np.flatnonzero(tables[which] > 0.5)
        row, label = divmod(int(cells[rng.integers(len(cells))]), number)
        people = np.flatnonzero((margins[which].key == row) & (labels == label))
        if not len(people):
            continue
        if len(people) > CANDIDATES:
            people = people[rng.integers(0, len(people), CANDIDATES)]
        gain = np.zeros((len(people), number))
        for margin, table in zip(margins, tables, strict=True):
            key = margin.key[people]
            present = key >= 0
            there = table[key[present]]
            leave = np.abs(there[:, label] - 1) - np.abs(there[:, label])
            gain[present] += margin.price * (np.abs(there + 1) - np.abs(there) + leave[:, None])
        lottery = gain + (barred[people] > move) * 1e6 + rng.random(gain.shape) * 0.5
        lottery[:, label] = np.inf
        chosen, to = divmod(int(lottery.argmin()), number)
        person = people[chosen]
        if allowed is not None and not allowed[person, to]:
            continue
        for index, (margin, table) in enumerate(zip(margins, tables, strict=True)):
            key_of = margin.key[person]
            if key_of >= 0:
                overfull[index] -= int(table[key_of, label] > 0.5) + int(table[key_of, to] > 0.5)
                table[key_of, label] -= 1
                table[key_of, to] += 1
                overfull[index] += int(table[key_of, label] > 0.5) + int(table[key_of, to] > 0.5)
        miss += gain[chosen, to]
        barred[person, label] = max(barred[person, label], move + int(rng.integers(10, 30)))
        labels[person] = to
    return best


def spread(total: int, weights: Floats) -> Counts:
    """A whole number shared out by weight, largest remainders first. Shape as `weights`; sums to `total`."""
    share = np.asarray(weights, dtype=float)
    if share.sum() <= 0:
        share = np.ones_like(share)
    exact = share / share.sum() * total
    whole: Counts = np.floor(exact).astype(np.int64)
    rest = int(total - whole.sum())
    whole[np.argsort(-(exact - whole), kind="stable")[:rest]] += 1
    return whole
