"""What happens to school censuses: a run is killed, a school sends again, sends nothing, or sends a file that is broken."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.returns.submission import read_submissions
from orchestration.settings import Settings
from tests.conftest import csv_text
from tests.end_to_end.journey import Ended, Journey
from tests.invented_census import Census, Pupil, census, census_xml, charles, marie, write_census_xml
from tests.queries import worked_queries

pytestmark = [pytest.mark.end_to_end]

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
PUPILS = 8
PUPILS_OF_SCHOOLS = "select la_estab, census_period, count(*) from marts.fct_census_pupil group by all order by all"
# The process dies as soon as something of the census is committed.
KILLED_LANDING = """
import os, signal
import orchestration.returns.land as m

original = m.sync_dir
m.sync_dir = lambda folder: os.kill(os.getpid(), signal.SIGKILL) if "school_census" in str(folder) else original(folder)
"""
# The fourth school never sends; the fifth has closed.
REGISTER = csv_text(
    ["URN", "LA (code)", "EstablishmentNumber", "EstablishmentName", "TypeOfEstablishment (code)", "EstablishmentStatus (code)",
     "CloseDate"],
    [
        *([f"99400{n}", "372", f"400{n}", f"Zzinvented School {n}", "01", "1", ""] for n in range(1, 5)),
        ["994005", "372", "4005", "Zzinvented School 5", "01", "2", "31-08-2024"],
    ],
)  # fmt: skip
THIRD, FOURTH = ([f"Zzinvented School {number} (LAEstab 372400{number}, URN 99400{number})"] for number in (3, 4))


def upn(number: int) -> str:
    digits = f"372{number:09d}"
    return LETTERS[sum(int(digit) * place for place, digit in enumerate(digits, start=2)) % 23] + digits


def pupil(number: int, like: Pupil) -> Pupil:
    name = str(number).translate(str.maketrans("0123456789", "abcdefghij"))
    return like.but(
        UPN=upn(number), FormerUPN="", UniqueLearnerNumber="", Surname=f"Zz{name}", Forename=f"Quill{name}", EnrolStatus="C",
        DOB=f"2016-{number % 12 + 1:02d}-10", NCyearActual="4",
    )  # fmt: skip


def school(number: int, term: str = "SPR", **changed: Any) -> Census:
    """A school of children of its own, of whom the first has a plan."""
    first = 100 * number
    own = [pupil(first, marie()), *(pupil(first + n, charles()) for n in range(1, PUPILS))]
    return census(own[: changed.pop("pupils", PUPILS)], estab=f"400{number}", term=term, **changed)


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """Spring 2025 of three schools, and the register."""
    folder: Path = tmp_path_factory.mktemp("census")
    for return_id in ("school_census", "establishment_register"):
        (folder / "raw" / "inbox" / return_id).mkdir(parents=True)
    for number in (1, 2, 3):
        write_census_xml(folder / "raw" / "inbox" / "school_census", school(number))
    (folder / "raw" / "inbox" / "establishment_register" / "edubasealldata20250105.csv").write_text(REGISTER)
    return Journey(folder / "store", folder / "raw")


@pytest.fixture(scope="module")
def killed(journey: Journey) -> list[str]:
    """The schools that had landed when the first run was killed."""
    ended = journey.cornerstone("run", driver=KILLED_LANDING)
    assert ended.exit_code == -9, ended.stderr
    return landed_schools(journey)


@pytest.fixture(scope="module")
def first(journey: Journey, killed: list[str]) -> tuple[Ended, dict[str, list[tuple[Any, ...]]]]:
    """The run after it, and the marts it released, by school."""
    assert killed
    ended = journey.cornerstone("run", "--json")
    return ended, rows_by_school(journey)


@pytest.fixture(scope="module")
def beside_a_reader(
    journey: Journey, first: tuple[Ended, dict[str, list[tuple[Any, ...]]]]
) -> tuple[Ended, list[list[tuple[Any, ...]]]]:
    """A run in which 4002 sends spring again, 4003 sends a broken file, 4001 the same file; summer comes from two schools. And
    what somebody who had opened the marts before it read in them: asked again and again during the run, and once after it."""
    assert first
    inbox = journey.raw / "inbox" / "school_census"
    write_census_xml(inbox, school(2, serial="2", pupils=PUPILS - 1))
    broken = school(3, serial="2")
    (inbox / broken.file_name).write_text(census_xml(broken)[:-300], encoding="utf-8")
    write_census_xml(inbox, school(1))
    for number in (1, 2):
        write_census_xml(inbox, school(number, term="SUM"))
    answers = []
    with duckdb.connect(str(marts(journey)), read_only=True) as reader, ThreadPoolExecutor(1) as beside:
        running = beside.submit(journey.cornerstone, "run", "--json")
        while not running.done():
            answers.append(reader.execute(PUPILS_OF_SCHOOLS).fetchall())
            time.sleep(0.5)
        answers.append(reader.execute(PUPILS_OF_SCHOOLS).fetchall())
    return running.result(), answers


@pytest.fixture(scope="module")
def second(beside_a_reader: tuple[Ended, list[list[tuple[Any, ...]]]]) -> Ended:
    return beside_a_reader[0]


def marts(journey: Journey) -> Path:
    """The marts of the release people read."""
    return journey.current / "restricted" / "send_marts.duckdb"


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def landed_schools(journey: Journey) -> list[str]:
    """Suppliers of the committed submissions of spring 2025."""
    settings = Settings(store=journey.store, raw=journey.raw)
    return sorted(one.supplier for one in read_submissions(settings, "school_census") if one.period == "2025-01")


def rows_by_school(journey: Journey, period: str = "2025-01") -> dict[str, list[tuple[Any, ...]]]:
    """Rows of every fact of a census, by the number of the school."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in ("fct_census_pupil", "fct_absence", "fct_suspension"):
        for la_estab, *row in query(
            marts(journey),
            f"select la_estab, '{table}', * from marts.{table} where census_period = '{period}' order by all",
        ):
            found.setdefault(la_estab, []).append(tuple(row))
    return found


