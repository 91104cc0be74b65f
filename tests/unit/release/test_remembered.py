"""Whoever kept an earlier release cannot work out from it what a new one suppresses."""

from dataclasses import dataclass

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped]

from orchestration.privacy.disclosure import load_policy, suppress
from orchestration.release.ledger import NOTHING_PUBLISHED, Ledger
from orchestration.release.remembered import compare_with_earlier, read_earlier
from tests.unit.privacy.test_disclosure import cross_table

PARAMETERS = load_policy().open_parameters
MANY = 10_000
Counts = dict[str, int]
Lines = list[tuple[str, list[str]]]


@dataclass(frozen=True)
class Release:
    """Counts as they were, the sums they stood in, those that were suppressed, and those that had no row."""

    counts: Counts
    lines: Lines
    hidden: frozenset[str]
    unshown: frozenset[str] = frozenset()

    @property
    def seen(self) -> set[str]:
        return set(self.counts) - self.hidden - self.unshown


def ledger_of(*releases: Release) -> Ledger:
    """What the ledger keeps of releases r1, r2 ...: every count that had a row, and every sum."""
    rows = [
        f"('r{number}', '{cell}', {'null' if cell in release.hidden else count},"
        f" {repr('c') if cell in release.hidden else 'null'},"
        f" [{{'cell_key': '{cell}', 'cell_count': {count}::bigint, 'is_suppressed': {cell in release.hidden}}}])"
        for number, release in enumerate(releases, 1)
        for cell, count in release.counts.items()
        if cell not in release.unshown
    ]
    told = f"(values {', '.join(rows)}) as told (release_id, kpi_value_key, numerator, symbol, counts)"
    sums = [
        f"('r{number}', 'line {order}', '{cell}', {cell == total}, {release.counts[cell]}::bigint, false)"
        for number, release in enumerate(releases, 1)
        for order, (total, parts) in enumerate(release.lines)
        for cell in (total, *parts)
    ]
    return Ledger(
        tuple(f"r{number}" for number in range(1, len(releases) + 1)),
        "(select *, 'kpi' as kpi_id, 'Calendar year' as time_identifier, 'Sex' as breakdown_topic,"
        f" null::decimal(18, 4) as denominator, numerator as value from {told})",
        f"(from (values {', '.join(sums)}) as sums (release_id, line_key, cell_key, is_total, cell_count, is_published))",
    )


