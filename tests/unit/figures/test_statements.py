"""What is said of each figure, on worked cases."""

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.figures.boards import Watched
from orchestration.figures.periods import parse_span
from orchestration.figures.released import Figures, latest_day, read_figures
from orchestration.figures.statements import state
from orchestration.figures.teller import Statement
from orchestration.release.exports import OPEN_DATABASE, existing_database
from tests.unit.figures.conftest import RELEASE, Store

TOPICS = ["Total", "Service line", "Academic year, if nothing changes", "Academic year, if the plan is carried out"]
KPIS = [
    "ehcp_20_weeks_excl_exceptions_pct", "ehcp_total", "ehc_health_advice_6_weeks_pct", "neurodev_waiting_total",
    "therapy_waiting_total", "dsg_cumulative_balance", "place_gap_special", "linkage_rate_pct",
]  # fmt: skip


def _figures(store: Store) -> Figures:
    database: Path = store.settings.releases_dir / RELEASE / OPEN_DATABASE
    with duckdb.connect(":memory:") as connection, existing_database(connection, database, "released"):
        return read_figures(connection, KPIS, TOPICS)


def _state(store: Store, kpi_id: str, periods: str, period: str | None = None, **how: object) -> Statement:
    watched = Watched.model_validate({"kpi_id": kpi_id, "question": "What?", "periods": periods, **how})
    return state(1, watched, _figures(store), parse_span(period) if period else None)


def _line_paths(svg: str) -> list[list[str]]:
    """The places that each drawn line joins."""
    drawn = re.findall(r'aria-roledescription="line mark" d="([^"]*)"', svg)
    return [re.findall(r"[ML][^ML]*", path) for path in drawn]


def test_a_share_is_told_with_its_counts_its_change_and_its_place_among_others(store: Store) -> None:
    told = _state(store, "ehcp_20_weeks_excl_exceptions_pct", "calendar year", of="of plans")
    assert (told.value, told.of, told.period) == ("79.4%", "of plans", "calendar year 2025")
    assert told.made == (
        "From the authority's own returns: 416 of 524. The published figure for the period is 79.9%. Two plans were told late."
    )
    assert told.better == "Higher is better."
    assert told.change == ["Up 1.7 percentage points, which is better, from 77.7% in calendar year 2024."]
    assert told.beside == [
        "In calendar year 2024, the latest with figures of other areas: Invented Borough 77.7%, England 46.4% and Yorkshire and The"
        " Humber 56.7%.",
        "Invented Borough is 7th best of 11 similar councils, itself included.",
    ]
    assert told.target == "Target: 100 (statutory). Not met."
    assert told.glance == [
        "79.4%", "2025", "up 1.7 percentage points, better", "2024: England 46.4%; 7th best of 11 similar councils",
        "100 (statutory): not met",
    ]  # fmt: skip


def test_the_table_behind_a_chart_holds_every_series(store: Store) -> None:
    table = _state(store, "ehcp_20_weeks_excl_exceptions_pct", "calendar year").table
    assert table is not None
    assert table.columns == ["Calendar year", "2022", "2023", "2024", "2025"]
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["Invented Borough (own returns)", "51.6%", "76.7%", "77.7%", "79.4%"],
        ["Invented Borough (published)", "", "", "77.7%", "79.9%"],
        ["England (published)", "", "", "46.4%", ""],
    ]
    assert table.rows[0][4].small == "416 of 524"


def test_a_quarter_that_is_told_once_a_year_is_compared_with_that_of_the_year_before(store: Store) -> None:
    told = _state(store, "place_gap_special", "quarter")
    assert told.change == [
        "Up 10, which is worse, from 20 in financial year 2024-25 quarter 4 (January to March 2025)."
    ]
    assert "No figure is held for 2023-24 Q4: the line has a gap." in told.chart_notes
    assert told.table is not None
    assert told.table.columns == ["Quarter", "2022-23 Q4", "2023-24 Q4", "2024-25 Q4", "2025-26 Q4"]
    assert [[cell.text for cell in row] for row in told.table.rows] == [
        ["Invented Borough (own returns)", "40", "", "20", "30"]
    ]
    assert told.chart is not None
    assert [len(path) for path in _line_paths(told.chart.svg)] == [1, 2]


def test_a_break_of_the_series_is_marked_and_not_compared_across(store: Store) -> None:
    told = _state(store, "ehcp_20_weeks_excl_exceptions_pct", "calendar year", period="2023")
    assert told.value == "76.7%"
    assert told.change == ["Not compared with the period before: Counted by person from now on."]
    assert told.chart is not None
    assert "series breaks" in told.chart.svg
    assert [len(path) for path in _line_paths(told.chart.svg)] == [1, 1]
    assert "The series breaks before 2023. Counted by person from now on." in told.chart_notes


