"""Children with a plan by where they live and learn, and places taken: hand-worked counts, and what a reader cannot work out."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from orchestration.privacy.disclosure import load_policy
from orchestration.release import remembered_places
from orchestration.release.provision import (
    BEYOND,
    NOWHERE,
    OUTSIDE,
    UNTOLD,
    WITHIN,
    Capacity,
    Children,
    Kind,
    count_capacity,
    count_children,
    count_places,
)
from orchestration.release.remembered_places import keep_counts

BOARD = load_policy().parameters_of("evidence")
EVERYTHING = load_policy().audiences.internal
NORTH, SOUTH, ABROAD = "E05999901", "E05999902", "E05999999"


class Group(NamedTuple):
    """Children alike: `(ward, line, setting, how many)`."""

    ward: str | None
    line: str
    setting: str | None
    children: int


@pytest.fixture
def borough(places: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Two wards of two neighbourhoods, a ward and an authority next door, and settings of both."""
    places.execute(
        """
        insert into marts.dim_area (area_level, area_code, area_name, la_code) values
            ('ward', 'E05999901', 'Invented North', '372'), ('ward', 'E05999902', 'Invented South', '372'),
            ('ward', 'E05999999', 'Invented Abroad', '999'), ('lsoa', 'E01999901', 'E01999901', '372'),
            ('lsoa', 'E01999902', 'E01999902', '372');
        insert into marts.dim_setting (
            setting_key, setting_name, la_code, la_name, is_in_own_authority, type_code, type_name, phase_name, is_open,
            is_current, school_capacity_count, pupil_count, resourced_provision_capacity_count, lsoa_code
        ) values
            ('oak', 'Oak', '372', 'Rotherham', true, '34', 'Academy', 'Primary', true, true, 200, 150, 12, 'E01999901'),
            ('ash', 'Ash', '372', 'Rotherham', true, '34', 'Academy', 'Secondary', true, true, 900, null, null, null),
            ('elm', 'Elm', '372', 'Rotherham', true, '44', 'Special', null, true, true, 100, 101, null, 'E01999902'),
            ('old', 'Old', '372', 'Rotherham', true, '34', 'Academy', 'Primary', false, true, 300, 300, null, null),
            ('fir', 'Fir', '999', 'Neighbouring Shire', false, '10', 'Special', null, true, true, 60, null, null, null),
            ('bay', 'Bay', '888', 'Faraway', false, '10', 'Special', null, true, true, 60, null, null, null),
            ('sea', 'Sea', null, null, false, '10', 'Special', null, true, true, null, null, null, null);
        """
    )
    return places


def place(connection: duckdb.DuckDBPyConnection, groups: Sequence[Group], *, year: int = 2025) -> None:
    """Give children a plan on the census day of a year."""
    for at, group in enumerate(groups):
        connection.execute(
            "insert into marts.fct_ehc_plan_census select '372', $year, make_date($year, 1, 16), 'own_return',"
            " $year || '-' || $at || '-' || number, $ward, $line, $setting from range($children) as numbers (number)",
            {
                "year": year,
                "at": at,
                "ward": group.ward,
                "line": group.line,
                "setting": group.setting,
                "children": group.children,
            },
        )


def tell(
    connection: duckdb.DuckDBPyConnection, kpi: str, breakdown: str, numerator: int | None, denominator: int | None
) -> None:
    """Give the open tables a figure, withheld without a numerator."""
    connection.execute(
        "insert into release_open.kpi.kpi_value (kpi_id, area_level, la_code, time_identifier, time_period, breakdown_topic,"
        " breakdown, value, numerator, denominator, symbol, value_basis) values ($kpi, 'local_authority', '372',"
        " 'Academic year', '202425', if($breakdown = 'Total', 'Total', 'Placement group'), $breakdown, $numerator,"
        " $numerator, $denominator, if($numerator is null, 'c', null), 'local')",
        {"kpi": kpi, "breakdown": breakdown, "numerator": numerator, "denominator": denominator},
    )


def counted(connection: duckdb.DuckDBPyConnection, earlier: Mapping[str, Path] | None = None) -> Children:
    found = count_children(connection, BOARD, database="release_open", earlier=earlier or {})
    assert found is not None
    return found


