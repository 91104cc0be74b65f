"""The worked queries: each is on its page, says what it is, and answers a hand-made world as worked out by hand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.queries import FOLDER, LABELS, WorkedQuery, head_of, worked_queries
from tests.unit.expectations.conftest import contracted_models

QUERIES = worked_queries()
RELEASE = "20260302T090000Z-1a2b3c4d"

DIMENSIONS = """
insert into marts.dim_service (service_key, therapy_line, therapy_line_name) values
    ('s', 'SLT', 'Speech and language therapy'), ('o', 'OT', 'Occupational therapy');
insert into marts.dim_provider (provider_key, org_code, org_name) values ('a', 'RFR', 'Quillmoor Trust'), ('b', 'RXE', 'Tanglewick Trust');
insert into marts.dim_need (need_code, need_name, need_order) values
    ('ASD', 'Autistic spectrum disorder', 10), ('SLCN', 'Speech and language', 5), ('UNKNOWN', 'Not recorded', 15);
insert into marts.dim_setting (setting_key, setting_name, la_estab) values
    ('900001', 'Quillmoor Primary', '3722001'), ('900002', 'Tanglewick Academy', '3724001');
insert into marts.dim_census_plan_reason (reason_code, reason_name) values
    ('on_roll_with_other_provision', 'On roll without the plan'), ('post_16', 'Post-16');
insert into marts.dim_placement_group (placement_line_code, placement_group_name, group_order) values
    ('special_state', 'Special', 2), ('mainstream_state', 'Mainstream', 1), ('mainstream_unit', 'Mainstream', 1);
