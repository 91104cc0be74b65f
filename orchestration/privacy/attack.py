"""The attacker: what a reader of published counts can work out about those that are hidden.

Whoever reads a table knows which counts add to which, what is shown, and that no count is below nought. The smallest and
the largest number that a hidden count can then be come from integer programming: two tables that agree with all that is
known and differ in the count prove that nobody can tell it. Nothing here knows how counts came to be hidden.

Software that audits suppressed tables exists (tau-Argus and its Python package, sdcTable, GaussSuppression), for tables of
one response with hierarchies of codes. The counts here are a network of tables, differences, populations of shares and
published wholes, which they are not made for, and the only hard part of an audit is the solver: HiGHS, by way of SciPy.
"""

import time
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, vstack
from scipy.sparse.csgraph import connected_components

from orchestration.errors import CornerstoneError

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

# Shares are held to one hundred-thousandth of a per cent, in whole numbers.
_SHARE_SCALE = 100_000

# What the solver calls nought.
_TOLERANCE = 1e-6


def attack(
    connection: duckdb.DuckDBPyConnection,
    *,
    cells: str,
    lines: str,
    shares: str | None = None,
    protection_width: int = 1,
    exact: bool = True,
    seconds: float = 600,
) -> pa.Table:
    """Work out, for each cell at stake, the smallest and largest whole number it can be.

    A cell is recovered where these are less than `protection_width` apart. Where that is so for somebody who has only what
    is given anyway, nothing that is hidden could prevent it, and the cell counts as given. The ends are exact: an integer
    table attains each of them.

    Args:
        connection: sees the relations.
        cells: a relation with cell_key, cell_count, is_seen (the reader sees it), is_given (seen whatever is suppressed,
            such as a published figure), least (what the reader knows it to be at the least), given_least (the same of
            somebody who has only what is given), is_at_stake, cell_order.
        lines: a relation with line_key, cell_key, is_total: a row a cell of an exact sum of one total and its parts.
        shares: a relation with share_key, cell_key, is_numerator, weight, lowest, highest: a row a cell of a percentage
            that is known to lie from lowest to highest; the cells of each side are added with their weights.
        protection_width: how far apart the ends must be.
        exact: whether the ends are wanted. Without, a cell is done with once two tables are found that differ in it by
            `protection_width`: outcomes are the same, in a fraction of the time, and ends are only so far apart as is known.
        seconds: of the clock; what is not settled by then is untested.

    Returns:
        A row a cell at stake, in cell order: cell_key, lower, upper (null where nothing bounds it below the largest of all
        counts), outcome: 'kept', 'recovered', 'given' or 'untested'. The ends of an untested cell are as far as it came.

    Raises:
        CornerstoneError: the counts contradict the lines, the shares or what is known at the least.
    """
    deadline = time.monotonic() + seconds
    table = _read_cells(connection, cells)
    network = _read_network(connection, table, lines, shares)
    enough = None if exact else protection_width
    found = _intervals(network, table.is_seen, table.least, table.is_at_stake, enough, deadline)
    narrow = table.is_at_stake & found.is_settled & (found.upper - found.lower < protection_width)
    anyway = _intervals(network, table.is_given, table.given_least, narrow, enough, deadline)
    given = narrow & anyway.is_settled & (anyway.upper - anyway.lower < protection_width)
    settled = found.is_settled & (~narrow | anyway.is_settled)
    outcome = np.select([~settled, given, narrow], ["untested", "given", "recovered"], "kept")
    at_stake = np.flatnonzero(table.is_at_stake)
    return pa.table(
        {
            "cell_key": table.keys.take(pa.array(at_stake)),
            "lower": found.lower[at_stake],
            "upper": pa.array(found.upper[at_stake], mask=found.upper[at_stake] > network.largest),
            "outcome": pa.array(outcome[at_stake], type=pa.string()),
        }
    )


@dataclass(frozen=True)
class _Cells:
    """Columns of the cells in their order: a cell is its position."""

    keys: pa.Array
    count: Integers
    is_seen: Booleans
    is_given: Booleans
    least: Integers
    given_least: Integers
    is_at_stake: Booleans


@dataclass(frozen=True)
class _Network:
    """What ties the cells. `lines` (a row a line) has 1 for a part and -1 for the total: its product with the counts is 0.
    `shares` (two rows a share) has a product that is not above 0."""

    count: Integers
    lines: csr_array
    shares: csr_array
    totals: Integers
    parts: Integers
    part_lines: Integers

    @property
    def largest(self) -> int:
        """The largest of all counts."""
        return int(self.count.max(initial=0))


@dataclass(frozen=True)
class _Found:
    """The ends of each cell, exact where it is settled."""

    lower: Integers
    upper: Integers
    is_settled: Booleans


