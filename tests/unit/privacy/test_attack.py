"""The attacker: what can be worked out is found, what cannot is proven, and suppression withstands it."""

from itertools import product

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.errors import CornerstoneError
from orchestration.privacy.attack import attack
from tests.unit.privacy.test_disclosure import Counts, cross_table, kinds, tables

THRESHOLD = 5
Ends = tuple[int, int | None, str]

# A share: (cells and weights of the numerator, of the denominator, lowest, highest)
Share = tuple[dict[str, int], dict[str, int], str, str]


def attacked(
    counts: Counts,
    hidden: set[str],
    *,
    shares: dict[str, Share] | None = None,
    knows_of_noughts: bool = True,
    protection_width: int = 1,
    seconds: float = 60,
) -> dict[str, Ends]:
    """Lower, upper and outcome by cell at stake, of a reader who sees all that is neither hidden nor unshown."""
    cells = []
    for order, (key, count) in enumerate(counts.cells.items()):
        is_fixed, is_hidden, is_small = key in counts.fixed, key in hidden, 0 < count < THRESHOLD
        is_seen = is_fixed or not (is_hidden or key in counts.unshown)
        is_given = is_fixed or (count == 0 and key not in counts.unshown)
        least = int(is_hidden and count > 0 and knows_of_noughts)
        at_stake = is_hidden or (is_small and not is_fixed)
        cells.append((key, count, is_seen, is_given, least, least if is_small else 0, at_stake, order))
    lines = [(key, cell, cell == total) for key, (total, parts) in counts.lines.items() for cell in (total, *parts)]
    sides = [
        (key, cell, is_numerator, weight, lowest, highest)
        for key, (numerator, denominator, lowest, highest) in (shares or {}).items()
        for is_numerator, side in ((True, numerator), (False, denominator))
        for cell, weight in side.items()
    ]
    with duckdb.connect() as connection:
        connection.execute(
            "create table cell (cell_key varchar, cell_count bigint, is_seen boolean, is_given boolean, least int,"
            " given_least int, is_at_stake boolean, cell_order int)"
        )
        connection.execute("create table line (line_key varchar, cell_key varchar, is_total boolean)")
        connection.execute(
            "create table share (share_key varchar, cell_key varchar, is_numerator boolean, weight int,"
            " lowest decimal(18, 5), highest decimal(18, 5))"
        )
        connection.executemany("insert into cell values (?, ?, ?, ?, ?, ?, ?, ?)", cells)
        for table, rows in (("line", lines), ("share", sides)):
            if rows:
                connection.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)
        found, outcomes = (
            attack(
                connection,
                cells="cell",
                lines="line",
                shares="share" if shares else None,
                protection_width=protection_width,
                exact=exact,
                seconds=seconds,
            )
            for exact in (True, False)
        )
    assert outcomes.column("outcome") == found.column("outcome")
    return {row["cell_key"]: (row["lower"], row["upper"], row["outcome"]) for row in found.to_pylist()}


WARDS = cross_table([[12, 3, 9], [15, 8, 7], [20, 11, 6], [0, 14, 10]], "W1 W2 W3 W4", "ASD SEMH SLCN")
HIDDEN_IN_WARDS = {"W1 SEMH", "W1 SLCN", "W2 SEMH", "W2 SLCN"}


# --- hand-worked --------------------------------------------------------------------------------------------------


def test_the_fixture_of_the_conventions_leaves_ten_numbers_to_each_hidden_count() -> None:
    # W1 SEMH is t; W1 SLCN 12 - t, W2 SEMH 11 - t, W2 SLCN 4 + t; none is nought: t is 1 to 10.
    assert attacked(WARDS, HIDDEN_IN_WARDS) == {
        "W1 SEMH": (1, 10, "kept"),
        "W1 SLCN": (2, 11, "kept"),
        "W2 SEMH": (1, 10, "kept"),
        "W2 SLCN": (5, 14, "kept"),
    }


@pytest.mark.parametrize("shown", sorted(HIDDEN_IN_WARDS - {"W1 SEMH"}))
def test_one_secondary_cell_that_is_shown_gives_the_primary_one_away(shown: str) -> None:
    found = attacked(WARDS, HIDDEN_IN_WARDS - {shown})
    assert found == {cell: (WARDS.cells[cell], WARDS.cells[cell], "recovered") for cell in HIDDEN_IN_WARDS - {shown}}


