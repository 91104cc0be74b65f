"""What `open/` may show of the authority's own figures: the tables, the files, and what analysts keep."""

import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from python_calamine import CalamineWorkbook

from orchestration.errors import CornerstoneError
from orchestration.privacy.disclosure import load_policy
from orchestration.release.build import publish
from orchestration.release.folders import set_modes
from orchestration.release.inventory import read_disclosure
from orchestration.release.manifest import read_manifest
from orchestration.release.open_schema import OPEN_TABLES, build_open_schema
from orchestration.settings import PROJECT_DIR, Settings

DECLARED = load_policy()
# The tables of these tests are small: but for the tests of merging, none is merged or withheld for showing too little.
POLICY = DECLARED.model_copy(
    update={
        "open_release": DECLARED.open_release.model_copy(
            update={"collapse": DECLARED.open_release.collapse.model_copy(update={"more_than_one_in": 1})}
        )
    }
)
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

# (cell, series, measure, topic, item, count, published by DfE)
CELLS = [
    ("requests", "requests", "requests_received_in_year", "Total", "Total", 1203, False),
    ("requests girls", "requests", "requests_received_in_year", "Sex", "Female", 402, False),
    ("requests boys", "requests", "requests_received_in_year", "Sex", "Male", 798, False),
    ("requests unknown", "requests", "requests_received_in_year", "Sex", "Unknown", 3, False),
    ("refused", "requests", "requests_decided_not_to_assess", "Total", "Total", 301, True),
    ("plans", "timeliness_20_week", "plans_issued_den", "Total", "Total", 655, False),
    ("plans without exceptions", "timeliness_20_week", "plans_issued_den_ex", "Total", "Total", 651, False),
    ("in time", "timeliness_20_week", "plans_issued_within_20_weeks", "Total", "Total", 500, False),
    ("in time without exceptions", "timeliness_20_week", "plans_issued_20_weeks_ex", "Total", "Total", 500, False),
    ("over a year", "timeliness_20_week", "plans_issued_gt_1_year", "Total", "Total", 4, True),
    ("few", "annual_reviews", "review_expected", "Total", "Total", 9, False),
    ("few held", "annual_reviews", "total_review_meeting", "Total", "Total", 0, False),
    ("ceased", "ceased_plans", "total_ceased", "Total", "Total", 90, False),
    ("needs met", "ceased_plans", "needs_met", "Total", "Total", 2, False),
    ("moved", "ceased_plans", "moved_outside_eng", "Total", "Total", 0, False),
    ("max age", "ceased_plans", "max_age", "Total", "Total", 81, False),
    ("transfer", "ceased_plans", "transfer", "Total", "Total", 7, False),
    ("mainstream", "caseload", "mainstream_total", "Total", "Total", 1450, False),
    ("independent", "caseload", "special_independent", "Total", "Total", 77, False),
    ("non-maintained", "caseload", "special_non_maintained", "Total", "Total", 1, False),
    ("all plans", "caseload", "ehcplans", "Total", "Total", 3001, False),
    ("all plans a year before", "caseload", "ehcplans", "Total", "Total", 2905, False),
    ("autism", "sen_needs_all_plans", "number_asd", "Total", "Total", 66, False),
    ("autism a year before", "sen_needs_all_plans", "number_asd", "Total", "Total", 4, False),
]
# (value, unit, weight by cell of the numerator, and of the denominator)
VALUES: list[tuple[str, str, dict[str, int], dict[str, int]]] = [
    ("requests", "count", {"requests": 1}, {}),
    ("requests girls", "count", {"requests girls": 1}, {}),
    ("requests boys", "count", {"requests boys": 1}, {}),
    ("requests unknown", "count", {"requests unknown": 1}, {}),
    ("refused share", "percent", {"refused": 1}, {"requests": 1}),
    ("in time share", "percent", {"in time": 1}, {"plans": 1}),
    ("in time share without exceptions", "percent", {"in time without exceptions": 1}, {"plans without exceptions": 1}),
    ("over a year", "count", {"over a year": 1}, {}),
    ("over a year share", "percent", {"over a year": 1}, {"plans": 1}),
    ("few share", "percent", {"few held": 1}, {"few": 1}),
    ("ceased", "count", {"ceased": 1}, {}),
    ("needs met", "count", {"needs met": 1}, {}),
    ("moved", "count", {"moved": 1}, {}),
    ("max age", "count", {"max age": 1}, {}),
    ("transfer", "count", {"transfer": 1}, {}),
    ("mainstream share", "percent", {"mainstream": 1}, {"all plans": 1}),
    ("independent and non-maintained share", "percent", {"independent": 1, "non-maintained": 1}, {"all plans": 1}),
    ("independent share", "percent", {"independent": 1}, {"all plans": 1}),
    ("growth", "percent", {"all plans": 1, "all plans a year before": -1}, {"all plans a year before": 1}),
    ("autism growth", "percent", {"autism": 1, "autism a year before": -1}, {"autism a year before": 1}),
]
ADDITIVE = [
    ("timeliness", "timeliness_20_week", "plans_issued_den", "timeliness_20_week", "plans_issued_den_ex"),
    *(
        ("reason", "ceased_plans", "total_ceased", "ceased_plans", part)
        for part in ("needs_met", "moved_outside_eng", "max_age", "transfer")
    ),
]


def add_local_values(connection: duckdb.DuckDBPyConnection) -> None:
    """Local KPI values over the published ones, with the counts behind them, and a comparison for each."""
    connection.executemany(
        """
        insert into intermediate.int_kpi__local_cell
        select $1, '372', $2, $3, 'Calendar year', case when $1 like '% before' then '2023' else '2024' end, $4, $5, $6, $6,
            case when $7 then $6 end, $7, null
        """,
        CELLS,
    )
    counts = {cell: count for cell, *_, count, _ in CELLS}
    for value, unit, numerator_cells, denominator_cells in VALUES:
        numerator = sum(counts[cell] * weight for cell, weight in numerator_cells.items())
        denominator = sum(counts[cell] * weight for cell, weight in denominator_cells.items()) or None
        connection.execute(
            """
            insert into kpi.kpi_value by name
            select
                $1 as kpi_value_key,
                case $2 when 'count' then 'ehc_requests' else 'plans_20_weeks_pct' end as kpi_id,
                'local_authority' as area_level,
                'own_authority' as area_role,
                'E08000018' as area_code,
                'Rotherham' as area_name,
                '372' as la_code,
                'Calendar year' as time_identifier,
                '2024' as time_period,
                date '2024-12-31' as period_end,
                'Item' as breakdown_topic,
                if($1 = 'requests', 'received', $1) as breakdown,  -- open data: no item in a KPI's name
                $3 as numerator,
                $4 as denominator,
                case $2 when 'count' then $3 else 100.0 * $3 / $4 end as value,
                $2 as unit,
                'reported' as value_status,
                'local' as value_basis,
                'Most are linked.' as coverage_note
            """,
            [value, unit, numerator, denominator],
        )
        for part, cells in (("numerator", numerator_cells), ("denominator", denominator_cells)):
            for cell, weight in cells.items():
                connection.execute(
                    "insert into intermediate.int_kpi__local_component values (?, ?, ?, ?)", [value, part, weight, cell]
                )
    connection.execute(
        """
        insert into kpi.kpi_comparison by name
        select
            kpi_value_key || ' and England' as kpi_comparison_key,
            kpi_value_key,
            'england' as comparator_type,
            value,
            symbol,
            '3' as comparator_value_key,
            17 as comparator_value,
            value - 17 as difference,
            1 as neighbour_rank,
            4 as neighbour_count,
            1 as neighbour_quartile
        from kpi.kpi_value
        where value_basis = 'local'
        """
    )
    connection.executemany("insert into seed.additive_measure values (?, ?, ?, ?, ?)", ADDITIVE)