"""


@dataclass(frozen=True)
class Case:
    """Rows of facts, as `table (columns)` (of schema marts where it names none) and their values in SQL, and what the query
    makes of them."""

    facts: dict[str, str]
    answer: list[tuple[Any, ...]]


CASES = {
    # Of six that wait for speech therapy on the latest list one has two requests, one another need, one no known plan; one
    # waits just 18 weeks. Not asked for: a list before, a row in error, one in treatment, occupational therapy.
    "children_with_slcn_waiting_for_speech_therapy": Case(
        {
            "fct_therapy_wait (child_key, service_key, primary_need_code, is_over_18_weeks, is_known_child, is_latest,"
            " is_waiting, is_reportable, snapshot_date)": """
            ('one', 's', 'SLCN', true, true, true, true, true, '2025-10-31'),
            ('one', 's', 'SLCN', true, true, true, true, true, '2025-10-31'),
            ('two', 's', 'SLCN', true, true, true, true, true, '2025-10-31'),
            ('just', 's', 'SLCN', false, true, true, true, true, '2025-10-31'),
            ('autism', 's', 'ASD', true, true, true, true, true, '2025-10-31'),
            ('unknown', 's', null, true, false, true, true, true, '2025-10-31'),
            ('before', 's', 'SLCN', true, true, false, true, true, '2025-09-30'),
            ('in error', 's', 'SLCN', true, true, true, true, false, '2025-10-31'),
            ('treated', 's', 'SLCN', false, true, true, false, true, '2025-10-31'),
            ('for ot', 'o', 'SLCN', true, true, true, true, true, '2025-10-31')"""
        },
        [(date(2025, 10, 31), 2, 6, 83.3)],
    ),
    # The second trust's latest published month is an earlier one; its later month has no published figure.
    "local_waits_beside_the_published_table": Case(
        {
            "fct_therapy_wait_comparison (provider_key, service_key, snapshot_date, band_code, published_count,"
            " sitrep_counted_count, declared_count, accounted_count, accounted_difference_count)": """
            ('a', 's', '2025-10-31', 'w00_01', 10, 7, 3, 10, 0),
            ('a', 's', '2025-10-31', 'total', 182, 150, 30, 180, -2),
            ('a', 's', '2025-09-30', 'total', 180, 150, 30, 180, 0),
            ('b', 'o', '2025-09-30', 'total', 20, 15, null, null, null),
            ('b', 'o', '2025-10-31', 'total', null, 16, null, null, null)"""
        },
        [
            (date(2025, 10, 31), "Quillmoor Trust", "Speech and language therapy", "total", 182, 150, 30, 180, -2),
            (date(2025, 10, 31), "Quillmoor Trust", "Speech and language therapy", "w00_01", 10, 7, 3, 10, 0),
            (date(2025, 9, 30), "Tanglewick Trust", "Occupational therapy", "total", 20, 15, None, None, None),
        ],
    ),
    # 2024: four on SEN support before (5, 9, 20 and, already when first seen, at least 30 months), one never on it.
    # 2025: one plan, of a child already on SEN support. Left out: historical, transferred, and one from before the returns.
    "months_from_sen_support_to_plan": Case(
        {
            "fct_child_journey (first_plan_start_date, first_plan_origin_code, is_ehc_left_censored,"
            " sen_support_before_plan_code, is_sen_support_left_censored, months_sen_support_to_plan)": """
            ('2024-02-01', 'new', false, 'seen', false, 5),
            ('2024-03-01', 'new', false, 'seen', false, 9),
            ('2024-12-31', 'new', false, 'seen', false, 20),
            ('2024-05-01', 'new', false, 'seen', true, 30),
            ('2024-05-01', 'new', false, 'on_roll_without', null, null),
            ('2025-01-01', 'new', false, 'seen', true, 12),
            ('2024-05-01', 'new', true, 'seen', false, 60),
            ('2021-05-01', 'historical', true, 'before_first_census', null, null),
            ('2024-05-01', 'transferred_in', true, 'seen', false, 60),
            (null, null, null, null, false, null)"""
        },
        [(2024, 5, 4, 9, 3, 9, 20), (2025, 1, 1, 12, 0, None, None)],
    ),
    # Of five requests of 2024 three were refused: one had a plan on the same request, one on a second, one none. A plan that
    # had ended before the request is no answer to it; a request of 2025 has no decision yet.
    "refused_first_and_had_a_plan_later": Case(
        {
            "fct_child_journey (first_request_date, first_request_outcome_code, first_decision_date, request_count,"
            " first_plan_start_date, first_plan_request_date, months_first_request_to_plan, is_ehc_left_censored)": """
            ('2024-01-10', 'N', '2024-02-10', 1, '2024-09-10', '2024-01-10', 8, false),
            ('2024-02-10', 'N', '2024-03-10', 2, '2025-08-10', '2025-03-10', 18, false),
            ('2024-03-10', 'N', '2024-04-10', 1, null, null, null, false),
            ('2024-04-10', 'Y', '2024-05-10', 1, '2024-08-10', '2024-04-10', 4, false),
            ('2024-05-10', 'W', null, 2, '2025-08-10', '2025-03-10', 15, false),
            ('2025-05-10', 'A', null, 1, null, null, null, false),
            ('2025-06-10', 'N', '2025-07-10', 1, '2022-01-10', null, null, false),
            ('2021-05-10', 'N', '2021-06-10', 1, '2022-08-10', '2021-05-10', 15, true),
            (null, null, null, 0, '2024-01-01', null, null, false)"""
        },
        [(2024, 5, 3, 1, 2, 66.7, 1, 8), (2025, 2, 1, 0, 0, 0.0, 0, None)],
    ),
    # One of autism is late, one cannot be read. Out: an exception to the 20 weeks, and the year before.
    "plans_within_20_weeks_by_need": Case(
        {
            "fct_ehc_request (activity_year, primary_need_code, is_in_20_week_population_without_exceptions, issue_band,"
            " days_to_issue)": """
            (2025, 'ASD', true, 'within_20_weeks', 140),
            (2025, 'ASD', true, '20_to_52_weeks', 141),
            (2025, 'ASD', true, null, null),
            (2025, 'SLCN', true, 'within_20_weeks', 100),
            (2025, 'SLCN', false, '20_to_52_weeks', 200),
            (2024, 'SLCN', true, 'within_20_weeks', 10)"""
        },
        [
            ("All needs", 4, 2, 50.0, 140),
            ("Speech and language", 1, 1, 100.0, 100),
            ("Autistic spectrum disorder", 3, 1, 33.3, 140),
        ],
    ),
    # Out: one January alone, one that ended, one that is legitimate.
    "schools_and_plans_disagree_for_two_januaries": Case(
        {
            "fct_census_plan_spell (setting_key, side_code, last_reason_code, last_reason_class, census_count, is_open)": """
            ('900001', 'plan_return_alone', 'on_roll_with_other_provision', 'to_follow_up', 2, true),
            ('900001', 'plan_return_alone', 'on_roll_with_other_provision', 'to_follow_up', 4, true),
            ('900002', 'census_alone', 'on_roll_with_other_provision', 'to_follow_up', 2, true),
            (null, 'plan_return_alone', 'on_roll_with_other_provision', 'to_follow_up', 3, true),
            ('900001', 'plan_return_alone', 'on_roll_with_other_provision', 'to_follow_up', 1, true),
            ('900001', 'plan_return_alone', 'on_roll_with_other_provision', 'to_follow_up', 3, false),
            ('900001', 'plan_return_alone', 'post_16', 'legitimate', 3, true)"""
        },
        [
            ("Quillmoor Primary", "3722001", "plan_return_alone", "On roll without the plan", 2, 4),
            ("Tanglewick Academy", "3724001", "census_alone", "On roll without the plan", 1, 2),
            (None, None, "plan_return_alone", "On roll without the plan", 1, 3),
        ],
    ),
    # The school year of January 2026 is not told whole yet. No school tells of colleges: blank, not 0.
    "placements_cost_and_absence": Case(
        {
            "fct_placement_outcome (census_year, category_order, dsg_category_name, child_count, topup_unit_cost_gbp,"
            " full_unit_cost_gbp, absence_pct, absence_told_pct, absence_term_count, suspension_count, on_roll_count,"
            " on_roll_pct)": """
            (2025, 6, 'Post-16 and further education', 600, 6089, null, null, 0.0, 3, null, 0, 0.0),
            (2025, 1, 'Mainstream schools or academies', 1000, 5295, null, 15.3, 95.3, 3, 330, 900, 90.0),
            (2024, 1, 'Mainstream schools or academies', 900, 5000, null, 15.0, 95.0, 3, 300, 800, 88.9),
            (2026, 1, 'Mainstream schools or academies', 1200, 5500, null, 14.0, 95.0, 2, 100, 1100, 91.7)"""
        },
        [
            (
                2025,
                "Mainstream schools or academies",
                1000,
                5295,
                None,
                Decimal("15.3"),
                Decimal("95.3"),
                36.7,
                Decimal("90.0"),
            ),
            (2025, "Post-16 and further education", 600, 6089, None, None, Decimal("0.0"), None, Decimal("0.0")),
        ],
    ),
    # Out: children of other ages, what the next return says of the day, and Januaries before the last two.
    "year_6_and_year_11_transfers": Case(
        {
            "fct_ehc_plan_census (census_year, view_code, placement_line_code, age_at_31_august)": """
            (2026, 'own_return', 'mainstream_state', 10), (2026, 'own_return', 'mainstream_unit', 10),
            (2026, 'own_return', 'mainstream_state', 15), (2025, 'own_return', 'mainstream_state', 10),
            (2026, 'own_return', 'special_state', 15), (2026, 'own_return', 'special_state', 15),
            (2025, 'own_return', 'special_state', 15), (2026, 'own_return', 'special_state', 11),
            (2025, 'next_return', 'special_state', 10), (2024, 'own_return', 'special_state', 10)"""
        },
        [("Mainstream", 2, 1, 1, 0), ("Special", 0, 0, 2, 1)],
    ),
    # One child of two suspensions. Out of the pupils: the second school of a child, and the autumn. A lunchtime exclusion is
    # none of the two kinds; a year without a spring census is left out, a provision without pupils by spring is not.
    "suspensions_by_sen_provision": Case(
        {
            "fct_census_pupil (academic_year, term_code, sen_provision_group, is_counted)": """
            ('202425', 'SPR', 'EHC plan', true), ('202425', 'SPR', 'EHC plan', true), ('202425', 'SPR', 'EHC plan', true),
            ('202425', 'SPR', 'No SEN', true), ('202425', 'SPR', 'No SEN', false), ('202425', 'AUT', 'No SEN', true)""",
            "fct_suspension (academic_year, term_code, sen_provision_group, category_code, child_key)": """
            ('202425', 'AUT', 'EHC plan', 'SUSP', 'often'), ('202425', 'SPR', 'EHC plan', 'FIXD', 'often'),
            ('202425', 'SPR', 'EHC plan', 'PERM', 'gone'), ('202425', 'AUT', 'EHC plan', 'LNCH', 'at lunch'),
            ('202425', 'SPR', 'SEN support', 'SUSP', 'has a plan by spring'),
            ('202324', 'SUM', 'EHC plan', 'SUSP', 'often')""",
        },
        [
            ("202425", "EHC plan", 3, 2, 66.7, 1, 1, 2),
            ("202425", "No SEN", 1, 0, 0.0, 0, 0, 2),
            ("202425", "SEN support", 0, 1, None, 1, 0, 2),
        ],
    ),
    # The year in progress has a forecast of spending alone. Out: what is known no more, counts by need, other lines.
    "plans_forecast_counted_and_paid_for": Case(
        {
            "fct_ehcp_forecast (la_code, financial_year, measure_group, measure, quarter, plan_count, is_current)": """
            ('372', '202425', 'TOTAL', 'agreement', null, 3500, true), ('372', '202425', 'TOTAL', 'plan', null, 3600, true),
            ('372', '202425', 'TOTAL', 'forecast', 1, 3550, true), ('372', '202425', 'TOTAL', 'forecast', 4, 3700, true),
            ('372', '202425', 'TOTAL', 'forecast', 4, 9999, false), ('372', '202425', 'TOTAL', 'actual', 3, 3690, true),
            ('372', '202425', 'TOTAL', 'actual', 4, 3710, true), ('372', '202425', 'TOTAL', 'sen2_january', null, 3650, true),
            ('372', '202425', 'NEED', 'actual', 4, 700, true),
            ('372', '202526', 'TOTAL', 'plan', null, 4000, true), ('372', '202526', 'TOTAL', 'forecast', 1, 4050, true),
            ('372', '202526', 'TOTAL', 'actual', 1, 3800, true)""",
            "fct_dsg_position (la_code, financial_year, block, line_code, measure, quarter, value_gbp, is_current)": """
            ('372', '202425', 'HNB', 'EXPENDITURE', 'outturn', null, 50000000, true),
            ('372', '202425', 'HNB', 'EXPENDITURE', 'forecast', 4, 49000000, true),
            ('372', '202425', 'HNB', 'EXPENDITURE', 'actual', 4, 48000000, true),
            ('372', '202425', 'HNB', 'INCOME', 'outturn', null, 45000000, true),
            ('372', '202526', 'HNB', 'EXPENDITURE', 'forecast', 1, 55000000, true),
            ('372', '202526', 'SB', 'EXPENDITURE', 'forecast', 1, 200000000, true)""",
        },
        [
            ("202425", 3500, 3550, 3700, 3710, 3650, 50_000_000, "outturn", 13699.0),
            ("202526", 4000, 4050, 4050, 3800, None, 55_000_000, "forecast", None),
        ],
    ),
    # Out: the origin itself, a phase, a ward, another scenario.
    "will_there_be_enough_places": Case(
        {
            "fct_place_gap (scenario_code, census_year, horizon, provision_code, phase_code, planning_area_code, basis_code, plan_count,"
            " demand_count, capacity_count, gap_count, low_gap_count, high_gap_count, gap_with_return_count,"
            " returned_gap_count)": """
            ('baseline', 2027, 1, 'MAINTAINED_SPECIAL', 'Total', 'Total', 'funded', 120, 100, 90, 10, 0, 25, 30, 12),
            ('baseline', 2027, 1, 'AP', 'Total', 'Total', 'none', 30, 30, null, null, null, null, null, null),
            ('baseline', 2026, 0, 'AP', 'Total', 'Total', 'none', 9, 9, null, null, null, null, null, null),
            ('baseline', 2027, 1, 'AP', 'PRIMARY', 'Total', 'none', 9, 9, null, null, null, null, null, null),
            ('baseline', 2027, 1, 'AP', 'Total', 'E05A', 'none', 9, 9, null, null, null, null, null, null),
            ('graduated_response', 2027, 1, 'AP', 'Total', 'Total', 'none', 9, 9, null, null, null, null, null, null)"""
        },
        [
            (2027, "AP", "none", Decimal("30"), Decimal("30"), *[None] * 6),
            (2027, "MAINTAINED_SPECIAL", "funded", *map(Decimal, (120, 100, 90, 10, 0, 25, 30)), 12),
        ],
    ),
    "what_will_placements_cost": Case(
        {
            "fct_placement_cost_forecast (scenario_code, financial_year, dsg_category_code, cost_basis, value_type,"
            " average_places, unit_cost_gbp, cost_gbp, low_cost_gbp, high_cost_gbp, volume_gbp, mix_gbp, price_gbp, in_year_gbp,"
            " balance_gbp)": """
            ('baseline', '202627', 'NMISS', 'FULL', 'FORECAST', 100, 80000, 8000000, 7, 9, 1, 2, 3, null, null),
            ('baseline', '202627', 'Total', 'MIXED', 'FORECAST', 100, null, 8000000, 7, 9, 1, 2, 3, -5, -6),
            ('baseline', '202526', 'Total', 'MIXED', 'TOLD', 99, null, 7000000, 7, 7, null, null, null, null, null),
            ('graduated_response', '202627', 'Total', 'MIXED', 'FORECAST', 1, null, 1, 1, 1, 1, 1, 1, 1, 1)"""
        },
        [
            ("202526", "Total", "MIXED", "TOLD", Decimal("99"), None, 7_000_000, 7, 7, *[None] * 5),
            ("202627", "Total", "MIXED", "FORECAST", Decimal("100"), None, 8_000_000, 7, 9, 1, 2, 3, -5, -6),
            ("202627", "NMISS", "FULL", "FORECAST", Decimal("100"), 80000, 8_000_000, 7, 9, 1, 2, 3, None, None),
        ],
    ),
    # Two trusts tell of speech therapy; occupational therapy is a row of its own.
    "under_school_age_known_to_health_alone": Case(
        {
            "fct_early_years_health (birth_month, age_stage_code, service_key, provider_key, child_count, not_known_count,"
            " not_known_waiting_count, not_known_over_18_weeks_count)": """
            ('2022-05', 'nursery', 's', 'a', 5, 2, 2, 1), ('2022-05', 'nursery', 's', 'b', 1, 0, 0, 0),
            ('2022-05', 'nursery', 'o', 'a', 3, 3, 1, 0), ('2024-11', 'before_nursery', 's', 'a', 2, 2, 1, 0)"""
        },
        [
            ("2022-05", "nursery", "Occupational therapy", 3, 3, 100.0, 1, 0),
            ("2022-05", "nursery", "Speech and language therapy", 6, 2, 33.3, 2, 1),
            ("2024-11", "before_nursery", "Speech and language therapy", 2, 2, 100.0, 1, 0),
        ],
    ),
    # Out: the quarter before, and the outturn of the year that ends with the latest quarter.
    "safety_valve_dashboard_of_the_latest_quarter": Case(
        {
            "kpi_internal.safety_valve_dashboard (la_code, quarter, period_end, period_label, line_order, section_name,"
            " measure_name, item_name, unit, agreed_value, plan_value, budget_value, actual_value, forecast_value, forecast_of,"
            " variance_value, variance_against, is_variance_adverse, movement_value, is_movement_adverse, is_restated)": """
            ('372', 4, '2025-03-31', 'quarter 4', 2, 'Conditions', 'Rating', 'Red', 'conditions', null, null, null, 1, null,
             null, null, null, null, -1, false, false),
            ('372', 4, '2025-03-31', 'quarter 4', 1, 'Position', 'Balance', 'All blocks', 'pounds', 0, 0, 0, null, -1000,
             'full year', -1000, 'agreed balance', true, -600, true, true),
            ('372', null, '2025-03-31', 'outturn', 1, 'Position', 'Balance', 'All blocks', 'pounds', 0, 0, 0, null, -900,
             'outturn', -900, 'agreed balance', true, 100, false, false),
            ('372', 3, '2024-12-31', 'quarter 3', 1, 'Position', 'Balance', 'All blocks', 'pounds', 0, 0, 0, null, -400,
             'full year', -400, 'agreed balance', true, null, null, false)"""
        },
        [
            (
                *(
                    RELEASE,
                    "quarter 4",
                    "Position",
                    "Balance",
                    "All blocks",
                    "pounds",
                    0,
                    0,
                    0,
                    None,
                    -1000,
                    "full year",
                ),
                *(-1000, "agreed balance", "adverse", -600, "adverse", "restated"),
            ),
            (
                *(RELEASE, "quarter 4", "Conditions", "Rating", "Red", "conditions", None, None, None, 1, None, None),
                *(None, None, None, -1, "not adverse", None),
            ),
        ],
    ),
    # Out: the return of the year before.
    "sen2_figures_to_check_before_sign_off": Case(
        {
            "kpi_internal.sen2_presubmission (la_code, is_latest_return, line_order, period_label, section_name, line_name,"
            " breakdown_topic, breakdown, return_count, return_pct, previous_count, previous_pct, change_count, change_pct,"
            " published_count, attention)": """
            ('372', true, 2, 'Calendar year 2025', 'Requests', 'Refused', 'Total', 'Total', 40, 40.0, 20, 25.0, 20, 100.0, null,
             'Changed much.'),
            ('372', true, 1, 'Calendar year 2025', 'Requests', 'Received', 'Total', 'Total', 100, null, 80, null, 20, 25.0, null,
             null),
            ('372', false, 1, 'Calendar year 2024', 'Requests', 'Received', 'Total', 'Total', 80, null, null, null, null, null,
             80, null)"""
        },
        [
            (
                *(RELEASE, "Calendar year 2025", "Requests", "Received", "Total", "Total", 100, None, 80, None, 20),
                *(Decimal("25.0"), None, None),
            ),
            (
                *(RELEASE, "Calendar year 2025", "Requests", "Refused", "Total", "Total", 40, Decimal("40.0"), 20),
                *(Decimal("25.0"), 20, Decimal("100.0"), None, "Changed much."),
            ),
        ],
    ),
}


@pytest.fixture(scope="module")
def empty_marts() -> Iterator[duckdb.DuckDBPyConnection]:
    """The restricted database as its contracts promise it, of a named release and without a row."""
    with duckdb.connect() as connection:
        for schema in ("marts", "kpi_internal"):
            connection.execute(f"create schema {schema}")
            for model in contracted_models(schema):
                columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
                connection.execute(f"create table {schema}.{model['name']} ({columns})")
        connection.execute("create schema meta; create table meta.release (release_id varchar)")
        connection.execute("insert into meta.release values (?)", [RELEASE])
        yield connection


@pytest.fixture
def marts(empty_marts: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Marts to fill, emptied again after the test."""
    empty_marts.execute("begin transaction")
    yield empty_marts
    empty_marts.execute("rollback")