def test_a_count_at_stake_that_is_shown_is_recovered() -> None:
    assert attacked(Counts().add(small=3, large=30), set()) == {"small": (3, 3, "recovered")}


def test_a_count_in_no_sum_has_no_upper_end() -> None:
    assert attacked(Counts().add(small=3, large=30), {"small"}) == {"small": (1, None, "kept")}


def test_no_single_line_gives_it_but_two_do() -> None:
    # a + b = 10 and a + b + c = 13, with a and b in every line together: c follows, a and b do not.
    counts = Counts().add(one=10, two=13, a=6, b=4, c=3).line("one", "a", "b").line("two", "a", "b", "c")
    assert attacked(counts, {"a", "b", "c"}) == {
        "a": (1, 9, "kept"),
        "b": (1, 9, "kept"),
        "c": (3, 3, "recovered"),
    }


def test_a_total_of_nought_gives_its_parts_and_what_hangs_on_them() -> None:
    counts = Counts().add(nobody=0, withdrawn_a=0, withdrawn_b=0, made=21, issued=19, refused=2)
    counts.line("nobody", "withdrawn_a", "withdrawn_b").line("made", "issued", "refused", "withdrawn_a")
    counts.unshown = {"withdrawn_a", "withdrawn_b"}
    assert attacked(counts, {"refused"}) == {"refused": (2, 2, "recovered")}


def test_as_many_hidden_counts_as_children_are_one_child_each() -> None:
    counts = Counts().add(total=5, a=1, b=1, c=1, d=1, e=1).line("total", "a", "b", "c", "d", "e")
    assert set(attacked(counts, set("abcde")).values()) == {(1, 1, "recovered")}
    # Where a hidden count could be nought, nothing follows.
    assert set(attacked(counts, set("abcde"), knows_of_noughts=False).values()) == {(0, 5, "kept")}


def test_whole_numbers_are_narrower_than_the_linear_programme() -> None:
    # c is a, so that together they are even: 0 or 2 of the 3, where fractions could be 1.5 each.
    counts = Counts().add(p=5, q=5, top=3, both=2, other=1, a=1, b=4, c=1)
    counts.line("p", "a", "b").line("q", "b", "c").line("both", "a", "c").line("top", "both", "other")
    counts.fixed = {"top"}
    assert attacked(counts, {"both", "other", "a", "b", "c"}, knows_of_noughts=False) == {
        "both": (0, 2, "kept"),
        "other": (1, 3, "kept"),
        "a": (0, 1, "kept"),
        "b": (4, 5, "kept"),
        "c": (0, 1, "kept"),
    }


def test_the_rests_of_shares_are_tied_by_the_items_of_a_breakdown() -> None:
    # Reviews held of those due, by placement: 30 of 33 in all. 19 of 20, 6 of 7 and 5 of 6: the 19 and the 20 are shown, what
    # is left is 2 of 13, and who holds which is open.
    counts = Counts().add(due=33, due_a=20, due_b=7, due_c=6, held=30, held_a=19, held_b=6, held_c=5)
    counts.add(late=3, late_a=1, late_b=1, late_c=1)
    counts.line("due", "due_a", "due_b", "due_c").line("held", "held_a", "held_b", "held_c")
    for rest in ("", "_a", "_b", "_c"):
        counts.line(f"due{rest}", f"held{rest}", f"late{rest}")
    counts.unshown = {"late", "late_a", "late_b", "late_c"}
    found = attacked(counts, {"held_b", "held_c"})
    assert {cell: found[cell] for cell in ("late", "late_a", "late_b", "held_b")} == {
        "late": (3, 3, "recovered"),
        "late_a": (1, 1, "recovered"),
        "late_b": (0, 2, "kept"),
        "held_b": (5, 7, "kept"),
    }


def test_what_published_counts_give_away_anyway_is_not_held_against_the_release() -> None:
    counts = Counts().add(total=40, a=3, b=17, c=20, waits=9, early=4, late=5).line("total", "a", "b", "c")
    counts.line("waits", "early", "late")
    counts.fixed = {"total", "b", "c", "waits"}
    assert attacked(counts, {"a", "early"}) == {"a": (3, 3, "given"), "early": (4, 4, "recovered")}