def _read_cells(connection: duckdb.DuckDBPyConnection, cells: str) -> _Cells:
    table = connection.execute(
        f"""
        select
            cell_key, cast(cell_count as bigint) as cell_count, is_seen, is_given, cast(least as bigint) as least,
            cast(given_least as bigint) as given_least, is_at_stake
        from {cells}
        order by cell_order, cell_key
        """
    ).to_arrow_table()
    key, *columns = table.column_names
    read = _Cells(table.column(key).combine_chunks(), *(table.column(name).to_numpy() for name in columns))
    above = np.flatnonzero((read.least > read.count) | (read.given_least > read.count))
    if len(above):
        raise CornerstoneError(
            f"Cell {read.keys[int(above[0])]} is said to be more than it is; the attack cannot begin."
        )
    return read


def _read_network(connection: duckdb.DuckDBPyConnection, table: _Cells, lines: str, shares: str | None) -> _Network:
    connection.register(
        "attacked_position", pa.table({"cell_key": table.keys, "position": np.arange(len(table.keys), dtype=np.int64)})
    )
    try:
        line, cell, is_total = _columns(
            connection,
            f"""
            select dense_rank() over (order by line_key) - 1, position, is_total
            from {lines}
            inner join attacked_position using (cell_key)  -- exactly one
            """,
        )
        limits = _read_shares(connection, shares, len(table.keys))
    finally:
        connection.unregister("attacked_position")
    sums = _rows(np.where(is_total, -1, 1), line, cell, len(table.keys))
    totals = np.full(sums.shape[0], -1, dtype=np.int64)
    totals[line[is_total]] = cell[is_total]
    one_total = np.bincount(line[is_total], minlength=len(totals)) == 1
    if not (one_total.all() and (sums @ table.count == 0).all() and (limits @ table.count <= 0).all()):
        raise CornerstoneError(
            "The counts do not add up as the lines say, or a share is not within its limits; the attack cannot begin."
        )
    return _Network(table.count, sums, limits, totals, cell[~is_total], line[~is_total])


def _read_shares(connection: duckdb.DuckDBPyConnection, shares: str | None, width: int) -> csr_array:
    """Each share twice: numerator less the highest share of the denominator, and the lowest share less the numerator."""
    if shares is None:
        return csr_array((0, width), dtype=np.int64)
    share, cell, numerator, denominator, lowest, highest = _columns(
        connection,
        f"""
        select
            dense_rank() over (order by share_key) - 1,
            position,
            cast(if(is_numerator, 100 * {_SHARE_SCALE} * weight, 0) as bigint),
            cast(if(is_numerator, 0, weight) as bigint),
            cast(round({_SHARE_SCALE} * lowest) as bigint),
            cast(round({_SHARE_SCALE} * highest) as bigint)
        from {shares}
        inner join attacked_position using (cell_key)  -- exactly one
        """,
    )
    at_most = _rows(numerator - highest * denominator, share, cell, width)
    at_least = _rows(lowest * denominator - numerator, share, cell, width)
    return vstack([at_most, at_least], format="csr")


def _columns(connection: duckdb.DuckDBPyConnection, query: str) -> list[npt.NDArray[Any]]:
    return [column.to_numpy() for column in connection.execute(query).to_arrow_table().columns]


def _rows(values: Integers, rows: Integers, columns: Integers, width: int) -> csr_array:
    height = int(rows.max(initial=-1)) + 1
    return coo_array((values, (rows, columns)), shape=(height, width), dtype=np.int64).tocsr()


def _intervals(
    network: _Network, is_seen: Booleans, least: Integers, at_stake: Booleans, enough: int | None, deadline: float
) -> _Found:
    """The ends of the cells at stake, or ends that are `enough` apart. Rounds of subtraction first; what is left falls apart
    into components, the small ones of which are solved first."""
    # Nobody believes in a count ten times the largest, and the solver needs some bound.
    lower, upper = _narrow(
        network,
        np.where(is_seen, network.count, least),
        np.where(is_seen, network.count, 10 * network.largest + 10),
    )
    settled = at_stake & (lower == upper)
    open_cells = np.flatnonzero(lower < upper)
    tied = vstack([network.lines, network.shares], format="csc")[:, open_cells]
    labels = _components(tied)
    in_use = np.bincount(labels, weights=at_stake[open_cells], minlength=labels.max(initial=-1) + 1) > 0
    by_component = np.argsort(labels, kind="stable")
    members = np.split(open_cells[by_component], np.cumsum(np.bincount(labels))[:-1]) if len(labels) else []
    for label in sorted(np.flatnonzero(in_use).tolist(), key=lambda label: len(members[label])):
        part = _Component(network, members[label], lower, upper)
        for cell in np.flatnonzero(at_stake[part.cells]).tolist():
            is_settled = part.settle(cell, enough, deadline)
            position = part.cells[cell]
            lower[position], upper[position] = part.lower[cell], part.upper[cell]
            settled[position] = is_settled
    return _Found(lower, upper, settled)