def test_children_are_counted_by_home_kind_and_place(borough: duckdb.DuckDBPyConnection) -> None:
    place(borough, [Group(NORTH, "mainstream_academy", "oak", 99)], year=2024)  # an earlier census day is not counted
    place(
        borough,
        [
            Group(NORTH, "mainstream_academy", "oak", 30),
            Group(NORTH, "mainstream_academy_resourced_provision", "oak", 10),
            Group(SOUTH, "special_academy", "elm", 20),
            Group(SOUTH, "special_independent", "fir", 12),
            Group(SOUTH, "special_independent", "sea", 7),  # the register does not say where it is
            Group(None, "neet", None, 9),
            Group(ABROAD, "neet", None, 8),
        ],
    )
    borough.execute(
        "insert into marts.fct_ehc_plan_census select * replace ('next_return' as view_code) from marts.fct_ehc_plan_census"
    )

    children = counted(borough)

    assert (children.census_day, children.authority, children.is_withheld) == (date(2025, 1, 16), "Rotherham", False)
    assert children.count("all") == 96
    assert [children.count("ward", ward) for ward in (NORTH, SOUTH, OUTSIDE)] == [40, 39, 17]
    assert [children.count("place", one) for one in (WITHIN, BEYOND, NOWHERE)] == [60, 12, 24]
    assert [children.count("kind", kind.code) for kind in children.kinds] == [30, 10, 0, 0, 20, 19, 0, 0, 0, 0, 17, 0]
    assert children.count("kind_place", "independent_special", NOWHERE) == 7
    assert children.count("ward_place", SOUTH, BEYOND) == 12
    assert children.count("ward_kind", NORTH, "special") == 0
    assert (children.count("authority", "999"), [one.name for one in children.authorities]) == (
        12,
        ["Neighbouring Shire"],
    )
    assert [area.name for area in children.wards] == ["Invented North", "Invented South"]


def test_neighbourhoods_come_from_the_census_of_the_same_month(borough: duckdb.DuckDBPyConnection) -> None:
    place(borough, [Group(NORTH, "mainstream_academy", "oak", 30), Group(SOUTH, "special_academy", "elm", 20)])
    borough.execute(
        """
        insert into marts.fct_census_pupil
        select '372', '2025-01', child_key, true, 'E01999901', 'E05999901' from marts.fct_ehc_plan_census where setting_key = 'oak';
        insert into marts.fct_census_pupil
        select '372', period, child_key, counts, 'E01999902', 'E05999902'
        from marts.fct_ehc_plan_census, (values ('2024-10', true), ('2025-01', false)) as other (period, counts)
        where setting_key = 'elm';
        """
    )

    children = counted(borough)

    assert [children.count("lsoa", code) for code in ("E01999901", "E01999902", UNTOLD)] == [30, 0, 20]
    # The ward of a setting is that of its neighbourhood's pupils.
    assert [children.count("learning", ward) for ward in (NORTH, SOUTH, UNTOLD)] == [30, 20, 0]


def test_no_setting_shows_a_few_and_none_can_be_worked_out(borough: duckdb.DuckDBPyConnection) -> None:
    place(
        borough,
        [
            Group(NORTH, "mainstream_academy", "oak", 3),
            Group(NORTH, "mainstream_academy", "ash", 40),
            Group(SOUTH, "mainstream_academy", "ash", 50),
            Group(SOUTH, "special_independent", "fir", 20),
            Group(SOUTH, "special_independent", "bay", 4),
        ],
    )

    children = counted(borough)

    shown = {(row.name, row.kind_code): row.children for row in children.settings}
    # Oak and Ash make up all mainstream places within the borough, Fir and Bay all outside.
    assert shown == {
        ("Ash", "mainstream"): None,
        ("Oak", "mainstream"): None,
        ("Oak", "resourced"): 0,
        ("Elm", "special"): 0,
        ("Fir", "independent_special"): None,
        ("Bay", "independent_special"): None,
    }
    # So do the two authorities, though one is large enough.
    assert (children.count("authority", "999"), children.count("authority", "888")) == (None, None)
    assert (children.count("all"), children.count("kind", "mainstream"), children.count("place", BEYOND)) == (
        117,
        93,
        24,
    )


