"""School census against EHC plans on the evidence page: every child once, nothing small to be seen or worked out, and never
without how many schools stand behind it."""

import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy.optimize import linprog

from orchestration.privacy.disclosure import Parameters, load_policy
from orchestration.release.reconciliation import Reconciliation, census_completeness, reconcile
from orchestration.release.remembered_places import keep_counts
from orchestration.settings import Settings

POLICY = load_policy().audiences
BOTH = "in both returns"
PLACED, ELSEWHERE = "placed at a school whose census return came", "placed elsewhere, or nowhere"
IN_CENSUS, IN_RETURN = "Children with an EHC plan by the school census", "Children with a plan by the EHC plans return"
# reason, class, in the census, in the return, placement
REASONS = {
    "both": ("in_both", "agrees", True, True, "a"),
    "both moved": ("in_both", "agrees", True, True, "z"),
    "ceased": ("ceased", "to_follow_up", True, False, None),
    "near in census": ("near", "legitimate", True, False, None),
    "near in return": ("near", "legitimate", False, True, "a"),
    "near elsewhere": ("near", "legitimate", False, True, None),
    "elsewhere": ("elsewhere", "legitimate", False, True, None),
    "college": ("college", "legitimate", False, True, None),
    "lost": ("lost", "to_follow_up", False, True, "b"),
    "unrecorded": ("unrecorded", "to_follow_up", False, True, None),
}