def test_that_a_small_count_is_suppressed_tells_that_it_is_not_nought_and_cannot_be_helped() -> None:
    # 2 are left over by published figures, for two counts that c stands for: one each.
    counts = Counts().add(total=40, a=1, b=1, c=38).line("total", "a", "b", "c")
    counts.fixed = {"total", "c"}
    assert attacked(counts, {"a", "b"}) == {"a": (1, 1, "given"), "b": (1, 1, "given")}


def test_a_percentage_known_to_a_decimal_gives_a_numerator() -> None:
    counts = Counts().add(refused=5, requests=40)
    share: Share = ({"refused": 1}, {"requests": 1}, "12.45", "12.55")
    assert attacked(counts, {"refused"}) == {"refused": (1, None, "kept")}
    assert attacked(counts, {"refused"}, shares={"12.5": share}) == {"refused": (5, 5, "recovered")}
    wide: Share = ({"refused": 1}, {"requests": 1}, "7.5", "17.5")
    assert attacked(counts, {"refused"}, shares={"12.5": wide}) == {"refused": (3, 7, "kept")}


def test_a_percentage_of_hidden_counts_ties_them() -> None:
    # Half of them: 6 of 12, where there are 4 to 14 in all.
    counts = Counts().add(top=14, all_of_them=12, rest=2, half=6).line("top", "all_of_them", "rest")
    share: Share = ({"half": 1}, {"all_of_them": 1}, "50", "50")
    found = attacked(counts, {"all_of_them", "rest", "half"}, shares={"50": share})
    assert found == {
        "all_of_them": (2, 12, "kept"),
        "rest": (2, 12, "kept"),
        "half": (1, 6, "kept"),
    }


def test_the_policy_says_how_far_apart_the_ends_must_be() -> None:
    counts = Counts().add(total=5, a=3, b=2).line("total", "a", "b")
    assert set(attacked(counts, {"a", "b"}, protection_width=3).values()) == {(1, 4, "kept")}
    assert set(attacked(counts, {"a", "b"}, protection_width=4).values()) == {(1, 4, "recovered")}


def test_what_is_not_settled_in_time_is_untested() -> None:
    counts = Counts().add(total=9, girls=3, boys=6).line("total", "girls", "boys")
    untested = attacked(WARDS, HIDDEN_IN_WARDS, seconds=0)
    assert {outcome for *_, outcome in untested.values()} == {"untested"}
    # Subtraction alone takes no solver.
    assert attacked(counts, {"girls"}, seconds=0)["girls"][:2] == (3, 3)


def test_counts_that_contradict_themselves_are_refused() -> None:
    counts = Counts().add(total=10, girls=3, boys=6).line("total", "girls", "boys")
    with pytest.raises(CornerstoneError, match="do not add up"):
        attacked(counts, {"girls"})
    half: Share = ({"girls": 1}, {"boys": 1}, "60", "70")
    with pytest.raises(CornerstoneError, match="not within its limits"):
        attacked(Counts().add(girls=3, boys=6), {"girls"}, shares={"60": half})


# --- properties ---------------------------------------------------------------------------------------------------


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=2), min_size=2, max_size=3),
    st.data(),
)
def test_the_ends_are_those_of_all_tables_that_agree(rows: list[list[int]], data: st.DataObject) -> None:
    counts = cross_table(rows, " ".join(f"r{n}" for n in range(len(rows))), "c0 c1")
    hidden = data.draw(
        st.sets(st.sampled_from([cell for cell in counts.cells if "Total" not in cell]), min_size=1, max_size=4)
    )
    found = attacked(counts, hidden)
    inner = sorted(hidden)
    highest = max(counts.cells[f"r{row} Total"] for row in range(len(rows)))
    agreeing = []
    for numbers in product(*(range(int(counts.cells[cell] > 0), highest + 1) for cell in inner)):
        table = counts.cells | dict(zip(inner, numbers, strict=True))
        if all(table[total] == sum(table[part] for part in parts) for total, parts in counts.lines.values()):
            agreeing.append(numbers)
    for position, cell in enumerate(inner):
        possible = {table[position] for table in agreeing}
        assert found[cell][:2] == (min(possible), max(possible)), cell


@hypothesis_settings(max_examples=100, deadline=None)
@given(tables())
def test_suppression_withstands_the_attack(counts: Counts) -> None:
    found = attacked(counts, set(kinds(counts.pattern())))
    assert {cell: ends for cell, ends in found.items() if ends[2] not in ("kept", "given")} == {}
