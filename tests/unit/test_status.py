"""What status says of a store on a given day: what has come, what is next, what is overdue."""

from dataclasses import asdict, replace
from datetime import date
from io import StringIO

import duckdb
import pytest
from rich.console import Console

from orchestration.returns.calendar import calendar_ids, load_calendar
from orchestration.returns.expected import ExpectedPeriod, expected_of
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import People, Submission, TableRows, landing_dir, write_landing
from orchestration.settings import Settings
from orchestration.status import read_status

# Number, type, status, opened, closed. Number 6 is independent, 7 has no number, 8 opened for autumn 2025.
SCHOOLS = [
    ("4001", "01", "1", "", ""), ("4002", "34", "1", "01-09-2020", ""), ("4003", "35", "2", "", "31-08-2025"),
    ("4004", "12", "4", "01-09-2027", ""), ("4005", "07", "1", None, None), ("4006", "11", "1", "", ""),
    (None, "01", "1", "", ""), ("4008", "28", "1", "01-09-2025", ""), ("9", "14", "2", "", None),
]  # fmt: skip


def is_only_asked_once_begun(return_id: str) -> bool:
    calendar = load_calendar(return_id)
    return calendar is not None and calendar.only_once_begun


def submission(return_id: str, period: str, supplier: str, people: People | None = None) -> Submission:
    return Submission(
        f"{return_id}-{period}-{supplier}", return_id, period, supplier, "1", f"{period}-28T09:00:00", "1", "a.xml", "aa", "aa",
        tables={}, status="accepted", landing=f"{return_id}-{period}-{supplier}", people=people,
    )  # fmt: skip


def commit(settings: Settings, one: Submission) -> None:
    landing_dir(settings, one).mkdir(parents=True)
    write_landing(landing_dir(settings, one), [one], [])


def send(settings: Settings, period: str, *schools: str, people: People | None = "real") -> None:
    for number in schools:
        commit(settings, submission("school_census", period, f"school.372{number}", people))


def register(settings: Settings) -> None:
    one = replace(
        submission("establishment_register", "2026-01", "dfe.gias"), tables={"establishment": TableRows(9, 9, 0)}
    )
    commit(settings, one)
    with duckdb.connect() as connection:
        connection.execute(
            f"create table establishment ({load_spec('establishment_register').landed_sql('establishment')})"
        )
        for number, kind, status, opened, closed in SCHOOLS:
            connection.execute(
                "insert into establishment"
                " (submission_id, la_code, establishment_number, urn, establishment_name, type_code, status_code, open_date,"
                " close_date)"
                " values ($id, '372', $number, '99' || $number, 'School ' || $number, $kind, $status, $opened, $closed),"
                " ($id, '373', $number, '98' || $number, 'Other ' || $number, $kind, $status, $opened, $closed)",
                {
                    "id": one.submission_id,
                    "number": number,
                    "kind": kind,
                    "status": status,
                    "opened": opened,
                    "closed": closed,
                },
            )
        connection.execute(
            f"copy establishment to '{landing_dir(settings, one) / 'establishment.parquet'}' (format parquet)"
        )


def censuses(settings: Settings, today: date) -> dict[str, ExpectedPeriod]:
    found = read_status(settings, today).expected
    return {one.occasion.period: one for one in found if one.occasion.return_id == "school_census"}


def printed(settings: Settings, today: date) -> list[str]:
    stream = StringIO()
    read_status(settings, today).print_to(Console(file=stream, width=400))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("today", "overdue", "coming"),
    [
        (date(2018, 1, 17), [], ["2018-01"]),
        (date(2018, 2, 14), [], ["2018-01", "2018-05"]),
        (date(2018, 2, 15), ["2018-01"], ["2018-05"]),
        # Summer 2020 was not held: spring is the latest due until autumn is.
        (date(2020, 9, 30), ["2020-01"], ["2020-10"]),
        (date(2020, 10, 28), ["2020-01"], ["2020-10", "2021-01"]),
        (date(2020, 10, 29), ["2020-10"], ["2021-01"]),
        (date(2025, 12, 31), ["2025-10"], ["2026-01"]),
        (date(2026, 1, 1), ["2025-10"], ["2026-01"]),
        (date(2026, 2, 12), ["2026-01"], ["2026-05"]),
        (date(2029, 11, 1), ["2029-10"], ["2030-01"]),
    ],
)
def test_of_a_return_that_never_came_the_latest_due_is_overdue(
    settings: Settings, today: date, overdue: list[str], coming: list[str]
) -> None:
    found = censuses(settings, today)
    assert [period for period, one in found.items() if one.state == "overdue"] == overdue
    assert [period for period, one in found.items() if one.state == "open"] == coming
    assert len(found) == len(overdue) + len(coming)