def test_a_few_in_one_cell_of_homes_and_kinds_hide_a_rectangle(borough: duckdb.DuckDBPyConnection) -> None:
    place(
        borough,
        [
            Group(NORTH, "mainstream_academy", "oak", 40),
            Group(NORTH, "special_academy", "elm", 2),
            Group(SOUTH, "mainstream_academy", "oak", 60),
            Group(SOUTH, "special_academy", "elm", 30),
        ],
    )

    children = counted(borough)

    assert [
        children.count("ward_kind", ward, kind) for ward in (NORTH, SOUTH) for kind in ("mainstream", "special")
    ] == [None] * 4
    assert [children.count("ward", ward) for ward in (NORTH, SOUTH)] == [42, 90]
    assert [children.count("kind", kind) for kind in ("mainstream", "special")] == [100, 32]


def test_a_kind_of_few_is_counted_with_the_largest_of_its_group(borough: duckdb.DuckDBPyConnection) -> None:
    place(
        borough,
        [
            Group(NORTH, "mainstream_academy", "oak", 40),
            Group(NORTH, "mainstream_independent", None, 3),
            Group(SOUTH, "neet", None, 20),
        ],
    )
    tell(borough, "placement_share_pct", "Mainstream", 43, 63)

    children = counted(borough)

    assert children.count("kind", "mainstream") == 43
    assert Kind("mainstream", "Mainstream school", ["Independent school"]) in children.kinds
    assert "independent" not in [kind.code for kind in children.kinds]


def test_what_the_open_tables_withhold_is_not_told_here(borough: duckdb.DuckDBPyConnection) -> None:
    groups = [
        Group(NORTH, "mainstream_academy", "oak", 40),
        Group(SOUTH, "special_academy", "elm", 30),
        Group(SOUTH, "neet", None, 20),
    ]
    place(borough, groups)
    assert [counted(borough).count("kind", kind) for kind in ("mainstream", "special", "elsewhere")] == [40, 30, 20]

    tell(borough, "ehcp_total", "Total", 90, None)
    tell(borough, "placement_share_pct", "Mainstream", 40, 90)
    tell(borough, "placement_share_pct", "Special", None, None)
    tell(borough, "placement_share_pct", "Educated elsewhere", None, None)
    children = counted(borough)

    assert [children.count("kind", kind) for kind in ("mainstream", "special", "elsewhere")] == [40, None, None]
    # Nor by way of the one school, the ward, or the place that have the same children.
    assert {row.name: row.children for row in children.settings}["Elm"] is None
    assert children.count("ward_kind", SOUTH, "special") is None
    assert children.count("kind_place", "special", WITHIN) is None


def test_an_open_total_cannot_be_subtracted_from(borough: duckdb.DuckDBPyConnection) -> None:
    """The open tables say how many of a group learn outside: what is left for the kinds of the group stays hidden."""
    place(
        borough,
        [
            Group(NORTH, "special_academy", "elm", 40),
            Group(SOUTH, "special_independent", "fir", 26),
            Group(NORTH, "special_independent", "elm", 2),
            Group(SOUTH, "mainstream_academy", "oak", 50),
        ],
    )
    tell(borough, "ehcp_out_of_borough_pct", "Total", 26, 118)
    tell(borough, "ehcp_out_of_borough_pct", "Special", 26, 68)

    children = counted(borough)

    assert children.count("kind_place", "independent_special", WITHIN) is None
    # 42 special places within the borough are open: the other kind would give the two away.
    assert children.count("kind_place", "special", WITHIN) is None
    # The kinds' totals would too, beside the children outside.
    assert [children.count("kind", kind) for kind in ("special", "independent_special")] == [None, None]


def test_counts_that_cannot_be_protected_are_left_out(borough: duckdb.DuckDBPyConnection) -> None:
    place(borough, [Group(NORTH, "mainstream_academy", "oak", 2), Group(SOUTH, "special_academy", "elm", 1)])
    tell(borough, "ehcp_total", "Total", 3, None)

    children = counted(borough)

    assert (children.is_withheld, children.counts) == (True, {})