HIDDEN = {
    # 3 of unknown sex; the girls are the smallest other part.
    "requests unknown": "count",
    "requests girls": "count",
    # 655 less 651: 4 plans with exceptions; the plans without exceptions would give them away.
    "in time share without exceptions": "count",
    # 0 of 9 reviews.
    "few share": "small_base",
    # 2 whose needs were met; 7 transferred would be all that hides them.
    "needs met": "count",
    "transfer": "count",
    # 78 = 77 + 1 non-maintained, which nobody shows by itself: 77 gives it away beside 78.
    "independent share": "count",
    # 66 compared with 4.
    "autism growth": "count",
}


@pytest.fixture
def local(warehouse: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    add_local_values(warehouse)
    build_open_schema(warehouse, POLICY)
    return warehouse


def test_local_values_are_suppressed_with_all_that_gives_them_away(local: duckdb.DuckDBPyConnection) -> None:
    assert dict(local.execute("from disclosure.suppressed_value").fetchall()) == HIDDEN
    rows = local.execute(
        "select kpi_value_key, numerator, denominator, value, value_label, value_status, symbol, coverage_note"
        " from kpi_open.kpi_value where value_basis = 'local'"
    ).fetchall()
    assert {row[0] for row in rows} == {value for value, *_ in VALUES}
    for key, *shown in rows:
        if key in HIDDEN:
            assert shown == [None, None, None, None, "confidential", "c", None]
        else:
            assert shown[2] is not None and shown[4:] == ["reported", None, "Most are linked."]


def test_a_comparison_shows_no_number_of_a_suppressed_value(local: duckdb.DuckDBPyConnection) -> None:
    rows = local.execute(
        "select kpi_value_key, value, symbol, comparator_value, difference, neighbour_rank, neighbour_quartile"
        " from kpi_open.kpi_comparison"
    ).fetchall()
    assert len(rows) == len(VALUES)
    for key, value, symbol, comparator, *derived in rows:
        assert comparator == 17
        if key in HIDDEN:
            assert (value, symbol, derived) == (None, "c", [None, None, None])
        else:
            assert value is not None and symbol is None and derived[1:] == [1, 1]


def test_a_change_from_another_value_shows_nothing_of_either_that_is_suppressed(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    add_local_values(warehouse)
    warehouse.execute(
        """
        insert into kpi.kpi_comparison by name
        select
            own.kpi_value_key || ' since ' || before.kpi_value_key as kpi_comparison_key,
            own.kpi_value_key,
            'previous_period' as comparator_type,
            own.value,
            before.kpi_value_key as comparator_value_key,
            before.value as comparator_value,
            own.value - before.value as difference,
            'worsening' as direction
        from kpi.kpi_value as own
        inner join kpi.kpi_value as before
            on (own.kpi_value_key, before.kpi_value_key)
            in (('ceased', 'needs met'), ('needs met', 'ceased'), ('needs met', 'transfer'), ('ceased', 'moved'))
        where own.value_basis = 'local'
        union all by name
        select
            kpi_value_key || ' and the target' as kpi_comparison_key,
            kpi_value_key,
            'target' as comparator_type,
            value,
            100 as comparator_value,
            value - 100 as difference,
            'missed' as rating
        from kpi.kpi_value
        where kpi_value_key in ('ceased', 'needs met')
        union all by name
        select
            kpi_value_key || ' as published' as kpi_comparison_key,
            kpi_value_key,
            'published_same_cell' as comparator_type,
            value,
            '1' as comparator_value_key,
            value as comparator_value,
            0 as difference,
            'same' as difference_outcome,
            'A reason.' as difference_reason
        from kpi.kpi_value
        where kpi_value_key in ('ceased', 'needs met')
        """
    )
    build_open_schema(warehouse, POLICY)
    rows = warehouse.execute(
        "select kpi_comparison_key, value, symbol, comparator_value, comparator_symbol, difference,"
        " coalesce(direction, rating, difference_outcome), difference_reason"
        " from kpi_open.kpi_comparison where comparator_type <> 'england' order by all"
    ).fetchall()
    ceased, moved = (next(count for cell, *_, count, _ in CELLS if cell == name) for name in ("ceased", "moved"))
    assert rows == [
        ("ceased and the target", ceased, None, 100, None, ceased - 100, "missed", None),
        ("ceased as published", ceased, None, ceased, None, 0, "same", "A reason."),
        ("ceased since moved", ceased, None, moved, None, ceased - moved, "worsening", None),
        ("ceased since needs met", ceased, None, None, "c", None, None, None),
        ("needs met and the target", None, "c", 100, None, None, None, None),
        ("needs met as published", None, "c", 2, None, None, None, None),
        ("needs met since ceased", None, "c", ceased, None, None, None, None),
        ("needs met since transfer", None, "c", None, "c", None, None, None),
    ]


def test_published_values_are_untouched_and_the_internal_tables_keep_everything(
    local: duckdb.DuckDBPyConnection,
) -> None:
    published = "from {}.kpi_value where value_basis = 'published'"
    assert local.execute(f"{published.format('kpi')} except all {published.format('kpi_open')}").fetchall() == []
    assert local.execute(published.format("kpi_open")).fetchall() != []
    assert local.execute(
        "select count(*) from kpi.kpi_value where value is null and value_basis = 'local'"
    ).fetchone() == (0,)


def test_views_and_descriptions_stand_in_the_open_schema_too(local: duckdb.DuckDBPyConnection) -> None:
    shown = local.execute("select value from kpi_open.kpi_ehcp_process where kpi_value_key = 'needs met'").fetchall()
    assert shown == [(None,)]
    comments = (
        "select table_name, column_name, comment from duckdb_columns() where schema_name = ? and comment is not null"
    )
    assert local.execute(comments, ["kpi_open"]).fetchall() == local.execute(comments, ["kpi"]).fetchall() != []


def test_the_record_counts_what_was_suppressed(local: duckdb.DuckDBPyConnection) -> None:
    record = read_disclosure(local)
    kinds = dict(
        local.execute("select kind, list(cell_key order by cell_key) from disclosure.cell group by kind").fetchall()
    )
    assert kinds["primary"] == ["autism a year before", "needs met", "requests unknown"]
    assert kinds["secondary"] == ["independent", "plans without exceptions", "requests girls", "transfer"]
    assert (record.primary_cells, record.secondary_cells, record.suppressed_values) == (3, 4, len(HIDDEN))
    assert (record.policy_id, record.policy_version, record.audience) == (
        "cornerstone-disclosure-control",
        "1.4",
        "public",
    )
    assert (record.threshold, record.rounding_base, record.min_denominator) == (5, 1, 10)


def test_a_local_value_without_the_counts_behind_it_is_not_shown(local: duckdb.DuckDBPyConnection) -> None:
    local.execute("delete from intermediate.int_kpi__local_component where kpi_value_key = 'max age'")
    local.execute("delete from intermediate.int_kpi__local_cell where cell_key = 'mainstream'")
    local.execute("update kpi.kpi_value set area_level = 'ward' where kpi_value_key = 'requests boys'")
    build_open_schema(local, POLICY)
    reasons = dict(local.execute("from disclosure.suppressed_value").fetchall())
    assert {reasons[key] for key in ("max age", "mainstream share", "requests boys")} == {"not_assessed"}


# (value, unit, breakdown, value, part and measure of the count behind it, that count); without a count nothing stands behind it
MONEY = [
    ("balance", "gbp", "Total", -1_000_000, ("numerator", "nobody", 0)),
    ("therapies", "gbp", "1.2.13 Therapies", 300_000, ("numerator", "nobody", 0)),
    ("unit cost of 10", "gbp", "Special schools", 24_000, ("denominator", "average_places", 10)),
    ("unit cost of 9", "gbp", "Alternative provision", 31_000, ("denominator", "average_places", 9)),
    ("unit cost of 4", "gbp", "Independent", 67_500, ("denominator", "average_places", 4)),
    ("unit cost of less than one", "gbp", "Other", 90_000, ("denominator", "average_places", 0)),
    ("cost of a plan", "gbp", "Total", 13_000, ("denominator", "average_plans", 3600)),
    ("occupancy of 91", "percent", "Total", 91, ("numerator", "occupied", 91)),
    ("occupancy of 3", "percent", "Total", 75, ("numerator", "occupied in the small unit", 3)),
    ("plans against forecast", "percent", "Total", 1.55, ("numerator", "plans", 4062)),
    ("plans of a need against forecast", "percent", "MSI", -25, None),
]


def test_money_of_the_authority_is_shown_by_line_and_a_unit_cost_from_ten_places(
    local: duckdb.DuckDBPyConnection,
) -> None:
    for key, unit, breakdown, value, behind in MONEY:
        local.execute(
            "insert into kpi.kpi_value by name select ? as kpi_value_key, 'local_authority' as area_level,"
            " '372' as la_code, 'Financial year' as time_identifier, '202425' as time_period, 'Item' as breakdown_topic,"
            " ? as breakdown, ? as value, ? as unit, 'adverse' as value_label, 'reported' as value_status,"
            " 'local' as value_basis",
            [key, breakdown, value, unit],
        )
        local.execute(
            "update kpi.kpi_value set breakdown_topic = 'Section 251 line' where unit = 'gbp' and kpi_value_key = ?",
            [key],
        )
        if behind:
            part, measure, count = behind
            # Money stands on nobody, in one cell for all of it.
            cell = measure if measure == "nobody" else key
            local.execute("insert into intermediate.int_kpi__local_component values (?, ?, 1, ?)", [key, part, cell])
            local.execute("delete from intermediate.int_kpi__local_cell where cell_key = ?", [cell])
            local.execute(
                "insert into intermediate.int_kpi__local_cell select $1, '372', 'safety_valve', $2, 'Financial year',"
                " '202425', $3, $4, $5, $5, null, false, null",
                [cell, measure, "Total" if measure == "nobody" else "Item", breakdown, count],
            )
    build_open_schema(local, POLICY)
    reasons = dict(local.execute("from disclosure.suppressed_value").fetchall())
    assert {key: reasons[key] for key, *_ in MONEY if key in reasons} == {
        "unit cost of 9": "small_base",
        "unit cost of 4": "count",
        "unit cost of less than one": "small_base",
        "occupancy of 3": "count",
        "plans of a need against forecast": "not_assessed",
    }
    shown = local.execute("select kpi_value_key, value, value_label, symbol from kpi_open.kpi_value").fetchall()
    for key, value, label, symbol in shown:
        if key in reasons:
            assert (value, label, symbol) == (None, None, "c")
    assert {key: float(value) for key, value, *_ in shown if key in ("balance", "unit cost of 10")} == {
        "balance": -1_000_000,
        "unit cost of 10": 24_000,
    }


def test_money_by_what_the_policy_does_not_name_has_no_row(local: duckdb.DuckDBPyConnection) -> None:
    add = (
        "insert into kpi.kpi_value by name select $1 as kpi_value_key, 'local_authority' as area_level, $2 as"
        " breakdown_topic, $1 as breakdown, 50000 as value, 'gbp' as unit, 'reported' as value_status, 'local' as value_basis"
    )
    for key, topic in (("therapies", "Section 251 line"), ("one provider", "Item")):
        local.execute(add, [key, topic])
        local.execute("insert into intermediate.int_kpi__local_component values (?, 'numerator', 1, 'nobody')", [key])
    local.execute(
        "insert into intermediate.int_kpi__local_cell by name"
        " select 'nobody' as cell_key, 'nobody' as measure_code, 0 as cell_count, 0 as people_count"
    )
    build_open_schema(local, POLICY)
    shown = local.execute("select kpi_value_key, value from kpi_open.kpi_value where unit = 'gbp'").fetchall()
    assert [(key, int(value)) for key, value in shown] == [("therapies", 50_000)]
    assert local.execute("from disclosure.withheld_value").fetchall() == [("one provider", "money")]


def test_a_marker_stays_what_it_is(local: duckdb.DuckDBPyConnection) -> None:
    local.execute(
        "insert into kpi.kpi_value by name select 'absent' as kpi_value_key, 'x' as symbol, 'local' as value_basis,"
        " 'Item' as breakdown_topic, 'not_available' as value_status"
    )
    build_open_schema(local, POLICY)
    marker = local.execute("select symbol, value_status from kpi_open.kpi_value where kpi_value_key = 'absent'")
    assert marker.fetchall() == [("x", "not_available")]


def add_census_value(
    connection: duckdb.DuckDBPyConnection,
    cell: str,
    measure: str,
    term: str,
    topic: str,
    item: str,
    counts: tuple[int, int],
    *,
    unit: str = "percent",
    base: str | None = None,
) -> None:
    """A local value of one cell (count, people), and the cell."""
    connection.execute(
        "insert into intermediate.int_kpi__local_cell"
        " select $1, '372', 'census', $2, $3, '202425', $4, $5, $6, $7, null, false, null",
        [cell, measure, term, topic, item, *counts],
    )
    connection.execute(
        "insert into kpi.kpi_value by name select $1 as kpi_value_key, 'ehc_requests' as kpi_id, 'local_authority' as"
        " area_level, 'E08000018' as area_code, 'Rotherham' as area_name, $2 as time_identifier, '202425' as time_period,"
        " $3 as breakdown_topic, $4 as breakdown, $5 as numerator, 7 as value, $6 as unit, 'reported' as value_status,"
        " 'local' as value_basis",
        [cell, term, topic, item, counts[0], unit],
    )
    connection.execute("insert into intermediate.int_kpi__local_component values (?, 'numerator', 1, ?)", [cell, cell])
    if base:
        connection.execute(
            "insert into intermediate.int_kpi__local_component values (?, 'denominator', 1, ?)", [cell, base]
        )


def hidden_now(connection: duckdb.DuckDBPyConnection) -> set[str]:
    build_open_schema(connection, POLICY)
    return {key for (key,) in connection.execute("select kpi_value_key from disclosure.suppressed_value").fetchall()}


def test_a_term_cannot_be_worked_out_from_the_year_nor_sessions_of_few_from_a_total(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    for term, missed in (
        ("Academic year", (900, 40)),
        ("Autumn and spring term", (600, 38)),
        ("Autumn term", (310, 36)),
        ("Spring term", (290, 38)),
        ("Summer term", (300, 3)),
    ):
        add_census_value(warehouse, term, "sessions_missed", term, "Total", "Total", missed)
    warehouse.execute(
        "insert into seed.additive_measure values ('terms', 'census', 'sessions_missed', 'census', 'sessions_missed')"
    )
    # 300 sessions of 3 children in summer: the year less either of the sums before it would give them.
    hidden = hidden_now(warehouse)
    assert "Summer term" in hidden
    shown = {"Academic year", "Autumn and spring term", "Autumn term", "Spring term"} - hidden
    assert "Academic year" not in shown or "Autumn and spring term" not in shown
    assert "Academic year" not in shown or not {"Autumn term", "Spring term"} <= shown
    warehouse.execute("delete from seed.additive_measure where line_code = 'terms'")
    assert hidden_now(warehouse) == {"Summer term"}


def test_a_ratio_is_no_share_of_its_base(warehouse: duckdb.DuckDBPyConnection) -> None:
    add_census_value(warehouse, "pupils", "pupils", "Spring term", "School phase", "Special", (60, 60))
    add_census_value(
        warehouse,
        "rate",
        "suspensions",
        "Spring term",
        "School phase",
        "Special",
        (58, 20),
        unit="ratio",
        base="pupils",
    )
    assert hidden_now(warehouse) == set()
    warehouse.execute("update kpi.kpi_value set unit = 'percent' where kpi_value_key = 'rate'")
    assert hidden_now(warehouse) == {"rate"}


# (children of the item, those in time)
LEFT_OVER = {
    # 2 + 1 of the first two were late: 3 in all, though their shares are hidden.
    "few left over by two hidden items": (
        {"a": (40, 38), "b": (60, 59), "c": (60, 50), "d": (80, 60)},
        {"a", "b", "c"},
    ),
    "enough left over by two hidden items": ({"a": (40, 38), "b": (60, 57), "c": (60, 50), "d": (80, 60)}, {"a", "b"}),
    # One alone would be the late of all less those of the others.
    "one hidden item": ({"a": (40, 38), "b": (60, 50), "c": (60, 40)}, {"a", "c"}),
    "nobody left over": ({"a": (40, 40), "b": (60, 50), "c": (60, 40)}, set()),
}


@pytest.mark.parametrize(("items", "hidden"), LEFT_OVER.values(), ids=LEFT_OVER.keys())
def test_what_shares_of_items_leave_over_cannot_be_subtracted_from_what_the_total_leaves(
    warehouse: duckdb.DuckDBPyConnection, items: dict[str, tuple[int, int]], hidden: set[str]
) -> None:
    total = tuple(map(sum, zip(*items.values(), strict=True)))
    for key, (children, in_time) in {"all": total, **items}.items():
        topic, item = ("Total", "Total") if key == "all" else ("Item", key)
        add_census_value(
            warehouse, f"children {key}", "children", "Spring term", topic, item, (children,) * 2, unit="count"
        )
        add_census_value(warehouse, key, "in_time", "Spring term", topic, item, (in_time,) * 2, base=f"children {key}")
    assert hidden_now(warehouse) == hidden
    assert warehouse.execute("from disclosure.unprotected_line").fetchall() == []


def test_what_shares_leave_over_adds_up_over_the_terms_of_a_year(warehouse: duckdb.DuckDBPyConnection) -> None:
    terms = {"Academic year": (300, 273), "Autumn term": (100, 98), "Spring term": (100, 99), "Summer term": (100, 76)}
    for term, (possible, missed) in terms.items():
        add_census_value(warehouse, f"of {term}", "possible", term, "Total", "Total", (possible,) * 2, unit="count")
        add_census_value(warehouse, term, "missed", term, "Total", "Total", (missed,) * 2, base=f"of {term}")
    warehouse.execute(
        "insert into seed.additive_measure values ('terms', 'census', 'possible', 'census', 'possible'),"
        " ('terms', 'census', 'missed', 'census', 'missed')"
    )
    # 27 - 24 = 3 = 2 + 1 sessions of the first two terms.
    hidden = hidden_now(warehouse)
    assert hidden > {"Autumn term", "Spring term"} and hidden & {"Summer term", "Academic year"}


def test_those_of_a_longer_period_who_are_not_in_its_last_term_are_a_count_too(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    for term, children in (
        ("Academic year", 50),
        ("Autumn and spring term", 45),
        ("Spring term", 40),
        ("Summer term", 47),
    ):
        add_census_value(warehouse, term, "enrolments", term, "Total", "Total", (children, children), unit="count")
    assert hidden_now(warehouse) == set()
    declared = "insert into seed.additive_measure values (?, 'census', 'enrolments', 'census', 'enrolments')"
    warehouse.execute(declared, ["counted_anew"])
    assert hidden_now(warehouse) == set()
    # 50 of the year less 47 of summer: 3 had left before; 45 less 40: 5 left before spring.
    warehouse.execute(declared, ["last_term"])
    assert hidden_now(warehouse) == {"Summer term"}


def add_sums(connection: duckdb.DuckDBPyConnection, weight: int, counts: dict[str, tuple[int, int]]) -> None:
    """Values of two counts added up (weight 1) or apart (-1), by item and in total."""
    for key, pair in counts.items():
        topic, item = ("Total", "Total") if key == "all" else ("Item", key)
        for measure, count in zip(("one", "other"), pair, strict=True):
            connection.execute(
                "insert into intermediate.int_kpi__local_cell select $1, '372', 'census', $2, 'Spring term', '202425', $3,"
                " $4, $5, $5, null, false, null",
                [f"{measure} {key}", measure, topic, item, count],
            )
        connection.execute(
            "insert into kpi.kpi_value by name select $1 as kpi_value_key, 'ehc_requests' as kpi_id, 'local_authority' as"
            " area_level, 'E08000018' as area_code, 'Rotherham' as area_name, 'Spring term' as time_identifier, '202425' as"
            " time_period, $2 as breakdown_topic, $3 as breakdown, $4 as numerator, 7 as value, 'count' as unit,"
            " 'reported' as value_status, 'local' as value_basis",
            [key, topic, item, pair[0] + weight * pair[1]],
        )
        connection.execute(
            "insert into intermediate.int_kpi__local_component values ($1, 'numerator', 1, $2), ($1, 'numerator', $4, $3)",
            [key, f"one {key}", f"other {key}", weight],
        )


def test_a_small_sum_of_two_counts_does_not_follow_from_the_sums_of_other_items(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # Nobody shows the counts themselves; 33 less 20 less 10 would be the sum of 1 and 2.
    add_sums(warehouse, 1, {"all": (18, 15), "a": (12, 8), "b": (5, 5), "c": (1, 2)})
    assert hidden_now(warehouse) == {"b", "c"}


def test_a_small_difference_does_not_follow_from_the_differences_of_other_items(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # The differences 9, -12 and -3 add up to -6.
    add_sums(warehouse, -1, {"all": (140, 146), "a": (59, 50), "b": (41, 53), "c": (40, 43)})
    hidden = hidden_now(warehouse)
    assert "c" in hidden and hidden & {"a", "b", "all"}


def test_a_change_between_two_suppressed_counts_is_not_shown(warehouse: duckdb.DuckDBPyConnection) -> None:
    add_sums(warehouse, -1, {"all": (4, 1)})
    warehouse.execute("update intermediate.int_kpi__local_cell set time_period = '202324' where cell_key = 'other all'")
    assert hidden_now(warehouse) == {"all"}
    # A change of 3 between two counts that are shown is what every reader subtracts.
    warehouse.execute("update intermediate.int_kpi__local_cell set cell_count = cell_count + 40, people_count = 44")
    assert hidden_now(warehouse) == set()


def test_a_difference_the_other_way_round_is_protected_too(warehouse: duckdb.DuckDBPyConnection) -> None:
    for side, count in (("census", 20), ("sen2", 23)):
        add_census_value(
            warehouse, side, f"{side}_plans", "Spring term", "Total", "Total", (count, count), unit="count"
        )
    add_census_value(warehouse, "difference", "none", "Spring term", "Total", "Total", (0, 0), unit="count")
    warehouse.execute("delete from intermediate.int_kpi__local_component where kpi_value_key = 'difference'")
    warehouse.execute(
        "insert into intermediate.int_kpi__local_component values"
        " ('difference', 'numerator', 1, 'census'), ('difference', 'numerator', -1, 'sen2')"
    )
    hidden = hidden_now(warehouse)
    assert "difference" in hidden and hidden & {"census", "sen2"}
    warehouse.execute(
        "update intermediate.int_kpi__local_cell set cell_count = 40, people_count = 40 where cell_key = 'sen2'"
    )
    assert hidden_now(warehouse) == set()


def test_agreement_below_chance_is_shown_and_of_few_plans_it_is_not(warehouse: duckdb.DuckDBPyConnection) -> None:
    add_census_value(warehouse, "most", "most", "Spring term", "Total", "Total", (98, 12), unit="ratio")
    warehouse.execute("delete from kpi.kpi_value where kpi_value_key = 'most'")
    warehouse.execute("delete from intermediate.int_kpi__local_component where kpi_value_key = 'most'")
    for key, cell in (("kappa", (60, 5)), ("chance", (78, 5))):
        add_census_value(warehouse, key, key, "Spring term", "Total", "Total", cell, unit="ratio", base="most")
    warehouse.execute("delete from kpi.kpi_value where kpi_value_key = 'chance'")
    warehouse.execute("delete from intermediate.int_kpi__local_component where kpi_value_key = 'chance'")
    warehouse.execute("insert into intermediate.int_kpi__local_component values ('kappa', 'numerator', -1, 'chance')")
    assert hidden_now(warehouse) == set()
    # Products of counts are large; three plans on which auditors agreed are few.
    warehouse.execute(
        "update intermediate.int_kpi__local_cell set people_count = 3 where cell_key in ('kappa', 'chance')"
    )
    assert hidden_now(warehouse) == {"kappa"}


def test_what_a_measure_leaves_of_one_that_it_is_part_of_cannot_be_subtracted(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # Of 30 who named the theme 28 put it first: 2 did not. Of another 40 of 60 did.
    for item, named, first in (("Total", 90, 68), ("Health", 30, 28), ("Transport", 60, 40)):
        topic = "Total" if item == "Total" else "Item"
        for measure, count in (("named", named), ("first", first)):
            add_census_value(
                warehouse, f"{measure} {item}", measure, "Spring term", topic, item, (count, count), unit="count"
            )
    assert hidden_now(warehouse) == set()
    warehouse.execute("insert into seed.additive_measure values ('first', 'census', 'named', 'census', 'first')")
    hidden = hidden_now(warehouse)
    assert hidden & {"named Health", "first Health"}
    # Nor from the totals less the other theme.
    assert len(hidden) > 1


def test_a_small_count_of_nobody_is_shown_and_one_of_people_is_not(warehouse: duckdb.DuckDBPyConnection) -> None:
    # Three of four actions are overdue, two of them of the inspection; and three of four plans are graded good.
    for item, all_of_it, few in (("Total", 4, 3), ("Inspection", 2, 2), ("Strategy", 2, 1)):
        topic = "Total" if item == "Total" else "Item"
        for kind, people in (("actions", (0, 0)), ("plans", (all_of_it, few))):
            add_census_value(
                warehouse, f"{kind} {item}", kind, "Spring term", topic, item, (all_of_it, people[0]), unit="count"
            )
            add_census_value(
                warehouse,
                f"some {kind} {item}",
                f"some_{kind}",
                "Spring term",
                topic,
                item,
                (few, people[1]),
                base=f"{kind} {item}",
            )
    warehouse.execute(
        "update intermediate.int_kpi__local_cell set is_already_published = true where measure_code like '%actions'"
    )
    assert hidden_now(warehouse) == {
        f"{some}plans {item}" for some in ("", "some ") for item in ("Total", "Inspection", "Strategy")
    }
    outcomes = warehouse.execute(
        "select distinct outcome from disclosure.attacked_cell where cell_key like '%actions%'"
    ).fetchall()
    assert outcomes == []


def test_local_figures_below_the_authority_have_no_row_and_undeclared_topics_neither(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    for topic, item in (
        ("School", "Invented Primary"),
        ("Ward", "E05000001"),
        ("Trust", "Invented Trust"),
        ("Sex", "Male"),
    ):
        add_census_value(warehouse, item, "pupils", "Spring term", topic, item, (300, 300))
        warehouse.execute("insert into kpi.kpi_comparison (kpi_comparison_key, kpi_value_key) values ($1, $1)", [item])
    assert hidden_now(warehouse) == set()
    for table in ("kpi_value", "kpi_comparison"):
        local = warehouse.execute(
            f"select kpi_value_key from kpi_open.{table} where kpi_value_key not in ('1', '2', '3', '4', '5', '6', '7')"
        ).fetchall()
        assert local == [("Male",)]
    withheld = warehouse.execute("select kpi_value_key from disclosure.withheld_value order by all").fetchall()
    assert withheld == [("E05000001",), ("Invented Primary",), ("Invented Trust",)]


# The Rotherham NHS Foundation Trust, occupational therapy, October 2025 (NHS England, Community Health Services waiting
# times): of 140 waiting 36 had waited 18 weeks or less, 40 over 52 weeks and none over 104.
PUBLISHED_WAITS = {
    "therapy_waiting_total": 140,
    "therapy_within_18_weeks_pct": 36,
    "therapy_over_52_weeks": 40,
    "therapy_over_104_weeks": 0,
}


def add_waits(connection: duckdb.DuckDBPyConnection, waits: tuple[int, int, int, int]) -> None:
    """The authority's children on that list, by the same measures, and the trust's own figure of them."""
    connection.execute("insert into seed.kpi_breakdown_topic values ('Service line', false)")
    connection.execute(
        "insert into seed.additive_measure"
        f" from read_csv('{PROJECT_DIR}/dbt_project/seeds/additive_measure.csv') where total_series_code = 'therapy_wait'"
    )
    for (measure, published), count in zip(PUBLISHED_WAITS.items(), waits, strict=True):
        connection.execute(
            "insert into intermediate.int_kpi__local_cell select $1, '372', 'therapy_wait', $1, 'October', '2025',"
            " 'Service line', 'Occupational therapy', $2, $2, null, false, $3",
            [measure, count, published],
        )
        for area_level, area_code in (("local_authority", "E08000018"), ("provider", "RFR")):
            key = f"{measure} of {area_code}"
            is_share = measure.endswith("_pct")
            connection.execute(
                "insert into kpi.kpi_value by name select $1 as kpi_value_key, 'therapy_waiting' as kpi_id, $2 as"
                " area_level, $3 as area_code, $3 as area_name, 'October' as time_identifier, '2025' as time_period,"
                " 'Service line' as breakdown_topic, 'Occupational therapy' as breakdown, $4 as numerator, $4 as value,"
                " $5 as unit, 'reported' as value_status, 'local' as value_basis",
                [key, area_level, area_code, count, "percent" if is_share else "count"],
            )
            connection.execute(
                "insert into intermediate.int_kpi__local_component values ($1, 'numerator', 1, $2)", [key, measure]
            )
            if is_share:
                connection.execute(
                    "insert into intermediate.int_kpi__local_component"
                    " values ($1, 'denominator', 1, 'therapy_waiting_total')",
                    [key],
                )


WAITS = {
    # 40 published less 37: 3 of other authorities.
    "few of other authorities over 52 weeks": ((125, 30, 37, 0), {"therapy_over_52_weeks"}),
    "five of other authorities over 52 weeks": ((120, 30, 35, 0), set()),
    # 15 of other authorities less 6 within 18 weeks and 5 over 52: 4 between.
    "few of other authorities between 18 and 52 weeks": ((125, 30, 35, 0), {"therapy_within_18_weeks_pct"}),
    "nobody of another authority over 52 weeks": ((125, 30, 40, 0), set()),
    # 43 counted less 40: 3 whom the trust does not count.
    "few more than published": ((125, 30, 43, 0), {"therapy_over_52_weeks"}),
    # 140 less 138: the number waiting, and the share of it.
    "few of other authorities at all": (
        (138, 30, 38, 0),
        {"therapy_waiting_total", "therapy_within_18_weeks_pct", "therapy_over_52_weeks"},
    ),
    # 15 of other authorities, of whom 12 within 18 weeks: 3 waited longer; the 24 are the smallest that tells of them.
    "few of other authorities over 18 weeks": ((125, 24, 40, 0), {"therapy_within_18_weeks_pct"}),
    # 125 wait, 84 within 18 weeks and 38 over 52: 3 between; all that is published is far from it.
    "few between 18 and 52 weeks": ((125, 84, 38, 0), {"therapy_over_52_weeks"}),
}


@pytest.mark.parametrize(("waits", "hidden"), WAITS.values(), ids=WAITS.keys())
def test_the_children_of_other_authorities_cannot_be_subtracted_from_the_published_waits(
    warehouse: duckdb.DuckDBPyConnection, waits: tuple[int, int, int, int], hidden: set[str]
) -> None:
    add_waits(warehouse, waits)
    assert hidden_now(warehouse) == {f"{measure} of {area}" for measure in hidden for area in ("E08000018", "RFR")}
    assert warehouse.execute("from disclosure.unprotected_line").fetchall() == []


@pytest.mark.parametrize(
    ("published", "count", "is_hidden"), [(1, 0, True), (1, 1, True), (5, 0, False), (0, 0, False)]
)
def test_whether_the_one_who_is_published_lives_here_is_not_told(
    warehouse: duckdb.DuckDBPyConnection, published: int, count: int, is_hidden: bool
) -> None:
    add_waits(warehouse, (120, 30, 35, count))
    warehouse.execute(
        "update intermediate.int_kpi__local_cell set published_whole_count = ? where cell_key = 'therapy_over_104_weeks'",
        [published],
    )
    shown = {f"therapy_over_104_weeks of {area}" for area in ("E08000018", "RFR")}
    assert (shown & hidden_now(warehouse) == shown) == is_hidden


def test_without_a_published_figure_nothing_is_subtracted(warehouse: duckdb.DuckDBPyConnection) -> None:
    add_waits(warehouse, (125, 30, 37, 0))
    warehouse.execute("update intermediate.int_kpi__local_cell set published_whole_count = null")
    assert hidden_now(warehouse) == set()


def test_a_trust_that_is_not_alone_behind_a_figure_shows_nothing(warehouse: duckdb.DuckDBPyConnection) -> None:
    add_waits(warehouse, (120, 30, 35, 0))
    warehouse.execute(
        "delete from intermediate.int_kpi__local_component where kpi_value_key = 'therapy_over_52_weeks of RFR'"
    )
    assert hidden_now(warehouse) == set()
    shown = warehouse.execute(
        "select value, symbol from kpi_open.kpi_value where kpi_value_key like '% of RFR' order by value"
    ).fetchall()
    assert shown == [(0, None), (30, None), (120, None)]
    withheld = warehouse.execute("select kpi_value_key, reason from disclosure.withheld_value").fetchall()
    assert withheld == [("therapy_over_52_weeks of RFR", "trust")]


def test_availability_tells_of_what_is_shown_alone(local: duckdb.DuckDBPyConnection) -> None:
    shown = "select kpi_id, is_available, reason from {} order by all"
    held = dict(local.execute("select kpi_id, count(value) from kpi.kpi_value group by kpi_id").fetchall())
    told = local.execute(shown.format("kpi_open.kpi_availability")).fetchall()
    counted = local.execute(
        "select kpi_id, count(value) > 0, count(value) || ' numbers' from kpi_open.kpi_catalogue"
        " left join kpi_open.kpi_value using (kpi_id) group by kpi_id order by all"
    ).fetchall()
    assert told == counted
    assert {kpi: f"{count} numbers" for kpi, count in held.items()} != {kpi: reason for kpi, _, reason in told}
    local.execute(
        "update kpi.kpi_value set breakdown_topic = 'Ward', value_basis = 'local' where kpi_id = 'ehc_requests'"
    )
    build_open_schema(local, POLICY)
    assert local.execute(shown.format("kpi_open.kpi_availability")).fetchall()[0] == (
        "ehc_requests",
        False,
        "0 numbers",
    )


def all_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """What everybody sees, in the order in which it is stored."""
    tables = [*(f"kpi_open.{table}" for table in OPEN_TABLES), "disclosure.applied", "disclosure.utility"]
    return {table: connection.execute(f"from {table}").fetchall() for table in tables}


def test_nothing_that_is_shown_depends_on_a_hidden_number_not_even_the_order(local: duckdb.DuckDBPyConnection) -> None:
    shown = all_rows(local)
    # One of the 3 is a girl after all: both counts are hidden, before and after.
    for cell, count in (("requests unknown", 2), ("requests girls", 403)):
        local.execute(
            "update intermediate.int_kpi__local_cell set cell_count = $1, people_count = $1 where cell_key = $2",
            [count, cell],
        )
        local.execute("update kpi.kpi_value set numerator = $1, value = $1 where kpi_value_key = $2", [count, cell])
    local.execute("create table kpi.sorted as from kpi.kpi_value order by value desc")
    local.execute("delete from kpi.kpi_value; insert into kpi.kpi_value from kpi.sorted; drop table kpi.sorted")
    local.execute("update kpi.kpi_comparison set difference = 400 where kpi_value_key like 'requests girls%'")
    build_open_schema(local, POLICY)
    assert all_rows(local) == shown


def test_what_is_left_to_read_is_counted(local: duckdb.DuckDBPyConnection) -> None:
    columns = "local_values, shown_values, suppressed_values, merged_values, withheld_values"
    assert local.execute(f"select kpi_family, {columns} from disclosure.utility").fetchall() == [
        ("ehcp_process", len(VALUES), len(VALUES) - len(HIDDEN), len(HIDDEN), 0, 0)
    ]
    record = read_disclosure(local)
    assert (record.local_values, record.shown_values) == (len(VALUES), len(VALUES) - len(HIDDEN))
    # Of 32,163 people counted, 27,985 stand behind what is shown: a base is counted once for each of its shares.
    people = {cell: count for cell, *_, count, _ in CELLS}
    behind = {
        value: sum(people[cell] * weight for cell, weight in (denominator or numerator).items())
        for value, _, numerator, denominator in VALUES
    }
    shown = sum(count for value, count in behind.items() if value not in HIDDEN)
    share = local.execute("select people_shown_at_least_pct from disclosure.utility").fetchall()
    assert share == [(5 * (20 * shown // sum(behind.values())),)]


def test_how_many_people_are_hidden_cannot_be_told_from_what_is_left_to_read(local: duckdb.DuckDBPyConnection) -> None:
    local.execute("delete from kpi.kpi_value where value_basis = 'local' and kpi_value_key not like 'needs met'")
    build_open_schema(local, POLICY)
    assert local.execute("select local_values, people_shown_at_least_pct from disclosure.utility").fetchall() == [
        (1, None)
    ]
    local.execute("update intermediate.int_kpi__local_cell set people_count = 100000 where cell_key = 'needs met'")
    build_open_schema(local, POLICY)
    assert local.execute("select people_shown_at_least_pct from disclosure.utility").fetchall() == [(95,)]


# --- tables that would be mostly hidden ----------------------------------------------------------------------------

ETHNICITIES = {
    "White - White British": (200, 120),
    "Asian - Pakistani": (30, 12),
    "Asian - Indian": (12, 2),
    "Asian - Chinese": (9, 1),
    "Black - Black African": (14, 3),
    "Black - Black Caribbean": (6, 4),
}


def add_shares(connection: duckdb.DuckDBPyConnection, items: dict[str, tuple[int, int]]) -> None:
    """Children by ethnicity, and the share of them in time."""
    total = tuple(map(sum, zip(*items.values(), strict=True)))
    for item, (children, in_time) in {"Total": total, **items}.items():
        topic = "Total" if item == "Total" else "Ethnicity"
        add_census_value(
            connection, f"of {item}", "children", "Academic year", topic, item, (children,) * 2, unit="count"
        )
        add_census_value(connection, item, "in_time", "Academic year", topic, item, (in_time,) * 2, base=f"of {item}")
    # the number of children is another KPI
    connection.execute("update kpi.kpi_value set kpi_id = 'therapy_waiting' where kpi_value_key like 'of %'")
    connection.execute(
        "update kpi.kpi_value set denominator = base.numerator, value = 100 * kpi_value.numerator / base.numerator,"
        " coverage_note = 'Most are linked.'"
        " from kpi.kpi_value as base where base.kpi_value_key = 'of ' || kpi_value.kpi_value_key"
    )


def collapsed(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    build_open_schema(connection, DECLARED)
    return connection.execute(
        "select kpi_id, breakdown_topic, period_kind, merged_topic from disclosure.collapsed_table order by all"
    ).fetchall()


def test_a_table_that_would_be_mostly_hidden_is_given_by_the_coarser_breakdown(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    add_shares(warehouse, ETHNICITIES)
    assert collapsed(warehouse) == [("ehc_requests", "Ethnicity", "academic_year", "Ethnicity major group")]
    shown = warehouse.execute(
        "select breakdown_topic, breakdown, numerator, denominator, value, value_status, symbol, coverage_note, unit, area_name"
        " from kpi_open.kpi_value where value_basis = 'local' and kpi_id = 'ehc_requests' order by all"
    ).fetchall()
    about = ("Most are linked.", "percent", "Rotherham")
    assert [(topic, item, *map(float, numbers), *rest) for topic, item, *numbers, status, symbol, note, unit, area in shown
            for rest in [(status, symbol, note, unit, area)]] == [
        # 15 of 51, 7 of 20, 120 of 200
        ("Ethnicity major group", "Asian", 15, 51, 29.4118, "reported", "u", *about),
        ("Ethnicity major group", "Black", 7, 20, 35, "reported", "u", *about),
        ("Ethnicity major group", "White", 120, 200, 60, "reported", "u", *about),
        ("Total", "Total", 142, 271, 52.3985, "reported", None, *about),
    ]  # fmt: skip
    # The number of children is shown by the finer breakdown, as none of it is hidden.
    assert warehouse.execute(
        "select count(*), count(value) from kpi_open.kpi_value where kpi_id = 'therapy_waiting' and breakdown_topic = 'Ethnicity'"
    ).fetchall() == [(6, 6)]
    columns = "select column_name, data_type from duckdb_columns() where table_name = 'kpi_value' and schema_name = ?"
    assert warehouse.execute(columns, ["kpi_open"]).fetchall() == warehouse.execute(columns, ["kpi"]).fetchall()
    # A comparison with England would be of another breakdown.
    assert warehouse.execute("select count(*) from kpi_open.kpi_comparison").fetchall() == [(0,)]


def test_a_merged_count_is_suppressed_like_any_other(warehouse: duckdb.DuckDBPyConnection) -> None:
    items = {
        "White - White British": (200, 120), "White - Irish": (8, 2), "Asian - Indian": (20, 9), "Asian - Chinese": (12, 4),
        "Mixed - White and Asian": (40, 22), "Black - Black African": (13, 2), "Black - Black Caribbean": (14, 1),
        "Any other ethnic group": (30, 17), "Unclassified": (20, 14),
    }  # fmt: skip
    add_shares(warehouse, items)
    assert collapsed(warehouse) == [("ehc_requests", "Ethnicity", "academic_year", "Ethnicity major group")]
    hidden = warehouse.execute(
        "select breakdown from kpi_open.kpi_value where symbol = 'c' and value_basis = 'local' and breakdown_topic like '%major%'"
        " order by all"
    ).fetchall()
    # 3 of the Black; 13 of the Asian would be the fewest of the others.
    assert hidden == [("Asian",), ("Black",)]


def test_a_table_that_merging_does_not_help_is_withheld(warehouse: duckdb.DuckDBPyConnection) -> None:
    add_shares(warehouse, {item: (children, 1) for item, (children, _) in ETHNICITIES.items()})
    assert collapsed(warehouse) == [
        ("ehc_requests", "Ethnicity", "academic_year", None),
        ("ehc_requests", "Ethnicity major group", "academic_year", None),
    ]
    shown = "select distinct breakdown_topic from kpi_open.kpi_value where kpi_id = 'ehc_requests' and value_basis = 'local'"
    assert warehouse.execute(shown).fetchall() == [("Total",)]
    assert warehouse.execute(
        "select shown_values, withheld_values from disclosure.utility where kpi_family = 'ehcp_process'"
    ).fetchall() == [(1, 6)]


@pytest.mark.parametrize(
    "change",
    [
        "update kpi.kpi_value set breakdown = 'Asian - Other' where breakdown = 'Asian - Chinese'",
        "update kpi.kpi_value set value = 41 where kpi_value_key = 'Asian - Pakistani'",
        "update kpi.kpi_value set breakdown_topic = 'Item' where breakdown_topic = 'Ethnicity'",
    ],
    ids=["an item that is not declared", "a figure that is no quotient of its counts", "a topic without a coarser one"],
)
def test_a_table_that_cannot_be_merged_is_withheld(warehouse: duckdb.DuckDBPyConnection, change: str) -> None:
    add_shares(warehouse, ETHNICITIES)
    warehouse.execute(change)
    assert {(kpi, merged) for kpi, _, _, merged in collapsed(warehouse)} == {("ehc_requests", None)}


def test_a_third_of_a_table_may_be_hidden(warehouse: duckdb.DuckDBPyConnection) -> None:
    items = {
        "White - Irish": (40, 3),
        "Asian - Indian": (40, 5),
        "Asian - Chinese": (40, 9),
        "Black - Black African": (40, 8),
    }
    add_shares(warehouse, {**items, "Mixed - White and Asian": (40, 20), "Unclassified": (40, 20)})
    assert collapsed(warehouse) == []


def test_parts_that_add_to_more_than_the_total_make_no_line(local: duckdb.DuckDBPyConnection) -> None:
    local.execute("update intermediate.int_kpi__local_cell set cell_count = 1000 where cell_key = 'max age'")
    build_open_schema(local, POLICY)
    assert "transfer" not in dict(local.execute("from disclosure.suppressed_value").fetchall())


def test_a_new_table_is_refused_until_somebody_says_how_it_is_released(local: duckdb.DuckDBPyConnection) -> None:
    before = local.execute("from kpi_open.kpi_value").fetchall()
    local.execute("create table kpi.kpi_ward as select 3 as children")
    with pytest.raises(CornerstoneError, match="Schema kpi holds kpi_ward"):
        build_open_schema(local, POLICY)
    assert local.execute("from kpi_open.kpi_value").fetchall() == before


# --- the release --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def released(
    tmp_path_factory: pytest.TempPathFactory, new_warehouse: Any, record_passes: Any, catalogue: Any
) -> Iterator[Path]:
    settings = Settings(store=tmp_path_factory.mktemp("suppressed") / "store", release_approval="none")
    with new_warehouse(settings) as connection:
        add_local_values(connection)
        record_passes(connection, catalogue)
        publish(settings, connection, catalogue=catalogue, code_version="1.0", run_id="r", now=MONDAY)
    yield settings.current_link


def numbers_by_value(rows: list[tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    return {key: numbers for key, *numbers in rows if key in HIDDEN}  # type: ignore[misc]


def test_no_open_file_shows_a_suppressed_number(released: Path) -> None:
    nothing = {key: [None, None, None] for key in HIDDEN}
    select = "select kpi_value_key, numerator, denominator, value from {} where value_basis = 'local'"
    with duckdb.connect(str(released / "open/send_kpis.duckdb"), read_only=True) as connection:
        for relation in ("kpi.kpi_value", "kpi.kpi_ehcp_process"):
            assert numbers_by_value(connection.execute(select.format(relation)).fetchall()) == nothing
        assert connection.execute(
            "select count(*) from kpi.kpi_comparison where kpi_value_key in (select unnest(?))"
            " and coalesce(value, difference, neighbour_rank, neighbour_quartile) is not null",
            [list(HIDDEN)],
        ).fetchone() == (0,)
    for file in ("kpi_value", "kpi_ehcp_process"):
        path = f"read_parquet('{released}/open/parquet/{file}.parquet')"
        assert numbers_by_value(duckdb.sql(select.format(path)).fetchall()) == nothing


def test_csv_files_write_c_for_it_beside_the_published_figure(released: Path) -> None:
    cells = {}
    for basis, ending in (("Published", ""), ("Local", "_own")):
        path = released / f"open/csv/ehcp_process_calendar_year{ending}.csv"
        rows = duckdb.sql(
            f"select breakdown, ehc_requests, plans_20_weeks_pct from read_csv('{path}', all_varchar = true)"
            " where geographic_level = 'Local authority'"
        ).fetchall()
        cells |= {(basis, item): [count, share] for item, count, share in rows}
    assert cells["Published", "Total"] == ["959", "77.7"]
    assert cells["Local", "requests unknown"] == ["c", "z"]
    assert cells["Local", "few share"] == ["z", "c"]
    assert cells["Local", "requests boys"] == ["798", "z"]
    assert {item for (_, item), values in cells.items() if "c" in values} == {*HIDDEN, "Female"}


def test_the_spreadsheet_writes_c_in_brackets_for_it(released: Path) -> None:
    with CalamineWorkbook.from_path(str(released / "open/send_kpis.xlsx")) as book:
        sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    rows = [row for row in sheets["EHCP process"] if row[2] == "Item"]
    own = sheets["EHCP process"][5].index("Rotherham, own returns")
    assert {row[3]: row[own] for row in rows if row[3] in HIDDEN} == dict.fromkeys(HIDDEN, "[c]")
    assert {row[3]: row[own] for row in rows}["requests boys"] == 798
    numbers = {value for rows in sheets.values() for row in rows for value in row if isinstance(value, float)}
    assert numbers.isdisjoint({402, 651, 76.8, 1550})


def test_no_text_of_open_or_evidence_carries_a_number_that_only_the_hidden_values_have(released: Path) -> None:
    # PS-402 is a rule.
    numbers = re.compile(r"(?<![0-9a-f.])(?<![A-Z]-)(402|651|76\.8|1550)(?![0-9a-f])")
    for folder in ("open", "evidence"):
        for path in (released / folder).rglob("*"):
            if path.suffix in {".csv", ".html", ".txt", ".json"}:
                assert not numbers.findall(path.read_text(encoding="utf-8")), path


def test_analysts_keep_every_number(released: Path) -> None:
    with duckdb.connect(str(released / "restricted/send_marts.duckdb"), read_only=True) as connection:
        kept = connection.execute(
            "select numerator from kpi_internal.kpi_value where kpi_value_key = 'requests unknown'"
        )
        assert kept.fetchone() == (3,)


def test_the_release_says_under_which_policy_and_how_much_was_suppressed(released: Path) -> None:
    manifest = read_manifest(released.resolve())
    assert manifest.disclosure is not None
    assert manifest.disclosure.suppressed_values == len(HIDDEN)
    with duckdb.connect(str(released / "open/send_kpis.duckdb"), read_only=True) as connection:
        [row] = connection.execute("from meta.disclosure").fetchall()
    assert row == tuple(manifest.disclosure.model_dump().values())
    page = (released / "evidence/methods.html").read_text(encoding="utf-8")
    assert "cornerstone-disclosure-control, version 1.4, audience public" in page


def test_every_part_of_a_release_has_an_audience(released: Path) -> None:
    parts = {path.name: POLICY.audience_of(path.name) for path in released.resolve().iterdir()}
    assert parts == {"open": "public", "evidence": "board", "restricted": "internal", "manifest.json": "internal"}
    assert stat.S_IMODE((released / "restricted").stat().st_mode) == 0o750
    assert stat.S_IMODE((released / "open").stat().st_mode) == 0o755


def test_a_part_that_nobody_has_named_is_not_released(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    set_modes(tmp_path, POLICY.audience_of)
    (tmp_path / "portal").mkdir()
    with pytest.raises(CornerstoneError, match="Nobody has said for whom portal is"):
        set_modes(tmp_path, POLICY.audience_of)


def test_the_evidence_page_says_what_is_left_to_read(released: Path) -> None:
    page = " ".join((released / "evidence/methods.html").read_text(encoding="utf-8").split())
    assert f"Of {len(VALUES)} figures of the authority's own that could be shown, {len(VALUES) - len(HIDDEN)}" in page
    with duckdb.connect(str(released / "open/send_kpis.duckdb"), read_only=True) as connection:
        [row] = connection.execute("from meta.disclosure_utility").fetchall()
        assert row[:4] == ("ehcp_process", len(VALUES), len(VALUES) - len(HIDDEN), len(HIDDEN))
        assert connection.execute("from meta.disclosure_table").fetchall() == []


def test_evidence_shows_no_digest_of_unsuppressed_values(released: Path) -> None:
    # With few counts hidden, a digest of the full table would confirm a guess at them.
    page = "".join(path.read_text(encoding="utf-8") for path in (released / "evidence").glob("*.html"))
    digests = {
        f"{table.schema_name}.{table.table_name}": table.digest for table in read_manifest(released.resolve()).tables
    }
    assert digests["kpi_open.kpi_value"] in page
    assert not [name for name in ("kpi.kpi_value", "kpi.kpi_comparison", "marts.dim_area") if digests[name] in page]
