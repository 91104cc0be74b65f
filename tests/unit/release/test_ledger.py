"""What was published before decides what may be shown: counts that moved by few, and counts that were suppressed."""

import json
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from expectations.catalogue import load_catalogue
from orchestration.built import begin_build, end_build, is_built
from orchestration.durable import append_to_journal
from orchestration.errors import CornerstoneError
from orchestration.privacy.disclosure import load_policy, suppress
from orchestration.release import build as building
from orchestration.release.errors import ReleaseRefused
from orchestration.release.ledger import Ledger, published_releases, read_ledger, write_published_forecasts
from orchestration.release.lifecycle import approve_release, rollback
from orchestration.release.manifest import read_manifest
from orchestration.release.open_schema import build_open_schema
from orchestration.release.remembered import compare_with_earlier, read_earlier
from orchestration.release.revisions import revisions_of, small_differences_of
from orchestration.settings import PROJECT_DIR, Settings
from tests.unit.release.conftest import every_table
from tests.unit.release.test_open_schema import DECLARED, add_shares

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


def count_locally(connection: duckdb.DuckDBPyConnection, published: tuple[str, ...] = (), **parts: int) -> None:
    """The requests of a year by sex, as the authority's own return has them; the total is their sum."""
    connection.execute(
        "delete from intermediate.int_kpi__local_cell; delete from intermediate.int_kpi__local_component;"
        "delete from kpi.kpi_value where value_basis = 'local'"
    )
    for item, count in (("total", sum(parts.values())), *parts.items()):
        topic, breakdown = ("Total", "Total") if item == "total" else ("Sex", item)
        connection.execute(
            "insert into intermediate.int_kpi__local_cell values ($1, '372', 'requests', 'received', 'Calendar year', '2024', $2,"
            " $3, $4, $4, null, $5, null)",
            [item, topic, breakdown, count, item in published],
        )
        connection.execute("insert into intermediate.int_kpi__local_component values ($1, 'numerator', 1, $1)", [item])
        connection.execute(
            """
            insert into kpi.kpi_value by name
            select $1 as kpi_value_key, 'ehc_requests' as kpi_id, 'local_authority' as area_level, 'E08000018' as area_code,
                'Rotherham' as area_name, '372' as la_code, 'Calendar year' as time_identifier, '2024' as time_period,
                $2 as breakdown_topic, $3 as breakdown, $4 as numerator, $4 as value, 'count' as unit,
                'reported' as value_status, 'local' as value_basis, 's2' as submission_id
            """,
            [item, topic, breakdown, count],
        )


def shown(connection: duckdb.DuckDBPyConnection) -> dict[str, int | str]:
    """Local figures of the open tables: the number, or c."""
    rows = connection.execute(
        "select kpi_value_key, cast(value as int), symbol from kpi_open.kpi_value where value_basis = 'local'"
    ).fetchall()
    return {key: symbol or value for key, value, symbol in rows}


def ledger_of(*releases: dict[str, int | tuple[int]]) -> Ledger:
    """Releases r1, r2 ... that showed these counts; one in brackets was suppressed."""
    rows = ", ".join(
        f"('r{number}', '{cell}', {count if isinstance(count, int) else 'null'},"
        f" {'null' if isinstance(count, int) else repr('c')}, [{{'cell_key': '{cell}', 'cell_count':"
        f" {count if isinstance(count, int) else count[0]}::bigint, 'is_suppressed': {not isinstance(count, int)}}}])"
        for number, release in enumerate(releases, 1)
        for cell, count in release.items()
    )
    ids = tuple(f"r{number}" for number in range(1, len(releases) + 1))
    return Ledger(
        ids,
        "(select *, 'ehc_requests' as kpi_id, 'Calendar year' as time_identifier, 'Sex' as breakdown_topic,"
        " null::decimal(18, 4) as denominator, numerator as value"
        f" from (values {rows}) as told (release_id, kpi_value_key, numerator, symbol, counts))",
    )