def test_a_missing_year_is_a_gap_and_other_kinds_of_period_stay_out(store: Store) -> None:
    told = _state(store, "ehcp_total", "academic year", of="plans")
    assert told.value == "3,623"
    assert told.change == ["There is no figure for academic year 2023/24 to compare with."]
    assert "No figure is held for 2023/24: the line has a gap." in told.chart_notes
    assert told.table is not None
    assert [cell.text for cell in told.table.rows[0]] == ["Invented Borough (own returns)", "2,885", "", "3,623"]
    assert told.chart is not None
    assert "9,999" not in told.chart.alt
    assert [len(path) for path in _line_paths(told.chart.svg)] == [1, 1]
    assert told.target == "No target is set."


def test_a_withheld_figure_is_a_letter_and_nothing_follows_from_it(store: Store) -> None:
    told = _state(store, "ehc_health_advice_6_weeks_pct", "month")
    assert (told.value, told.period, told.change) == ("[c]", "January 2026", [])
    assert told.glance[:3] == ["[c]", "Jan 2026", ""]
    assert told.chart is not None
    assert "[c]" in told.chart.svg
    assert any(note.startswith("[c] marks 1 period whose figure is withheld") for note in told.chart_notes)


@pytest.mark.parametrize(
    ("earlier", "later", "begins_at_nought"), [(90, 100, False), (98, 100, True), (40, 100, True), (-100, -90, True)]
)
def test_an_axis_begins_at_nought_unless_a_closer_look_is_worth_it(
    store: Store, earlier: int, later: int, begins_at_nought: bool
) -> None:
    store.publish(
        "delete from kpi.kpi_value where kpi_id = 'ehcp_total'",
        "insert into kpi.kpi_value (kpi_value_key, kpi_id, time_identifier, time_period, value) values"
        f" ('t1', 'ehcp_total', 'Academic year', '202324', {earlier}), ('t2', 'ehcp_total', 'Academic year', '202425', {later})",
    )
    told = _state(store, "ehcp_total", "academic year")
    assert ("The upright axis does not begin at nought." in told.chart_notes) is not begins_at_nought


def test_months_outside_the_limits_are_said_and_ringed(store: Store) -> None:
    told = _state(store, "neurodev_waiting_total", "month")
    assert told.value == "160"
    assert told.change == [
        "Up 60 (60.0%), which is worse, from 100 in December 2025.",
        "A year before, in January 2025, it was 101.",
    ]
    assert (
        "The latest month lies above the limits of usual month-to-month variation (91.4 to 119), which is worse than usual."
        in told.chart_notes
    )
    assert "Ringed: 1 of 14 months outside the limits." in told.chart_notes
    assert told.notes == ["Nine in ten are linked."]
    assert told.chart is not None
    assert "Mean 105.2, limits 91.4 to 119." in told.chart.alt
    assert "upper limit" in told.chart.svg


def _control_chart(store: Store, values: list[float], *, runs: range, trends: range) -> list[str]:
    """What is said of fourteen months with these values, of which the control chart marks these places."""
    store.publish(
        f"update kpi.kpi_value set value = {values}[substr(kpi_value_key, 2)::integer + 1] where kpi_id = 'neurodev_waiting_total'",
        f"""
        update kpi.kpi_control_chart as chart
        set
            is_beyond_limits = false,
            is_in_run = list_contains({list(runs)}::integer[], place),
            is_in_trend = list_contains({list(trends)}::integer[], place)
        from (
            select time_identifier as month, time_period as year, substr(kpi_value_key, 2)::integer as place
            from kpi.kpi_value
            where kpi_id = 'neurodev_waiting_total'
        )
        where chart.time_identifier = month and chart.time_period = year
        """,
    )
    return [note for note in _state(store, "neurodev_waiting_total", "month").chart_notes if "variation" in note]


def test_a_trend_is_said_and_the_run_before_it_too(store: Store) -> None:
    # Eight months above the mean of 105.2, then six that rise, all below it.
    values = [110.0, 108, 109, 110, 108, 109, 110, 108, 99, 100, 101, 102, 103, 104]
    assert _control_chart(store, values, runs=range(8), trends=range(8, 14)) == [
        "The latest 6 months rise one after the other: more than month-to-month variation (limits 91.4 to 119).",
        "Earlier, too, there was more than month-to-month variation: the 8 months from Dec 2024 to Jul 2025 all lie above the mean.",
    ]