def release(counts: Counts, lines: Lines, *earlier: Release, unshown: frozenset[str] = frozenset()) -> Release:
    """What is suppressed of these counts after earlier releases."""
    cells = ", ".join(
        f"('{cell}', {count}, {count}, false, {cell not in unshown}, {order})"
        for order, (cell, count) in enumerate(counts.items())
    )
    members = ", ".join(
        f"('line {order}', {order}, '{cell}', {cell == total})"
        for order, (total, parts) in enumerate(lines)
        for cell in (total, *parts)
    )
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            create schema disclosure;
            create temp table disclosure_cell as
            from (values {cells}) as cell (cell_key, cell_count, people_count, is_fixed, is_shown, cell_order);
            create table disclosure.line as
            from (values {members}) as line (line_key, line_order, cell_key, is_total);
            """
        )
        read_earlier(connection, ledger_of(*earlier) if earlier else NOTHING_PUBLISHED)
        compare_with_earlier(connection, PARAMETERS)
        pattern = suppress(
            connection, PARAMETERS, cells="disclosure_cell", lines="disclosure.line", history="disclosure.cell_history"
        )
    hidden = frozenset(row["cell_key"] for row in pattern.cells.to_pylist() if row["kind"])
    return Release(counts, lines, hidden & set(counts), unshown)


class Reader:
    """One who has all releases and guesses right which counts are the same as now: each other one is a number of its own.

    `sees_now`: false for one who has of the last release only what it shows whatever it suppresses: noughts, and that a small
    count is none.
    """

    def __init__(self, *releases: Release, sees_now: bool = True) -> None:
        self.now = now = releases[-1]
        self.names: dict[str, int] = {}
        self.least: dict[int, int] = {}
        self.seen: dict[int, int] = {}
        rows = []
        for one in releases:
            of = {
                cell: self.names.setdefault(self.name(cell, count), len(self.names))
                for cell, count in one.counts.items()
            }
            for cell, count in one.counts.items():
                if cell in one.seen and (one is not now or sees_now or count == 0):
                    self.seen[of[cell]] = count
                if cell in one.hidden and (one is not now or sees_now or count < PARAMETERS.threshold):
                    self.least[of[cell]] = min(1, count)
            rows += [(of[total], [of[part] for part in parts]) for total, parts in one.lines]
        self.sums = np.zeros((len(rows), len(self.names)))
        for row, (total, parts) in enumerate(rows):
            self.sums[row, total] = -1
            self.sums[row, parts] = 1

    def name(self, cell: str, count: int) -> str:
        return cell if count == self.now.counts.get(cell) else f"{cell} when {count}"

    def ends(self, cell: str) -> tuple[int, int]:
        """The smallest and the largest number that a count can be."""
        lower = np.array([self.seen.get(name, self.least.get(name, 0)) for name in self.names.values()])
        upper = np.array([self.seen.get(name, MANY) for name in self.names.values()])
        found = []
        for sign in (1, -1):
            objective = np.zeros(len(self.names))
            objective[self.names[cell]] = sign
            result = milp(
                objective,
                integrality=np.ones(len(self.names)),
                bounds=Bounds(lower, upper),
                constraints=LinearConstraint(self.sums, 0, 0),
            )
            assert result.status == 0, result.message
            found.append(round(result.x[self.names[cell]]))
        return found[0], found[1]


def worked_out(*releases: Release) -> set[str]:
    """Suppressed counts of the last release, and small ones of any that were suppressed or have no row, that whoever has all
    releases has to a number, and that do not follow from what was told before."""
    reader, anyway = Reader(*releases), Reader(*releases, sees_now=False)
    at_stake = releases[-1].hidden | {
        reader.name(cell, one.counts[cell])
        for one in releases
        for cell in one.hidden | one.unshown
        if 0 < one.counts[cell] < PARAMETERS.threshold
    }

    def is_known(one: Reader, cell: str) -> bool:
        least, most = one.ends(cell)
        return least == most

    return {cell for cell in at_stake if is_known(reader, cell) and not is_known(anyway, cell)}


def line(**parts: int) -> tuple[Counts, Lines]:
    """Parts and their total."""
    return {"total": sum(parts.values()), **parts}, [("total", list(parts))]


# --- hand-worked --------------------------------------------------------------------------------------------------


def test_a_table_told_in_full_and_withheld_later_is_subtracted_from() -> None:
    # 30 boys and 20 others were told and are the same; the girls were 12 and are 3: the total alone would tell it.
    lines = line(girls=0, boys=0, others=0)[1]
    first = release({"total": 62, "girls": 12, "boys": 30, "others": 20}, lines)
    assert first.hidden == frozenset()
    now = {"total": 53, "girls": 3, "boys": 30, "others": 20}
    withheld = frozenset({"boys", "others"})
    assert release(now, lines, unshown=withheld).hidden == {"girls"}
    second = release(now, lines, first, unshown=withheld)
    assert second.hidden == {"girls", "total"}
    assert worked_out(first, second) == set()
    # What it would be without a memory: 53 - 30 - 20.
    assert worked_out(first, Release(now, lines, frozenset({"girls"}), withheld)) == {"girls"}


def test_a_count_told_before_and_unchanged_is_hidden_for_nobodys_sake() -> None:
    lines = line(girls=0, boys=0, others=0)[1]
    first = release({"total": 62, "girls": 12, "boys": 30, "others": 20}, lines)
    second = release({"total": 65, "girls": 3, "boys": 30, "others": 32}, lines, first)
    assert second.hidden == {"girls", "others"}


def test_a_group_told_before_gives_no_part_of_it() -> None:
    # A breakdown was told by groups, and is told by its items now: the group is 20 still, and 17 of it are shown.
    counts = {"total": 60, "group": 20, "few": 3, "many": 17, "other group": 40, "some": 4, "rest": 36}
    lines = [("total", ["few", "many", "some", "rest"]), ("group", ["few", "many"]), ("other group", ["some", "rest"])]
    items, groups = frozenset({"few", "many", "some", "rest"}), frozenset({"group", "other group"})
    first = release(counts, lines, unshown=items)
    assert first.hidden == frozenset()
    second = release(counts, lines, first, unshown=groups)
    assert second.hidden == items
    assert worked_out(first, second) == set()


def test_what_was_hidden_together_then_is_not_taken_from_what_is_hidden_together_now() -> None:
    # 3 and 5 were hidden of 38. Now 32 others are 30: hidden with the 3 and 5, they would be the rest of the 8.
    lines = line(a=0, b=0, c=0, d=0)[1]
    first = release({"total": 90, "a": 3, "b": 5, "c": 32, "d": 50}, lines)
    assert first.hidden == {"a", "b"}
    now = {"total": 88, "a": 3, "b": 5, "c": 30, "d": 50}
    assert worked_out(first, Release(now, lines, frozenset("abc"))) == {"c"}
    second = release(now, lines, first)
    assert {"a", "b", "c"} < second.hidden
    assert worked_out(first, second) == set()


def test_a_part_that_is_gone_was_part_of_the_sum_of_then() -> None:
    # As before, with 15 others who were told then and of whom nobody is left: 105 less 15, 32 and 50 are the 8 still.
    first = release({"total": 105, "a": 3, "b": 5, "c": 32, "d": 50, "e": 15}, line(a=0, b=0, c=0, d=0, e=0)[1])
    assert first.hidden == {"a", "b"}
    now, lines = {"total": 88, "a": 3, "b": 5, "c": 30, "d": 50}, line(a=0, b=0, c=0, d=0)[1]
    assert worked_out(first, Release(now, lines, frozenset("abc"))) == {"c"}
    second = release(now, lines, first)
    assert {"a", "b", "c"} < second.hidden
    assert worked_out(first, second) == set()


def test_a_part_that_is_new_was_no_part_of_the_sum_of_then() -> None:
    first = release({"total": 90, "a": 3, "b": 5, "c": 32, "d": 50}, line(a=0, b=0, c=0, d=0)[1])
    now, lines = {"total": 103, "a": 3, "b": 5, "c": 30, "d": 50, "e": 15}, line(a=0, b=0, c=0, d=0, e=0)[1]
    assert worked_out(first, Release(now, lines, frozenset("abc"))) == {"c"}
    second = release(now, lines, first)
    assert {"a", "b", "c"} < second.hidden
    assert worked_out(first, second) == set()


def test_the_release_before_the_last_is_remembered_too() -> None:
    # Told first in full, then hidden with the 3: what all but the 3 were is known still, though the last release hid it.
    lines = line(a=0, b=0, c=0)[1]
    first = release({"total": 92, "a": 12, "b": 30, "c": 50}, lines)
    second = Release({"total": 75, "a": 20, "b": 5, "c": 50}, lines, frozenset({"b", "c"}))
    third = release({"total": 83, "a": 3, "b": 30, "c": 50}, lines, first, second)
    assert third.hidden == {"a", "total"}
    assert worked_out(first, second, third) == set()


def test_what_neither_release_showed_is_known_where_it_was_left_over_before() -> None:
    # The boys have no row in either release. They were 40 less 15, and are 25 still: 28 of both would leave 3 girls.
    lines = line(girls=0, boys=0)[1]
    first = release({"total": 40, "girls": 15, "boys": 25}, lines, unshown=frozenset({"boys"}))
    second = release({"total": 28, "girls": 3, "boys": 25}, lines, first, unshown=frozenset({"boys"}))
    assert second.hidden == {"girls", "total"}
    assert worked_out(first, second) == set()


@pytest.mark.parametrize("hidden", [frozenset({"girls"}), frozenset({"girls", "boys"})])
def test_a_leak_is_found_by_the_reader_of_these_tests(hidden: frozenset[str]) -> None:
    counts, lines = line(girls=3, boys=7, others=20)
    assert (worked_out(Release(counts, lines, hidden)) == hidden) is (len(hidden) == 1)


# --- property -----------------------------------------------------------------------------------------------------


Told = tuple[Counts, Lines, frozenset[str]]


@st.composite
def resubmissions(draw: st.DrawFn) -> list[Told]:
    """A table by two breakdowns, told two or three times, with changes between: counts, sums, and what has no row.

    An item of which there is nobody can be missing altogether, and its total too. The total of all has a row.
    """
    height, width = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    count = st.integers(0, 9) | st.integers(0, 70) | st.just(0)
    table = draw(st.lists(st.lists(count, min_size=width, max_size=width), min_size=height, max_size=height))
    rows, columns = " ".join(f"r{n}" for n in range(height)), " ".join(f"c{n}" for n in range(width))
    told: list[Told] = []
    for _ in range(draw(st.integers(2, 3))):
        whole = cross_table(table, rows, columns)
        missing = draw(st.sets(st.sampled_from(sorted(whole.cells)))) & {
            cell for cell, number in whole.cells.items() if number == 0 and cell not in ("Total Total", "r0 Total")
        }
        counts = {cell: number for cell, number in whole.cells.items() if cell not in missing}
        lines = [
            (total, there)
            for total, parts in whole.lines.values()
            if total not in missing and (there := [part for part in parts if part not in missing])
        ]
        inner = frozenset(cell for cell in counts if "Total" not in cell)
        unshown = draw(st.just(frozenset[str]()) | st.just(inner) | st.frozensets(st.sampled_from(sorted(counts)[1:])))
        told.append((counts, lines, unshown))
        table = [
            [draw(st.just(cell) | st.integers(max(0, cell - 6), cell + 6) | count) for cell in row] for row in table
        ]
    return told


@hypothesis_settings(max_examples=60, deadline=None, derandomize=True)
@given(resubmissions())
def test_no_reader_of_all_releases_works_out_what_the_last_suppresses(resubmission: list[Told]) -> None:
    releases: list[Release] = []
    for counts, lines, unshown in resubmission:
        releases.append(release(counts, lines, *releases, unshown=unshown))
        assert worked_out(*releases) == set()
