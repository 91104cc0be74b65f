"""Enough places?: what the page tells of forecasts, places and money, and of whom it tells nothing."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest

from orchestration.pages import page_templates
from orchestration.release.portal.site import PARTS, TEMPLATES
from orchestration.release.portal.sufficiency import Expectation, Gap, Held, Published, sufficiency_page
from orchestration.release.provision import Children, Kind

LEAST = 10
SPLITS = "age_group, year_group, need_code, placement_group_code, provision_code, need_table_no, ward_code"


@pytest.fixture
def warehouse(warehouse: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """With an open database attached that has no figure yet."""
    warehouse.execute(
        "attach ':memory:' as release_open; create schema release_open.kpi;"
        "create table release_open.kpi.kpi_value as from warehouse.kpi.kpi_value limit 0"
    )
    return warehouse


@pytest.fixture
def forecast(warehouse: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """January 2024 to 2026 counted; 2027 forecast from 2026, and 2026 from 2025."""
    warehouse.execute(
        f"""
        insert into marts.fct_plan_forecast by name
        select
            '372' as la_code, 'baseline' as scenario_code, 'plans' as measure_code, 'cohort' as total_model_code,
            'A sentence.' as total_model_reason,
            origin_year, origin_year = 2026 as is_latest_version, census_year, census_year - origin_year as horizon,
            {", ".join(f"'Total' as {one}" for one in SPLITS.split(", ") if one not in ("year_group", "need_code"))},
            year_group, if(year_group = '6', make_date(census_year, 2, 15), null) as transfer_due_date, need_code, plan_count,
            low_count, high_count, actual_count, actual_count between low_count and high_count as is_within
        from (values
            (2024, 2024, 'Total', 'Total', 3310, 3310, 3310, 3310), (2025, 2025, 'Total', 'Total', 3623, 3623, 3623, 3623),
            (2026, 2026, 'Total', 'Total', 4062, 4062, 4062, 4062), (2025, 2026, 'Total', 'Total', 4018.5, 3771.4, 4281.8, 4062),
            (2026, 2027, 'Total', 'Total', 4461, 4170, 4772, null), (2026, 2027, '6', 'Total', 310.4, 280, 340, null),
            (2026, 2027, '11', 'Total', 9.9, 7, 12, null),
            (2025, 2026, 'Total', 'ASD', 100, 90, 110, 95), (2025, 2026, 'Total', 'MLD', 100, 90, 110, 111),
            (2025, 2026, 'Total', 'MSI', 5, 4, 6, 9)
        ) as told (
            origin_year, census_year, year_group, need_code, plan_count, low_count, high_count, actual_count
        );
        insert into marts.fct_forecast_back_test values
            ('372', 2024, 1, true, true), ('373', 2022, 1, true, false), ('372', 2019, 1, false, true), ('372', 2023, 2, true, null);
        insert into seed.reform_plan_provision values
            ('MAINTAINED_SPECIAL', 'Special schools', 5), ('AP', 'Alternative provision', 8);
        insert into marts.fct_place_gap
        select
            '372', scenario, 2026 + horizon, horizon, provision, phase, 'Total', basis, provision = 'MAINTAINED_SPECIAL', plans,
            plans - 20, plans + 30, plans - outside, places, returned
        from (values
            ('baseline', 1, 'MAINTAINED_SPECIAL', 'Total', 'commissioned', 120, 15, 90, null),
            ('baseline', 1, 'MAINTAINED_SPECIAL', 'Total', 'funded', 120, 15, 100, 12),
            ('baseline', 1, 'MAINTAINED_SPECIAL', 'Total', 'planned', 120, 15, 110, 2),
            ('baseline', 1, 'MAINTAINED_SPECIAL', 'PRIMARY', 'funded', 60, 15, 999, null),
            ('baseline', 0, 'MAINTAINED_SPECIAL', 'Total', 'funded', 110, 15, 100, 1),
            ('fewer', 1, 'MAINTAINED_SPECIAL', 'Total', 'funded', 50, 15, 100, null),
            ('baseline', 0, 'AP', 'Total', 'none', 12, 0, null, null),
            ('baseline', 1, 'AP', 'Total', 'none', 9, 0, null, null)
        ) as told (scenario, horizon, provision, phase, basis, plans, outside, places, returned);
        insert into marts.fct_placement_cost_forecast by name
        select
            '372' as la_code, 'baseline' as scenario_code, financial_year, category as dsg_category_code, kind as value_type,
            cost as cost_gbp, -1500000 as in_year_gbp
        from (values
            ('202627', 'Total', 'FORECAST', 46900000), ('202526', 'Total', 'TOLD', 42200000), ('202627', 'NMISS', 'FORECAST', 1)
        ) as told (financial_year, category, kind, cost);
        """
    )
    return warehouse


def test_what_was_forecast_stands_beside_what_came_and_what_is_to_come(forecast: duckdb.DuckDBPyConnection) -> None:
    facts = sufficiency_page(forecast, "release_open", None, least=LEAST).facts

    assert [(one.year, one.plans, one.is_counted) for one in facts["januaries"]] == [
        (2024, 3310, True), (2025, 3623, True), (2026, 4062, True), (2027, 4461, False),
    ]  # fmt: skip
    # Of parts of ten or more one of two held; the total is none of its parts.
    assert facts["held"] == Held(2025, 2026, 4018.5, 3771.4, 4281.8, 4062, 2, 1)
    assert facts["held"].is_within
    assert facts["tested"] == [(1, 2, 1)]
    assert [(year_group, round(plans)) for year_group, _, plans, _, _ in facts["transfers"]] == [("6", 310)]


def _publish(connection: duckdb.DuckDBPyConnection) -> None:
    """From January 2025 two versions, from 2024 one, in parts of one need that held, one that did not, and one of too few."""
    connection.execute(
        f"""
        insert into marts.fct_plan_forecast_published by name
        select
            '372' as la_code, origin_year || release_id as forecast_version, origin_year, release_id, day as published_date,
            release_id <> 'r2' as is_last_of_origin, 'plans' as measure_code, census_year, census_year - origin_year as horizon,
            {", ".join(f"'Total' as {one}" for one in SPLITS.split(", ") if one != "need_code")},
            need_code, plan_count, plan_count - 50 as low_count, plan_count + 50 as high_count, came as actual_count,
            came between low_count and high_count as is_within
        from (values
            ('r1', date '2024-03-05', 2024, 2026, 'Total', 4100, 4062), ('r2', date '2025-03-04', 2025, 2026, 'Total', 9999, 4062),
            ('r3', date '2025-06-30', 2025, 2026, 'Total', 4000, 4062), ('r3', date '2025-06-30', 2025, 2027, 'Total', 4400, null),
            ('r3', date '2025-06-30', 2025, 2026, 'ASD', 100, 95), ('r3', date '2025-06-30', 2025, 2026, 'MLD', 10, 90),
            ('r3', date '2025-06-30', 2025, 2026, 'MSI', 9, 9)
        ) as told (release_id, day, origin_year, census_year, need_code, plan_count, came)
        """
    )


def test_last_years_forecast_as_it_was_published_stands_beside_what_came_and_what_is_made_anew(
    forecast: duckdb.DuckDBPyConnection,
) -> None:
    _publish(forecast)

    assert sufficiency_page(forecast, "release_open", None, least=LEAST).facts["published"] == [
        Published("r3", date(2025, 6, 30), 2025, 2026, 4000, 3950, 4050, 4062, 4018.5, 2, 1),
        Published("r1", date(2024, 3, 5), 2024, 2026, 4100, 4050, 4150, 4062, None, 0, 0),
    ]
    words = _words(forecast, None)
    assert "On 30 June 2025 release r3 forecast 4,000 plans for January 2026, between 3,950 and 4,050." in words
    assert "There were 4,062 , outside the interval." in words
    assert "2026 30 June 2025 r3 2025 4,000 3,950 4,050 4,062 no 1 of 2 4,019" in words
    assert "2026 5 March 2024 r1 2024 4,100 4,050 4,150 4,062 yes none counted not made" in words
    assert "No forecast that was published" not in words


def test_where_no_published_forecast_has_met_its_january_the_page_says_so(forecast: duckdb.DuckDBPyConnection) -> None:
    assert "No forecast that was published has met its January yet." in _words(forecast, None)


def test_places_needed_leave_out_those_outside_and_stand_beside_what_is_funded(
    forecast: duckdb.DuckDBPyConnection,
) -> None:
    [special] = sufficiency_page(forecast, "release_open", None, least=LEAST).facts["provisions"]

    assert special.code == "MAINTAINED_SPECIAL"  # nine plans are too few to be told of
    # Nobody has counted whom one may tell of: neither who is outside, nor, from the plans of the mart, who is not.
    assert special.gaps == [
        Gap(2026, None, None, None, 100, None, 1, is_counted=True), Gap(2027, 105, 85, 135, 100, 110, 12),
    ]  # fmt: skip
    assert special.gaps[1].missing == [5, -15, 35]
    assert special.is_told
    assert special.outside is None


def _children(beyond: int | None, *, also: list[str], census_day: date = date(2026, 1, 15)) -> Children:
    counts: dict[tuple[str, ...], int | None] = {
        ("kind_place", "special", place): number for place, number in [("in", 91), ("out", beyond), ("none", 4)]
    }
    counts["kind", "special"] = 110
    return Children(
        census_day, "Rotherham", [], [], [Kind("special", "State special school", also)], [], [], counts, is_withheld=False
    )  # fmt: skip


@pytest.mark.parametrize(
    ("children", "taken", "outside"),
    [
        (_children(15, also=[]), 95, 15),
        (_children(None, also=[]), 95, None),
        # Counted with another kind, they are not those of the provision alone.
        (_children(15, also=["Alternative provision"]), None, None),
        (_children(15, also=[], census_day=date(2025, 1, 16)), None, 15),
    ],
)
def test_of_the_january_it_goes_out_from_the_other_pages_tell_how_many_places_are_taken(
    forecast: duckdb.DuckDBPyConnection, children: Children, taken: int | None, outside: int | None
) -> None:
    [special] = sufficiency_page(forecast, "release_open", children, least=LEAST).facts["provisions"]

    assert special.gaps[0] == Gap(2026, taken, None, None, 100, None, 1, is_counted=True)
    assert special.gaps[0].missing == [None if taken is None else -5, None, None]
    assert special.outside == outside


def _words(connection: duckdb.DuckDBPyConnection, children: Children | None) -> str:
    """What the page says, without its tags."""
    page = sufficiency_page(connection, "release_open", children, least=LEAST)
    release = {
        "release_id": "r",
        "people": "invented",
        "created_at": datetime(2026, 3, 3, tzinfo=UTC),
        "code_version": "1",
    }
    template = page_templates(TEMPLATES).get_template(page.template)
    html = template.render(page=page, siblings=[page], parts=PARTS, release=release, **page.facts)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_where_places_are_anywhere_all_children_take_one(forecast: duckdb.DuckDBPyConnection) -> None:
    forecast.execute("update marts.fct_place_gap set is_within_borough = false")

    [special] = sufficiency_page(forecast, "release_open", _children(None, also=[]), least=LEAST).facts["provisions"]

    assert special.gaps[0].demand == 110


def test_each_planning_figure_stands_beside_what_the_return_and_we_expect_of_its_year(
    forecast: duckdb.DuckDBPyConnection,
) -> None:
    """The latest quarter alone; by 2030 our forecast ends a year before."""
    forecast.execute(
        """
        insert into seed.kpi_target values
            ('place_gap_post16', 'planning_figure', 170, '2028-12-31', '+170 by 2028', 'Minutes'),
            ('place_gap_special', 'planning_figure', 300, '2030-12-31', '+300 by 2030', 'Papers'),
            ('place_gap_special', 'planning_figure', 161, '2028-12-31', '+161 by 2028', 'Papers'),
            ('dsg_cumulative_balance', 'agreement', 0, '2026-03-31', 'Balanced', 'Agreement');
        insert into release_open.kpi.kpi_value by name
        select
            'place_gap_special' as kpi_id, 'own_authority' as area_role, 'Academic year, if ' || topic as breakdown_topic, breakdown,
            value, period_end
        from (values
            ('nothing changes', '2028/29', 161, date '2026-03-31'), ('nothing changes', '2028/29', 999, date '2025-12-31'),
            ('nothing changes', '2030/31', 300, date '2026-03-31'), ('the plan is carried out', '2028/29', 33, date '2026-03-31'),
            ('plans grow as forecast', '2027/28', 250, date '2026-03-31'),
            ('plans grow as forecast', '2028/29', 330, date '2026-03-31'),
            ('plans grow as forecast, low end', '2028/29', 127, date '2026-03-31'),
            ('plans grow as forecast, high end', '2028/29', 541, date '2026-03-31'),
            ('plans grow as forecast', '2029/30', 396, date '2026-03-31'),
            ('plans grow as forecast, low end', '2029/30', 120, date '2026-03-31'),
            ('plans grow as forecast, high end', '2029/30', 700, date '2026-03-31')
        ) as told (topic, breakdown, value, period_end)
        """
    )

    assert sufficiency_page(forecast, "release_open", None, least=LEAST).facts["expectations"] == [
        Expectation("Special schools", "+161 by 2028", "Papers", "2028/29", Decimal(161), Decimal(33), "2028/29",
                    Decimal(330), Decimal(127), Decimal(541)),
        Expectation("Special schools", "+300 by 2030", "Papers", "2030/31", Decimal(300), None, "2029/30",
                    Decimal(396), Decimal(120), Decimal(700)),
        Expectation("Colleges and other mainstream places after 16", "+170 by 2028", "Minutes", "2028/29", None, None, None,
                    None, None, None),
    ]  # fmt: skip
    words = _words(forecast, None)
    assert "+161 by 2028 (Papers) 2028/29 +161 +33 +330 +127 +541 2028/29" in words
    assert "2028/29 not known not known not known not known not known not forecast" in words


def test_what_mase_is_stands_where_it_is_told(forecast: duckdb.DuckDBPyConnection) -> None:
    assert "MASE" not in _words(forecast, None)
    forecast.execute(
        "update marts.fct_plan_forecast set total_model_reason = 'The cohort model (MASE 1.99 against 2.09).'"
    )
    assert "MASE is how far off a model's forecasts were on average" in _words(forecast, None)


def test_the_page_says_what_its_numbers_are_and_of_which_january(forecast: duckdb.DuckDBPyConnection) -> None:
    words = _words(forecast, _children(15, also=[]))

    assert "of forecasts that many years ahead (1), 1 of 2 did" in words
    assert "as often, per head of population, as in the last year" in words
    assert "Forecasts are those from January 2022, 2024;" in words
    assert "Outside Rotherham in January 2026: 15 children" in words
    assert "2026 95 100 not told \N{MINUS SIGN}5 +1 counted" in words
    assert "we would have forecast 4,019 plans" in words  # 4,018.5
    assert "There were 4,062 , 43 more than forecast" in words
    assert "today" not in words


@pytest.mark.parametrize(
    ("forecast_count", "said"), [(4062.4, "as forecast,"), (4060.6, "1 more than"), (4063, "1 fewer than")]
)
def test_what_came_is_more_fewer_or_as_forecast(
    forecast: duckdb.DuckDBPyConnection, forecast_count: float, said: str
) -> None:
    forecast.execute(
        "update marts.fct_plan_forecast set plan_count = ?"
        " where origin_year = 2025 and census_year = 2026 and year_group = 'Total' and need_code = 'Total'",
        [forecast_count],
    )

    assert f"There were 4,062 , {said}" in _words(forecast, None)


def test_a_benchmark_is_not_told_as_the_cohort_model_nor_as_tested_where_it_is_not(
    forecast: duckdb.DuckDBPyConnection,
) -> None:
    forecast.execute("update marts.fct_plan_forecast set total_model_code = 'last_year_increase'")
    forecast.execute("delete from marts.fct_forecast_back_test where horizon = 1")

    words = _words(forecast, None)

    assert "no forecast that many years ahead (1) is tested" in words
    assert "per head of population" not in words


def test_of_money_the_total_alone_is_told(forecast: duckdb.DuckDBPyConnection) -> None:
    costs = sufficiency_page(forecast, "release_open", None, least=LEAST).facts["costs"]

    assert [(one["year"], one["is_forecast"], one["cost_gbp"]) for one in costs] == [
        ("2025-26", False, 42_200_000), ("2026-27", True, 46_900_000),
    ]  # fmt: skip


def test_without_forecasts_the_page_says_so(warehouse: duckdb.DuckDBPyConnection) -> None:
    facts = sufficiency_page(warehouse, "release_open", None, least=LEAST).facts

    assert facts["plans_chart"] is None and facts["held"] is None
    assert facts["published"] == facts["januaries"] == facts["provisions"] == facts["transfers"] == facts["costs"] == []