def test_a_month_in_a_run_and_in_a_trend_is_said_to_be_in_both(store: Store) -> None:
    values = [110.0, 110, 110, 110, 110, 110, 104, 103.5, 103, 102, 101, 100, 99, 98]
    assert _control_chart(store, values, runs=range(6, 14), trends=range(6, 14)) == [
        "The latest 8 months all lie below the mean, which is better than usual: more than month-to-month variation"
        " (limits 91.4 to 119).",
        "The latest 8 months fall one after the other: also more than month-to-month variation.",
    ]


def test_the_step_between_two_trends_belongs_to_neither(store: Store) -> None:
    values = [100.0, 101, 102, 103, 104, 105, 100, 101, 102, 103, 104, 105, 105, 106]
    assert _control_chart(store, values, runs=range(0), trends=range(12)) == [
        "The latest month lies within the limits of usual month-to-month variation (91.4 to 119).",
        "Earlier, too, there was more than month-to-month variation: the 6 months from Dec 2024 to May 2025 rise one after the other and"
        " the 6 months from Jun 2025 to Nov 2025 rise one after the other.",
    ]


def test_equal_months_between_a_rise_and_a_fall_belong_to_neither(store: Store) -> None:
    values = [100.0, 101, 102, 103, 104, 105, 105, 104, 103, 102, 101, 100, 101, 100]
    assert _control_chart(store, values, runs=range(0), trends=range(12))[1] == (
        "Earlier, too, there was more than month-to-month variation: the 6 months from Dec 2024 to May 2025 rise one after the other and"
        " the 6 months from Jun 2025 to Nov 2025 fall one after the other."
    )


def test_a_change_that_does_not_match_what_is_shown_says_that_it_was_worked_out_before_rounding(store: Store) -> None:
    note = "Changes are worked out before rounding."
    assert note not in _state(store, "ehcp_20_weeks_excl_exceptions_pct", "calendar year").notes
    # 9.2 from 7.5, shown as 1.8 more.
    store.publish(
        "update kpi.kpi_value set value = 9.2400 where kpi_value_key = 'w25'",
        "update kpi.kpi_value set value = 7.4900 where kpi_value_key = 'w24'",
    )
    told = _state(store, "ehcp_20_weeks_excl_exceptions_pct", "calendar year")
    assert told.change[0].startswith("Up 1.8 percentage points, which is better, from 7.5% in ")
    assert told.notes.count(note) == 1


@pytest.mark.parametrize(
    ("statement", "note"),
    [
        ("update kpi.kpi_control_chart set point_count = 11", "there are fewer than 12 months"),
        (
            "update kpi.kpi_control_chart set mean_value = null, not_interpretable_reason = 'withheld_months'",
            "some months are withheld",
        ),
    ],
)
def test_limits_that_rest_on_too_little_are_not_drawn(store: Store, statement: str, note: str) -> None:
    store.publish(statement)
    told = _state(store, "neurodev_waiting_total", "month")
    assert f"Limits of usual variation are not drawn: {note}." in told.chart_notes
    assert told.chart is not None
    assert "upper limit" not in told.chart.svg


def test_limits_are_not_drawn_where_some_of_their_months_are_left_out(store: Store) -> None:
    told = _state(store, "neurodev_waiting_total", "month", period="2025-12")
    assert told.value == "100"
    assert any("drawn in a pack of all months alone" in note for note in told.chart_notes)
    assert told.chart is not None
    assert "upper limit" not in told.chart.svg


def test_a_forecast_of_another_financial_year_is_not_the_quarter_before(store: Store) -> None:
    told = _state(store, "dsg_cumulative_balance", "quarter", of="surplus", below="deficit")
    assert (told.value, told.of) == ("£207,452", "deficit")
    assert told.period == "financial year 2025-26 quarter 1 (April to June 2025)"
    assert told.change == ["The quarter before was forecast for another financial year, so the two are not compared."]
    assert "In chart and table a figure below nought is: deficit." in told.chart_notes
    assert told.chart is not None
    assert [len(path) for path in _line_paths(told.chart.svg)] == [2, 1]
    assert told.table is not None
    assert [[cell.text for cell in row] for row in told.table.rows] == [
        ["2025-26", "\u2212£207,452", "", "", ""],
        ["2024-25", "", "", "\u2212£1,473,581", "\u2212£1,457,365"],
    ]


def test_quarters_of_one_financial_year_are_compared(store: Store) -> None:
    told = _state(store, "dsg_cumulative_balance", "quarter", period="2024-25Q4")
    assert told.value == "\u2212£1,457,365"
    assert told.change == [
        "Up £16,216, which is better, from \u2212£1,473,581 in financial year 2024-25 quarter 3 (October to December 2024)."
    ]