def test_the_page_has_every_query_with_its_question_and_who_asks_it() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (.+?) \| (.+?) \| \[`(\w+)\.sql`\]\(\3\.sql\) \|$", page, re.MULTILINE)
    assert len(QUERIES) >= 10
    assert sorted((name, question, asked_by) for question, asked_by, name in listed) == [
        (name, query.head["Question"], query.head["Asked by"]) for name, query in QUERIES.items()
    ]


def test_every_query_says_its_question_who_asks_how_to_read_it_and_what_to_beware_of() -> None:
    for name, query in QUERIES.items():
        assert tuple(query.head) == LABELS, name
        assert all(len(text) > 10 for text in query.head.values()), name


def test_a_label_that_is_missing_is_found() -> None:
    assert head_of("-- Question: How many\n--   wait?\n-- Answer: One row.\nselect 1") == {
        "Question": "How many wait?",
        "Answer": "One row.",
    }


def test_every_query_has_a_hand_worked_case() -> None:
    assert CASES.keys() == QUERIES.keys()


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_answers_as_worked_out_by_hand(marts: duckdb.DuckDBPyConnection, name: str) -> None:
    marts.execute(DIMENSIONS)
    for table, values in CASES[name].facts.items():
        relation = table if "." in table.split()[0] else f"marts.{table}"
        marts.execute(f"insert into {relation} values {values}")
    assert marts.execute(QUERIES[name].sql).fetchall() == CASES[name].answer


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_what_has_not_arrived_gives_no_rows(marts: duckdb.DuckDBPyConnection, query: WorkedQuery) -> None:
    assert marts.execute(query.sql).fetchall() == []
