"""The pages of figures, on worked cases: what is chosen, rated, ranked and said of each KPI."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.figures.boards import Boards, Watched
from orchestration.figures.periods import Kind, Period
from orchestration.figures.released import LOCAL, PUBLISHED, Figures, Limit, Value, read_figures
from orchestration.release.portal.kpi_choice import Held, lines_of, watched_of
from orchestration.release.portal.kpis import (
    Told,
    figure_pages,
    headlines,
    ratings_in_words,
    tell_kpis,
)
from orchestration.release.portal.site import write_site
from tests.unit.figures.conftest import FIGURES, SCHEMA

DATABASE = "release_open"
THERAPY = "therapy_waiting_total"


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """The figures that the packs are tested on, with what the portal shows besides."""
    with duckdb.connect(":memory:") as opened:
        opened.execute(f"attach ':memory:' as {DATABASE}; use {DATABASE}")
        opened.execute(SCHEMA)
        opened.execute(FIGURES)
        for column in ("family", "breakdowns", "frequency", "published_comparator"):
            opened.execute(f"alter table kpi.kpi_catalogue add column {column} varchar")
        opened.execute("""
            update kpi.kpi_catalogue set family = case
                when kpi_id like 'ehc%' then 'ehcp_process' when kpi_id like 'dsg%' then 'finance_safety_valve'
                when kpi_id = 'linkage_rate_pct' then 'a_new_family' else 'therapy_waits'
            end;
            alter table kpi.kpi_value add column unit varchar default 'count';
            alter table kpi.kpi_value add column area_code varchar default 'E1';
            alter table kpi.kpi_value add column period_end date default date '2026-01-31';
            insert into kpi.kpi_value (
                kpi_value_key, kpi_id, area_role, area_name, area_code, value_basis, breakdown_topic, breakdown,
                time_identifier, time_period, value, symbol, period_end
            ) values
                ('v1', 'therapy_waiting_total', 'own_provider', 'FIRST TRUST', 'R1', 'local', 'Service line',
                 'Occupational therapy', 'January', '2026', 100, null, '2026-01-31'),
                ('v2', 'therapy_waiting_total', 'own_provider', 'FIRST TRUST', 'R1', 'published', 'Service line',
                 'Occupational therapy', 'January', '2026', 101, null, '2026-01-31'),
                ('v3', 'therapy_waiting_total', 'own_provider', 'OTHER TRUST', 'R2', 'local', 'Service line',
                 'Occupational therapy', 'January', '2026', null, 'c', '2026-01-31'),
                ('v4', 'therapy_waiting_total', 'own_provider', 'OTHER TRUST', 'R2', 'local', 'Service line',
                 'Occupational therapy', 'December', '2025', 44, null, '2025-12-31');
            insert into kpi.kpi_comparison (
                kpi_value_key, kpi_id, comparator_type, comparator_name, comparator_value, comparator_symbol,
                neighbour_rank, neighbour_count, neighbour_quartile
            ) values
                ('w24', 'ehcp_20_weeks_excl_exceptions_pct', 'statistical_neighbour', 'Lowest', 40, null, 7, 11, 3),
                ('w24', 'ehcp_20_weeks_excl_exceptions_pct', 'statistical_neighbour', 'As good', 77.7056, null, 7, 11, 3),
                ('w24', 'ehcp_20_weeks_excl_exceptions_pct', 'statistical_neighbour', 'Withheld', null, 'c', 7, 11, 3);
            update kpi.kpi_comparison set neighbour_quartile = 3 where neighbour_rank = 7;
            insert into kpi.kpi_value (kpi_value_key, kpi_id, breakdown_topic, breakdown, time_identifier, time_period, value)
            values ('x1', 'ehcp_total', 'Ethnicity', 'One & two', 'Academic year', '202425', 10);
        """)
        yield opened


@pytest.fixture(scope="module")
def told(connection: duckdb.DuckDBPyConnection) -> dict[str, Told]:
    return {one.kpi.kpi_id: one for one in tell_kpis(connection, DATABASE)}


def test_every_kpi_of_the_catalogue_is_told_once_by_family(told: dict[str, Told]) -> None:
    assert len(told) == 8
    families = list(dict.fromkeys(one.family for one in told.values()))
    assert families == ["ehcp_process", "therapy_waits", "finance_safety_valve", "a_new_family"]
    pages = figure_pages(list(told.values()))
    assert [page.name for page in pages] == ["kpis", *(f"kpi_{family}" for family in families)]
    assert pages[-1].title == "A new family"


def test_a_kpi_without_figures_says_why(told: dict[str, Told]) -> None:
    one = told["linkage_rate_pct"]
    assert (one.statements, one.tag, one.trend) == ([], None, "")
    assert one.unavailable == "Not available: <not> counted yet."


def test_a_rating_is_told_in_words_and_colour(told: dict[str, Told]) -> None:
    tag = told["ehcp_20_weeks_excl_exceptions_pct"].tag
    assert tag is not None
    assert (tag.text, tag.colour) == ("Target missed", "red")
    planned, without = told["place_gap_special"].tag, told["ehcp_total"].tag
    assert planned is not None
    assert without is not None
    # A planning figure is no target.
    assert (planned.text, without.text) == ("No target", "No target")
    assert told["ehcp_20_weeks_excl_exceptions_pct"].trend == "up 1.7 percentage points, better"


def test_one_of_several_items_does_not_rate_the_whole(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("begin")
    try:
        connection.execute(
            "update kpi.kpi_catalogue set target = 'none waiting' where kpi_id = 'therapy_waiting_total'"
        )
        connection.execute(
            "insert into kpi.kpi_comparison (kpi_value_key, kpi_id, breakdown_topic, comparator_type, comparator_name, rating)"
            " select key, 'therapy_waiting_total', 'Service line', 'target', 'none waiting', 'missed'"
            " from (values ('s1'), ('s3'), ('s4')) as item (key)"
        )
        one = next(one for one in tell_kpis(connection, DATABASE) if one.kpi.kpi_id == THERAPY)
    finally:
        connection.execute("rollback")
    assert one.statements[0].watched.chart == "parts"
    assert one.tag is not None
    assert one.tag.text == "Not rated"


def test_the_neighbours_stand_in_their_order_with_the_authority_among_them(told: dict[str, Told]) -> None:
    one = told["ehcp_20_weeks_excl_exceptions_pct"]
    table = one.neighbours[one.statements[0].number]
    assert table.caption == (
        "Similar councils, calendar year 2024. Invented Borough is 7th best of 11 similar councils, itself included, in the third"
        " quarter of the ranking."
    )
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["Elsewhere & Co", "84.9%", "1"],
        ["As good", "77.7%", "2"],
        ["Invented Borough", "77.7%", "2"],
        ["Lowest", "40.0%", "4"],
        ["Withheld", "[c]", ""],
    ]
    assert table.rows[2][0].small == "this authority"


def test_providers_are_told_at_the_latest_month_from_their_returns_first(told: dict[str, Told]) -> None:
    table = told[THERAPY].providers
    assert table is not None
    assert table.caption == "By provider, January 2026"
    assert table.columns == ["Service line", "First Trust", "Other Trust"]
    assert [[cell.text for cell in row] for row in table.rows] == [["Occupational therapy", "100", "[c]"]]
    assert told["ehcp_total"].providers is None


def test_every_kind_of_period_is_told_with_the_words_of_its_own_kind_alone(told: dict[str, Told]) -> None:
    balance = told["dsg_cumulative_balance"]
    assert [one.watched.periods for one in balance.statements] == [Kind.quarter, Kind.financial_year]
    assert [one.value for one in balance.statements] == ["£207,452", "£1,412,447"]
    assert [one.of for one in balance.statements] == ["deficit, forecast for 31 March", "deficit at 31 March"]
    plans = told["ehcp_total"]
    assert [(one.watched.periods, one.watched.of) for one in plans.statements] == [
        (Kind.academic_year, "EHC plans"),
        (Kind.term, ""),
    ]


def test_a_breakdown_that_is_not_drawn_is_named(told: dict[str, Told]) -> None:
    assert told["ehcp_total"].others == ["Ethnicity"]
    assert told[THERAPY].others == []


def test_every_statement_has_a_number_of_its_own(told: dict[str, Told]) -> None:
    numbers = [one.number for kpi in told.values() for one in kpi.statements + kpi.lines]
    assert len(numbers) == len(set(numbers)) > len(told) - 2


def test_the_headlines_are_those_that_are_marked_and_have_a_figure(told: dict[str, Told]) -> None:
    assert [one.kpi.kpi_id for one in headlines(list(told.values()))] == [
        "ehcp_total", "ehcp_20_weeks_excl_exceptions_pct", "dsg_cumulative_balance",
    ]  # fmt: skip


def test_the_ratings_are_counted_in_a_sentence(told: dict[str, Told]) -> None:
    assert ratings_in_words(list(told.values())) == (
        "6 of 8 measures have a figure. Of 1 rated against a target, 1 missed it."
    )
    assert (
        ratings_in_words([told["linkage_rate_pct"]]) == "0 of 1 measures have a figure; none is rated against a target."
    )


def _value(period: Period) -> Value:
    return Value("k", period, Decimal(1), None, None, None, None, "m", None, None, "Local calculation", is_own=True)


def _held(**topics: dict[str, list[Period]]) -> Held:
    """Figures of the KPI `k`, by topic and item."""
    figures = Figures("Here", "people", None, {})
    for topic, items in topics.items():
        for item, periods in items.items():
            figures.series[("k", topic.replace("_", " "), item), LOCAL] = {one: _value(one) for one in periods}
    return Held.of(figures)


YEAR, QUARTER, MONTH = Period(Kind.financial_year, 2024), Period(Kind.quarter, 4 * 2025), Period(Kind.month, 12 * 2026)


@pytest.mark.parametrize(
    ("held", "chosen"),
    [
        # The kind of the latest figure first.
        ({"Total": {"Total": [YEAR, QUARTER]}}, [("quarter", "trend", "Total"), ("financial year", "trend", "Total")]),
        # Items of a breakdown at the kind that leads, if they are held by it.
        (
            {"Total": {"Total": [YEAR, QUARTER]}, "Workstream": {"a": [YEAR, QUARTER], "b": [YEAR]}},
            [("quarter", "trend", "Total"), ("financial year", "trend", "Total"), ("quarter", "parts", "Workstream")],
        ),
        # No total: the items; one item alone is a trend of it.
        ({"Service_line": {"a": [MONTH], "b": [MONTH]}}, [("month", "parts", "Service line")]),
        ({"Method": {"a": [YEAR]}}, [("financial year", "trend", "Method")]),
        # A breakdown that nobody thought of, where there is nothing else.
        ({"Colour": {"a": [YEAR], "b": [YEAR]}, "Shape": {"a": [YEAR]}}, [("financial year", "parts", "Colour")]),
        ({"Total": {"Total": [YEAR]}, "Colour": {"a": [YEAR], "b": [YEAR]}}, [("financial year", "trend", "Total")]),
        ({}, []),
    ],
)
def test_what_no_board_watches_is_chosen_from_what_is_held(
    held: dict[str, dict[str, list[Period]]], chosen: list[tuple[str, str, str]]
) -> None:
    found = watched_of("k", _held(**held), Boards(boards={}))
    assert [(one.periods, one.chart, one.topics[0]) for one in found] == chosen


def test_what_boards_watch_comes_first_and_twice_watched_is_told_once() -> None:
    total = {"kpi_id": "k", "question": "How many?", "periods": "quarter", "of": "places", "below": "missing"}
    item = {"kpi_id": "k", "question": "How many a?", "periods": "quarter", "topic": "Workstream", "item": "a"}
    board = {"title": "B", "about": "b", "sections": [{"title": "s", "figures": [item, total]}]}
    boards = Boards.model_validate({"boards": {"one": board, "two": board}})
    found = watched_of(
        "k", _held(Total={"Total": [YEAR, QUARTER]}, Workstream={"a": [QUARTER], "b": [QUARTER]}), boards
    )
    assert [one.question for one in found] == [
        "How many?", "How has it changed, by financial year?", "What is it, by workstream?", "How many a?",
    ]  # fmt: skip
    # The words of a board follow for the same kind of period; another kind is not said in them.
    assert [one.of for one in found] == ["places", "", "places", ""]


def test_months_of_a_line_are_told_where_there_are_limits_and_nobody_watches_them_yet() -> None:
    figures = Figures("Here", "people", None, {})
    for line, mean in (("limited", Decimal(3)), ("watched", Decimal(3)), ("without", None)):
        figures.limits[("k", "Service line", line), MONTH] = Limit(
            MONTH, 12, mean, mean, mean, False, False, False, None
        )
    watched = Watched(
        kpi_id="k", question="How many?", periods=Kind.month, topic="Service line", item="watched", of="waiting"
    )
    assert [(one.item, one.of) for one in lines_of("k", figures, [watched])] == [("limited", "waiting")]


def test_published_figures_alone_are_held_too_and_englands_are_not() -> None:
    figures = Figures("Here", "people", None, {})
    figures.series[("k", "Total", "Total"), PUBLISHED] = {YEAR: _value(YEAR)}
    figures.series[("k", "Total", "Total"), "England"] = {QUARTER: _value(QUARTER)}
    assert Held.of(figures).topics("k") == {"Total": {"Total": {Kind.financial_year: YEAR}}}


def test_the_figures_are_read_from_the_database_that_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    figures = read_figures(connection, ["ehcp_total"], ["Total"], database=DATABASE)
    assert set(figures.kpis) == {"ehcp_total"}
    assert [key for key, _ in figures.series] == [("ehcp_total", "Total", "Total")]


def test_the_pages_hold_every_kpi_with_its_anchor_chart_and_definition(told: dict[str, Told], tmp_path: Path) -> None:
    shell = {
        "release": {"release_id": "r", "people": "invented", "created_at": datetime(2026, 3, 1), "code_version": "1"}
    }
    pages = figure_pages(list(told.values()))
    write_site(tmp_path, pages, shell)
    texts = {page.name: (tmp_path / page.file).read_text(encoding="utf-8") for page in pages}
    for one in told.values():
        page, _, anchor = one.link.partition(".html#")
        assert f'href="{one.link}"' in texts["kpis"]
        assert texts[page].count(f'id="{anchor}"') == 1
        assert f'href="lineage.html#{anchor}"' in texts[page]
    process = texts["kpi_ehcp_process"]
    assert "Plans &lt;b&gt;within&lt;/b&gt; 20 weeks" in process
    assert "<b>within</b>" not in process
    assert "<dt>Target</dt><dd>100 (statutory)</dd>" in process
    # Each is drawn for a telephone too.
    assert process.count("<svg") == 2 * sum(
        bool(one.chart) for kpi in told.values() if kpi.family == "ehcp_process" for one in kpi.statements
    )
    assert "upper limit" in texts["kpi_therapy_waits"]
    assert "Not available: &lt;not&gt; counted yet." in texts["kpi_a_new_family"]
    for text in texts.values():
        ids = re.findall(r'\bid="([^"]*)"', text)
        assert len(ids) == len(set(ids))


def test_the_first_page_shows_what_it_says_and_leads_to_the_figures(publish_at: Callable[..., Any]) -> None:
    evidence = publish_at(datetime(2026, 3, 2, 9, tzinfo=UTC)).folder / "evidence"
    first = (evidence / "index.html").read_text(encoding="utf-8")
    # No KPI of this warehouse is marked; the sentence stands all the same.
    assert "gates passed.</strong>" in first
    assert "measures have a figure" in first
    assert 'id="ehc_requests"' in (evidence / "kpi_ehcp_process.html").read_text(encoding="utf-8")
