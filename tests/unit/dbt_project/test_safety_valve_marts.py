"""A year of safety valve returns, from workbooks to the marts: four quarters, a restated one, two drafts and the outturn."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.returns.land import land_return
from orchestration.returns.submission import read_submissions
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, prepare_store, write_control_tables
from tests.invented_safety_valve import CLOSING, IN_YEAR, LINE_GBP, LINES, write_return
from tests.unit.dbt_project.conftest import build, run_dbt

MARTS = (
    "fct_dsg_position",
    "fct_high_needs_line",
    "fct_high_needs_variance",
    "fct_ehcp_forecast",
    "fct_ehcp_flow",
    "fct_placement_activity",
    "fct_agreement_condition",
    "fct_capital_place",
    "fct_place_demand",
    "fct_dsg_bridge",
)
Q1, Q2, Q3, Q4 = (
    datetime(2025, 7, 20, 9),
    datetime(2025, 10, 20, 9),
    datetime(2026, 1, 20, 9),
    datetime(2026, 4, 20, 9),
)
DRAFT, FINAL, LATE_DRAFT = datetime(2026, 1, 12, 9), datetime(2026, 7, 20, 9), datetime(2026, 8, 1, 9)
SCHOOLS = ("tblFinance", ("SB", "EXPENDITURE"))
SCHOOLS_Q1 = 238_850_756 // 5
RESTATED_Q1 = 47_800_000
RESTATEMENT = {(*SCHOOLS, "q1_actual_gbp"): RESTATED_Q1, (*SCHOOLS, "note"): "Late invoice of June"}
NMISS = ("tblUnitCost", ("NMISS", "FULL"))
PAYMENT = ("tblFinance", ("ALL", "SV_PAYMENT"))
RECOUPMENT = 9_291_335


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("safety_valve")
    settings = Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "secret.key")
    prepare_store(settings)
    catalogue = load_catalogue(settings.rules_dir)

    def land(received: datetime, quarter: str, **asked: Any) -> None:
        write_return(settings.inbox_dir / "safety_valve", settings, quarter, **asked)
        report = land_return(settings, "safety_valve", catalogue, now=received.replace(tzinfo=UTC))
        [submission] = report.committed
        assert (submission.status, submission.reason) == ("accepted", None)

    land(Q1, "2025-26Q1")
    land(Q2, "2025-26Q2", changed={("tblFlows", "REQUESTS", "year_forecast"): 900})
    doubled = {(*PAYMENT, "q3_forecast_gbp"): 4_000_000, (*SCHOOLS, "q2_actual_gbp"): 1}
    land(DRAFT, "2025-26Q3", stage="DRAFT", changed=doubled)
    restated = {"submission_type": "RESTATED", "restates_version": 1, "restatement_reason": "Late invoice"}
    signed = RESTATEMENT | {("tblSignOff", "DCS", "statement_code"): "RESTATE"}
    land(Q3, "2025-26Q3", version=2, changed=signed, **restated)
    land(Q4, "2025-26Q4", changed=RESTATEMENT)
    spent = {(*NMISS, "avg_places_outturn"): 121.5, (*NMISS, "cost_outturn_gbp"): 3_700_122}
    land(FINAL, "2025-26Q4", final=True, changed=RESTATEMENT | spent)
    late = RESTATEMENT | {(*PAYMENT, "q4_forecast_gbp"): 4_000_000, (*NMISS, "cost_forecast_gbp"): 1}
    land(LATE_DRAFT, "2025-26Q4", stage="DRAFT", version=3, changed=late)
    with open_warehouse(settings.warehouse_path, "tests", settings.database_limits) as connection:
        write_control_tables(connection, settings)
    build(settings, "+path:models/marts/safety_valve", "+dim_submission")
    return settings


@pytest.fixture(scope="module")
def warehouse(store: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(store.warehouse_path), read_only=True) as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return connection.execute(sql, values).fetchall()


def test_keys_and_relationships_hold(store: Settings) -> None:
    run_dbt(store, "test", "--select", "path:models/*/safety_valve,test_type:data")


def test_no_figure_is_of_a_draft(store: Settings, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Both drafts landed, and the later one is the highest version of its quarter."""
    accepted = read_submissions(store, "safety_valve")
    assert len(accepted) == 7
    drafts = [one.submission_id for one in accepted if one.received_at[:10] in {"2026-01-12", "2026-08-01"}]
    told = "select quarter, version from staging.stg_safety_valve__cover where stage = 'DRAFT' order by all"
    assert rows(warehouse, told) == [(3, 1), (4, 3)]
    for mart in MARTS:
        columns = [name for name in warehouse.table(f"marts.{mart}").columns if name.endswith("submission_id")]
        for column in columns:
            kept = f"select count(*), count(*) filter (where {column} in (select unnest(?))) from marts.{mart}"
            [(count, of_drafts)] = rows(warehouse, kept, drafts)
            assert count > 0 == of_drafts, (mart, column)


