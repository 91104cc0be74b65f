"""Disclosure control: what is hidden, and that it cannot be worked out from what is shown."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.errors import CornerstoneError
from orchestration.privacy.disclosure import POLICY_FILE, Parameters, Pattern, load_policy, suppress

POLICY = load_policy()
PUBLIC = POLICY.open_parameters


@dataclass
class Counts:
    """Counts and the sums they stand in, in code order."""

    cells: dict[str, int] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    people: dict[str, int] = field(default_factory=dict)
    unshown: set[str] = field(default_factory=set)
    lines: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    def add(self, **counts: int) -> "Counts":
        self.cells |= counts
        return self

    def line(self, total: str, *parts: str) -> "Counts":
        self.lines[f"{total} = {' + '.join(parts)}"] = (total, list(parts))
        return self

    def pattern(self, parameters: Parameters = PUBLIC, *, backwards: bool = False) -> Pattern:
        cells = [
            (key, count, self.people.get(key, count), key in self.fixed, key not in self.unshown, order)
            for order, (key, count) in enumerate(self.cells.items())
        ]
        lines = [
            (key, order, cell, cell == total)
            for order, (key, (total, parts)) in enumerate(self.lines.items())
            for cell in (total, *parts)
        ]
        with duckdb.connect() as connection:
            connection.execute(
                "create table cell (cell_key varchar, cell_count bigint, people_count bigint, is_fixed boolean,"
                " is_shown boolean, cell_order int)"
            )
            connection.execute(
                "create table line (line_key varchar, line_order int, cell_key varchar, is_total boolean)"
            )
            connection.executemany("insert into cell values (?, ?, ?, ?, ?, ?)", cells[::-1] if backwards else cells)
            if lines:
                connection.executemany("insert into line values (?, ?, ?, ?)", lines[::-1] if backwards else lines)
            return suppress(connection, parameters, cells="cell", lines="line")


def kinds(pattern: Pattern) -> dict[str, str]:
    """Kind of suppression by suppressed cell."""
    rows = pattern.cells.to_pylist()
    return {row["cell_key"]: row["kind"] for row in rows if row["kind"]}


def unprotected(pattern: Pattern) -> list[str]:
    return pattern.unprotected.column("line_key").to_pylist()


def cross_table(rows: Iterable[Iterable[int]], row_names: str, column_names: str) -> Counts:
    """Counts by row and column with their totals: lines are the rows, then the columns."""
    counts = Counts()
    matrix = [[*row, sum(row)] for row in map(list, rows)]
    matrix.append([sum(column) for column in zip(*matrix, strict=True)])
    names, columns = [*row_names.split(), "Total"], [*column_names.split(), "Total"]
    for name, row in zip(names, matrix, strict=True):
        counts.add(**{f"{name} {column}": count for column, count in zip(columns, row, strict=True)})
    for name in names:
        counts.line(f"{name} Total", *(f"{name} {column}" for column in columns[:-1]))
    for column in columns:
        counts.line(f"Total {column}", *(f"{name} {column}" for name in names[:-1]))
    return counts


# --- the policy ---------------------------------------------------------------------------------------------------


def test_the_policy_has_the_parameters_of_the_conventions() -> None:
    board = Parameters(
        threshold=5, zero_is_disclosive=False, rounding_base=1, min_denominator=10, min_contributors=3,
        dominance_pct=75, secondary=True, publish_extremes=False,
    )  # fmt: skip
    assert POLICY.audiences.board == board
    assert POLICY.audiences.public == board.model_copy(update={"rounding_base": 5})
    assert POLICY.audiences.internal == Parameters(
        threshold=0, zero_is_disclosive=False, rounding_base=1, min_denominator=0, min_contributors=0,
        dominance_pct=None, secondary=False, publish_extremes=True,
    )  # fmt: skip


def test_the_open_release_applies_public_and_leaves_figures_of_the_authority_unrounded() -> None:
    assert POLICY.audience_of("open") == "public"
    assert POLICY.audiences.public.model_copy(update={"rounding_base": 1}) == PUBLIC


@pytest.mark.parametrize(
    ("line", "replacement"),
    [
        ("    threshold: 5\n", "    treshold: 5\n"),
        ("    threshold: 5\n", ""),
        ("    threshold: 5\n", "    threshold: -5\n"),
        ("authority_rounding_base: 1", "authority_rounding_base: 5"),
        ("smaller_areas: withheld", "smaller_areas: shown"),
        ("trusts: sole", "trusts: shown"),
        ("published_wholes: protected", "published_wholes: shown"),
        ("    - Total\n", "    - {provider: Total}\n"),
        ("more_than_one_in: 3", "more_than_one_in: 0"),
        ("Under 11: [Under 5, 5 to 10]", "Under 11: [Under 5, 11 to 15]"),
        ("    threshold: 0\n", "    threshold: 3\n"),
        ("    publish_extremes: false\n", "    publish_extremes: true\n"),
        ("    min_contributors: 3\n", "    min_contributors: 11\n"),
        ("    dominance_pct: 75\n", "    dominance_pct: null\n"),
        (
            "  board:\n    threshold: 5\n    zero_is_disclosive: false\n    rounding_base: 1\n",
            "  board:\n    threshold: 5\n    zero_is_disclosive: false\n    rounding_base: 5\n",
        ),
        ("  open: public", "  open: internal"),
        ("  evidence: board", "  evidence: everybody"),
        ("  evidence: board", "  proof: board"),
        ("audiences:\n", "audiences: [\n"),
    ],
)
def test_a_policy_with_a_mistake_is_refused(tmp_path: Path, line: str, replacement: str) -> None:
    text = POLICY_FILE.read_text(encoding="utf-8")
    assert line in text
    (tmp_path / "policy.yaml").write_text(text.replace(line, replacement, 1), encoding="utf-8")
    with pytest.raises(CornerstoneError, match=r"policy\.yaml cannot be used"):
        load_policy(tmp_path / "policy.yaml")


def test_every_output_has_its_audience_and_another_is_refused() -> None:
    assert POLICY.parameters_of("packs") == POLICY.audiences.board
    assert POLICY.parameters_of("restricted") == POLICY.audiences.internal
    with pytest.raises(CornerstoneError, match="Nobody has said for whom portal is; add it to outputs"):
        POLICY.audience_of("portal")


# --- primary ------------------------------------------------------------------------------------------------------


def test_counts_of_one_to_four_are_suppressed_and_nought_and_five_are_shown() -> None:
    counts = Counts().add(none=0, one=1, four=4, five=5)
    assert kinds(counts.pattern()) == {"one": "primary", "four": "primary"}


def test_a_large_count_of_events_or_sessions_of_few_people_is_suppressed() -> None:
    counts = (
        Counts().add(missed=1300, special=240, nursery=60, primary=1000).line("missed", "special", "nursery", "primary")
    )
    counts.people |= {"missed": 90, "special": 12, "nursery": 3, "primary": 75}
    assert kinds(counts.pattern()) == {"nursery": "primary", "special": "secondary"}


def test_no_session_missed_by_few_is_suppressed_and_no_event_of_nobody_is_not() -> None:
    counts = Counts().add(missed_by_three=0, suspensions_of_nobody=0)
    counts.people["missed_by_three"] = 3
    assert kinds(counts.pattern()) == {"missed_by_three": "primary"}


def test_nought_is_suppressed_where_the_policy_says_that_it_discloses() -> None:
    strict = PUBLIC.model_copy(update={"zero_is_disclosive": True})
    assert kinds(Counts().add(none=0, five=5).pattern(strict)) == {"none": "primary"}


def test_nothing_is_suppressed_for_the_internal_audience() -> None:
    counts = Counts().add(total=10, girls=3, boys=7).line("total", "girls", "boys")
    assert kinds(counts.pattern(POLICY.audiences.internal)) == {}


def test_without_secondary_suppression_only_small_counts_are_hidden() -> None:
    counts = Counts().add(total=10, girls=3, boys=7).line("total", "girls", "boys")
    assert kinds(counts.pattern(PUBLIC.model_copy(update={"secondary": False}))) == {"girls": "primary"}


# --- secondary ----------------------------------------------------------------------------------------------------


def test_the_fixture_of_the_conventions_comes_out_as_printed() -> None:
    wards = cross_table([[12, 3, 9], [15, 8, 7], [20, 11, 6], [0, 14, 10]], "W1 W2 W3 W4", "ASD SEMH SLCN")
    assert kinds(wards.pattern()) == {
        "W1 SEMH": "primary",
        "W1 SLCN": "secondary",
        "W2 SEMH": "secondary",
        "W2 SLCN": "secondary",
    }


def test_parts_that_add_to_less_than_the_threshold_get_one_more() -> None:
    counts = Counts().add(total=20, a=1, b=2, c=8, d=9).line("total", "a", "b", "c", "d")
    assert kinds(counts.pattern()) == {"a": "primary", "b": "primary", "c": "secondary"}


def test_a_nought_is_never_chosen_and_equal_counts_go_by_code_order() -> None:
    counts = Counts().add(total=17, a=3, b=0, c=7, d=7).line("total", "a", "b", "c", "d")
    assert kinds(counts.pattern()) == {"a": "primary", "c": "secondary"}


def test_a_part_that_is_a_total_itself_takes_one_of_its_own_parts_with_it() -> None:
    # Special is the smallest part beside AP, and its own line would give it back.
    counts = Counts().add(plans=300, mainstream=280, special=17, ap=3, special_la=10, special_academy=7)
    counts.line("plans", "mainstream", "special", "ap").line("special", "special_la", "special_academy")
    assert kinds(counts.pattern()) == {"special": "secondary", "ap": "primary", "special_academy": "secondary"}


def test_a_small_difference_that_nobody_shows_is_protected_too() -> None:
    # All plans less those without exceptions: 3 plans with exceptions.
    counts = Counts().add(all_plans=60, without_exceptions=57, rest=3).line("all_plans", "without_exceptions", "rest")
    counts.unshown = {"rest"}
    assert kinds(counts.pattern()) == {"without_exceptions": "secondary"}


def test_a_large_rest_that_nobody_shows_hides_a_small_part() -> None:
    counts = Counts().add(total=60, small=3, rest=57).line("total", "small", "rest")
    counts.unshown = {"rest"}
    assert kinds(counts.pattern()) == {"small": "primary"}


def test_one_count_under_two_names_is_hidden_under_both() -> None:
    counts = Counts().add(issued=40, girls=3, boys=37, new_boys=37)
    counts.line("issued", "girls", "boys").line("boys", "new_boys")
    assert kinds(counts.pattern()) == {"girls": "primary", "boys": "secondary", "new_boys": "secondary"}


def test_hidden_parts_that_can_only_be_one_each_get_one_more() -> None:
    # Five suppressed counts add to 5, and none is 0.
    counts = Counts().add(total=25, a=1, b=1, c=1, d=1, e=1, f=20).line("total", "a", "b", "c", "d", "e", "f")
    assert kinds(counts.pattern())["f"] == "secondary"
    counts.add(total=26, e=2)
    assert "f" not in kinds(counts.pattern())


def test_where_nothing_is_left_every_part_is_nought() -> None:
    # none_a + none_b is 0, so that few = issued_of_few - 0.
    counts = Counts().add(few=3, issued=3, none_a=0, none_all=0, none_b=0, rest=40, rest_issued=40, all=43)
    counts.line("none_all", "none_a", "none_b").line("few", "issued", "none_a").line("all", "few", "rest")
    counts.unshown = {"none_a", "none_b", "issued"}
    hidden = kinds(counts.pattern())
    assert hidden == {"few": "primary", "rest": "secondary"}
    counts.unshown = {"none_a", "none_b"}
    counts.add(issued=8, few=8, all=48)
    counts.line("issued", "made", "spoilt").add(made=5, spoilt=3)
    # spoilt is hidden and made with it; few is issued, whatever is done.
    assert set(kinds(counts.pattern())) == {"made", "spoilt"}


def test_hidden_rests_that_add_to_few_are_protected_though_another_line_gives_the_others() -> None:
    # Late are 13 = 100 - 87 of all; c tells 10 of them, so that a and b are 3.
    counts = Counts().add(all=160, a=40, b=60, c=60, in_time=147, a_in=38, b_in=59, c_in=50)
    counts.add(late=13, a_late=2, b_late=1, c_late=10)
    counts.line("all", "a", "b", "c").line("in_time", "a_in", "b_in", "c_in").line("all", "in_time", "late")
    counts.line("a", "a_in", "a_late").line("b", "b_in", "b_late").line("c", "c_in", "c_late")
    counts.line("late", "a_late", "b_late", "c_late")
    counts.unshown = {"late", "a_late", "b_late", "c_late"}
    assert kinds(counts.pattern()) == {"a_in": "secondary", "b_in": "secondary", "c_in": "secondary"}


# --- what is published already ------------------------------------------------------------------------------------


def test_a_published_count_stays_whatever_its_size_and_is_never_chosen() -> None:
    counts = Counts().add(total=40, a=3, b=6, c=11, d=20, e=0).line("total", "a", "b", "c", "d", "e")
    counts.fixed = {"b"}
    assert kinds(counts.pattern()) == {"a": "primary", "c": "secondary"}
    counts.fixed = {"a", "b"}
    assert kinds(counts.pattern()) == {}


def test_a_line_of_published_counts_is_recorded_where_it_gives_a_small_one_away() -> None:
    counts = Counts().add(total=40, a=3, b=17, c=20).line("total", "a", "b", "c")
    counts.fixed = {"total", "b", "c"}
    pattern = counts.pattern()
    assert (kinds(pattern), unprotected(pattern)) == ({"a": "primary"}, ["total = a + b + c"])


def test_where_every_other_part_is_published_the_total_is_hidden_if_it_is_not() -> None:
    counts = Counts().add(total=40, a=3, b=17, c=20).line("total", "a", "b", "c")
    counts.fixed = {"b", "c"}
    pattern = counts.pattern()
    assert (kinds(pattern), unprotected(pattern)) == ({"total": "secondary", "a": "primary"}, [])


def test_two_small_counts_left_over_by_published_ones_are_recorded() -> None:
    counts = Counts().add(total=40, a=1, b=2, c=37).line("total", "a", "b", "c")
    counts.fixed = {"total", "c"}
    pattern = counts.pattern()
    assert (kinds(pattern), unprotected(pattern)) == ({"a": "primary", "b": "primary"}, ["total = a + b + c"])


def test_a_part_that_published_counts_give_away_is_not_chosen_to_hide_another() -> None:
    # c would be the smallest, but its own line is published.
    counts = Counts().add(total=50, a=3, b=41, c=6, e=10, f=4).line("total", "a", "b", "c").line("e", "c", "f")
    counts.fixed = {"e", "f"}
    assert kinds(counts.pattern()) == {"a": "primary", "b": "secondary"}


# --- input that contradicts itself --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "parts"), [("total", ["a"]), ("total", ["a", "b", "nobody"]), ("nobody", ["a", "b"])]
)
def test_a_line_that_is_no_sum_is_refused_by_name(total: str, parts: list[str]) -> None:
    counts = Counts().add(total=10, a=3, b=7).line(total, *parts)
    with pytest.raises(CornerstoneError, match=f"Line {total} = .* cannot be protected"):
        counts.pattern()


def test_a_small_count_that_follows_through_a_count_nobody_shows_is_protected() -> None:
    # late is shown nowhere, but is made less in_time: 42 - 30 = 12 gives late_old = 16 - 12 = 4.
    counts = (
        Counts().add(late=16, late_young=12, late_old=4, made=42, in_time=30).line("late", "late_young", "late_old")
    )
    counts.line("made", "in_time", "late_young")
    counts.fixed = {"late"}
    counts.unshown = {"late_young", "late_old"}
    assert kinds(counts.pattern()) == {"in_time": "secondary"}


# --- properties ---------------------------------------------------------------------------------------------------


@st.composite
def tables(draw: st.DrawFn) -> Counts:
    """Rows by columns in one or two blocks with a grand total above them; some counts published, some never shown."""
    width, height = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    count = st.one_of(st.integers(0, 6), st.integers(0, 60))
    block = st.lists(st.lists(count, min_size=width, max_size=width), min_size=height, max_size=height)
    merged = Counts()
    blocks = draw(st.lists(block, min_size=1, max_size=2))
    for number, rows in enumerate(blocks):
        table = cross_table(rows, " ".join(f"r{n}" for n in range(height)), " ".join(f"c{n}" for n in range(width)))
        merged.add(**{f"{number} {key}": value for key, value in table.cells.items()})
        for total, parts in table.lines.values():
            merged.line(f"{number} {total}", *(f"{number} {part}" for part in parts))
    tops = [f"{number} Total Total" for number in range(len(blocks))]
    merged.add(grand=sum(merged.cells[top] for top in tops)).line("grand", *tops)
    cells = sorted(merged.cells)
    merged.fixed = draw(st.sets(st.sampled_from(cells), max_size=4))
    inner = [cell for cell in cells if "Total" not in cell and cell != "grand"]
    merged.unshown = draw(st.sets(st.sampled_from(inner), max_size=2)) - merged.fixed
    return merged


def follow_from(counts: Counts, seen: set[str]) -> set[str]:
    """Cells that follow from those seen, one line after another."""
    known = set(seen)
    while True:
        new = {
            next(iter(hidden)) for total, parts in counts.lines.values() if len(hidden := {total, *parts} - known) == 1
        }
        if not new:
            return known
        known |= new


@hypothesis_settings(max_examples=100, deadline=None)
@given(tables())
def test_no_line_gives_a_suppressed_count_away(counts: Counts) -> None:
    pattern = counts.pattern()
    hidden = set(kinds(pattern))
    zeros = {cell for cell, count in counts.cells.items() if count == 0} - counts.unshown
    published = follow_from(counts, counts.fixed | zeros)
    assert not hidden & counts.fixed
    assert {
        cell for cell, count in counts.cells.items() if 1 <= count <= 4 and cell not in counts.fixed | counts.unshown
    } <= hidden
    assert not [cell for cell in hidden if counts.cells[cell] == 0]
    visible = (set(counts.cells) - hidden - counts.unshown) | published
    small = {cell for cell, count in counts.cells.items() if 1 <= count <= 4}
    assert follow_from(counts, visible) & (hidden | small) <= published
    for key, (total, parts) in counts.lines.items():
        if key in unprotected(pattern):
            # Nothing else could have been hidden: what is seen here is published.
            assert {total, *parts} & visible <= published
            continue
        unseen = {total, *parts} - visible
        if len(unseen) == 1:
            (cell,) = unseen
            assert cell not in hidden and not 1 <= counts.cells[cell] <= 4, (key, cell)
        elif total in visible and unseen & hidden:
            assert sum(counts.cells[cell] for cell in unseen) >= 5, key


@hypothesis_settings(max_examples=25, deadline=None)
@given(tables())
def test_the_same_counts_give_the_same_pattern_in_whatever_order_they_are_stored(counts: Counts) -> None:
    first, again = counts.pattern(), counts.pattern(backwards=True)
    assert first.cells.equals(again.cells)
    assert first.unprotected.equals(again.unprotected)
