"""The invented waiting lists carried to a release: what the marts count is what the lists were written from."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR
from tests.end_to_end.journey import Ended, Journey
from tests.queries import worked_queries

pytestmark = [pytest.mark.end_to_end]

ALONE = "2024-09"
"""A list that one trust sent twice; none is held of the months beside it."""
MONTHS = (ALONE, *(f"2025-{month:02}" for month in range(4, 12)))
"""Months with requests that vanish, come late and open again, with the latest published one."""
PUBLISHED = "2025-10"

SOME_MONTHS = f"""
import shutil
import orchestration.synthetic.first_run as m
whole = m.synthesise
def some(out, **asked):
    report = whole(out, **(asked | {{"censuses": False, "therapy": True, "truth": True}}))
    for folder in (*(out / "therapy_waiting_list").glob("*/*"), *(out / "sen2").glob("*")):
        if folder.name not in {(*MONTHS, "2025", "2026")}:
            shutil.rmtree(folder)
    return report
m.synthesise = some
"""
"""Python run before the command: the borough of a first run with its truth; what is asked here needs no more than these lists."""

BANDS = ("w00_01", "w01_02", "w02_04", "w04_12", "w12_18", "w18_52", "w52_104", "w104_plus")
PLACE = "provider.org_code as provider, service.therapy_line as service_line"
DIMENSIONS = "inner join marts.dim_provider as provider using (provider_key) inner join marts.dim_service as service using (service_key)"
OF_SCHOOL_CENSUSES = {
    "placements_cost_and_absence", "schools_and_plans_disagree_for_two_januaries", "suspensions_by_sen_provision",
}  # fmt: skip
"""Worked queries that have nothing to tell of a store without a school census."""


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """The bundled figures, among them what NHS England published of the first trust, and no workbook."""
    folder: Path = tmp_path_factory.mktemp("therapy")
    shutil.copytree(PROJECT_DIR / "raw" / "seed", folder / "raw" / "seed")
    return Journey(folder / "store", folder / "raw")


@pytest.fixture(scope="module")
def run(journey: Journey) -> Ended:
    return journey.cornerstone("run", "--json", driver=SOME_MONTHS)


@pytest.fixture(scope="module")
def release(journey: Journey, run: Ended) -> Iterator[duckdb.DuckDBPyConnection]:
    """The marts of the release; views `truth` (a row a provider, line and month held), `requests` (a row a request) and `declared`."""
    assert run.exit_code == 0, run.stdout + run.stderr
    with duckdb.connect(str(journey.current / "restricted" / "send_marts.duckdb"), read_only=True) as connection:
        made = journey.store / "synthetic"
        connection.execute(
            f"""
            create temp view month_ends as
            select * replace (cast(snapshot_date as date) as snapshot_date)
            from '{made}/truth/therapy_month_ends.parquet';
            create temp view truth as from month_ends where strftime(snapshot_date, '%Y-%m') in {MONTHS};
            create temp view requests as
            select * rename (line as service_line) from '{made}/truth/therapy_requests.parquet';
            create temp view declared as from '{made}/therapy_declared.csv'
            """
        )
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def different(connection: duckdb.DuckDBPyConnection, truth: str, found: str) -> list[tuple[Any, ...]]:
    """Rows of either query that the other lacks; `truth` must have some."""
    assert rows(connection, f"select count(*) > 10 from ({truth})") == [(True,)]
    return rows(
        connection,
        f"(select 'not found', * from (from ({truth}) except all from ({found}))) union all"
        f" (select 'not true', * from (from ({found}) except all from ({truth}))) order by all limit 20",
    )


def test_the_lists_come_to_a_release(run: Ended) -> None:
    assert (run.exit_code, run.result["status"], run.result["people"]) == (0, "released", "invented"), run.stderr
    assert (run.result["refused"], run.result["left"], run.result["waiting"]) == ([], [], [])


def test_who_waits_and_how_long_at_each_month_end(release: duckdb.DuckDBPyConnection) -> None:
    rank = "list_extract(list_sort(list(wait_days)), (({} * count(*) + 99) // 100)::integer)"
    found = f"""
        select
            {PLACE}, snapshot_date, count(*),
            {", ".join(f"count(*) filter (where band_code = '{band}')" for band in BANDS)},
            count(*) filter (where is_over_18_weeks), count(*) filter (where is_over_52_weeks),
            count(*) filter (where is_over_104_weeks), {rank.format(50)}, {rank.format(92)},
            count(*) filter (where is_sitrep_counted)
        from marts.fct_therapy_wait {DIMENSIONS}
        where is_waiting and is_reportable group by all"""
    truth = f"""
        select
            provider, service_line, snapshot_date, waiting, {", ".join(BANDS)}, over_18_weeks, over_52_weeks, over_104_weeks,
            median_days, percentile_92_days, sitrep_counted
        from truth where waiting > 0"""
    assert different(release, truth, found) == []


def test_who_came_onto_the_list_and_why_others_left_it(release: duckdb.DuckDBPyConnection) -> None:
    """Who vanished waited on the last list that told of it, and leaves with the next."""
    found = f"""
        select
            {PLACE}, snapshot_date, waiting_start_count, added_count, removed_count, first_contact_count, clock_stopped_count,
            discharged_count, rejected_count, nullified_count, vanished_count, residual_count
        from marts.fct_therapy_flow {DIMENSIONS}
        where previous_snapshot_date > date '{ALONE}-30'"""
    truth = """
        select
            provider, service_line, snapshot_date, waiting_start, additions, removals, removed_seen, removed_clock_stopped,
            removed_closed, removed_rejected, removed_nullified, removed_vanished, removed_restarted
        from truth where snapshot_date > date '2025-04-30'"""
    assert different(release, truth, found) == []
    assert rows(release, f"select sum(removed_vanished) > 1, sum(removed_rejected) > 10 from ({truth})") == [
        (True, True)
    ]


def test_referrals_received_first_contacts_and_closures_in_each_month(release: duckdb.DuckDBPyConnection) -> None:
    """A request that was entered late counts in the month it was received, which the truth of that month could not know."""
    found = f"""
        with referral as (
            select {PLACE}, referral.* from marts.fct_therapy_referral as referral {DIMENSIONS}
            where referral.is_reportable and referral.referral_purpose_code = 'CORE'
        ), days as (
            select provider, service_line, 'received' as kind, referral_received_date as day from referral union all
            select provider, service_line, 'seen', first_contact_date from referral union all
            select provider, service_line, 'closed', ended_date from referral
            where status_code in ('discharged', 'nullified') and not is_vanished
        )
        select provider, service_line, kind, last_day(day) as snapshot_date, count(*) as request_count from days
        where snapshot_date in (select snapshot_date from truth) group by all"""
    # Of a child that a list tells of: a request that vanished or that a later list brings is told by the lists held.
    told = """
        select * from requests
        where
            purpose = 'CORE'
            and exists (
                select 1 from truth
                where requests.entered <= snapshot_date and coalesce(requests.vanished > snapshot_date, true)
            )"""
    truth = f"""
        with told as ({told}), days as (
            select provider, service_line, 'received' as kind, received as day from told union all
            select provider, service_line, 'seen', first from told where coalesce(first < vanished, true) union all
            select provider, service_line, 'closed', closed from told
            where rejected is null and coalesce(closed < vanished, true)
        )
        select provider, service_line, kind, last_day(day) as snapshot_date, count(*) as request_count from days
        where snapshot_date in (select snapshot_date from truth) group by all"""
    assert different(release, truth, found) == []
    at_the_time = "select sum(received), sum(seen_first) from truth"
    late = f"""
        with told as ({told}) select count(*) from told
        where entered > last_day(received) and last_day(received) in (select snapshot_date from truth)"""
    [(received, seen)] = rows(release, at_the_time)
    [(entered_late,)] = rows(release, late)
    kinds = dict(rows(release, f"select kind, sum(found.request_count) from ({found}) as found group by kind"))
    assert (kinds["received"], kinds["seen"]) == (received + entered_late, seen)
    assert entered_late > 0


def test_appointments_kept_missed_and_cancelled(release: duckdb.DuckDBPyConnection) -> None:
    statuses = {
        "5": "attended", "6": "attended_late", "3": "dna", "7": "too_late", "2": "cancelled_family", "4": "cancelled_provider",
    }  # fmt: skip
    counted = ", ".join(f"count(*) filter (where attendance_status_code = '{code}')" for code in statuses)
    found = f"""
        select {PLACE}, last_day(contact_date) as snapshot_date, {counted} from marts.fct_therapy_appointment {DIMENSIONS}
        where is_reportable and contact_group_code is not null and snapshot_date in (select snapshot_date from truth)
        group by all"""
    truth = f"select provider, service_line, snapshot_date, {', '.join(f'contacts_{name}' for name in statuses.values())} from truth"
    assert different(release, truth, found) == []


def test_counted_children_and_those_declared_are_the_published_figure_band_by_band(
    release: duckdb.DuckDBPyConnection,
) -> None:
    side_by_side = worked_queries()["local_waits_beside_the_published_table"].sql
    found = f"""
        select service.therapy_line, waiting_band, counted_count, declared_count, published_count
        from ({side_by_side}) as shown
        inner join marts.dim_service as service on shown.service_line = service.therapy_line_name
        where strftime(snapshot_date, '%Y-%m') = '{PUBLISHED}' and waiting_band <> 'total'"""
    truth = f"""
        select service_line, band, counted, out_of_borough, published from declared
        where data_month = '{PUBLISHED}'"""
    assert different(release, truth, found) == []
    left = (
        f"select count(*), count(*) filter (where difference_left = 0), sum(declared_count) > 0 from ({side_by_side})"
    )
    assert rows(release, left) == [(4 * 9, 4 * 9, True)]
    totals = f"select service_line, published_count from ({side_by_side}) where waiting_band = 'total' order by all"
    # The Rotherham NHS Foundation Trust, October 2025: NHS England, Community Health Services waiting times, Table 4.
    assert [count for _, count in rows(release, totals)] == [145, 140, 49, 182]


def test_the_question_about_speech_therapy_is_answered_with_the_truth(release: duckdb.DuckDBPyConnection) -> None:
    [(snapshot, children, waiting, linked)] = rows(
        release, worked_queries()["children_with_slcn_waiting_for_speech_therapy"].sql
    )
    truth = f"""
        select snapshot_date, children_with_slcn_plan_over_18_weeks, waiting from truth
        where provider = 'RFR' and service_line = 'SLT' and snapshot_date = date '{snapshot}'"""
    assert rows(release, truth) == [(snapshot, children, waiting)]
    assert children > 0
    assert 0 < linked < 100


def test_of_the_waiting_children_with_a_plan_only_those_not_recognised_are_missed(
    release: duckdb.DuckDBPyConnection,
) -> None:
    """A list without NHS number and UPN that spells a name otherwise is of a child that nobody can look up: one in a hundred."""
    compared = f"""
        select children_with_plan_waiting as true_count, coalesce(found.child_count, 0) as found_count
        from truth left join (
            select {PLACE}, snapshot_date, count(distinct child_key) as child_count
            from marts.fct_therapy_wait {DIMENSIONS}
            where is_waiting and is_reportable and has_ehc_plan group by all
        ) as found using (provider, service_line, snapshot_date)"""
    assert rows(
        release,
        f"select count(*) filter (where found_count > true_count), sum(true_count) > 1000,"
        f" sum(found_count) between 0.98 * sum(true_count) and sum(true_count) from ({compared})",
    ) == [(0, True, True)]


def test_every_worked_query_answers_what_the_returns_of_the_borough_can_tell(
    release: duckdb.DuckDBPyConnection,
) -> None:
    for name, query in worked_queries().items():
        answer = release.sql(query.sql)
        assert len(set(answer.columns)) == len(answer.columns) > 2, name
        assert (answer.fetchall() == []) == (name in OF_SCHOOL_CENSUSES), name