def test_a_restated_quarter_shows_both_figures_and_when_each_was_known(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        """
        select measure, quarter, period_end::varchar, value_gbp, known_from, known_to, is_current, is_restated, stage
        from marts.fct_dsg_position
        where financial_year = '202526' and block = 'SB' and line_code = 'EXPENDITURE'
        order by measure, quarter, known_from
        """,
    )
    actual = {quarter: 238_850_756 * quarter // 5 for quarter in range(1, 5)}
    year = 238_850_756
    ends = {1: "2025-06-30", 2: "2025-09-30", 3: "2025-12-31", 4: "2026-03-31"}
    assert found == [
        ("actual", 1, ends[1], SCHOOLS_Q1, Q1, Q3, False, False, "SUBMITTED"),
        ("actual", 1, ends[1], RESTATED_Q1, Q3, None, True, True, "SUBMITTED"),
        ("actual", 2, ends[2], actual[2], Q2, None, True, False, "SUBMITTED"),
        ("actual", 3, ends[3], actual[3], Q3, None, True, False, "SUBMITTED"),
        ("actual", 4, ends[4], actual[4], Q4, None, True, False, "SUBMITTED"),
        ("budget", None, ends[4], year, Q1, None, True, False, "SUBMITTED"),
        ("forecast", 1, ends[1], year, Q1, None, True, False, "SUBMITTED"),
        ("forecast", 2, ends[2], year, Q2, None, True, False, "SUBMITTED"),
        ("forecast", 3, ends[3], year, Q3, None, True, False, "SUBMITTED"),
        ("forecast", 4, ends[4], year, Q4, None, True, False, "SUBMITTED"),
        ("outturn", None, ends[4], year, FINAL, None, True, False, "FINAL"),
        ("plan", None, ends[4], year, Q1, None, True, False, "SUBMITTED"),
    ]
    # 26 lines with plan, budget, four forecasts and an outturn; spending of four blocks at four quarter ends; one restated.
    assert rows(warehouse, "select count(*), count(*) filter (where is_restated) from marts.fct_dsg_position") == [
        (26 * 7 + 4 * 4 + 1, 1)
    ]


def test_what_is_left_blank_has_no_row_and_nil_has_one(warehouse: duckdb.DuckDBPyConnection) -> None:
    measures = (
        "select measure, value_gbp from marts.fct_dsg_position where line_code = ? and quarter is null order by all"
    )
    assert rows(warehouse, measures, "OTHER_ADJ") == [("budget", 0), ("outturn", 0), ("plan", 0)]
    assert rows(warehouse, "select count(*) from marts.fct_dsg_position where measure = 'agreement'") == [(0,)]
    balances = "select count(*) from marts.fct_dsg_position where measure = 'actual' and line_code <> 'EXPENDITURE'"
    assert rows(warehouse, balances) == [(0,)]


@pytest.mark.parametrize(
    ("day", "known"),
    [
        (datetime(2025, 7, 1), []),
        (datetime(2025, 12, 31), [("forecast", 1, CLOSING), ("forecast", 2, CLOSING)]),
        (datetime(2026, 1, 15), [("forecast", 1, CLOSING), ("forecast", 2, CLOSING)]),  # the draft had been sent
        (datetime(2026, 2, 1), [("forecast", quarter, CLOSING) for quarter in (1, 2, 3)]),
        (datetime(2026, 9, 1), [*(("forecast", q, CLOSING) for q in (1, 2, 3, 4)), ("outturn", None, CLOSING)]),
    ],
)
def test_the_closing_balance_as_known_at_a_day(
    warehouse: duckdb.DuckDBPyConnection, day: datetime, known: list[Any]
) -> None:
    found = rows(
        warehouse,
        """
        select measure, quarter, value_gbp from marts.fct_dsg_position
        where line_code = 'CLOSING' and measure in ('forecast', 'outturn')
            and known_from <= $1 and (known_to is null or known_to > $1)
        order by all
        """,
        day,
    )
    assert found == known


def test_high_needs_lines_with_what_is_deducted_at_source(warehouse: duckdb.DuckDBPyConnection) -> None:
    total = LINE_GBP * len(LINES)
    full_year = ["budget", "forecast", "forecast", "forecast", "forecast", "outturn", "plan"]
    found = rows(
        warehouse,
        """
        select line_code, measure, hn_group, is_memo, recoupment_basis, value_gbp, recoupment_gbp, value_with_recoupment_gbp
        from marts.fct_high_needs_line
        where line_code in ('1.0.2', '1.2.10', 'TOTAL_HN', '1.4.11') and measure <> 'actual' order by all
        """,
    )
    assert found == [
        (line, measure, group, memo, "NET", value, deducted, value + deducted)
        for line, group, memo, value, deducted in (
            ("1.0.2", "place_funding", False, LINE_GBP, RECOUPMENT),
            ("1.2.10", "ungrouped", False, LINE_GBP, 0),
            ("1.4.11", "memo", True, 1_234_567, 0),
            ("TOTAL_HN", "total", False, total, RECOUPMENT),
        )
        for measure in full_year
    ]
    actuals = rows(
        warehouse,
        """
        select quarter, value_gbp, recoupment_gbp, value_with_recoupment_gbp from marts.fct_high_needs_line
        where line_code = 'TOTAL_HN' and measure = 'actual' order by all
        """,
    )
    assert actuals == [(quarter, total * quarter // 5, None, None) for quarter in range(1, 5)]
    compared = (
        "select basis, forecast_quarter, spending_with_recoupment_gbp, variance_gbp, is_favourable"
        " from marts.fct_high_needs_variance"
    )
    assert rows(warehouse, f"{compared} where line_code = 'TOTAL_HN' order by all") == [
        *(("forecast", quarter, total + RECOUPMENT, 0, True) for quarter in range(1, 5)),
        ("outturn", None, total + RECOUPMENT, 0, True),
    ]
    assert rows(warehouse, "select count(*) from marts.fct_high_needs_variance") == [((len(LINES) + 1 + 6) * 5,)]


def test_plans_and_flows(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        """
        select measure, quarter, period_end::varchar, plan_count from marts.fct_ehcp_forecast
        where measure_group = 'PLACEMENT' and category_code = 'NMISS' order by all
        """,
    )
    ends = ("2025-06-30", "2025-09-30", "2025-12-31", "2026-03-31")
    by_quarter = [(measure, q, end, 120) for measure in ("actual", "forecast") for q, end in enumerate(ends, 1)]
    assert found == [*by_quarter, ("plan", None, ends[3], 120), ("sen2_january", None, ends[3], 120)]
    flows = rows(
        warehouse,
        """
        select measure, quarter, flow_count, known_from, known_to, is_restated from marts.fct_ehcp_flow
        where flow_code = 'REQUESTS' order by measure, quarter, known_from
        """,
    )
    assert flows == [
        *(("actual", quarter, 200, known, None, False) for quarter, known in enumerate((Q1, Q2, Q3, Q4), 1)),
        ("year_forecast", 1, 800, Q1, None, False),
        ("year_forecast", 2, 900, Q2, None, False),
        ("year_forecast", 3, 800, Q3, None, False),
        ("year_forecast", 4, 800, Q4, None, False),
    ]


def test_what_a_placement_costs(store: Settings, warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        """
        select quarter, plans_at_quarter_end, average_places_forecast::varchar, unit_cost_plan_gbp, unit_cost_forecast_gbp,
            unit_cost_outturn_gbp, known_from, known_to, is_restated
        from marts.fct_placement_activity where placement_code = 'NMISS' order by quarter, known_from
        """,
    )
    # 3,700,123 over 120.5 is 30,706.4; 3,700,122 over 121.5 is 30,453.7.
    assert found == [
        (1, 120, "120.5", 30_706, 30_706, None, Q1, None, False),
        (2, 120, "120.5", 30_706, 30_706, None, Q2, None, False),
        (3, 120, "120.5", 30_706, 30_706, None, Q3, None, False),
        (4, 120, "120.5", 30_706, 30_706, None, Q4, FINAL, False),
        (4, 120, "120.5", 30_706, 30_706, 30_454, FINAL, None, False),
    ]
    assert rows(warehouse, "select distinct cost_basis from marts.fct_placement_activity") == [("FULL",)]
    # Beside plans and places: what the section 251 lines that mainly pay for the category cost, places paid at source in them.
    paid = rows(
        warehouse,
        """
        select distinct placement_code, main_s251_line_codes, main_lines_forecast_gbp
        from marts.fct_placement_activity where placement_code in ('MdSSA', 'NMISS') order by all
        """,
    )
    assert paid == [("MdSSA", "1.0.2, 1.2.1, 1.2.2", 3 * LINE_GBP + RECOUPMENT), ("NMISS", "1.2.3", LINE_GBP)]
    # The workspace of a landing and the mart work a unit cost out alike.
    both = """
        select count(*), count(*) filter (where landed.unit_cost_forecast_gbp <> activity.unit_cost_forecast_gbp)
        from marts.fct_placement_activity as activity
        inner join read_parquet(?) as landed using (submission_id, placement_code, cost_basis)
    """
    files = str(store.landed_dir / "safety_valve" / "*" / "sv_unit_cost.parquet")
    assert rows(warehouse, both, files) == [(7 * 4 + 1, 0)]


def test_conditions_places_and_demand_are_of_each_quarter(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        """
        select quarter, condition_id, condition_source, rag, is_on_track, known_from, known_to
        from marts.fct_agreement_condition order by all
        """,
    )
    known = {1: Q1, 2: Q2, 3: Q3, 4: Q4}
    assert found == [
        (quarter, f"SVC-0{number}", "LOCAL", "G", True, known[quarter], None)
        for quarter in range(1, 5)
        for number in range(1, 5)
    ]
    places = rows(
        warehouse,
        """
        select quarter, provision_id, urn, setting_key, places_commissioned::varchar, places_occupied, capital_variance_gbp
        from marts.fct_capital_place order by all
        """,
    )
    assert places == [(quarter, "RP-01", "999001", None, "10.5", 9, None) for quarter in range(1, 5)]
    demand = """
        select quarter, count(*), count(distinct academic_year), min(gap_places), max(gap_places), bool_and(is_current)
        from marts.fct_place_demand group by quarter order by quarter
    """
    assert rows(warehouse, demand) == [(quarter, 6 * 6 * 2, 6, 9, 9, True) for quarter in range(1, 5)]


def test_the_bridge_from_opening_to_closing(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        """
        select
            financial_year, basis, opening_gbp, in_year_before_transfers_gbp, net_transfer_into_high_needs_gbp,
            net_transfer_all_blocks_gbp, safety_valve_payment_gbp, other_adjustment_gbp, closing_gbp, agreed_closing_gbp,
            published_closing_gbp, published_status, published_difference_gbp, stage
        from marts.fct_dsg_bridge
        """,
    )
    published = -535_000
    assert found == [
        (
            *("202526", "outturn", -1_700_321, IN_YEAR, 1_150_021, 0, 2_000_000, 0, CLOSING, 0),
            *(published, "forecast", CLOSING - published, "FINAL"),
        )
    ]
    assert -1_700_321 + IN_YEAR + 0 + 2_000_000 + 0 == CLOSING


def test_every_period_is_one_of_dim_period(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = rows(
        warehouse,
        """
        select period.period_label, period.period_end::varchar, count(*) from marts.fct_dsg_position
        inner join marts.dim_period as period using (period_key) group by all order by all
        """,
    )
    assert found == [
        ("2025/26", "2026-03-31", 26 * 3),
        ("Q1 2025/26", "2025-06-30", 26 + 4 + 1),
        ("Q2 2025/26", "2025-09-30", 26 + 4),
        ("Q3 2025/26", "2025-12-31", 26 + 4),
        ("Q4 2025/26", "2026-03-31", 26 + 4),
    ]