@pytest.mark.parametrize("return_id", [one for one in calendar_ids() if is_only_asked_once_begun(one)])
def test_of_a_return_that_not_every_authority_has_nothing_is_expected_until_one_has_come(
    settings: Settings, return_id: str
) -> None:
    today = date(2026, 7, 1)
    spec = load_spec(return_id)
    assert list(expected_of(settings, spec, today)) == []
    calendar = load_calendar(return_id)
    assert calendar is not None
    first, *later = [one.period for one in calendar.occasions(return_id, today)][-3:]
    commit(settings, submission(return_id, first, "one", people="real"))
    states = {one.occasion.period: one.state for one in expected_of(settings, spec, today)}
    assert states[first] == "complete"
    assert set(later) < set(states)


def test_what_was_left_out_since_the_first_that_came_is_overdue(settings: Settings) -> None:
    send(settings, "2024-10", "4001")
    send(settings, "2025-05", "4001")
    send(settings, "2026-01", "4001")
    found = censuses(settings, date(2026, 2, 1))
    assert {period: one.state for period, one in found.items()} == {
        "2024-10": "complete", "2025-01": "overdue", "2025-05": "complete", "2025-10": "overdue", "2026-01": "complete",
        "2026-05": "open",
    }  # fmt: skip


def test_with_a_register_each_school_is_expected_that_was_open_on_the_day(settings: Settings) -> None:
    register(settings)
    send(settings, "2025-05", "4001", "4002", "4003", "4005")
    send(settings, "2025-10", "4001", "4002", "4999")
    found = censuses(settings, date(2025, 11, 1))
    assert (found["2025-05"].state, found["2025-05"].completeness) == ("complete", "summer 2025: 4 of 4 schools")
    # 4003 has closed and 4008 has opened; 4999 is not in the register, and counts for no other.
    autumn = found["2025-10"]
    missing = ["School 4005 (LAEstab 3724005, URN 994005)", "School 4008 (LAEstab 3724008, URN 994008)"]
    assert (autumn.state, autumn.missing, autumn.received_suppliers) == ("overdue", missing, 3)
    assert autumn.completeness == "autumn 2025: 2 of 4 schools; 2 missing: " + ", ".join(missing)
    assert censuses(settings, date(2025, 10, 29))["2025-10"].state == "open"


def test_status_says_it_in_a_line_a_period_for_real_people_and_a_return_for_invented_ones(
    settings: Settings,
) -> None:
    register(settings)
    send(settings, "2025-01", "4001", "4002", "4003", "4005")
    assert [line for line in printed(settings, date(2025, 10, 30)) if "school census" in line] == [
        "expected school census: spring 2025: 4 of 4 schools; next is spring 2026 (census day 15 January 2026) by"
        " 11 February 2026 (statutory)",
        "overdue  school census: summer 2025: 0 of 4 schools; 4 missing: School 4001 (LAEstab 3724001, URN 994001),"
        " School 4002 (LAEstab 3724002, URN 994002), School 4003 (LAEstab 3724003, URN 994003),"
        " School 4005 (LAEstab 3724005, URN 994005); expected by 11 June 2025 (statutory)",
        "overdue  school census: autumn 2025: 0 of 4 schools; 4 missing: School 4001 (LAEstab 3724001, URN 994001),"
        " School 4002 (LAEstab 3724002, URN 994002), School 4005 (LAEstab 3724005, URN 994005),"
        " School 4008 (LAEstab 3724008, URN 994008); expected by 29 October 2025 (statutory)",
    ]


def test_a_store_of_invented_people_has_one_line_a_return(settings: Settings) -> None:
    send(settings, "2024-10", "4001", people="invented")
    lines = [line for line in printed(settings, date(2026, 11, 1)) if line.startswith(("expected", "overdue"))]
    titles = [line.split(":")[0] for line in lines]
    assert len(titles) == len(set(titles)) > 1
    [of_the_census] = [line for line in lines if line.startswith("expected school census:")]
    assert of_the_census.endswith("overdue is autumn 2026: nothing received and 5 before it")
    assert sum(one.state == "overdue" for one in censuses(settings, date(2026, 11, 1)).values()) == 6


def test_rules_that_could_not_be_judged_are_named(settings: Settings) -> None:
    reason = "It compares with a register, of which nothing was at hand."
    one = submission("school_census", "2025-01", "school.3724001", "real")
    commit(settings, replace(one, not_judged={"RC-160R": reason}))
    send(settings, "2025-05", "4001")
    status = read_status(settings, date(2025, 7, 1))
    assert status.not_judged == [
        f"school census: RC-160R of 1 submission(s), 2025-01 to 2025-01. {reason}"
        " What has landed since is used when the return is sent again."
    ]
    assert f"unjudged {status.not_judged[0]}" in printed(settings, date(2025, 7, 1))
    dues = {one["occasion"]["return_id"]: one["occasion"]["due"] for one in reversed(asdict(status)["expected"])}
    assert dues["school_census"] == date(2025, 2, 12)


def test_suppliers_of_a_return_of_many_are_one_row(settings: Settings) -> None:
    send(settings, "2025-01", *(f"40{number}" for number in range(10, 21)))
    lines = printed(settings, date(2025, 2, 1))
    assert [line for line in lines if line.startswith("school_census: 11 suppliers")]
    assert not [line for line in lines if line.startswith("school.372")]
    assert len(read_status(settings).arrived) == 11
