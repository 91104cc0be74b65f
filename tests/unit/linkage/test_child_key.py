"""One child across returns: by UPN, then ULN, then name and birth date; never two rows of a return to one child."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.linkage import child_key
from orchestration.linkage.child_key import LINK_COLUMNS, MATCH_STRENGTHS, LinkReport, link_children
from orchestration.returns.land import land_return
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store, write_control_tables
from tests.invented_census import Pupil, census, charles, marie, rosalind, write_census_xml
from tests.invented_return import Record, ada, alan, grace, header, xml_text

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
Linked = list[tuple[str, str]]


@pytest.fixture
def link(settings: Settings) -> Callable[..., list[Linked]]:
    """Land a return a year, in order, then link: the child and the strength of each row, by return."""
    prepare_store(settings)
    catalogue = load_catalogue(settings.rules_dir)
    hours = iter(range(100))

    def landed_and_linked(*returns: list[Record], year: int = 2023) -> list[Linked]:
        found: list[str] = []
        for offset, persons in enumerate(returns):
            path = settings.inbox_dir / "sen2" / f"{year + offset}.xml"
            path.write_text(xml_text(header(year + offset), persons))
            [submission] = land_return(settings, "sen2", catalogue, now=NOON + timedelta(hours=next(hours))).committed
            found.append(submission.submission_id)
        link_children(settings)
        return [rows(settings, submission_id) for submission_id in found]

    return landed_and_linked


def rows(settings: Settings, submission_id: str) -> Linked:
    return duckdb.sql(
        f"select child_key, match_strength from read_parquet('{settings.child_link_path}') as link"
        f" inner join read_parquet('{settings.landed_dir}/sen2/*/sen2_person.parquet') as person"
        " on link.submission_id = person.submission_id and link.row_person_ref = person.row_person_ref"
        f" where link.submission_id = '{submission_id}' order by source_row"
    ).fetchall()


def changed(person: Record, **fields: str | None) -> Record:
    kept = {**person.fields, **fields}
    return Record(person.element, {name: value for name, value in kept.items() if value is not None}, person.within)


def test_every_person_is_a_child_from_the_first_return_on(link: Any) -> None:
    [first] = link([ada(), alan(), grace()])
    assert len({key for key, _ in first}) == 3
    assert [strength for _, strength in first] == ["first_seen"] * 3


def test_a_child_is_the_same_by_upn_then_uln_then_name_and_birth_date(link: Any) -> None:
    first, second = link(
        [ada(), alan(), grace()], [grace(Surname="ZZ-Hopper"), ada(Surname="Married"), alan(Forename="Al")]
    )
    assert second == [(first[2][0], "name_birth_date"), (first[0][0], "upn"), (first[1][0], "uln")]


def test_a_child_that_gets_a_upn_later_keeps_its_key(link: Any) -> None:
    both = {"UPN": "U372400021002", "UniqueLearnerNumber": "1000102504"}
    by_number, with_upn, upn_alone = link([alan()], [alan(**both)], [changed(alan(**both), UniqueLearnerNumber=None)])
    assert {by_number[0][0], with_upn[0][0], upn_alone[0][0]} == {by_number[0][0]}
    assert (with_upn[0][1], upn_alone[0][1]) == ("uln", "upn")


def test_a_temporary_upn_links_no_one(link: Any) -> None:
    temporary = {"UPN": "D37240002101A"}
    first, second = link([ada(**temporary)], [ada(**temporary, Surname="Another", PersonBirthDate="2015-01-01")])
    assert first[0][0] != second[0][0]


def test_a_number_that_two_rows_share_links_neither(link: Any) -> None:
    first, second = link(
        [ada()], [ada(Surname="One", PersonBirthDate="2015-01-01"), ada(Surname="Two", PersonBirthDate="2015-02-02")]
    )
    assert len({first[0][0], second[0][0], second[1][0]}) == 3


def test_children_of_one_name_and_birth_date_with_other_numbers_stay_apart(link: Any) -> None:
    first, second = link([ada()], [ada(UPN="U372400021002")])
    assert first[0][0] != second[0][0]


def test_twins_stay_apart(link: Any) -> None:
    twin = grace(Forename="Gloria")
    first, second = link([grace(), twin], [twin, grace()])
    assert [key for key, _ in second] == [first[1][0], first[0][0]]


def test_one_uln_with_two_birth_dates_is_not_one_child(link: Any) -> None:
    first, second = link([alan()], [alan(Surname="Other", PersonBirthDate="2005-01-01")])
    assert first[0][0] != second[0][0]


def test_what_comes_later_never_changes_a_key(link: Any, settings: Settings) -> None:
    [before] = link([ada(), alan(), grace()], year=2024)
    [first_submission] = {
        row[0] for row in duckdb.sql(f"select submission_id from read_parquet('{settings.child_link_path}')").fetchall()
    }
    link([alan(), ada()], year=2025)
    link([grace(), alan()], year=2023)
    assert rows(settings, first_submission) == before


def test_only_pseudonyms_and_a_strength_leave_the_vault(link: Any, settings: Settings) -> None:
    link([ada(), alan(), grace()], [ada(), alan(), grace()])
    result = duckdb.sql(f"select * from read_parquet('{settings.child_link_path}')")
    assert result.columns == list(LINK_COLUMNS)
    assert {row[4] for row in result.fetchall()} <= set(MATCH_STRENGTHS)


def test_without_a_return_there_is_an_empty_table(settings: Settings) -> None:
    prepare_store(settings)
    assert link_children(settings) == LinkReport({}, 0)
    assert duckdb.sql(f"select count(*) from read_parquet('{settings.child_link_path}')").fetchall() == [(0,)]


def test_the_warehouse_is_told_who_is_who_and_what_each_table_holds(link: Any, settings: Settings) -> None:
    with duckdb.connect() as connection:
        write_control_tables(connection, settings)
        assert connection.sql("select * from control.child_key").fetchall() == []
    [first] = link([ada(), alan(), grace()])
    with duckdb.connect() as connection:
        write_control_tables(connection, settings)
        assert {row[0] for row in connection.sql("select child_key from control.child_key").fetchall()} == {
            key for key, _ in first
        }
        assert connection.sql(
            "select rows_read, rows_landed, rows_quarantined from control.submission_table where table_name = 'sen2_person'"
        ).fetchall() == [(3, 3, 0)]
        assert connection.sql("select table_name, rows_read from control.submission").fetchall() == [(None, 19)]


def some_pupils(pick: random.Random) -> list[Pupil]:
    """A few of a small pool, each with some of what identifies it, so that rows are related in every way."""
    pool = [
        marie(),
        marie().but(Surname="Zzkarski", UPN="N372200119045", FormerUPN=""),
        charles().but(UniqueLearnerNumber="1000200011"),
        rosalind().but(UniqueLearnerNumber="1000200011"),
        rosalind().but(Forename="Rosalyn"),
    ]
    chosen = []
    for pupil in pick.sample(pool, pick.randint(1, len(pool))):
        without = pick.sample(["UPN", "UniqueLearnerNumber", "Surname", "DOB"], pick.randint(0, 2))
        chosen.append(pupil.but(**dict.fromkeys(without, "")))
        if pick.random() < 0.3:
            left = pupil.but()
            left.on_roll = not pupil.on_roll
            chosen.append(left)
    return chosen


@pytest.mark.parametrize("seed", range(3))
def test_schools_linked_together_are_linked_as_one_after_the_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    prepare_store(settings)
    pick = random.Random(seed)  # noqa: S311 - invented pupils, not secrets
    for school in range(8):
        one = census(some_pupils(pick), estab=str(4001 + school), term=pick.choice(["SPR", "SUM"]))
        write_census_xml(settings.inbox_dir / "school_census", one)
    land_return(settings, "school_census", load_catalogue(settings.rules_dir), now=NOON)

    def linked() -> list[Any]:
        report = link_children(settings)
        assert report.rows_by_strength["first_seen"] < sum(report.rows_by_strength.values())
        return duckdb.execute("from read_parquet(?) order by all", [str(settings.child_link_path)]).fetchall()

    together = linked()
    monkeypatch.setattr(child_key, "_groups", lambda pairs: ((spec, [submission]) for spec, submission in pairs))
    assert linked() == together


def test_rows_that_two_schools_have_of_one_pupil_are_one_child(settings: Settings) -> None:
    prepare_store(settings)
    for estab, pupils in (("4001", [charles(), marie()]), ("4002", [charles()]), ("4003", [charles(), rosalind()])):
        write_census_xml(settings.inbox_dir / "school_census", census(pupils, estab=estab))
    land_return(settings, "school_census", load_catalogue(settings.rules_dir), now=NOON)
    assert link_children(settings) == LinkReport({"first_seen": 3, "upn": 2}, children=3)