def test_nothing_is_hidden_from_those_who_may_see_it(borough: duckdb.DuckDBPyConnection) -> None:
    place(borough, [Group(NORTH, "special_academy", "elm", 1), Group(SOUTH, "mainstream_academy", "oak", 30)])
    children = count_children(borough, EVERYTHING, database="release_open", earlier={})
    assert children is not None
    assert children.count("ward_kind", NORTH, "special") == 1


def test_no_return_no_count(places: duckdb.DuckDBPyConnection) -> None:
    assert count_children(places, BOARD, database="release_open", earlier={}) is None
    assert count_places(places, BOARD, database="release_open", earlier={}) is None
    places.execute("update marts.dim_area set comparator_role = null")
    assert count_children(places, BOARD, database="release_open", earlier={}) is None


TWO_WARDS = [
    Group(NORTH, "mainstream_academy", "oak", 30),
    Group(NORTH, "mainstream_academy", "ash", 5),
    Group(SOUTH, "mainstream_academy", "oak", 60),
    Group(SOUTH, "special_academy", "elm", 40),
    Group(NORTH, "special_academy", "elm", 70),
]


def kept(connection: duckdb.DuckDBPyConnection, path: Path) -> Path:
    keep_counts(connection, path)
    return path


def subtracted(before: Children, after: Children) -> set[tuple[str, ...]]:
    """Cells whose two visible counts are a few apart."""
    return {
        cell
        for cell in before.counts.keys() | after.counts.keys()
        if (one := before.count(*cell)) is not None
        and (two := after.count(*cell)) is not None
        and 0 < abs(one - two) < 5
    }