def _components(tied: csr_array) -> Integers:
    """The component of each column: columns hang together by the rows they share."""
    height, width = tied.shape
    entries = tied.tocoo()
    graph = coo_array(
        (np.ones(entries.nnz, dtype=np.int8), (entries.col, entries.row + width)),
        shape=(width + height, width + height),
    )
    _, labels = connected_components(graph, directed=False)
    return np.unique(labels[:width], return_inverse=True)[1].astype(np.int64)


def _narrow(network: _Network, lower: Integers, upper: Integers) -> tuple[Integers, Integers]:
    """Bounds that follow line by line: a total lies within the sums of its parts' bounds, and a part within what its total
    leaves when the others are at their ends."""
    parts, part_lines, totals = network.parts, network.part_lines, network.totals
    while len(totals):
        sums = [
            np.bincount(part_lines, weights=bound[parts], minlength=len(totals)).astype(np.int64)
            for bound in (lower, upper)
        ]
        narrow_lower, narrow_upper = lower.copy(), upper.copy()
        np.maximum.at(narrow_lower, totals, sums[0])
        np.minimum.at(narrow_upper, totals, sums[1])
        total_lower, total_upper = lower[totals][part_lines], upper[totals][part_lines]
        np.maximum.at(narrow_lower, parts, total_lower - (sums[1][part_lines] - upper[parts]))
        np.minimum.at(narrow_upper, parts, total_upper - (sums[0][part_lines] - lower[parts]))
        if (narrow_lower == lower).all() and (narrow_upper == upper).all():
            break
        lower, upper = narrow_lower, narrow_upper
    return lower, upper


class _Component:
    """Cells that hang together, all else fixed. Every table found narrows what is left to find for the other cells."""

    def __init__(self, network: _Network, cells: Integers, lower: Integers, upper: Integers) -> None:
        self.cells = cells
        self.lower, self.upper = lower[cells], upper[cells]
        elsewhere = lower.copy()
        elsewhere[cells] = 0
        self.lines, self.line_sums = _tied(network.lines, cells, -elsewhere)
        self.shares, self.share_limits = _tied(network.shares, cells, -elsewhere)
        rows = vstack([self.lines, self.shares], format="csc").astype(float)
        lowest = np.concatenate([self.line_sums, np.full(len(self.share_limits), -np.inf)])
        highest = np.concatenate([self.line_sums, self.share_limits]).astype(float)
        self.constraint = LinearConstraint(rows, lowest, highest)
        # The smallest and largest number of each cell in any table found so far; the first is the true one.
        self.reached = [network.count[cells].copy(), network.count[cells].copy()]

    def settle(self, cell: int, enough: int | None, deadline: float) -> bool:
        """Find both ends of a cell, or two tables that are `enough` apart; False where there was no time, or the solver found
        no end."""
        are_ends = []
        for end in (0, 1):
            if enough is not None and self.reached[1][cell] - self.reached[0][cell] >= enough:
                return True
            are_ends.append(self._reach(cell, end, deadline))
        return all(are_ends)

    def _reach(self, cell: int, end: int, deadline: float) -> bool:
        bound = (self.lower, self.upper)[end]
        if self.reached[end][cell] == bound[cell]:
            return True
        sign = -1.0 if end else 1.0
        objective = np.zeros(len(self.cells))
        objective[cell] = sign
        # Most corners of the relaxed problem are whole numbers, at a quarter of the work.
        for whole in (False, True):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            result = milp(
                objective,
                integrality=np.full(len(self.cells), int(whole)),
                bounds=Bounds(self.lower, self.upper),
                constraints=self.constraint,
                options={"time_limit": left, "mip_rel_gap": 0},
            )
            if result.status != 0:
                return False
            best = result.mip_dual_bound if whole else result.fun
            limit = np.ceil(best - _TOLERANCE)
            table = np.rint(result.x).astype(np.int64)
            if self._agrees(table) and sign * table[cell] <= limit:
                np.minimum(self.reached[0], table, out=self.reached[0])
                np.maximum(self.reached[1], table, out=self.reached[1])
                bound[cell] = table[cell]
                return True
        return False

    def _agrees(self, table: Integers) -> bool:
        """Whether a table of whole numbers is one that the reader cannot exclude."""
        within = (table >= self.lower).all() and (table <= self.upper).all()
        return bool(
            within and (self.lines @ table == self.line_sums).all() and (self.shares @ table <= self.share_limits).all()
        )


def _tied(rows: csr_array, cells: Integers, taken: Integers) -> tuple[csr_array, Integers]:
    """The rows in which some of the cells stand, with the columns of these cells, and what the others leave of each."""
    some = rows[:, cells]
    used = np.flatnonzero(np.diff(some.indptr))
    return some[used], rows[used] @ taken