def test_what_lies_below_nought_is_told_by_its_size_and_its_change_too(store: Store) -> None:
    store.publish(
        "insert into kpi.kpi_value (kpi_value_key, kpi_id, time_identifier, time_period, value, method) values"
        " ('d0', 'dsg_cumulative_balance', 'Financial year Q4', '202324', 42635, 'a return, full-year forecast')"
    )
    told = _state(store, "dsg_cumulative_balance", "quarter", period="2024-25Q4", of="surplus", below="deficit")
    assert (told.value, told.of) == ("£1,457,365", "deficit")
    assert told.change == [
        "Down £16,216, which is better, from £1,473,581 in financial year 2024-25 quarter 3 (October to December 2024).",
        "A year before, in financial year 2023-24 quarter 4 (January to March 2024), it was £42,635 (surplus).",
    ]
    assert (told.trend, told.glance[0], told.glance[2]) == (
        "down £16,216, better", "\u2212£1,457,365", "up £16,216, better",
    )  # fmt: skip
    before = _state(store, "dsg_cumulative_balance", "quarter", period="2023-24Q4", of="surplus", below="deficit")
    assert (before.value, before.of) == ("£42,635", "surplus")


def test_a_period_that_is_not_over_ends_with_the_release(store: Store) -> None:
    figures = _figures(store)
    made = figures.created_at.date()
    assert latest_day(figures) == min(made, date(2026, 3, 31))
    store.publish(
        "insert into kpi.kpi_value (kpi_value_key, kpi_id, time_identifier, time_period, value) values"
        f" ('l', 'linkage_rate_pct', 'Calendar year', '{made.year}', 99)"
    )
    assert latest_day(_figures(store)) == made


def test_an_older_release_does_not_say_which_figures_are_judged_by_size(store: Store) -> None:
    store.publish(
        "alter table kpi.kpi_catalogue drop column is_judged_by_size",
        "alter table kpi.kpi_comparison drop column rating",
        "alter table kpi.kpi_comparison drop column difference_reason",
        "alter table meta.glossary drop column kind",
    )
    told = _state(store, "dsg_cumulative_balance", "quarter", period="2024-25Q4")
    assert told.change[0].startswith("Up £16,216 from ")
    share = _state(store, "ehcp_20_weeks_excl_exceptions_pct", "calendar year")
    assert share.target == "Target: 100 (statutory)."
    assert _figures(store).words == {}


def test_items_of_a_breakdown_stand_in_the_order_of_what_is_shown(store: Store) -> None:
    told = _state(store, "therapy_waiting_total", "month", chart="parts", topic="Service line", of="waiting")
    assert (told.value, told.of) == (
        "175",
        "waiting: Speech and language therapy (the highest of the 2 that have a figure)",
    )
    assert told.table is not None
    assert [[cell.text for cell in row] for row in told.table.rows] == [
        ["Speech and language therapy", "175", "162"],
        ["Occupational therapy", "132", "129"],
        ["Community paediatrics", "[c]", ""],
    ]
    assert told.change[0] == "Speech and language therapy: up 13 (8.0%), which is worse, from 162 in December 2025."
    assert told.chart is not None
    assert "[c]" in told.chart.svg
    assert "Highest: Speech and language therapy, 175; lowest: Occupational therapy, 132." in told.chart.alt


def test_forecasts_by_year_ahead_are_told_by_scenario(store: Store) -> None:
    told = _state(store, "place_gap_special", "quarter", chart="scenarios", topic=TOPICS[2:], of="more places")
    assert (told.value, told.of) == ("161", "more places by 2028/29, if nothing changes")
    assert told.change == [
        "If the plan is carried out: 33 by 2028/29.",
        "Up 11 (7.3%), which is worse, from 150 in financial year 2025-26 quarter 3 (October to December 2025).",
    ]
    assert told.target == "Planning figure, not a target: +161 by 2028."
    assert told.table is not None
    assert [[cell.text for cell in row] for row in told.table.rows] == [
        ["2027/28", "115", ""],
        ["2028/29", "161", "33"],
    ]


def test_what_is_not_available_says_why(store: Store) -> None:
    assert _state(store, "linkage_rate_pct", "month").unavailable == "Not available: <not> counted yet."
    assert _state(store, "no_such_kpi", "month").unavailable.startswith("Not available: the release was made before")
    assert _state(store, "ehcp_total", "quarter").unavailable.startswith("Not available by quarter")
    assert _state(store, "ehcp_total", "academic year", period="2015").unavailable == (
        "No figure for up to the end of calendar year 2015: figures are held of academic year 2022/23 to academic year 2024/25."
    )
