"""Disclosure control: which counts must not be shown, so that no small group of children can be found or worked out.

Primary suppression hides counts of 1 to the threshold less one people. Secondary suppression hides further counts, because a
hidden part is its total less the visible parts. The counts and the sums they stand in come as relations of DuckDB, the
answer goes back as a table; what a count is about is nobody's business here.
"""

import heapq
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.errors import CornerstoneError

POLICY_FILE = Path(__file__).with_name("disclosure_policy.yaml")

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


class _Declared(BaseModel):
    """A part of the policy file; a misspelt parameter is refused, because it would silently weaken the policy."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Parameters(_Declared):
    """What an audience may see; the policy file says what each parameter means."""

    threshold: int = Field(ge=0)
    zero_is_disclosive: bool
    rounding_base: int = Field(ge=1)
    min_denominator: int = Field(ge=0)
    min_contributors: int = Field(ge=0)
    dominance_pct: int | None = Field(ge=0, le=100)
    secondary: bool
    publish_extremes: bool


Audience = Literal["internal", "board", "public"]

# What analysts inside the authority see: everything.
UNPROTECTED = Parameters(
    threshold=0,
    zero_is_disclosive=False,
    rounding_base=1,
    min_denominator=0,
    min_contributors=0,
    dominance_pct=None,
    secondary=False,
    publish_extremes=True,
)


class Audiences(_Declared):
    """The three audiences."""

    internal: Parameters
    board: Parameters
    public: Parameters


class Merging(_Declared):
    """A breakdown topic that stands in place of a finer one: its items, and which of the finer ones each is made of."""

    into: str = Field(min_length=1)
    items: dict[str, list[str]] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_item_once(self) -> Self:
        finer = [item for items in self.items.values() for item in items]
        if twice := sorted({item for item in finer if finer.count(item) > 1}):
            raise ValueError(f"{self.into}: {', '.join(twice)} cannot be part of two items")
        return self


class Collapse(_Declared):
    """When a table shows too little: more than one in so many of its local values suppressed. It is merged, or withheld."""

    more_than_one_in: int = Field(ge=1)
    merge: dict[str, Merging]


class OpenRelease(_Declared):
    """How the open part of a release applies the policy.

    Figures of the whole authority are the only local ones it shows: those of schools, wards and other smaller areas are
    withheld, and one of a trust is shown where it is the authority's own, from that trust alone. What a published count of
    more people leaves over is protected as other counts are. DfE publishes its own unrounded, so nothing here can round
    them: another base needs the code that rounds first.
    Money of the whole authority is shown by the breakdown topics of `authority_money`, and not otherwise; a mean of money is
    suppressed as any figure on too few people. `withheld_breakdowns`: of KPIs, breakdown topics that other figures shown would
    turn into few children.
    """

    authority_rounding_base: Literal[1]
    smaller_areas: Literal["withheld"]
    protection_width: int = Field(ge=1)
    trusts: Literal["sole"]
    published_wholes: Literal["protected"]
    authority_money: list[str] = Field(min_length=1)
    withheld_breakdowns: dict[str, list[str]] = Field(min_length=1)
    collapse: Collapse
    statement: str = Field(min_length=1)


class DisclosurePolicy(_Declared):
    """The declared policy: `policy_id` and `version` are stamped into every release.

    `outputs` has the audience of each part of a release (a file or folder at its top) and of the packs made from one.
    """

    policy_id: str
    version: str
    audiences: Audiences
    outputs: dict[str, Audience]
    open_release: OpenRelease

    @model_validator(mode="after")
    def _what_is_declared_is_done(self) -> Self:
        """Refuse what no code would carry out."""
        if self.audiences.internal != UNPROTECTED:
            raise ValueError("internal: nothing is suppressed for this audience, so no parameter may ask for it")
        for name in ("board", "public"):
            parameters: Parameters = getattr(self.audiences, name)
            if parameters.publish_extremes:
                raise ValueError(
                    f"{name}: publish_extremes cannot be true, a longest wait or highest cost is never shown"
                )
            if parameters.min_contributors > parameters.min_denominator:
                raise ValueError(
                    f"{name}: min_contributors cannot be above min_denominator, from which means of money are shown"
                )
            if parameters.dominance_pct is None:
                raise ValueError(f"{name}: dominance_pct cannot be left out while money by provider is withheld for it")
        if self.audiences.board.rounding_base != 1:
            raise ValueError("board: rounding_base can only be 1, the evidence page and packs are not rounded")
        for output in ("open", "evidence"):
            if self.outputs.get(output) not in ("board", "public"):
                raise ValueError(f"outputs: {output} is for the board or the public")
        return self

    def audience_of(self, output: str) -> Audience:
        """For whom a part of a release is, such as `open` or `packs`.

        Raises:
            CornerstoneError: nobody has said.
        """
        if output not in self.outputs:
            raise CornerstoneError(
                f"Nobody has said for whom {output} is; add it to outputs in {POLICY_FILE.name}: "
                f"{', '.join(Audiences.model_fields)}."
            )
        return self.outputs[output]

    def parameters_of(self, output: str) -> Parameters:
        """The parameters of a part's audience.

        Raises:
            CornerstoneError: nobody has said for whom it is.
        """
        parameters: Parameters = getattr(self.audiences, self.audience_of(output))
        return parameters

    @property
    def open_parameters(self) -> Parameters:
        """The parameters that the open part of a release applies to figures of the whole authority."""
        return self.parameters_of("open").model_copy(
            update={"rounding_base": self.open_release.authority_rounding_base}
        )


def load_policy(path: Path = POLICY_FILE) -> DisclosurePolicy:
    """Read the policy file.

    Raises:
        CornerstoneError: it is not YAML, or a parameter is missing, unknown or out of range.
    """
    try:
        return DisclosurePolicy.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValidationError) as error:
        raise CornerstoneError(f"The disclosure policy {path.name} cannot be used: {error}") from error


@dataclass(frozen=True)
class Pattern:
    """What to suppress.

    `cells` has a row a cell: cell_key, kind ('primary' for small, 'secondary', null for not suppressed) and is_known (true where the
    count is published elsewhere, has been shown before or follows from such counts, so that hiding it protects nobody).
    `unprotected` has a row (line_key) for each line that gives a suppressed count away through such counts alone.
    """

    cells: pa.Table
    unprotected: pa.Table


def suppress(
    connection: duckdb.DuckDBPyConnection,
    parameters: Parameters,
    *,
    cells: str,
    lines: str,
    history: str | None = None,
    attacked: bool = True,
) -> Pattern:
    """Decide which cells to suppress; the same input gives the same pattern.

    A line is an exact sum: one total and its parts. A cell that is not shown (a difference, the rest of a total) has a
    count that must not be worked out when it is small. Lines are gone through in their order. A line with a visible
    total whose hidden parts are one alone, add to less than the threshold, or can only be 1 each, gets one more: a non-zero
    part, first choice one that stands in another line with a suppressed part, then the smallest, then the first in cell
    order; where only published parts are left, or parts that everybody has been told before (`history`), the total. A
    suppressed total with nothing hidden among its parts gets a part too. Where several lines together, by way of cells that
    are not shown, give a count or leave too little of a line hidden, the smallest of the cells behind it is hidden. This is
    repeated until nothing changes, and until an attack on all lines at once finds nothing.

    Args:
        connection: sees both relations.
        parameters: of the audience.
        cells: a relation with cell_key, cell_count, people_count (the people behind the count: fewer than the count where
            it is of events or sessions), is_fixed (published elsewhere: stays visible), is_shown, cell_order.
        lines: a relation with line_key, line_order, cell_key, is_total: a row a cell of a line.
        history: a relation with cell_key, is_held_back (suppressed as a small cell is, whatever its count), is_told (this
            very count has been shown before: known whatever is suppressed, as a published one is), was_suppressed (this
            very count has been suppressed before: known to be no nought).
        attacked: whether the pattern must withstand the attack on all lines at once; without, it is a first answer.

    Raises:
        CornerstoneError: a line without exactly one total, of unknown cells, or whose parts do not add to its total.
    """
    keys, table = _read_cells(connection, cells)
    network = _read_lines(connection, lines, keys, table)
    is_held_back, is_told, was_suppressed = _read_history(connection, history, keys)
    known, _ = _follow(network, table.count, visible=_always_visible(table, parameters) | is_told)
    small = (table.people > 0) & (table.people < parameters.threshold)
    if parameters.zero_is_disclosive:
        small |= table.people == 0
    may_be_hidden = table.is_shown & ~table.is_fixed
    primary = small & may_be_hidden
    suppressed = primary | is_held_back & may_be_hidden
    unprotected: list[str] = []
    if parameters.secondary:
        search = _Search(
            network,
            table,
            known=known,
            small=small & ~known,
            suppressed=suppressed,
            parameters=parameters,
        )
        unprotected = [network.line_keys[line] for line in search.run()]
        # What no rule above foresees: hide more until the attack on the whole finds nothing. Whoever sees less can work out less:
        # what withstood once withstands ever after.
        withstands = np.zeros(len(keys), dtype=np.bool_)
        while attacked:
            recovered, withstood = _attacked(
                connection,
                keys,
                table,
                small=small,
                suppressed=suppressed,
                at_stake=(suppressed | (small & ~table.is_fixed)) & ~withstands,
                is_told=is_told,
                was_suppressed=was_suppressed,
                lines=lines,
            )
            withstands |= withstood
            if not search.hide_behind(recovered):
                break
            unprotected = [network.line_keys[line] for line in search.run()]
    unprotected += _given_away(network, known=known, suppressed=suppressed)
    kind = np.where(primary, "primary", "secondary")
    return Pattern(
        cells=pa.table(
            {
                "cell_key": keys,
                "kind": pa.array(kind, mask=~suppressed, type=pa.string()),
                "is_known": pa.array(known),
            }
        ),
        unprotected=pa.table({"line_key": pa.array(sorted(set(unprotected)), type=pa.string())}),
    )


@dataclass(frozen=True)
class _Cells:
    """Columns of the cells in their order: a cell is its position."""

    count: Integers
    people: Integers
    is_fixed: Booleans
    is_shown: Booleans


@dataclass(frozen=True)
class _Network:
    """Which cells stand in which lines. A line is its position in line order; `parts[starts[l]:starts[l + 1]]` are its
    parts in cell order, `totals[l]` its total; `lines_of[spans[c]:spans[c + 1]]` are the lines a cell stands in."""

    line_keys: list[str]
    totals: Integers
    parts: Integers
    part_lines: Integers
    starts: Integers
    lines_of: Integers
    spans: Integers

    def parts_of(self, line: int) -> Integers:
        return self.parts[self.starts[line] : self.starts[line + 1]]

    def lines_with(self, cell: int) -> Integers:
        return self.lines_of[self.spans[cell] : self.spans[cell + 1]]

    def sum_over_parts(self, column: npt.NDArray[np.generic]) -> Integers:
        """Sum of a column of the cells over the parts of each line."""
        return np.bincount(self.part_lines, weights=column[self.parts], minlength=len(self.totals)).astype(np.int64)


def _read_cells(connection: duckdb.DuckDBPyConnection, cells: str) -> tuple[pa.Array, _Cells]:
    table = connection.execute(
        f"""
        select
            cell_key, cast(cell_count as bigint) as cell_count, cast(people_count as bigint) as people_count, is_fixed,
            is_shown
        from {cells}
        order by cell_order, cell_key
        """
    ).to_arrow_table()
    columns = [table.column(name).to_numpy() for name in ("cell_count", "people_count", "is_fixed", "is_shown")]
    return table.column("cell_key").combine_chunks(), _Cells(*columns)


def _read_history(
    connection: duckdb.DuckDBPyConnection, history: str | None, keys: pa.Array
) -> tuple[Booleans, Booleans, Booleans]:
    """Which cells are held back, which have been shown before as they are, and which suppressed."""
    if history is None:
        never = np.zeros(len(keys), dtype=np.bool_)
        return never, never, never
    table = connection.execute(
        f"select cell_key, is_held_back, is_told, was_suppressed from {history}"
    ).to_arrow_table()
    is_held_back, is_told, was_suppressed = (
        pc.is_in(keys, value_set=table.filter(table.column(name)).column("cell_key")).to_numpy(zero_copy_only=False)
        for name in ("is_held_back", "is_told", "was_suppressed")
    )
    return is_held_back, is_told, was_suppressed


def _read_lines(connection: duckdb.DuckDBPyConnection, lines: str, keys: pa.Array, table: _Cells) -> _Network:
    connection.register(
        "disclosure_cell_position", pa.table({"cell_key": keys, "position": np.arange(len(keys), dtype=np.int64)})
    )
    try:
        members = connection.execute(
            f"""
            select
                line_key,
                dense_rank() over (order by line_order, line_key) - 1 as line,
                coalesce(disclosure_cell_position.position, -1) as cell,
                is_total
            from {lines}
            left join disclosure_cell_position using (cell_key)  -- many to one
            order by line, not is_total, cell
            """
        ).to_arrow_table()
    finally:
        connection.unregister("disclosure_cell_position")
    line, cell, is_total = (members.column(name).to_numpy() for name in ("line", "cell", "is_total"))
    first = np.flatnonzero(np.diff(line, prepend=-1))
    line_keys = members.column("line_key").take(pa.array(first)).to_pylist()
    by_cell = np.lexsort((line, cell))
    network = _Network(
        line_keys=line_keys,
        totals=cell[first],
        parts=cell[~is_total],
        part_lines=line[~is_total],
        starts=np.searchsorted(line[~is_total], np.arange(len(first) + 1)),
        lines_of=line[by_cell],
        spans=np.searchsorted(cell[by_cell], np.arange(len(keys) + 1)),
    )
    one_total = np.bincount(line[is_total], minlength=len(first)) == 1
    has_cells = np.bincount(line[cell < 0], minlength=len(first)) == 0
    adds_up = network.sum_over_parts(table.count) == table.count[network.totals] if len(table.count) else has_cells
    if wrong := [key for key, sound in zip(line_keys, one_total & has_cells & adds_up, strict=True) if not sound]:
        raise CornerstoneError(
            f"Line {wrong[0]} cannot be protected: a line has one total, known cells, and parts that add to the total."
        )
    return network


def _always_visible(table: _Cells, parameters: Parameters) -> Booleans:
    if parameters.zero_is_disclosive:
        return table.is_fixed
    visible: Booleans = table.is_fixed | ((table.people == 0) & table.is_shown)
    return visible


def _follow(network: _Network, count: Integers, *, visible: Booleans) -> tuple[Booleans, Integers]:
    """What can be worked out from visible cells, one line after another.

    A cell follows where it is alone in a line; and every part does where nothing is left for those that are not known.

    Returns: whether each cell is visible or worked out, and the line that gives a cell worked out, -1 for the others.
    """
    known = visible.copy()
    source = np.full(len(known), -1, dtype=np.int64)
    while len(network.totals):
        unknown_parts = network.sum_over_parts(~known)
        left = count[network.totals] - network.sum_over_parts(np.where(known, count, 0))
        total_known = known[network.totals]
        by_total = np.flatnonzero((unknown_parts == 0) & ~total_known)
        gives_parts = total_known & ((unknown_parts == 1) | (left == 0))
        is_part = gives_parts[network.part_lines] & ~known[network.parts]
        followed = np.concatenate([network.totals[by_total], network.parts[is_part]])
        if not len(followed):
            break
        source[followed] = np.concatenate([by_total, network.part_lines[is_part]])
        known[followed] = True
    return known, source


def _attacked(
    connection: duckdb.DuckDBPyConnection,
    keys: pa.Array,
    table: _Cells,
    *,
    small: Booleans,
    suppressed: Booleans,
    at_stake: Booleans,
    is_told: Booleans,
    was_suppressed: Booleans,
    lines: str,
) -> tuple[Integers, Booleans]:
    """Attack what would be left.

    Returns: the cells at stake that a reader can work out though they do not follow from what is known anyway, and of each cell
    whether it is one at stake of which he learns no more than is known.
    """
    from orchestration.privacy.attack import attack  # the solver takes long to load

    least = (suppressed | was_suppressed) & (table.count > 0)
    is_known = table.is_fixed | is_told
    is_shown = table.is_shown & ~suppressed
    connection.register(
        "disclosure_attacked",
        pa.table(
            {
                "cell_key": keys,
                "cell_count": table.count,
                "is_seen": is_known | is_shown,
                "is_given": is_known | (is_shown & (table.people == 0)),
                "least": least.astype(np.int64),
                "given_least": (least & (small | was_suppressed)).astype(np.int64),
                "is_at_stake": at_stake,
                "cell_order": np.arange(len(keys)),
            }
        ),
    )
    try:
        found = attack(connection, cells="disclosure_attacked", lines=lines, exact=False)
    finally:
        connection.unregister("disclosure_attacked")
    of_outcome = {
        outcome: pc.is_in(keys, value_set=found.filter(pc.field("outcome") == outcome).column("cell_key")).to_numpy(
            zero_copy_only=False
        )
        for outcome in ("kept", "given", "recovered")
    }
    return np.flatnonzero(of_outcome["recovered"]), of_outcome["kept"] | of_outcome["given"]


def _given_away(network: _Network, *, known: Booleans, suppressed: Booleans) -> list[str]:
    """Lines whose other cells are all known and that hold a suppressed cell."""
    if not len(network.totals):
        return []
    all_known = network.sum_over_parts(~known) + ~known[network.totals] == 0
    holds = (network.sum_over_parts(suppressed) > 0) | suppressed[network.totals]
    return [network.line_keys[line] for line in np.flatnonzero(all_known & holds)]


class _Search:
    """Secondary suppression: a loop over the lines that need a decision, in line order, pass after pass."""

    def __init__(
        self,
        network: _Network,
        table: _Cells,
        *,
        known: Booleans,
        small: Booleans,
        suppressed: Booleans,
        parameters: Parameters,
    ) -> None:
        self.network, self.table, self.suppressed = network, table, suppressed
        self.known, self.threshold = known, parameters.threshold
        # Hidden: the reader does not see it and cannot infer it. At stake: hidden, and must stay so.
        self.hidden = (suppressed | ~table.is_shown) & ~known
        self.at_stake = (suppressed & ~known) | small
        self.hidden_parts = network.sum_over_parts(self.hidden)
        self.hidden_sum = network.sum_over_parts(np.where(self.hidden, table.people, 0))
        self.parts_at_stake = network.sum_over_parts(self.at_stake)
        # A suppressed count is 1 or more.
        self.least_sum = network.sum_over_parts(suppressed & ~known)

    def run(self) -> list[int]:
        """Suppress until no line and no chain of lines needs more; return the lines that could not be protected."""
        while True:
            unprotected = self._protect_lines()
            given_up = self._break_chains()
            if given_up is not None:
                return unprotected + given_up

    def _break_chains(self) -> list[int] | None:
        """Hide one cell more behind every line that a chain of lines makes weak.

        A cell that nobody shows counts as hidden in its own line, but another line can give it. With it a cell at stake
        follows, or the rest of a line: too few people in all, though nobody can tell them apart.

        Returns: None where a cell was hidden; otherwise the lines behind which there is nothing to hide.
        """
        visible = self.known | (self.table.is_shown & ~self.suppressed)
        followed, source = _follow(self.network, self.table.count, visible=visible)
        unseen = self.network.sum_over_parts(np.where(followed, 0, self.table.people))
        at_stake = self.network.sum_over_parts(self.at_stake & ~followed)
        least = self.network.sum_over_parts(self.suppressed & ~followed)
        few = np.flatnonzero(
            followed[self.network.totals] & (at_stake > 0) & ((unseen < self.threshold) | (unseen <= least))
        )
        given = source[followed & self.at_stake]
        hidden: set[int] = set()
        given_up = []
        for weak_line in [*dict.fromkeys(given[given >= 0].tolist()), *few.tolist()]:
            needed, lines, seen = set(), [weak_line], {weak_line}
            for line in lines:
                others = np.append(self.network.parts_of(line), self.network.totals[line])
                needed |= set(others[self._is_free(others)].tolist()) | hidden.intersection(others.tolist())
                further = set(source[others[followed[others]]].tolist()) - {-1} - seen
                lines += sorted(further)
                seen |= further
            if needed & hidden:
                continue  # broken already, perhaps; the next pass tells
            if needed:
                cell = min(needed, key=lambda other: (self.table.count[other], other))
                hidden.add(cell)
                self._hide(cell)
            else:
                given_up.append(weak_line)
        return None if hidden else given_up

    def hide_behind(self, recovered: Integers) -> bool:
        """Hide one cell more in the lines of each of these cells, or where there is none, in the nearest line that has one."""
        hidden: set[int] = set()
        for cell in recovered.tolist():
            near, seen = {cell}, set[int]()
            while near - seen:
                seen |= near
                lines = {line for one in near for line in self.network.lines_with(one).tolist()}
                near = {
                    one
                    for line in lines
                    for one in [*self.network.parts_of(line).tolist(), int(self.network.totals[line])]
                }
                free = np.array(sorted(near), dtype=np.int64)
                if near & hidden:
                    break  # perhaps this is enough
                if len(free := free[self._is_free(free)]):
                    chosen = min(free.tolist(), key=lambda other: (self.table.count[other], other))
                    hidden.add(chosen)
                    self._hide(chosen)
                    break
        return bool(hidden)

    def _protect_lines(self) -> list[int]:
        waiting = self._weak(np.arange(len(self.network.totals))).tolist()
        later: set[int] = set()
        given_up: set[int] = set()
        while waiting:
            line = heapq.heappop(waiting)
            if len(self._weak(np.array([line]))):
                cell = self._choice(line)
                if cell is None:
                    given_up.add(line)
                else:
                    self._hide(cell)
                    touched = set(self._weak(self.network.lines_with(cell)).tolist())
                    later |= {other for other in touched if other <= line}
                    for other in touched - later - set(waiting):
                        heapq.heappush(waiting, other)
            if not waiting:
                waiting, later = sorted(later), set()
        return [int(line) for line in self._weak(np.array(sorted(given_up), dtype=np.int64))]

    def _weak(self, lines: Integers) -> Integers:
        """Those of the lines that give away a cell at stake."""
        totals = self.network.totals[lines]
        alone = (
            (self.hidden_parts[lines] == 1)
            | (self.hidden_sum[lines] < self.threshold)
            | (self.hidden_sum[lines] <= self.least_sum[lines])
        )
        visible_total = ~self.hidden[totals] & (self.parts_at_stake[lines] > 0) & alone
        hidden_total = self.at_stake[totals] & (self.hidden_parts[lines] == 0)
        weak: Integers = lines[visible_total | hidden_total]
        return weak

    def _choice(self, line: int) -> int | None:
        parts = self.network.parts_of(line)
        free = parts[self._is_free(parts)]
        if len(free):
            return int(
                min(
                    free.tolist(),
                    key=lambda cell: (not self._helps_a_crossing(cell, line), self.table.count[cell], cell),
                )
            )
        total = self.network.totals[[line]]
        return int(total[0]) if self._is_free(total)[0] else None

    def _is_free(self, cells: Integers) -> Booleans:
        """Whether cells may be chosen: shown, not zero, not suppressed, and not known whatever is done."""
        free = (
            self.table.is_shown[cells] & (self.table.people[cells] > 0) & ~self.suppressed[cells] & ~self.known[cells]
        )
        return np.asarray(free)

    def _helps_a_crossing(self, cell: int, line: int) -> bool:
        crossing = self.network.lines_with(cell)
        return bool((self.parts_at_stake[crossing[crossing != line]] > 0).any())

    def _hide(self, cell: int) -> None:
        self.suppressed[cell] = self.hidden[cell] = self.at_stake[cell] = True
        for line in self.network.lines_with(cell).tolist():
            if self.network.totals[line] != cell:
                self.hidden_parts[line] += 1
                self.hidden_sum[line] += self.table.people[cell]
                self.parts_at_stake[line] += 1
                self.least_sum[line] += 1
