"""Two EHC plans returns, from landed rows to the marts: what is counted, once, and on which day."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.returns.spec import load_spec
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, write_control_tables
from tests.unit.dbt_project.conftest import build

EHC_MARTS = (
    "fct_ehc_request",
    "fct_ehc_plan",
    "fct_ehc_plan_census",
    "fct_ehc_placement",
    "fct_annual_review",
    "bridge_child_need",
    "fct_census_day_difference",
    "fct_ehc_statistic",
)

Rows = list[dict[str, Any]]


class Store:
    """A store with returns on their way into it."""

    def __init__(self, path: Path) -> None:
        self.settings = Settings(store=path / "store", raw=path / "raw")
        self.settings.store.mkdir(parents=True)
        self.submissions: Rows = []
        self.children: Rows = []

    def land(self, return_id: str, submission_id: str, period: str, tables: dict[str, Rows], **usual: Any) -> None:
        """Write the tables of one submission as Parquet, in the columns of the spec."""
        folder = self.settings.landed_dir / return_id / submission_id
        folder.mkdir(parents=True)
        with duckdb.connect() as connection:
            for table, rows in tables.items():
                connection.execute(f"create or replace table landed ({load_spec(return_id).landed_sql(table)})")
                for number, row in enumerate(rows, 1):
                    insert(connection, "landed", {"submission_id": submission_id, "source_row": number} | row)
                connection.execute(f"copy landed to '{folder / table}.parquet' (format parquet)")
        accepted = {"status": "accepted", "is_current": True, "sequence": "1", "supplier": submission_id}
        known = {"submission_id": submission_id, "return_id": return_id, "period": period}
        self.submissions.append(
            accepted | known | {"received_at": datetime(2026, 7, 1 + len(self.submissions))} | usual
        )

    def ehc_return(self, submission_id: str, year: int, people: dict[str, dict[str, Rows]], **usual: Any) -> None:
        """Land an EHC plans return: of each child one request at most, and what hangs from it.

        As landing makes them, the keys of two submissions of one year are the same.
        """
        spec = load_spec("sen2")
        tables: dict[str, Rows] = {name: [] for name in spec.tables}
        tables["sen2_return"].append({"return_key": str(year), "return_year": year, "lea_code": "372"})
        for child, records in people.items():
            person = f"{year}/{child}"
            self.children.append({"submission_id": submission_id, "row_person_ref": person, "child_key": child})
            for table, rows in ({"sen2_person": [{}]} | records).items():
                for number, row in enumerate(rows):
                    keys = {
                        "row_person_ref": person,
                        f"{table.removeprefix('sen2_')}_key": f"{person}/{table}/{number}",
                    }
                    keys |= {
                        f"{name}_key": f"{person}/{name}" for name in ("request", "assessment", "plan", "active_plan")
                    }
                    held = {name: key for name, key in keys.items() if f'"{name}"' in spec.landed_sql(table)}
                    tables[table].append(held | row)
        self.land("sen2", submission_id, str(year), tables, **usual)

    def build(self) -> Path:
        """Register what landed, and build the dbt project over it. Returns: the warehouse."""
        with open_warehouse(self.settings.warehouse_path, "tests", self.settings.database_limits) as connection:
            write_control_tables(connection, self.settings)
            for submission in self.submissions:
                insert(connection, "control.submission", submission)
            for child in self.children:
                insert(connection, "control.child_key", child)
        build(self.settings)
        return self.settings.warehouse_path


def insert(connection: duckdb.DuckDBPyConnection, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(f"? as {name}" for name in row)
    connection.execute(f"insert into {table} by name select {names}", list(row.values()))


def held_since(start: str, *placements: dict[str, Any], need: str = "ASD", **active_plan: Any) -> dict[str, Rows]:
    """Records of a plan of earlier years: historical decisions, the plan, and where the child is on census day."""
    return {
        "sen2_request": [{"request_outcome_code": "H"}],
        "sen2_assessment": [{"assessment_outcome_code": "H"}],
        "sen2_plan": [{"start_date": start}],
        "sen2_active_plan": [active_plan],
        "sen2_placement": [{"placement_rank_code": "1"} | placement for placement in placements],
        "sen2_need": [{"sen_type_code": need, "sen_type_rank_code": "1"}],
    }


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse over returns of January 2024 and 2025, a replaced and a refused one, and a register of two schools."""
    store = Store(tmp_path_factory.mktemp("ehc"))
    schools = [
        {
            "urn": urn,
            "type_code": kind,
            "establishment_name": name,
            "la_code": "372",
            "status_code": "1",
            "ukprn": ukprn,
        }
        for urn, kind, name, ukprn in (
            ("900001", "01", "Invented Community School", "10990001"),
            ("900002", "44", "Invented Special Academy", "10990002"),
        )
    ]
    store.land("establishment_register", "register", "2025-01", {"establishment": schools})
    at_school, at_special = (
        {"urn": "900001", "entry_date": "2019-09-01"},
        {"ukprn": "10990002", "entry_date": "2024-09-01"},
    )
    second = {"placement_rank_code": "2", "ukprn": "10999999", "entry_date": "2022-09-01"}
    # A replaced return is of the same children as the one in its place, and lands under the same keys.
    ghost = {
        "ghost": held_since("2020-05-01", at_school),
        "ceased late": held_since("2018-02-01", at_school, at_special),
    }
    store.ehc_return("replaced", 2024, ghost, is_current=False)
    store.ehc_return("refused", 2024, ghost, is_current=False, status="refused")
    store.ehc_return(
        "january_2024",
        2024,
        {
            "moves school": held_since("2020-05-01", at_school),
            "ceased late": held_since("2018-02-01", second, need="MLD"),
            "left unsaid": held_since("2019-02-01", {"sen_setting_code": "EHE"}, need="SEMH"),
            "waits": {"sen2_request": [{"received_date": "2023-12-01", "request_outcome_code": "A"}]},
        },
    )
    asked = {"received_date": "2023-12-01", "request_outcome_code": "Y", "request_outcome_date": "2024-01-10"}
    refused = {"received_date": "2024-02-05", "request_outcome_code": "N", "request_outcome_date": "2024-03-01"}
    store.ehc_return(
        "january_2025",
        2025,
        {
            "moves school": held_since("2020-05-01", at_school | {"leaving_date": "2024-07-20"}, at_special),
            "ceased late": {
                "sen2_request": [{"request_outcome_code": "H"}],
                "sen2_assessment": [{"assessment_outcome_code": "H"}],
                "sen2_plan": [{"start_date": "2018-02-01", "cease_date": "2023-12-31", "cease_reason_code": "4"}],
            },
            "moved in": held_since("2024-03-01", at_school, transfer_la_code="370"),
            "waits": {
                "sen2_request": [asked],
                "sen2_assessment": [{"assessment_outcome_code": "Y", "assessment_outcome_date": "2024-04-19"}],
                "sen2_plan": [{"start_date": "2024-04-19"}],
                "sen2_active_plan": [{}],
            },
            "overturned": {
                "sen2_request": [refused | {"request_mediation_code": "1"}],
                "sen2_assessment": [{"assessment_outcome_code": "Y", "assessment_outcome_date": "2024-06-24"}],
                "sen2_plan": [{"start_date": "2024-06-24"}],
                "sen2_active_plan": [{}],
            },
        },
    )
    with duckdb.connect(str(store.build()), read_only=True) as connection:
        yield connection