def build(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> dict[str, int | str]:
    build_open_schema(connection, every_table(load_policy()), ledger)
    return shown(connection)


def listed(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select cell_key, earlier_release_id, earlier_count, cell_count, is_held_back from disclosure.small_difference order by all"
    ).fetchall()


# --- what is held back --------------------------------------------------------------------------------------------


def test_one_child_more_is_not_shown_and_nor_is_the_total_where_all_else_was_told(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """23 girls became 24: whoever kept the earlier release knows the boys and the others, and would subtract them."""
    count_locally(warehouse, girls=24, boys=60, others=97)
    earlier = ledger_of({"total": 180, "girls": 23, "boys": 60, "others": 97})
    assert build(warehouse, earlier) == {"total": "c", "girls": "c", "boys": 60, "others": 97}
    assert listed(warehouse) == [("girls", "r1", 23, 24, True), ("total", "r1", 180, 181, False)]


def test_what_nobody_has_been_told_is_hidden_for_anothers_sake(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The boys stayed 60 and are known to whoever kept the earlier release; that the others are 80 by now is not."""
    count_locally(warehouse, girls=24, boys=60, others=80)
    earlier = ledger_of({"total": 180, "girls": 23, "boys": 60, "others": 97})
    assert build(warehouse, earlier) == {"total": 164, "girls": "c", "boys": 60, "others": "c"}


@pytest.mark.parametrize(
    ("before", "now", "is_shown", "is_listed"),
    [
        (23, 23, True, False),  # as published
        (23, 24, False, True),
        (23, 19, False, True),
        (23, 28, True, False),  # five children more: nobody can be told apart
        (23, 18, True, False),
        (49, 51, False, True),  # below ten times the threshold in one of the two releases
        (50, 54, True, True),
        (50, 55, True, False),
        (0, 6, True, False),
    ],
)
def test_a_small_difference_is_held_back_below_ten_times_the_threshold_and_listed_above(
    warehouse: duckdb.DuckDBPyConnection, before: int, now: int, is_shown: bool, is_listed: bool
) -> None:
    count_locally(warehouse, girls=now, boys=300, others=400)
    assert (build(warehouse, ledger_of({"girls": before}))["girls"] == now) is is_shown
    assert bool(listed(warehouse)) is is_listed


def test_every_release_that_was_ever_read_counts_and_not_the_last_alone(warehouse: duckdb.DuckDBPyConnection) -> None:
    count_locally(warehouse, girls=24, boys=60, others=97)
    assert build(warehouse, ledger_of({"girls": 23}, {"girls": 40}))["girls"] == "c"
    assert listed(warehouse) == [("girls", "r1", 23, 24, True)]


def test_a_figure_that_went_back_to_what_was_published_is_shown_again(warehouse: duckdb.DuckDBPyConnection) -> None:
    count_locally(warehouse, girls=23, boys=60, others=97)
    assert build(warehouse, ledger_of({"girls": 23, "boys": 60}, {"girls": (24,), "boys": (61,)}))["girls"] == 23


def test_what_a_national_body_publishes_is_exempt(warehouse: duckdb.DuckDBPyConnection) -> None:
    count_locally(warehouse, ("girls", "boys"), girls=24, boys=60, others=97)
    assert build(warehouse, ledger_of({"girls": 23, "boys": (60,)})) == {
        "total": 181,
        "girls": 24,
        "boys": 60,
        "others": 97,
    }
    assert listed(warehouse) == []


# --- what was suppressed before -------------------------------------------------------------------------------------


def test_a_count_that_was_suppressed_and_is_the_same_is_not_given_away_by_a_later_total(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """The girls were 3 and hidden with 5 boys; now there are 15. Shown, the boys would leave 3 of the earlier 8."""
    count_locally(warehouse, girls=15, boys=5, others=12, unknown=20)
    earlier: dict[str, int | tuple[int]] = {"total": 40, "girls": (3,), "boys": (5,), "others": 12, "unknown": 20}
    assert build(warehouse, Ledger()) == {"total": 52, "girls": 15, "boys": 5, "others": 12, "unknown": 20}
    now = build(warehouse, ledger_of(earlier))
    assert now == {"total": 52, "girls": "c", "boys": "c", "others": 12, "unknown": 20}


def test_a_count_that_was_suppressed_is_shown_once_it_is_another(warehouse: duckdb.DuckDBPyConnection) -> None:
    count_locally(warehouse, girls=15, boys=9, others=12)
    assert build(warehouse, ledger_of({"girls": (3,), "boys": (5,)})) == {
        "total": 36,
        "girls": 15,
        "boys": 9,
        "others": 12,
    }


def test_the_same_counts_again_give_the_same_tables(warehouse: duckdb.DuckDBPyConnection) -> None:
    count_locally(warehouse, girls=24, boys=60, others=97, unknown=3)
    first = build(warehouse, ledger_of({"girls": 23, "boys": 60}))
    counts = {"girls": 24, "boys": 60, "others": 97, "unknown": 3, "total": 184}
    told: dict[str, int | tuple[int]] = {
        cell: (counts[cell],) if number == "c" else counts[cell] for cell, number in first.items()
    }
    assert build(warehouse, ledger_of({"girls": 23, "boys": 60}, told)) == first
    assert {"girls", "unknown"} <= {cell for cell, number in first.items() if number == "c"}


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    told=st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70) | st.integers(-6, 6)), min_size=2, max_size=6),
)
def test_no_two_releases_differenced_give_a_small_count(told: list[tuple[int, int]]) -> None:
    """Of parts and their total, told twice: each part as it was first, and what it is then (or how far it moved)."""
    first = {f"part {number}": count for number, (count, _) in enumerate(told)}
    second = {
        cell: moved if moved > 6 else max(0, count + moved)
        for (cell, count), (_, moved) in zip(first.items(), told, strict=True)
    }
    parameters = load_policy().open_parameters
    with duckdb.connect() as connection:
        hidden_first = hidden_of_line(connection, first, Ledger())
        counts = {**first, "total": sum(first.values())}
        earlier = ledger_of({cell: (count,) if cell in hidden_first else count for cell, count in counts.items()})
        hidden = hidden_of_line(connection, second, earlier)
    now = {**second, "total": sum(second.values())}
    for cell in now.keys() - hidden - hidden_first:
        small = 1 <= abs(now[cell] - counts[cell]) < parameters.threshold
        assert not small or min(now[cell], counts[cell]) >= 10 * parameters.threshold
    assert {cell for cell in hidden_first if counts[cell] == now[cell]} <= hidden
    parts = hidden - {"total"}
    if parts and "total" not in hidden:
        assert len(parts) > 1 and sum(now[cell] for cell in parts) >= parameters.threshold


def hidden_of_line(connection: duckdb.DuckDBPyConnection, parts: dict[str, int], ledger: Ledger) -> set[str]:
    """Suppressed cells of one line after a comparison with the ledger."""
    cells = [(cell, count) for cell, count in [("total", sum(parts.values())), *parts.items()]]
    rows = ", ".join(f"('{cell}', {count}, {count}, false, true, {order})" for order, (cell, count) in enumerate(cells))
    members = ", ".join(f"('line', 1, '{cell}', {cell == 'total'})" for cell, _ in cells)
    connection.execute(
        f"""
        drop schema if exists disclosure cascade;
        create schema disclosure;
        create or replace temp table disclosure_cell as
        from (values {rows}) as cell (cell_key, cell_count, people_count, is_fixed, is_shown, cell_order);
        create table disclosure.line as
        from (values {members}) as line (line_key, line_order, cell_key, is_total);
        """
    )
    parameters = load_policy().open_parameters
    read_earlier(connection, ledger)
    compare_with_earlier(connection, parameters)
    pattern = suppress(
        connection, parameters, cells="disclosure_cell", lines="disclosure.line", history="disclosure.cell_history"
    )
    return {row["cell_key"] for row in pattern.cells.to_pylist() if row["kind"]}


# --- what another table told ----------------------------------------------------------------------------------------


def remember(connection: duckdb.DuckDBPyConnection) -> Ledger:
    """The open tables as they are, as the ledger would keep them."""
    connection.execute(
        """
        create or replace table main.told as
        select 'r1' as release_id, kpi_value.*, behind.counts
        from kpi_open.kpi_value as kpi_value
        left join (
            select kpi_value_key, list(struct_pack(
                cell_key := cell.cell_key, cell_count := cell.cell_count, is_suppressed := cell.kind is not null
            )) as counts
            from disclosure.value_cell
            inner join disclosure.cell as cell using (cell_key)
            group by kpi_value_key
        ) as behind using (kpi_value_key);
        create or replace table main.sums as
        select 'r1' as release_id, line_key, cell_key, is_total, cell_count, is_fixed as is_published
        from disclosure.line
        inner join disclosure.cell using (cell_key)
        """
    )
    return Ledger(("r1",), "main.told", "main.sums")


def share_in_time(connection: duckdb.DuckDBPyConnection, items: dict[str, tuple[int, int]]) -> None:
    connection.execute(
        "delete from intermediate.int_kpi__local_cell; delete from intermediate.int_kpi__local_component;"
        "delete from kpi.kpi_value where value_basis = 'local'"
    )
    add_shares(connection, items)


def hidden_items(connection: duckdb.DuckDBPyConnection, ledger: Ledger) -> set[str]:
    build_open_schema(connection, DECLARED, ledger)
    rows = connection.execute(
        "select breakdown from kpi_open.kpi_value where symbol = 'c' and value_basis = 'local' and kpi_id = 'ehc_requests'"
    ).fetchall()
    assert connection.execute("select * from disclosure.attacked_cell where outcome = 'recovered'").fetchall() == []
    return {item for (item,) in rows}


def test_few_who_were_left_out_when_that_was_published_block_no_later_release(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """Of 234 all but one, as published; then a child is forgotten, and of 233 it is all but one still: no news to anybody."""
    rules = load_catalogue(PROJECT_DIR / "expectations" / "rules").rules
    [rule] = [rule for rule in rules if rule.rule_id == "DC-001"]
    both = {"White - White British": (234, 233), "Asian - Indian": (60, 30)}

    def shown_though_few(ledger: Ledger) -> list[tuple[Any, ...]]:
        build_open_schema(warehouse, every_table(load_policy()), ledger)
        return warehouse.execute(rule.failing_rows or "").fetchall()

    def in_time() -> dict[str, int | None]:
        return dict(
            warehouse.execute(
                "select breakdown, cast(numerator as int) from kpi_open.kpi_value"
                " where value_basis = 'local' and kpi_id = 'ehc_requests' and breakdown_topic = 'Ethnicity'"
            ).fetchall()
        )

    share_in_time(warehouse, both)
    warehouse.execute("update intermediate.int_kpi__local_cell set is_already_published = true")
    assert shown_though_few(Ledger()) == []
    assert in_time()["White - White British"] == 233
    earlier = remember(warehouse)
    share_in_time(warehouse, both | {"White - White British": (233, 232)})
    assert shown_though_few(earlier) == []
    assert in_time()["White - White British"] == 232
    # Nobody was told before: it is hidden. And two left out are not the one who was.
    assert shown_though_few(Ledger()) == []
    assert in_time()["White - White British"] is None
    share_in_time(warehouse, both | {"White - White British": (233, 231)})
    assert shown_though_few(earlier) == []
    assert in_time()["White - White British"] is None


def groups_shown(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute(
        "select breakdown from kpi_open.kpi_value where breakdown_topic like '%major%'"
    ).fetchall()
    return {group for (group,) in rows}


def test_a_group_told_by_a_merged_table_does_not_give_its_items_when_they_are_told(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """15 Asian children in time were told, and are as many: with 6 and 6 of them shown, the others would be 3."""
    first = {
        "White - White British": (200, 120),
        "Asian - Pakistani": (30, 12),
        "Asian - Indian": (40, 2),
        "Asian - Chinese": (50, 1),
        "Black - Black African": (34, 3),
        "Black - Black Caribbean": (46, 4),
    }
    share_in_time(warehouse, first)
    assert hidden_items(warehouse, Ledger()) == set()
    assert groups_shown(warehouse) == {"Asian", "Black", "White"}
    earlier = remember(warehouse)
    second = {
        "Asian - Pakistani": (30, 3),
        "Asian - Indian": (40, 6),
        "Asian - Chinese": (50, 6),
        "Black - Black African": (34, 5),
        "Black - Black Caribbean": (46, 13),
    }
    share_in_time(warehouse, first | second)
    assert hidden_items(warehouse, Ledger()) == {"Asian - Pakistani", "Black - Black African"}
    hidden = hidden_items(warehouse, earlier)
    assert "Asian - Pakistani" in hidden and hidden & {"Asian - Indian", "Asian - Chinese"}
    assert groups_shown(warehouse) == set()


def test_a_table_told_by_its_items_does_not_give_them_when_it_is_merged(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Indian and Chinese children in time were told, 20 and 25: of 48 Asian ones they would leave 3."""
    first = {
        "White - White British": (200, 120),
        "Asian - Pakistani": (30, 15),
        "Asian - Indian": (40, 20),
        "Asian - Chinese": (50, 25),
        "Black - Black African": (34, 13),
        "Black - Black Caribbean": (36, 14),
        "Mixed - White and Asian": (60, 30),
        "Any other ethnic group": (70, 30),
        "Unclassified": (80, 40),
    }
    share_in_time(warehouse, first)
    assert hidden_items(warehouse, Ledger()) == set()
    assert groups_shown(warehouse) == set()
    earlier = remember(warehouse)
    second = {
        "Asian - Pakistani": (30, 3),
        "Black - Black African": (34, 2),
        "Black - Black Caribbean": (36, 4),
        "Unclassified": (80, 4),
        "Mixed - White and Asian": (60, 37),
    }
    share_in_time(warehouse, first | second)
    assert hidden_items(warehouse, Ledger()) & {"Asian"} == set()
    assert "Asian" in groups_shown(warehouse)
    # To hide them beside the 4 unclassified ones takes more than a third of six groups.
    assert hidden_items(warehouse, earlier) == groups_shown(warehouse) == set()
    withheld = (
        "select kpi_id from disclosure.collapsed_table where breakdown_topic like '%major%' and merged_topic is null"
    )
    assert warehouse.execute(withheld).fetchall() == [("ehc_requests",)]


# --- releases -------------------------------------------------------------------------------------------------------


def test_a_release_is_entered_whole_and_closed_to_others(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    count_locally(warehouse, girls=24, boys=7, others=3)
    release = publish_at(MONDAY)
    forecast, entry, sums = sorted((settings.store / "ledger").iterdir())
    assert [one.name.removeprefix(release.release_id) for one in (forecast, entry, sums)] == [
        ".forecast.parquet", ".parquet", ".sums.parquet",
    ]  # fmt: skip
    assert {stat.S_IMODE(one.stat().st_mode) for one in (forecast, entry, sums)} == {0o640}
    assert stat.S_IMODE(entry.parent.stat().st_mode) == 0o750
    with duckdb.connect() as ledger:
        rows = ledger.execute(
            f"select kpi_value_key, kpi_id, time_period, breakdown, value_basis, value, symbol, counts from '{entry}'"
            f" where release_id = '{release.release_id}'"
        ).fetchall()
    assert len(rows) == warehouse.execute("select count(*) from kpi_open.kpi_value").fetchall()[0][0]
    told = {key: rest for key, *rest in rows}
    assert told["1"] == ["ehc_requests", "2024", None, "published", 959, None, None]
    with duckdb.connect(str(release.folder / "restricted/send_marts.duckdb"), read_only=True) as restricted:
        assert restricted.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'disclosure' and comment is null"
        ).fetchall() == []  # fmt: skip
    count = {"cell_key": "others", "cell_count": 3, "is_suppressed": True}
    assert told["others"] == ["ehc_requests", "2024", "others", "local", None, "c", [count]]
    with duckdb.connect() as ledger:
        assert ledger.execute(
            f"select cell_key, is_total, cell_count, is_published from '{sums}' order by not is_total, cell_key"
        ).fetchall() == [
            ("total", True, 34, False), ("boys", False, 7, False), ("girls", False, 24, False), ("others", False, 3, False),
        ]  # fmt: skip


def test_a_resubmission_that_moves_one_child_is_listed_for_the_approver_and_hidden_from_others(
    publish_at: Any,
    settings: Settings,
    approval_settings: Settings,
    warehouse: duckdb.DuckDBPyConnection,
    release_command: Callable[..., str],
) -> None:
    count_locally(warehouse, girls=23, boys=60, others=97, unknown=20)
    first = publish_at(MONDAY)
    assert "No count differs" in release_command("show", first.release_id)
    count_locally(warehouse, girls=24, boys=60, others=91, unknown=27)
    second = publish_at(TUESDAY, settings=approval_settings)
    assert "1 figure shown differs by so few from one published before" in second.message
    small = [
        (one.breakdown, one.earlier_count, one.cell_count, one.is_shown) for one in small_differences_of(second.folder)
    ]
    assert small == [("girls", 23, 24, False), ("Total", 200, 202, True)]
    printed = release_command("show", second.release_id)
    assert "suppressed" in printed and "202" in printed
    page = (second.folder / "evidence/index.html").read_text()
    assert '<td class="number">200</td><td class="number">202</td>' in page
    assert ">23<" not in page and ">24<" not in page
    assert {(one.breakdown, one.kind, one.old, one.new) for one in revisions_of(second.folder)} == {
        ("Total", "changed", "200", "202"),
        ("others", "changed", "97", "91"),
        ("girls", "newly suppressed", "shown", "c"),
        ("unknown", "newly suppressed", "shown", "c"),
    }
    # What is held back stays so when the release is built again from the same counts.
    approve_release(approval_settings, second.release_id, "A. Person", "fine", WEDNESDAY)
    assert publish_at(THURSDAY).status == "unchanged"
    assert published_releases(settings) == [first.release_id, second.release_id]


def test_a_release_rolled_back_from_and_deleted_was_read_all_the_same(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    count_locally(warehouse, girls=23, boys=60, others=97)
    first = publish_at(MONDAY)
    count_locally(warehouse, girls=40, boys=60, others=97)
    second = publish_at(TUESDAY)
    rollback(settings, first.release_id, "A. Person", "wrong", WEDNESDAY)
    shutil.rmtree(second.folder)
    count_locally(warehouse, girls=41, boys=60, others=97)
    publish_at(THURSDAY)
    assert shown(warehouse)["girls"] == "c"


def test_an_entry_that_was_lost_is_made_again(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    count_locally(warehouse, girls=23, boys=60, others=97)
    publish_at(MONDAY)
    shutil.rmtree(settings.store / "ledger")
    assert len(read_ledger(settings).release_ids) == 1
    assert len(list((settings.store / "ledger").iterdir())) == 3  # its cells, its sums and its forecast
    assert published_forecasts(warehouse, settings) == []


def test_a_release_nobody_approved_and_one_that_died_leave_no_trace(
    publish_at: Any,
    settings: Settings,
    approval_settings: Settings,
    warehouse: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    count_locally(warehouse, girls=23, boys=60, others=97)
    publish_at(MONDAY, settings=approval_settings)
    assert read_ledger(settings) == Ledger()
    count_locally(warehouse, girls=24, boys=60, others=97)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(building, "record_in_journal", die)  # entered in the ledger, and not published
        publish_at(TUESDAY)
    assert len(list((settings.store / "ledger").iterdir())) == 3  # its cells, its sums and its forecast
    assert published_forecasts(warehouse, settings) == []
    assert read_ledger(settings) == Ledger()
    count_locally(warehouse, girls=25, boys=60, others=97)
    publish_at(WEDNESDAY)
    assert shown(warehouse)["girls"] == 25


def test_a_release_that_was_not_compared_with_one_published_meanwhile_is_not_approved_but_built_again(
    publish_at: Any, settings: Settings, approval_settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    count_locally(warehouse, girls=30, boys=60, others=97)
    older = publish_at(MONDAY, settings=approval_settings)
    count_locally(warehouse, girls=24, boys=60, others=97)
    begin_build(approval_settings, "run-03")
    newer = publish_at(TUESDAY, settings=approval_settings)
    end_build(approval_settings, "run-03", newer.release_id)
    assert is_built(approval_settings)
    approve_release(approval_settings, older.release_id, "A. Person", "fine", WEDNESDAY)
    assert not is_built(approval_settings)
    with pytest.raises(CornerstoneError, match="never compared with it; run again"):
        approve_release(approval_settings, newer.release_id, "A. Person", "fine", WEDNESDAY)
    again = publish_at(THURSDAY, settings=approval_settings)
    assert (again.status, again.release_id == newer.release_id, again.content_digest == newer.content_digest) == (
        "pending",
        False,
        True,
    )
    assert read_manifest(again.folder).previous_release == older.release_id
    approve_release(approval_settings, again.release_id, "A. Person", "fine", THURSDAY)
    assert settings.current_link.resolve() == again.folder


def test_open_tables_that_were_not_compared_with_the_last_release_are_refused(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection, catalogue: Any
) -> None:
    count_locally(warehouse, girls=30, boys=60, others=97)
    publish_at(MONDAY)
    journal = settings.releases_dir / "journal.jsonl"
    [entry] = [json.loads(line) for line in journal.read_text().splitlines()]
    shutil.copy(
        settings.store / "ledger" / f"{entry['release_id']}.parquet", settings.store / "ledger" / "other.parquet"
    )
    count_locally(warehouse, girls=60, boys=60, others=97)
    publish_at(TUESDAY)
    append_to_journal(journal, entry | {"release_id": "other"}, mode=0o640)
    with pytest.raises(ReleaseRefused, match="another release was published after"):
        building.publish(settings, warehouse, catalogue=catalogue, code_version="2.0", run_id="r", now=WEDNESDAY)


# --- what was forecast ----------------------------------------------------------------------------------------------


def forecast_plans(connection: duckdb.DuckDBPyConnection, version: str, plans: int) -> None:
    """The forecast of this build from January 2026: the total of 2027, beside what is not kept of it."""
    connection.execute("delete from marts.fct_plan_forecast")
    for scenario, census_year, is_latest in [
        ("baseline", 2027, True), ("baseline", 2026, True), ("fewer", 2027, True), ("baseline", 2026, False),
    ]:  # fmt: skip
        connection.execute(
            """
            insert into marts.fct_plan_forecast by name
            select '372' as la_code, $version as forecast_version, if($is_latest, 2026, 2025) as origin_year,
                $is_latest as is_latest_version, $scenario as scenario_code, 'plans' as measure_code, $census_year as census_year,
                $census_year - if($is_latest, 2026, 2025) as horizon, 'Total' as age_group, 'Total' as year_group,
                'Total' as need_code, 'Total' as placement_group_code, 'Total' as provision_code, 'Total' as need_table_no,
                'Total' as ward_code, $plans as plan_count, $plans - 300 as low_count, $plans + 300 as high_count,
                'cohort' as total_model_code
            """,
            {
                "version": version,
                "scenario": scenario,
                "census_year": census_year,
                "is_latest": is_latest,
                "plans": plans,
            },
        )


def published_forecasts(connection: duckdb.DuckDBPyConnection, settings: Settings) -> list[tuple[Any, ...]]:
    connection.execute("create schema if not exists control")
    write_published_forecasts(connection, settings)
    return connection.execute(
        "select release_id, published_at, code_version, forecast_version, census_year, plan_count, high_count"
        " from control.published_forecast order by all"
    ).fetchall()


def test_what_a_release_forecast_is_kept_as_it_was_published(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    assert published_forecasts(warehouse, settings) == []
    forecast_plans(warehouse, "2026-a", 4461)
    first = publish_at(MONDAY, code_version="1.0").release_id
    forecast_plans(warehouse, "2026-b", 4500)
    second = publish_at(TUESDAY, code_version="1.1").release_id

    # By the journal, in UTC; counts, other scenarios and forecasts made anew from an earlier January are not kept.
    told = [
        (first, MONDAY.replace(tzinfo=None), "1.0", "2026-a", 2027, 4461, 4761),
        (second, TUESDAY.replace(tzinfo=None), "1.1", "2026-b", 2027, 4500, 4800),
    ]
    assert published_forecasts(warehouse, settings) == told
    rollback(settings, first, "A. Person", "wrong", WEDNESDAY)
    shutil.rmtree(settings.releases_dir / second)
    assert published_forecasts(warehouse, settings) == told  # both were read
    [entry] = (settings.store / "ledger").glob(f"{second}.forecast.parquet")
    assert stat.S_IMODE(entry.stat().st_mode) == 0o640


def test_a_forecast_that_was_not_kept_yet_is_kept_while_its_release_is_there(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    forecast_plans(warehouse, "2026-a", 4461)
    publish_at(MONDAY)
    told = published_forecasts(warehouse, settings)
    [entry] = (settings.store / "ledger").glob("*.forecast.parquet")
    entry.unlink()
    assert published_forecasts(warehouse, settings) == told != []


def test_a_forecast_of_a_release_nobody_approved_was_not_published(
    publish_at: Any, settings: Settings, approval_settings: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    forecast_plans(warehouse, "2026-a", 4461)
    waiting = publish_at(MONDAY, settings=approval_settings).release_id
    assert published_forecasts(warehouse, settings) == []
    approve_release(approval_settings, waiting, "A. Person", "fine", THURSDAY)
    [(release_id, published_at, *_)] = published_forecasts(warehouse, settings)
    assert (release_id, published_at) == (waiting, THURSDAY.replace(tzinfo=None))
