"""Therapy waiting lists of two trusts beside an EHC plans return, from landed rows to the marts."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.errors import CornerstoneError
from orchestration.known_at import write_known_at
from orchestration.returns.delivered import DataFile, delivered_file, open_delivered
from orchestration.returns.recognise import read_data_file
from orchestration.returns.spec import load_spec
from orchestration.settings import PROJECT_DIR
from tests.queries import worked_queries
from tests.unit.dbt_project.test_ehc_plans import Store, held_since, rows

SEPTEMBER, OCTOBER = date(2025, 9, 30), date(2025, 10, 31)


class TherapyStore(Store):
    """A store with therapy waiting lists too."""

    def waiting_list(
        self,
        provider: str,
        snapshot: date,
        requests: dict[str, dict[str, Any]],
        *,
        sequence: int = 1,
        received: datetime,
        basis: str = "FIRST_CONTACT",
        contacts: tuple[dict[str, Any], ...] = (),
        declared: dict[str, int] | None = None,
    ) -> None:
        """Land one list: of each request its columns and, under `child`, whose it is."""
        submission_id = f"{provider}_{snapshot}_{sequence}"
        cover = {
            "delivery_key": submission_id,
            "provider_code": provider,
            "snapshot_date": snapshot,
            "submission_sequence": sequence,
            "waiting_basis_code": basis,
        }
        referrals = []
        for reference, columns in requests.items():
            person = f"{submission_id}/{reference}"
            usual = {
                "row_person_ref": person,
                "provider_code": provider,
                "snapshot_date": snapshot,
                "service_request_ref": reference,
                "service_line_code": "SLT",
                "referral_purpose_code": "CORE",
                "sitrep_counted_code": "Y",
                "residence_la_code": "E08000018",
                "birth_month": "2015-01",
                "sex_code": "F",
                "age_at_snapshot": 10,
                "is_reportable": True,
            }
            own = {name: value for name, value in columns.items() if name != "child"}
            if "referral_received_date" in own:
                usual["clock_start_date"] = own["referral_received_date"]
            referrals.append(usual | own)
            self.children.append(
                {"submission_id": submission_id, "row_person_ref": person, "child_key": columns.get("child", reference)}
            )
        told = [
            {"care_contact_ref": f"{number}", "provider_code": provider, "is_reportable": True} | contact
            for number, contact in enumerate(contacts)
        ]
        self.land(
            "therapy_waiting_list",
            submission_id,
            f"{snapshot:%Y-%m}",
            {
                "therapy_delivery": [cover],
                "therapy_referral": referrals,
                "therapy_appointment": told,
                "therapy_declared_wait": [
                    {
                        "service_line_code": "SLT",
                        "waiting_band_code": band,
                        "declared_child_count": children,
                        "is_reportable": True,
                    }
                    for band, children in (declared or {}).items()
                ],
            },
            supplier=provider,
            sequence=f"{sequence:010}",
            received_at=received,
        )


def since(received: str, **columns: Any) -> dict[str, Any]:
    return {"referral_received_date": date.fromisoformat(received)} | columns


def published_waits(month: str) -> list[dict[str, Any]]:
    """What ships with Cornerstone of the trust's published figures of a month."""
    path = PROJECT_DIR / "raw" / "seed" / "published_statistics" / "published_waits.csv.gz"
    [file] = open_delivered(delivered_file(path))
    assert isinstance(file, DataFile)
    cells = read_data_file(file, load_spec("published_statistics")).rows.to_pylist()
    return [cell for cell in cells if cell["data_month"] == month and cell["org_code"] == "RFR"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> TherapyStore:
    """Lists of September and October 2025; the trust sent September's again in December."""
    made = TherapyStore(tmp_path_factory.mktemp("therapy"))
    made.ehc_return(
        "sen2_2025",
        2025,
        {
            "over 18": held_since("2020-01-01", need="SLCN"),
            "just 18": held_since("2020-01-01", need="SLCN"),
            "autism": held_since("2020-01-01", need="ASD"),
            "two requests": held_since("2020-01-01", need="SLCN"),
            "in error": held_since("2020-01-01", need="SLCN"),
            "for ot": held_since("2020-01-01", need="SLCN"),
        },
        received_at=datetime(2025, 3, 1, 9),
    )
    over, just = "2025-06-26", "2025-06-27"  # 127 and 126 days before the last of October
    autumn = {
        "q1": since(over, child="over 18"),
        "q2": since(just, child="just 18"),
        "q3": since(over, child="autism"),
        "q4": since(over, child="two requests"),
        "q5": since("2025-06-01", child="two requests"),
        "q6": since(over, child="in error", is_reportable=False),
        "q7": since(over, child="for ot", service_line_code="OT"),
        "q8": since(over, child="unknown to the authority"),
        "q9": since("2025-08-01", child="vanishes"),
    }
    made.waiting_list("RFR", SEPTEMBER, autumn, received=datetime(2025, 10, 10, 9))
    october = {name: columns for name, columns in autumn.items() if name != "q9"} | {
        "q10": since("2025-10-01", child="new"),
        "advice": since("2025-10-01", child="advice", referral_purpose_code="EHC_ADVICE"),
    }
    seen = {"service_request_ref": "q3", "contact_date": date(2025, 10, 20), "attendance_status_code": "5"}
    made.waiting_list(
        "RFR",
        OCTOBER,
        october,
        received=datetime(2025, 11, 10, 9),
        contacts=(seen,),
        declared={"total": 176, "w12_18": 18, "w18_52": 17},
    )
    made.waiting_list(
        "RXE",
        OCTOBER,
        {"q1": since("2025-01-01", child="over 18", service_line_code="CAMHS", rtt_status_code="20")},
        received=datetime(2025, 11, 11, 9),
        basis="CLOCK",
    )
    # The late list says that one had been seen in September, and has one more child.
    late = autumn | {
        "q2": since(just, child="just 18", first_attended_contact_date=date(2025, 9, 1)),
        "q11": since("2025-05-01", child="found late"),
    }
    made.waiting_list("RFR", SEPTEMBER, late, sequence=2, received=datetime(2025, 12, 5, 9))
    made.land(
        "published_statistics",
        "published_waits",
        "2025-10",
        {"chs_wait": published_waits("2025-10")},
        sequence="",
        received_at=datetime(2025, 12, 20, 9),
    )
    made.submissions = [
        submission | {"is_current": submission["submission_id"] != "RFR_2025-09-30_1"}
        for submission in made.submissions
    ]
    return made


@pytest.fixture(scope="module")
def warehouse(store: TherapyStore) -> Iterator[duckdb.DuckDBPyConnection]:
    """Everything that was received."""
    with duckdb.connect(str(store.build()), read_only=True) as connection:
        yield connection


def waiting(connection: duckdb.DuckDBPyConnection, snapshot: date) -> list[tuple[str, int]]:
    """Children waiting for speech and language therapy, and how long, in any state of the row."""
    return connection.execute(
        """
        select wait.child_key, wait.wait_days
        from marts.fct_therapy_wait as wait
        inner join marts.dim_service as service using (service_key)
        where service.therapy_line = 'SLT' and wait.is_waiting and wait.snapshot_date = ?
        order by all
        """,
        [snapshot],
    ).fetchall()


def test_the_children_of_the_question_are_one_query_away(warehouse: duckdb.DuckDBPyConnection) -> None:
    query = worked_queries()["children_with_slcn_waiting_for_speech_therapy"].sql
    # Of five that wait over 18 weeks: one has another need, one no plan, one a faulty row, one two requests. Seven rows of
    # speech and language therapy wait without fault, of whom two are of children no return knows; one was seen.
    assert warehouse.execute(query).fetchall() == [(OCTOBER, 2, 6, 66.7)]


def test_a_day_decides_about_18_weeks(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select child_key, wait_days, is_over_18_weeks from marts.fct_therapy_wait"
        " where child_key in ('over 18', 'just 18') and is_latest and waiting_basis_code = 'FIRST_CONTACT' order by all",
    ) == [("just 18", 126, False), ("over 18", 127, True)]


def test_what_a_late_list_says_counts(warehouse: duckdb.DuckDBPyConnection) -> None:
    known = {child for child, _ in waiting(warehouse, SEPTEMBER)}
    assert "found late" in known
    assert "just 18" not in known
    # October's list has neither it nor the one that had vanished, and says no more that another was seen.
    flow = "select waiting_start_count, vanished_count, waiting_end_count, residual_count from marts.fct_therapy_flow"
    slt = " inner join marts.dim_service as service using (service_key) where service.therapy_line = 'SLT'"
    assert rows(warehouse, flow + slt) == [(7, 2, 6, 0)]


def test_trusts_and_services_are_one_dimension(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select provider.org_code, service.therapy_line, service.is_published, count(*)"
        " from marts.fct_therapy_wait as wait inner join marts.dim_provider as provider using (provider_key)"
        " inner join marts.dim_service as service using (service_key) where wait.snapshot_date = date '2025-10-31'"
        " group by all order by all",
    ) == [("RFR", "OT", True, 1), ("RFR", "SLT", True, 8), ("RXE", "CAMHS", False, 1)]


def test_the_bundled_figures_stand_beside_the_lists_without_a_workbook(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Of six that wait without fault for speech therapy, four have for 127 days or more, one for 126 and one for 30."""
    compared = rows(
        warehouse,
        "select service.therapy_line, band_code, waiting_count, published_count, published_status, sitrep_difference_count"
        " from marts.fct_therapy_wait_comparison inner join marts.dim_service as service using (service_key)"
        f" where snapshot_date = date '{OCTOBER}' and band_code in ('total', 'w12_18', 'w18_52', 'w52_plus') order by all",
    )
    assert compared == [
        ("OT", "total", 1, 140, "reported", -139),
        ("OT", "w12_18", 0, 9, "reported", -9),
        ("OT", "w18_52", 1, 64, "reported", -63),
        ("OT", "w52_plus", 0, None, "not_published", None),
        ("SLT", "total", 6, 182, "reported", -176),
        ("SLT", "w12_18", 1, 20, "reported", -19),
        ("SLT", "w18_52", 4, 21, "reported", -17),
        ("SLT", "w52_plus", 0, None, "not_published", None),
    ]


def test_what_the_trust_declares_accounts_for_the_published_figure(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select band_code, sitrep_counted_count, declared_count, accounted_count, published_count,"
        " accounted_difference_count from marts.fct_therapy_wait_comparison"
        f" where snapshot_date = date '{OCTOBER}' and declared_count is not null order by all",
    ) == [("total", 6, 176, 182, 182, 0), ("w12_18", 1, 18, 19, 20, -1), ("w18_52", 4, 17, 21, 21, 0)]


def test_local_figures_are_counted_for_the_authority_and_each_trust(warehouse: duckdb.DuckDBPyConnection) -> None:
    october = "time_identifier = 'October' and value_basis = 'local'"
    assert rows(
        warehouse,
        "select area_level, breakdown, numerator, denominator, round(value, 1) from kpi.kpi_value"
        f" where {october} and kpi_id = 'therapy_within_18_weeks_pct' and breakdown_topic = 'Service line' order by all",
    ) == [
        ("local_authority", "Child and adolescent mental health", 0, 1, 0),
        ("local_authority", "Occupational therapy", 0, 1, 0),
        ("local_authority", "Speech and language therapy", 2, 6, Decimal("33.3")),
        ("provider", "Child and adolescent mental health", 0, 1, 0),
        ("provider", "Occupational therapy", 0, 1, 0),
        ("provider", "Speech and language therapy", 2, 6, Decimal("33.3")),
    ]
    # Four children with a plan wait, two of them twice.
    assert rows(
        warehouse,
        f"select value from kpi.kpi_value where {october} and kpi_id = 'ehcp_children_waiting_therapy'"
        " and breakdown = 'Total' and area_level = 'local_authority'",
    ) == [(4,)]
    # Of so few an exact share would give away how many are not linked.
    assert rows(
        warehouse,
        "select distinct coverage_note from intermediate.int_kpi__therapy_value where breakdown = 'Total'"
        " and kpi_id = 'ehcp_children_waiting_therapy' and area_level = 'local_authority' and time_identifier = 'October'",
    ) == [(None,)]


def test_what_the_need_calls_for_stands_beside_the_lists(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Speech and language needs call for that therapy, autism for occupational therapy too; nothing here for the third."""
    assert rows(
        warehouse,
        "select child_key, therapy_line, calling_need_code, list_status_code, waiting_request_count, wait_days"
        " from marts.fct_plan_therapy_wait inner join marts.dim_service using (service_key)"
        f" where is_latest and snapshot_date = date '{OCTOBER}' order by all",
    ) == [
        ("autism", "OT", "ASD", "not_on_list", 0, None),
        ("autism", "SLT", "ASD", "in_treatment", 0, None),
        ("for ot", "OT", None, "waiting", 1, 127),
        ("for ot", "SLT", "SLCN", "not_on_list", 0, None),
        ("in error", "SLT", "SLCN", "not_on_list", 0, None),
        ("just 18", "SLT", "SLCN", "waiting", 1, 126),
        ("over 18", "CAMHS", None, "waiting", 1, 303),
        ("over 18", "SLT", "SLCN", "waiting", 1, 127),
        ("two requests", "SLT", "SLCN", "waiting", 2, 152),
    ]


def test_a_child_has_one_journey_whichever_returns_tell_of_it(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        warehouse,
        "select child_key, first_plan_start_date, first_plan_origin_code, first_therapy_referral_date,"
        " first_therapy_contact_date, is_ehc_left_censored from marts.fct_child_journey"
        " where child_key in ('over 18', 'autism', 'in error', 'unknown to the authority') order by all",
    ) == [
        ("autism", date(2020, 1, 1), "historical", date(2025, 6, 26), date(2025, 10, 20), True),
        ("in error", date(2020, 1, 1), "historical", None, None, True),
        ("over 18", date(2020, 1, 1), "historical", date(2025, 1, 1), None, True),
        ("unknown to the authority", None, None, date(2025, 6, 26), None, None),
    ]


def plans_in_october(connection: duckdb.DuckDBPyConnection) -> dict[str, bool | None]:
    """Of three children who wait for speech and language therapy, whether they had a plan."""
    return dict(
        connection.execute(
            "select distinct child_key, has_ehc_plan from marts.fct_therapy_wait where is_latest"
            " and waiting_basis_code = 'FIRST_CONTACT' and child_key in ('over 18', 'just 18', 'new')"
        ).fetchall()
    )


def test_september_can_be_looked_at_as_it_was_known(
    store: TherapyStore, warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Last, because it builds the marts over again. In March a return tells that one plan had begun and one had ended."""
    warehouse.close()
    plan = {"over 18": held_since("2020-01-01", need="SLCN"), "new": held_since("2025-10-15", need="SLCN")}
    store.ehc_return("sen2_2026", 2026, plan, received_at=datetime(2026, 3, 1, 9))
    store.build()
    then = tmp_path / "then.duckdb"
    written = write_known_at(store.settings, date(2025, 12, 4), then)
    # Known were two lists of October, the first of September and a return of plans.
    assert written.known == 4
    assert written.left_out == {"published_statistics": 1, "sen2": 1, "therapy_waiting_list": 1}
    assert then.stat().st_mode & 0o777 == 0o600
    with duckdb.connect(str(then), read_only=True) as connection:
        known = {child for child, _ in waiting(connection, SEPTEMBER)}
        october = waiting(connection, OCTOBER)
        plans = plans_in_october(connection)
        assert rows(connection, "select known_at_date from marts.known_at") == [(date(2025, 12, 4),)]
        assert rows(
            connection,
            "select count(*) > 10, bool_and(comment is not null) from duckdb_columns()"
            " where table_name = 'fct_therapy_wait'",
        ) == [(True, True)]
    assert "found late" not in known
    assert "just 18" in known
    assert len(october) == 7
    # No return known then knows the one that the return of March brought.
    assert plans == {"over 18": True, "just 18": True, "new": None}
    with duckdb.connect(str(store.settings.warehouse_path), read_only=True) as connection:
        assert plans_in_october(connection) == {"over 18": True, "just 18": False, "new": True}
        now = {child for child, _ in waiting(connection, SEPTEMBER)}
    assert "found late" in now
    assert "just 18" not in now
    assert not list(store.settings.store.glob(".known_at*"))


def test_a_day_before_everything_and_a_place_in_the_store_are_refused(store: TherapyStore, tmp_path: Path) -> None:
    with pytest.raises(CornerstoneError, match="Nothing had been received by the end of 2020-01-01"):
        write_known_at(store.settings, date(2020, 1, 1), tmp_path / "then.duckdb")
    with pytest.raises(CornerstoneError, match="lies in the store"):
        write_known_at(store.settings, date(2025, 12, 4), store.settings.store / "then.duckdb")
    with pytest.raises(CornerstoneError, match=r"end its name in \.duckdb"):
        write_known_at(store.settings, date(2025, 12, 4), tmp_path / "then.csv")