def rows(warehouse: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    return warehouse.execute(query).fetchall()


def test_both_views_of_a_census_day_are_kept(warehouse: duckdb.DuckDBPyConnection) -> None:
    views = rows(
        warehouse,
        "select view_code, child_key, placement_line_code, primary_need_code from marts.fct_ehc_plan_census"
        " where census_year = 2024 order by view_code desc, child_key",
    )
    assert views == [
        ("own_return", "ceased late", "ukrlp_provider", "MLD"),
        ("own_return", "left unsaid", "elective_home_education", "SEMH"),
        ("own_return", "moves school", "mainstream_la_maintained", "ASD"),
        ("next_return", "moves school", "mainstream_la_maintained", "ASD"),
    ]


def test_the_difference_between_two_views_of_a_day_is_reported_with_its_reasons(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    reasons = rows(
        warehouse,
        "select reason_code, own_return_count, next_return_count, difference_count"
        " from marts.fct_census_day_difference where census_year = 2024 order by 1",
    )
    assert reasons == [
        ("absent_from_next_return", 1, 0, -1),
        ("ceased_before_by_next_return", 1, 0, -1),
        ("in_both", 1, 1, 0),
    ]


def test_a_child_is_placed_where_it_is_on_the_day(warehouse: duckdb.DuckDBPyConnection) -> None:
    placed = rows(
        warehouse,
        "select child_key, placement_line_code, setting_name from marts.fct_ehc_plan_census"
        " left join marts.dim_setting using (setting_key) where census_year = 2025 and view_code = 'own_return' order by 1",
    )
    assert placed == [
        ("moved in", "mainstream_la_maintained", "Invented Community School"),
        ("moves school", "special_academy", "Invented Special Academy"),
        ("overturned", "placement_unknown", None),
        ("waits", "placement_unknown", None),
    ]


def test_a_plan_transferred_in_is_held_and_is_not_new(warehouse: duckdb.DuckDBPyConnection) -> None:
    new = rows(
        warehouse, "select child_key from marts.fct_ehc_plan where activity_year = 2024 and is_new_in_year order by 1"
    )
    assert new == [("overturned",), ("waits",)]


def test_an_overturned_refusal_stays_a_refusal_and_outside_the_20_weeks(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select request_outcome_code, is_refusal_to_assess_overturned, days_to_issue, twenty_week_status"
        " from marts.fct_ehc_request where child_key = 'overturned'",
    ) == [("N", True, 140, "mediation_or_tribunal")]


def test_a_request_is_followed_from_one_return_to_the_next(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select activity_year, open_stage, days_to_decision, days_to_issue, is_in_20_week_population, is_latest_report"
        " from marts.fct_ehc_request where child_key = 'waits' order by 1",
    ) == [(2023, "request", None, None, False, False), (2024, None, 40, 140, True, True)]


def test_replaced_and_refused_returns_count_nowhere(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(warehouse, "select * from marts.dim_child where child_key = 'ghost'") == []
    staged = rows(warehouse, "select submission_id, is_current from staging.stg_sen2__return order by submission_id")
    assert staged == [("january_2024", True), ("january_2025", True), ("replaced", False)]


@pytest.mark.parametrize(
    ("series", "period", "counts"),
    [
        # A second placement counts where there is no first one.
        ("caseload", "202324", {"ehcplans": 3, "mainstream_total": 1, "ukrlp_provider": 1, "fe_total": 1, "neet": 0}),
        (
            "caseload",
            "202425",
            {"ehcplans": 4, "special_academy": 1, "special_academy_free": 1, "placement_unknown": 2},
        ),
        ("sen_needs_all_plans", "202324", {"ehc_plans": 3, "number_asd": 1, "number_mld": 1, "number_ds": 0}),
        ("requests", "2023", {"requests_received_in_year": 1, "requests_decision_not_made": 1}),
        # Of two decisions of 2024 one is on a request of 2023; the refusal stays one although it was overturned.
        (
            "requests",
            "2024",
            {
                "requests_received_in_year": 1,
                "requests_decided_to_assess": 0,
                "requests_decided_not_to_assess": 1,
                "mediation_related_request": 1,
                "request_outcome_six_weeks": 2,
            },
        ),
        ("assessments", "2024", {"assess_in_year": 2, "assess_issued": 2}),
        ("timeliness_20_week", "2024", {"plans_issued_den": 1, "plans_issued_within_20_weeks": 1}),
        ("newplans", "2024", {"new_ehc_plans": 2, "placement_unknown": 2}),
        # The plan moved in and the two new ones began in the year: no review is expected of them.
        ("annual_reviews", "2024", {"total_ehc_plans": 4, "review_expected": 1, "review_meeting_25": 0}),
        ("phase_transfers", "2024", {"number_plans": 4, "due_25": 0}),
    ],
)
def test_the_published_tables_are_counted_from_the_returns(
    warehouse: duckdb.DuckDBPyConnection, series: str, period: str, counts: dict[str, int]
) -> None:
    found = rows(
        warehouse,
        "select measure_code, statistic_count from marts.fct_ehc_statistic where is_total and definition_code = 'standard'"
        f" and series_code = '{series}' and time_period = '{period}'",
    )
    assert counts.items() <= dict(found).items()


def test_what_was_not_collected_is_no_zero(warehouse: duckdb.DuckDBPyConnection) -> None:
    measures = rows(
        warehouse,
        "select measure_code from marts.fct_ehc_statistic where series_code = 'phase_transfers' and time_period = '2023'",
    )
    assert measures == [("number_plans",)]


def test_the_items_of_a_topic_are_those_dfe_publishes(warehouse: duckdb.DuckDBPyConnection) -> None:
    placed = rows(
        warehouse,
        "select breakdown, statistic_count from marts.fct_ehc_statistic where series_code = 'annual_reviews'"
        " and topic_code = 'placement' and time_period = '2024' and measure_code = 'total_ehc_plans' order by 1",
    )
    assert placed == [
        ("Mainstream - LA maintained", 1),
        ("Mainstream - total", 1),
        ("Placement not recorded", 2),
        ("Special - academy", 1),
        ("Special - academy/free school", 1),
        ("Special - total", 1),
    ]


def test_kpis_are_computed_from_the_returns_alone(warehouse: duckdb.DuckDBPyConnection) -> None:
    values = rows(
        warehouse,
        "select kpi_id, time_period, numerator, denominator, round(value, 1), publisher from kpi.kpi_value"
        " where value_basis = 'local' and breakdown = 'Total' and kpi_id in"
        " ('ehcp_growth_12m_pct', 'ehcp_out_of_borough_pct', 'ehc_requests_refused_pct') order by 1, 2",
    )
    assert [
        (kpi_id, period, int(part), int(whole), float(value or 0)) for kpi_id, period, part, whole, value, _ in values
    ] == [
        ("ehc_requests_refused_pct", "2023", 0, 1, 0.0),
        ("ehc_requests_refused_pct", "2024", 1, 1, 100.0),
        ("ehcp_growth_12m_pct", "202425", 1, 3, 33.3),
        ("ehcp_out_of_borough_pct", "202324", 0, 1, 0.0),
        ("ehcp_out_of_borough_pct", "202425", 0, 2, 0.0),
    ]
    assert {publisher for *_, publisher in values} == {"Local calculation"}
    (available,) = rows(
        warehouse,
        "select published_value_count, local_value_count > 0, reason from kpi.kpi_availability where kpi_id = 'ehcp_total'",
    )
    assert available == (0, True, "Available from the authority's own returns.")


def test_every_local_value_names_its_cells(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert (
        rows(
            warehouse,
            "select kpi_id from kpi.kpi_value anti join intermediate.int_kpi__local_component using (kpi_value_key)"
            " where value_basis = 'local'",
        )
        == []
    )
    assert rows(warehouse, "select * from marts.fct_ehc_statistic_comparison") == []


@pytest.mark.parametrize("mart", EHC_MARTS)
def test_every_fact_says_whose_return_it_is_from(warehouse: duckdb.DuckDBPyConnection, mart: str) -> None:
    assert rows(warehouse, f"select distinct la_code from marts.{mart}") == [("372",)]


@pytest.mark.parametrize("mart", EHC_MARTS)
def test_the_marts_are_empty_without_a_return(empty_warehouse: duckdb.DuckDBPyConnection, mart: str) -> None:
    assert rows(empty_warehouse, f"select * from marts.{mart}") == []


def test_no_mart_holds_an_identifier(empty_warehouse: duckdb.DuckDBPyConnection) -> None:
    pseudonyms = rows(
        empty_warehouse,
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts'"
        " and (column_name like '%\\_ref' escape '\\' or column_name similar to '.*(upn|uln|surname|forename|birth_date|postcode).*')",
    )
    assert pseudonyms == [
        ("fct_agreement_condition", "evidence_ref"),  # of a document
        # The pseudonym of a row of one submission, by which a worklist finds the row in the vault.
        ("fct_census_plan_child", "row_person_ref"),
    ]


def test_only_a_missing_placement_has_a_line_that_no_setting_leads_to(
    empty_warehouse: duckdb.DuckDBPyConnection,
) -> None:
    unmapped = rows(
        empty_warehouse,
        "with lines as (select unnest([placement_line_code, resourced_provision_line_code, sen_unit_line_code,"
        " compulsory_school_age_line_code]) as placement_line_code from seed.placement_line_mapping)"
        " select placement_line_code from marts.dim_placement_group anti join lines using (placement_line_code)",
    )
    assert unmapped == [("placement_unknown",)]