def periods(journey: Journey) -> dict[str, dict[str, Any]]:
    """What status expects of the school census, by period."""
    expected = journey.cornerstone("status", "--json").result["expected"]
    return {one["occasion"]["period"]: one for one in expected if one["occasion"]["return_id"] == "school_census"}


def completeness_of_marts(journey: Journey) -> list[tuple[Any, ...]]:
    return query(
        journey.store / "warehouse.duckdb",
        "select census_period, expected_school_count, landed_expected_school_count"
        " from intermediate.int_census__completeness order by census_period",
    )


def test_what_had_landed_when_a_run_was_killed_stays_and_the_next_run_lands_the_others_once(
    journey: Journey, killed: list[str], first: tuple[Ended, dict[str, list[tuple[Any, ...]]]]
) -> None:
    ended, rows = first
    assert killed and len(killed) == len(set(killed))
    assert (ended.exit_code, ended.result["status"]) == (0, "released"), ended.stderr
    assert {school: sum(row[0] == "fct_census_pupil" for row in own) for school, own in rows.items()} == {
        "3724001": PUPILS, "3724002": PUPILS, "3724003": PUPILS,
    }  # fmt: skip
    assert not list(journey.store.glob("landed/.partial/*/*"))


def test_a_school_that_sent_nothing_is_named_and_warned_of(
    journey: Journey, first: tuple[Ended, dict[str, list[tuple[Any, ...]]]], second: Ended
) -> None:
    """Also a school whose file was there the term before and is not in the next delivery."""
    found = periods(journey)
    assert [(found[period]["expected_suppliers"], found[period]["missing"]) for period in ("2025-01", "2025-05")] == [
        (4, FOURTH),
        (4, [*THIRD, *FOURTH]),
    ]
    assert completeness_of_marts(journey) == [("2025-01", 4, 3), ("2025-05", 4, 2)]
    assert (
        "summer 2025: 2 of 4 schools; 2 missing: " + ", ".join(THIRD + FOURTH) in journey.cornerstone("status").stdout
    )
    assert query(
        journey.current / "open" / "send_kpis.duckdb", "select success from meta.rule_result where rule_id = 'CEN-101'"
    ) == [(False,)]


def test_a_school_that_sends_again_replaces_itself_alone(
    journey: Journey, first: tuple[Ended, dict[str, list[tuple[Any, ...]]]], second: Ended
) -> None:
    before, after = first[1], rows_by_school(journey)
    assert second.result["status"] == "released", second.stderr
    # A suspension belongs to the latest return that tells of it, which for two schools is that of summer by now.
    kept, now = (
        {school: sorted(str(row) for row in own if row[0] != "fct_suspension") for school, own in rows.items()}
        for rows in (before, after)
    )
    assert {school for school in kept if kept[school] == now[school]} == {"3724001", "3724003"}
    assert sum(row[0] == "fct_census_pupil" for row in after["3724002"]) == PUPILS - 1
    assert {row[-1] for row in before["3724002"]}.isdisjoint(row[-1] for row in after["3724002"])


def test_who_has_the_marts_open_reads_on_and_who_opens_them_anew_reads_the_new_release(
    journey: Journey, beside_a_reader: tuple[Ended, list[list[tuple[Any, ...]]]]
) -> None:
    ended, [before, *answers] = beside_a_reader
    assert ended.result["status"] == "released", ended.stderr
    assert before == [(number, "2025-01", PUPILS) for number in ("3724001", "3724002", "3724003")]
    assert len(answers) > 3
    assert all(answer == before for answer in answers)
    assert query(marts(journey), PUPILS_OF_SCHOOLS) == [
        ("3724001", "2025-01", PUPILS),
        ("3724001", "2025-05", PUPILS),
        ("3724002", "2025-01", PUPILS - 1),
        ("3724002", "2025-05", PUPILS),
        ("3724003", "2025-01", PUPILS),
    ]


def test_the_worked_query_counts_suspensions_beside_the_pupils_of_spring(journey: Journey, second: Ended) -> None:
    """Of a provision that nobody has by spring there is no rate."""
    assert second.result["status"] == "released", second.stderr
    answer = query(marts(journey), worked_queries()["suspensions_by_sen_provision"].sql)
    assert [row[:5] for row in answer] == [
        ("202425", "EHC plan", 3, 0, 0.0),
        ("202425", "No SEN", 3 * (PUPILS - 1) - 1, 0, 0.0),
        ("202425", "SEN support", 0, 3, None),
    ]


def test_a_broken_file_is_refused_in_a_sentence_and_the_one_before_it_stands(journey: Journey, second: Ended) -> None:
    assert second.exit_code == 1
    [sentence] = second.result["refused"]
    assert sentence.startswith("3724003_SC1_372LL25_002.XML")
    assert "\n" not in sentence and "zz" not in sentence.lower()
    assert f"refused  {sentence}" in journey.cornerstone("status").stdout


def test_the_same_bytes_twice_are_told_and_change_nothing(journey: Journey, second: Ended) -> None:
    assert second.result["repeats"] == ["3724001_SC1_372LL25_001.XML was dealt with before; nothing to do."]
    assert landed_schools(journey).count("school.3724001") == 1