@pytest.fixture
def marts(tmp_path: Path, new_warehouse: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with reasons of either side and nobody in it."""
    with new_warehouse(Settings(store=tmp_path / "store")) as connection:
        connection.execute(
            """
            attach ':memory:' as release_open;
            create schema release_open.kpi;
            create table release_open.kpi.kpi_value as from warehouse.kpi.kpi_value limit 0;
            delete from marts.fct_census_plan_child;
            delete from marts.dim_census_plan_reason;
            insert into marts.dim_census_plan_reason values
                ('in_both', 1, 'agrees', 'both', '', ''), ('near', 2, 'legitimate', 'near', '', ''),
                ('ceased', 3, 'to_follow_up', 'ceased', '', ''), ('elsewhere', 4, 'legitimate', 'elsewhere', '', ''),
                ('college', 5, 'legitimate', 'college', '', ''), ('lost', 6, 'to_follow_up', 'lost', '', ''),
                ('unrecorded', 7, 'to_follow_up', 'unrecorded', '', '')
            """
        )
        yield connection


def counted(
    connection: duckdb.DuckDBPyConnection,
    parameters: Parameters = POLICY.board,
    year: int = 2025,
    earlier: Mapping[str, Path] | None = None,
    **children: int,
) -> Reconciliation:
    """What is said of so many children of each of REASONS."""
    connection.execute("delete from marts.fct_census_plan_child where census_year = ?", [year])
    for name, number in children.items():
        reason, class_, in_census, in_return, placement = REASONS[name.replace("_", " ")]
        connection.execute(
            "insert into marts.fct_census_plan_child select '372', ?, make_date(?, 1, 16), ? || number, ?, ?, ?, ?, ?"
            " from range(?) as numbers (number)",
            [year, year, name, in_census, in_return, reason, class_, placement, number],
        )
    return reconcile(connection, parameters, database="release_open", earlier=earlier or {})


def shown(found: Reconciliation) -> dict[tuple[str, str | None, int], list[int | None]]:
    return {(row.label, row.reason_class, row.depth): row.counts for row in found.rows}


def test_every_child_is_counted_on_its_side_and_for_its_reason(marts: duckdb.DuckDBPyConnection) -> None:
    found = counted(
        marts,
        POLICY.internal,
        both=90,
        both_moved=10,
        ceased=7,
        near_in_census=6,
        near_in_return=8,
        near_elsewhere=1,
        elsewhere=30,
        lost=12,
    )
    assert [(row.label, row.depth, row.reason_class, row.counts) for row in found.rows] == [
        (IN_CENSUS, 0, None, [113]),
        (BOTH, 1, "agrees", [100]),
        ("in the census alone, legitimate", 1, "legitimate", [6]),
        ("near", 2, "legitimate", [6]),
        ("in the census alone, to follow up", 1, "to_follow_up", [7]),
        ("ceased", 2, "to_follow_up", [7]),
        (IN_RETURN, 0, None, [151]),
        # The school of "both moved" sent no return.
        (PLACED, 1, None, [110]),
        (ELSEWHERE, 1, None, [41]),
        ("in the EHC plans return alone, legitimate", 1, "legitimate", [39]),
        ("near", 2, "legitimate", [9]),
        ("elsewhere", 2, "legitimate", [30]),
        ("in the EHC plans return alone, to follow up", 1, "to_follow_up", [12]),
        ("lost", 2, "to_follow_up", [12]),
    ]
    assert not found.is_suppressed


def test_days_stand_side_by_side_with_the_schools_behind_them(marts: duckdb.DuckDBPyConnection) -> None:
    counted(marts, year=2024, both=50)
    found = counted(marts, year=2025, both=60, ceased=5)
    assert [(day.census_year, day.expected_schools, day.received_schools) for day in found.days] == [
        (2024, 0, 0),
        (2025, 3, 2),
    ]
    assert shown(found)[BOTH, "agrees", 1] == [50, 60]
    assert shown(found)["ceased", "to_follow_up", 2] == [0, 5]


def test_a_small_reason_and_the_sums_that_would_give_it_away_are_hidden(marts: duckdb.DuckDBPyConnection) -> None:
    found = shown(counted(marts, both=100, ceased=3, near_in_census=20, elsewhere=30))
    assert found["ceased", "to_follow_up", 2] == [None]
    assert found["in the census alone, to follow up", "to_follow_up", 1] == [None]
    # The total stands elsewhere too, and what agrees is what the page is about: another part goes.
    assert found[BOTH, "agrees", 1] == [100]
    assert found[IN_CENSUS, None, 0] == [123]
    assert found["in the census alone, legitimate", "legitimate", 1] == [None]
    assert found["elsewhere", "legitimate", 2] == [30]


def test_two_that_add_up_to_a_few_are_not_left_to_be_told_apart(marts: duckdb.DuckDBPyConnection) -> None:
    # 97 placed less 95 in both would leave 2 for two reasons that have somebody: one each.
    sizes = {"both": 95, "near_in_return": 1, "lost": 1, "elsewhere": 42, "college": 26}
    for label, true, low, high in possible_counts(marts, counted(marts, **sizes)):
        assert high - low > 0.5, f"{label} must be {true}"


def test_a_total_of_a_few_children_is_hidden_too(marts: duckdb.DuckDBPyConnection) -> None:
    found = shown(counted(marts, both=3))
    assert (found[IN_CENSUS, None, 0], found[BOTH, "agrees", 1], found[IN_RETURN, None, 0]) == ([None], [None], [None])


def test_where_plans_are_placed_gives_no_reason_away(marts: duckdb.DuckDBPyConnection) -> None:
    # 141 plans less 71 in both leave 70, of whom 35 and 25 are shown; 63 placed elsewhere less those 60 would leave 3.
    found = shown(counted(marts, both=71, near_in_return=4, elsewhere=35, college=25, unrecorded=3, lost=3))
    assert found["unrecorded", "to_follow_up", 2] == [None]
    known = [found[name, class_, depth] for name, class_, depth in (
        (ELSEWHERE, None, 1), ("elsewhere", "legitimate", 2), ("college", "legitimate", 2)
    )]  # fmt: skip
    assert [None] in known


@pytest.mark.parametrize("seed", range(30))
def test_no_small_count_follows_from_what_is_shown(marts: duckdb.DuckDBPyConnection, seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - sizes of invented groups
    sizes = {name.replace(" ", "_"): drawn.choice([0, 1, 2, 3, 4, 6, 9, 40]) for name in REASONS}
    sizes |= {"both": 80, "both_moved": drawn.choice([0, 0, 12])}
    found = counted(marts, **sizes)
    for label, true, low, high in possible_counts(marts, found):
        assert low <= true <= high
        assert high - low > 0.5, f"{label} must be {true}"


def tell(connection: duckdb.DuckDBPyConnection, kpi: str, numerator: int | None) -> None:
    """Give the open tables a figure of the academic year 2024/25, withheld without a numerator."""
    connection.execute(
        "insert into release_open.kpi.kpi_value (kpi_id, area_level, la_code, time_identifier, time_period, breakdown_topic,"
        " breakdown, value, numerator, symbol, value_basis) values ($kpi, 'local_authority', '372', 'Academic year', '202425',"
        " 'Total', 'Total', $numerator, $numerator, if($numerator is null, 'c', null), 'local')",
        {"kpi": kpi, "numerator": numerator},
    )


SIZES = {"both": 100, "ceased": 20, "near_in_census": 30, "elsewhere": 30, "lost": 12}


def told_twice(
    connection: duckdb.DuckDBPyConnection, folder: Path, **then: int
) -> tuple[dict[tuple[str, str | None, int], list[int | None]], ...]:
    """What is said of SIZES, and in the next release where some are others by then."""
    first = shown(counted(connection, **SIZES))
    keep_counts(connection, folder / "first.parquet")
    second = shown(counted(connection, earlier={"first": folder / "first.parquet"}, **SIZES | then))
    return first, second


def test_one_child_between_two_releases_is_told_by_no_count(marts: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first, second = told_twice(marts, tmp_path, ceased=21)
    assert first["ceased", "to_follow_up", 2] == [20]
    moved = [
        ("ceased", "to_follow_up", 2),
        ("in the census alone, to follow up", "to_follow_up", 1),
        (IN_CENSUS, None, 0),
    ]
    assert [second[row] for row in moved] == [[None]] * 3
    # Who knows the others of then subtracts nothing from them.
    assert {row: counts for row, counts in second.items() if row not in moved} == {
        row: counts for row, counts in first.items() if row not in moved
    }


def test_a_total_that_the_open_tables_tell_does_not_give_the_child_who_came(
    marts: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    first = shown(counted(marts, **SIZES))
    keep_counts(marts, tmp_path / "first.parquet")
    tell(marts, "ehcp_pupils_pct", 151)
    second = shown(counted(marts, earlier={"first": tmp_path / "first.parquet"}, **SIZES | {"ceased": 21}))
    assert (second[IN_CENSUS, None, 0], second["ceased", "to_follow_up", 2]) == ([151], [None])
    # 151 less the 100 and 30 of then would be the 21.
    assert [None] in [second[BOTH, "agrees", 1], second["in the census alone, legitimate", "legitimate", 1]]
    assert first[BOTH, "agrees", 1] == [100]


def test_what_was_hidden_before_stays_so_when_the_few_beside_it_are_gone(
    marts: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    # 12 of a reason hid 3 of another: shown when the 3 have become 30, they would leave the 3 of the 15 of then.
    counted(marts, **SIZES, unrecorded=3)
    keep_counts(marts, tmp_path / "first.parquet")
    now = SIZES | {"unrecorded": 30}
    assert shown(counted(marts, **now))["lost", "to_follow_up", 2] == [12]
    second = shown(counted(marts, earlier={"first": tmp_path / "first.parquet"}, **now))
    assert second["lost", "to_follow_up", 2] == [None]


def test_the_difference_that_the_open_tables_tell_is_known(marts: duckdb.DuckDBPyConnection) -> None:
    # 8 elsewhere by a reason and 2 by another leave 10: those placed follow from the census and the difference.
    sizes = {"both": 100, "ceased": 20, "elsewhere": 8, "unrecorded": 2}
    tell(marts, "ehcp_pupils_pct", 120)
    tell(marts, "ehcp_total", 110)
    tell(marts, "census_sen2_ehcp_difference", 20)
    found = shown(counted(marts, **sizes))
    assert [found[row, None, depth] for row, depth in ((IN_CENSUS, 0), (IN_RETURN, 0), (PLACED, 1), (ELSEWHERE, 1))] == [
        [120], [110], [100], [10],
    ]  # fmt: skip
    assert (found["elsewhere", "legitimate", 2], found["unrecorded", "to_follow_up", 2]) == ([None], [None])


def test_what_the_open_tables_withhold_is_withheld_here(marts: duckdb.DuckDBPyConnection) -> None:
    tell(marts, "ehcp_pupils_pct", None)
    found = shown(counted(marts, **SIZES))
    assert found[IN_CENSUS, None, 0] == [None]
    assert [None] in [found[BOTH, "agrees", 1], found["ceased", "to_follow_up", 2]]


def possible_counts(
    connection: duckdb.DuckDBPyConnection, found: Reconciliation
) -> Iterator[tuple[str, int, float, float]]:
    """Each hidden count of 1 to 4, and between which numbers it can lie for whoever sees the rest and that a hidden one is
    not 0: found by linear
    programming over the atoms that the rows are sums of. The reader is taken to know how many in both are placed elsewhere."""
    rows = connection.execute("from reconciliation_child select side, row_code, reason_class, place").fetchall()
    atoms = sorted(
        {(*row[:3], place) for row in rows for place in (("placed", "elsewhere") if row[0] != "census" else ("",))}
    )
    number = {atom: sum((*row[:3], row[3] if row[0] != "census" else "") == atom for row in rows) for atom in atoms}
    # A reason found in one place alone is in one place by what it is.
    atoms = [atom for atom in atoms if number[atom]]

    def members(label: str, class_: str | None, depth: int, side: str) -> list[int]:
        def belongs(atom: tuple[str, ...]) -> bool:
            if label == IN_CENSUS:
                return atom[0] in ("both", "census")
            if label == IN_RETURN:
                return atom[0] in ("both", "return")
            if label == BOTH:
                return atom[0] == "both"
            if label in (PLACED, ELSEWHERE):
                return atom[3] == ("placed" if label == PLACED else "elsewhere")
            return atom[0] == side and (atom[2] == class_ if depth == 1 else atom[1] == f"{side} {label}")

        return [int(belongs(atom)) for atom in atoms]

    side, equations, hidden, targets = "census", [], [], []
    for row in found.rows:
        side = "return" if row.label == IN_RETURN else side
        line = members(row.label, row.reason_class, row.depth, side)
        [count] = row.counts
        true = sum(number[atom] for atom, is_in in zip(atoms, line, strict=True) if is_in)
        if count is not None:
            assert count == true
            equations.append((line, count))
            continue
        hidden.append(line)
        if true < POLICY.board.threshold:
            targets.append((row.label, true, line))
    for place, atom in enumerate(atoms):
        if atom[0] == "both" and atom[3] == "elsewhere":
            equations.append(([int(other == place) for other in range(len(atoms))], number[atom]))
    left, right = np.array([line for line, _ in equations]), np.array([count for _, count in equations])
    for label, true, line in targets:
        ends = [
            sign * linprog(sign * np.array(line), -np.array(hidden), -np.ones(len(hidden)), left, right).fun
            for sign in (1.0, -1.0)
        ]
        yield label, true, ends[0], ends[1]


def test_completeness_names_schools_that_sent_nothing_and_counts_those_nobody_expected(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    spring, summer = census_completeness(marts)
    assert (spring.expected_schools, spring.received_schools, spring.unexpected_schools) == (3, 2, 1)
    assert (round(spring.school_pct or 0, 1), spring.pupil_pct) == (66.7, 75.0)
    assert spring.missing_schools == ["Invented & Missing"]
    # Without a register nothing is expected, and no share is claimed.
    assert (summer.expected_schools, summer.unexpected_schools, summer.school_pct) == (0, 1, None)


def test_the_page_shows_the_comparison_with_its_completeness_and_hides_what_is_small(
    publish_at: Any, settings: Settings
) -> None:
    from tests.unit.release.test_publish import MONDAY

    publish_at(MONDAY)
    page = (settings.current_link / "evidence" / "returns.html").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "Schools whose return came, of those expected 2 of 3" in text
    assert "Children with an EHC plan by the school census 46" in text
    assert "Plan had &lt;ceased&gt; to follow up 6" in text
    assert "Not on roll where placed to follow up c" in text
    assert "c: 1 to 4 children" in text
    assert "16 January 2025 3 2 1 66.7 75.0 1 Invented &amp; Missing" in text
    assert "15 May 2025 not known 0 0 not known not known 1" in text