def test_one_child_between_two_releases_shows_in_no_cell(borough: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    place(borough, TWO_WARDS)
    first = counted(borough)
    cells = [("ward", NORTH), ("ward", SOUTH), ("setting", "ash", "mainstream"), ("setting", "oak", "mainstream")]
    assert [first.count(*cell) for cell in cells] == [105, 100, 5, 90]
    earlier = {"first": kept(borough, tmp_path / "first.parquet")}
    borough.execute("delete from marts.fct_ehc_plan_census where child_key = '2025-1-0'")  # one of the five at Ash
    assert ("ward", NORTH) in subtracted(first, counted(borough))

    second = counted(borough, earlier)

    assert not second.is_withheld
    assert subtracted(first, second) == set()
    # The total is one less too: nobody tells it, so the rest may stay.
    assert [second.count(*cell) for cell in cells] == [None, 100, None, 90]
    assert second.count("all") is None
    assert second.count("ward_kind", NORTH, "special") == 70


def test_an_open_total_that_moves_gives_neither_home_nor_setting_of_the_child(
    borough: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    place(borough, TWO_WARDS)
    tell(borough, "ehcp_total", "Total", 205, None)
    first = counted(borough)
    earlier = {"first": kept(borough, tmp_path / "first.parquet")}
    borough.execute("delete from marts.fct_ehc_plan_census where child_key = '2025-1-0'")
    borough.execute("update release_open.kpi.kpi_value set value = 204, numerator = 204")

    second = counted(borough, earlier)

    # All live in a ward and learn within the borough: these follow from the open total.
    assert subtracted(first, second) == {("all",), ("place", WITHIN), ("lsoa", UNTOLD), ("learning", UNTOLD)}
    # The south has as many as before, but beside it the north would be known.
    assert [second.count("ward", ward) for ward in (NORTH, SOUTH)] == [None, None]
    assert [second.count("setting", one, "mainstream") for one in ("oak", "ash")] == [None, None]


def test_counts_that_did_not_change_stay_as_they_were(borough: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    place(borough, TWO_WARDS)
    first = counted(borough)
    earlier = {"first": kept(borough, tmp_path / "first.parquet")}
    assert counted(borough, earlier) == first
    earlier["second"] = kept(borough, tmp_path / "second.parquet")
    borough.execute("delete from marts.fct_ehc_plan_census where child_key = '2025-1-0'")
    third = counted(borough, earlier)
    assert third != first
    earlier["third"] = kept(borough, tmp_path / "third.parquet")
    # What was hidden to hide the change stays hidden, though an earlier release had told it.
    assert counted(borough, earlier) == third


def test_what_was_hidden_before_cannot_be_worked_out_from_what_is_left(
    borough: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Three at Oak were hidden by the seven at Ash: when the three leave, the seven and the total of then would tell them."""
    place(
        borough,
        [
            Group(NORTH, "mainstream_academy", "oak", 3),
            Group(NORTH, "mainstream_academy", "ash", 7),
            Group(SOUTH, "special_academy", "elm", 40),
        ],
    )
    first = counted(borough)
    assert (first.count("kind", "mainstream"), first.count("setting", "ash", "mainstream")) == (10, None)
    earlier = {"first": kept(borough, tmp_path / "first.parquet")}
    borough.execute("delete from marts.fct_ehc_plan_census where setting_key = 'oak'")
    assert counted(borough).count("setting", "ash", "mainstream") == 7

    second = counted(borough, earlier)

    assert second.is_withheld or second.count("setting", "ash", "mainstream") is None
    assert second.is_withheld or second.count("kind", "mainstream") is None


def test_another_census_day_is_no_earlier_count_of_this_one(borough: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    place(borough, TWO_WARDS, year=2024)
    counted(borough)
    earlier = {"first": kept(borough, tmp_path / "first.parquet")}
    place(borough, [TWO_WARDS[0]._replace(children=31), *TWO_WARDS[1:]])
    assert counted(borough, earlier) == counted(borough)


def provide(
    connection: duckdb.DuckDBPyConnection, *rows: tuple[object, ...], day: str = "2025-06-30", current: bool = True
) -> None:
    """Tell places: `(kind, id, commissioned, occupied)`."""
    for kind, number, commissioned, occupied in rows:
        connection.execute(
            "insert into marts.fct_capital_place values ('372', ?, ?, 'Provision ' || ?, ?, 'PRIMARY', ?, ?, ?, ?)",
            [day, number, number, kind, commissioned, occupied, commissioned, current],
        )


def test_few_places_taken_are_hidden_and_so_is_what_tells_them(places: duckdb.DuckDBPyConnection) -> None:
    provide(places, ("RP", "1", 90, 90), day="2025-03-31")
    provide(places, ("RP", "1", 10, 99), current=False)
    provide(
        places,
        ("RP", "1", 10, 9), ("RP", "2", 8, 3), ("RP", "3", 20, 20), ("SPECIAL", "4", 100, 98), ("SPECIAL", "5", 50, None),
    )  # fmt: skip

    told = count_places(places, BOARD, database="release_open", earlier={})

    assert told is not None
    day, rows = told
    assert day == date(2025, 6, 30)
    assert [(one.kind, one.name, one.commissioned, one.occupied, one.is_suppressed) for one in rows] == [
        ("RP", "", 38.0, 32, False),
        ("RP", "Provision 1", 10.0, None, True),
        ("RP", "Provision 2", 8.0, None, True),
        ("RP", "Provision 3", 20.0, 20, False),
        ("SPECIAL", "", 150.0, 98, False),
        ("SPECIAL", "Provision 4", 100.0, 98, False),
        ("SPECIAL", "Provision 5", 50.0, None, False),
    ]


def test_places_that_the_open_tables_withhold_are_withheld(places: duckdb.DuckDBPyConnection) -> None:
    provide(places, ("RP", "1", 10, 9), ("RP", "2", 20, 20))
    places.execute(
        "insert into release_open.kpi.kpi_value (kpi_id, value_basis, period_end, area_role, breakdown_topic, symbol)"
        " values ('rp_occupancy_pct', 'local', '2025-06-30', 'own_authority', 'Total', 'c')"
    )
    told = count_places(places, BOARD, database="release_open", earlier={})
    assert told is not None
    assert (told[1][0].is_total, told[1][0].occupied, told[1][0].is_suppressed) == (True, None, True)
    assert None in [one.occupied for one in told[1][1:]]


def test_one_place_less_taken_is_not_told(places: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    provide(places, ("RP", "1", 10, 9), ("RP", "2", 80, 70), ("RP", "3", 20, 20))
    first = count_places(places, BOARD, database="release_open", earlier={})
    assert first is not None
    assert [one.occupied for one in first[1]] == [99, 9, 70, 20]
    earlier = {"first": kept(places, tmp_path / "first.parquet")}
    assert count_places(places, BOARD, database="release_open", earlier=earlier) == first
    places.execute("update marts.fct_capital_place set places_occupied = 69 where provision_id = '2'")

    second = count_places(places, BOARD, database="release_open", earlier=earlier)

    assert second is not None
    total, *provisions = [one.occupied for one in second[1]]
    assert total is None
    assert provisions == [9, None, 20] or provisions.count(None) > 1


def test_of_a_kind_of_which_the_attack_works_out_a_count_nothing_is_shown(
    places: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provide(places, ("RP", "1", 10, 9), ("RP", "2", 80, 70), ("SPECIAL", "3", 100, 98))
    monkeypatch.setattr(remembered_places, "_worked_out", lambda *_, **__: {"RP|1"})

    told = count_places(places, BOARD, database="release_open", earlier={})

    assert told is not None
    assert [(one.kind, one.occupied) for one in told[1]] == [
        ("RP", None), ("RP", None), ("RP", None), ("SPECIAL", 98), ("SPECIAL", 98),
    ]  # fmt: skip
    kept(places, tmp_path / "counts.parquet")
    assert places.execute(
        f"select count(*) from '{tmp_path / 'counts.parquet'}' where is_suppressed"
    ).fetchall() == [(3,)]  # fmt: skip


def test_a_place_that_nobody_takes_may_be_hidden_with_its_kind_and_the_next_release_follows(
    places: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provide(places, ("RP", "1", 10, 0), ("RP", "2", 80, 70), ("SPECIAL", "3", 100, 98))
    with monkeypatch.context() as patched:
        patched.setattr(remembered_places, "_worked_out", lambda *_, **__: {"RP|2"})
        first = count_places(places, BOARD, database="release_open", earlier={})
    assert first is not None and [one.occupied for one in first[1]] == [None, None, None, 98, 98]
    earlier = {"first": kept(places, tmp_path / "first.parquet")}

    second = count_places(places, BOARD, database="release_open", earlier=earlier)

    assert second is not None
    assert [one.occupied for one in second[1] if one.kind == "SPECIAL"] == [98, 98]
    assert [one.occupied for one in second[1] if one.name == "Provision 2"] == [None]


def test_a_count_of_then_and_one_of_now_do_not_give_the_few_that_were_hidden(
    places: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """3 and 7 were hidden of 40. The 7 are there still: shown when the 3 have become 20, they would leave the 3 of then."""
    provide(places, ("RP", "1", 10, 3), ("RP", "2", 10, 7), ("RP", "3", 40, 30))
    first = count_places(places, BOARD, database="release_open", earlier={})
    assert first is not None and [one.occupied for one in first[1]] == [40, None, None, 30]
    earlier = {"first": kept(places, tmp_path / "first.parquet")}
    places.execute("update marts.fct_capital_place set places_occupied = 20 where provision_id = '1'")
    alone = count_places(places, BOARD, database="release_open", earlier={})
    assert alone is not None and [one.occupied for one in alone[1]] == [57, 20, 7, 30]
    second = count_places(places, BOARD, database="release_open", earlier=earlier)
    assert second is not None
    total, one, two, _ = [one.occupied for one in second[1]]
    assert two is None and (total is None or one is None)


def test_capacity_is_the_registers_and_says_what_it_lacks(borough: duckdb.DuckDBPyConnection) -> None:
    assert count_capacity(borough) == [
        Capacity("Mainstream school, primary", 1, 200, 0, 150, 0),
        Capacity("Mainstream school, secondary", 1, 900, 0, None, 1),
        Capacity("Resourced provision in a mainstream school", 1, 12, 0, None, 1),
        Capacity("State special school", 1, 100, 0, 101, 0),
    ]
