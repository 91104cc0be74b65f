"""Schools' censuses land one return a school, the same rows in whatever shape they came."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from openpyxl import Workbook

from expectations.catalogue import load_catalogue
from orchestration.check.find import check_files
from orchestration.linkage.child_key import link_children
from orchestration.privacy.vault import identity_dir, vault_file
from orchestration.returns import intake, judge, land, stream
from orchestration.returns.conform import Held
from orchestration.returns.land import LandingReport, has_work, land_return
from orchestration.returns.readers import record_xml
from orchestration.returns.spec import ReturnSpec, load_spec
from orchestration.returns.submission import Submission, read_submissions
from orchestration.settings import Settings
from orchestration.warehouse import write_empty_tables
from tests.conftest import vault_connection
from tests.invented_census import (
    SENTINELS,
    Census,
    census,
    census_xml,
    charles,
    marie,
    pupils,
    rosalind,
    write_census_xml,
    write_collect,
    write_flat_extract,
)
from tests.invented_return import ada, header, write_collect_export, xml_text
from tests.sentinel import scan

Land = Callable[[], LandingReport]
Landed = Callable[[Submission, str], list[dict[str, Any]]]
TABLES = list(load_spec("school_census").tables)
PROVENANCE = {"submission_id", "source_file", "source_row"}
# What is asked of shares of a whole school, a school of two pupils breaks.
OF_TWO_PUPILS = {"RC-1870": 1, "RC-2190": 1}


def rows(landed: Landed, submission: Submission, table: str) -> list[str]:
    found = [{k: v for k, v in row.items() if k not in PROVENANCE} for row in landed(submission, table)]
    return sorted(map(str, found))


def special(term: str) -> Census:
    one = census(term=term)
    one.provisions = ["ASD", "SEMH"] if term == "SPR" else []
    return one


@pytest.mark.parametrize("term", ["SPR", "SUM", "AUT"])
def test_the_same_pupils_land_identical_rows_as_xml_and_as_collect_tables(
    census_inbox: Path, land_census: Land, landed: Landed, term: str
) -> None:
    write_census_xml(census_inbox, special(term))
    [xml] = land_census().committed
    write_collect(census_inbox, [special(term)], name="Blade-Export_{table}.csv")
    [collect] = land_census().committed
    # In autumn the invented suspensions are too old, and one pupil lacks the second half of the summer term.
    of_term = {"RC-2290": 2, "RC-2575": 1} if term == "AUT" else {}
    assert (xml.status, xml.reason, xml.failures) == ("accepted", None, OF_TWO_PUPILS | of_term)
    assert (collect.status, collect.reason) == ("accepted", None)
    month = {"SPR": "01", "SUM": "05", "AUT": "10"}[term]
    assert (xml.supplier, xml.period) == (collect.supplier, collect.period) == ("school.3724001", f"2025-{month}")
    assert xml.sequence == collect.sequence == "2025-01-20T09:30:00#0000000001"
    for table in TABLES:
        assert rows(landed, collect, table) == rows(landed, xml, table), table
    by_table = {name: counted.rows_landed for name, counted in xml.tables.items()}
    assert by_table == {
        "census_return": 1, "census_school": 1, "census_provision": 2 if term == "SPR" else 0, "census_pupil": 3,
        "census_sen_need": 2 if term == "SPR" else 0, "census_address": 2, "census_fsm_period": 2,
        "census_session": 7 if term == "AUT" else 6, "census_suspension": 2, "census_ap_detail": 1, "census_ap_placement": 1,
    }  # fmt: skip


def test_what_lands_of_a_pupil_is_what_the_spec_lets_out(census_inbox: Path, land_census: Land, landed: Landed) -> None:
    write_census_xml(census_inbox, census())
    [submission] = land_census().committed
    [first, second, third] = landed(submission, "census_pupil")
    assert list(first) == list(load_spec("school_census").landed_types("census_pupil"))
    assert (first["birth_month"], first["sex_code"], first["roll_code"]) == ("2014-08", "F", "ON")
    assert [len(first[ref]) for ref in ("upn_ref", "former_upn_ref", "uln_ref", "row_person_ref")] == [32] * 4
    assert (second["uln_ref"], second["former_upn_ref"]) == (None, None)
    assert (first["sen_provision_code"], first["sen_unit_code"], first["top_up_funding_code"]) == ("E", "1", "1")
    assert (third["roll_code"], third["leaving_date"], third["sen_provision_code"]) == ("OFF", date(2024, 12, 13), None)
    assert (first["sessions_possible"], third["sessions_possible"]) == (140, 120)
    address = landed(submission, "census_address")[0]
    assert address["postcode_sector"] == "ZZ1 1"
    assert not {"postcode", "uprn", "street", "paon"} & set(address)


def test_ages_are_complete_years_on_31_august_and_on_census_day(
    census_inbox: Path, land_census: Land, landed: Landed
) -> None:
    # Census day of spring 2026 is 15 January 2026, of autumn 2025 2 October 2025: one academic year.
    birthdays = ["2015-08-31", "2015-09-01", "2016-01-15", "2016-02-29", "2015-10-02"]
    young = [marie().but(DOB=day, UPN="", FormerUPN="", UniqueLearnerNumber="") for day in birthdays]
    write_census_xml(census_inbox, census(young, year=2026))
    write_census_xml(census_inbox, census(young, term="AUT"))
    by_period = {s.period: landed(s, "census_pupil") for s in land_census().committed}
    spring, autumn = by_period["2026-01"], by_period["2025-10"]
    assert (
        [row["age_at_31_august"] for row in spring] == [row["age_at_31_august"] for row in autumn] == [10, 9, 9, 9, 9]
    )
    assert [row["age_at_census_day"] for row in spring] == [10, 10, 10, 9, 10]
    assert [row["age_at_census_day"] for row in autumn] == [10, 10, 9, 9, 10]


def test_autumn_attendance_stands_in_two_sets(census_inbox: Path, land_census: Land, landed: Landed) -> None:
    write_census_xml(census_inbox, census(term="AUT"))
    [submission] = land_census().committed
    [pupil, *_] = landed(submission, "census_pupil")
    assert (pupil["sessions_possible"], pupil["second_half_sessions_possible"]) == (140, 60)
    ill = [row for row in landed(submission, "census_session") if row["attendance_code"] == "I"]
    assert [(row["attendance_period_code"], row["sessions"]) for row in ill] == [
        ("TERM", 12),
        ("HALF2", 3),
        ("TERM", 2),
    ]


def test_names_of_earlier_years_are_read(census_inbox: Path, land_census: Land, landed: Landed) -> None:
    girl = marie().but(Sex="", Gender="F")
    girl.suspensions = [
        {"Category": "FIXD", "Reason": "OT", "StartDate": "2018-11-05", "Sessions": "2", "SENprovision": "K"}
    ]
    girl.ap_placements = []
    text = census_xml(census([girl], year=2019)).replace("<Sessions>12<", "<AbsenceSessions>12<")
    (census_inbox / "r.xml").write_text(text.replace(">12</Sessions>", ">12</AbsenceSessions>"))
    [submission] = land_census().committed
    assert (submission.status, submission.period) == ("accepted", "2019-01")
    assert landed(submission, "census_pupil")[0]["sex_code"] == "F"
    [suspension] = landed(submission, "census_suspension")
    assert (suspension["category_code"], suspension["reason_1_code"]) == ("SUSP", "OT")
    assert landed(submission, "census_session")[0]["sessions"] == 12


@pytest.mark.parametrize("how", [{"namespace": "http://example.org/census"}, {"root": "SchoolCensus"}])
def test_the_root_and_the_namespace_do_not_matter(census_inbox: Path, land_census: Land, how: dict[str, str]) -> None:
    write_census_xml(census_inbox, census(), **how)
    [submission] = land_census().committed
    assert (submission.status, submission.rows_landed) == ("accepted", 21)


def test_a_set_of_several_schools_is_a_return_a_school(census_inbox: Path, land_census: Land, landed: Landed) -> None:
    write_collect(
        census_inbox, [census(estab="4001"), census([marie()], estab="4002"), census([charles()], estab="4003")]
    )
    report = land_census()
    assert [(s.supplier, s.status, s.rows_landed) for s in report.committed] == [
        ("school.3724001", "accepted", 21), ("school.3724002", "accepted", 14), ("school.3724003", "accepted", 6),
    ]  # fmt: skip
    assert len({s.submission_id for s in report.committed}) == 3
    for submission in report.committed:
        assert {row["estab_code"] for row in landed(submission, "census_return")} == {submission.supplier[-4:]}
        for table in TABLES:
            assert len(landed(submission, table)) == submission.tables[table].rows_landed


def test_numbers_that_two_schools_share_link_within_each_school(
    census_inbox: Path, land_census: Land, landed: Landed
) -> None:
    for number, path in enumerate(write_collect(census_inbox / "one", [census(estab="4001")])):
        other = write_collect(census_inbox / "two", [census(estab="4002")])[number]
        lines = other.read_text().splitlines()
        path.write_text("\n".join([*path.read_text().splitlines(), *lines[1:]]) + "\n")
    for path in (census_inbox / "two").iterdir():
        path.unlink()
    (census_inbox / "two").rmdir()
    report = land_census()
    assert [(s.supplier, s.rows_landed, s.rows_quarantined) for s in report.committed] == [
        ("school.3724001", 21, 0), ("school.3724002", 21, 0),
    ]  # fmt: skip
    [need, _] = landed(report.committed[1], "census_sen_need")
    assert need["row_person_ref"] in {row["row_person_ref"] for row in landed(report.committed[1], "census_pupil")}


def test_files_whose_names_say_nothing_are_known_by_their_headers(census_inbox: Path, land_census: Land) -> None:
    write_collect(census_inbox, [census()], numbered=True)
    [submission] = land_census().committed
    assert (submission.status, submission.rows_landed, len(submission.files)) == ("accepted", 21, 17)


def test_a_school_that_sends_again_replaces_itself_alone(census_inbox: Path, land_census: Land) -> None:
    write_collect(census_inbox, [census(estab="4001"), census(estab="4002")])
    first = {s.supplier: s.submission_id for s in land_census().committed}
    write_census_xml(census_inbox, census([marie()], estab="4002", serial="2"))
    report = land_census()
    [again] = report.committed
    assert again.supersedes == first["school.3724002"]
    assert {s.supplier: s.submission_id for s in report.current} == first | {"school.3724002": again.submission_id}
    # By the date in the header first, whatever the serial and the order of arrival.
    write_census_xml(census_inbox, census([charles()], estab="4002", serial="9", DateTime="2025-01-17T08:00:00"))
    assert {s.submission_id for s in land_census().current} == {first["school.3724001"], again.submission_id}


def test_a_run_killed_before_the_schools_of_a_set_are_committed_lands_all_of_them_next_time(
    settings: Settings, census_inbox: Path, land_census: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_collect(census_inbox, [census(estab=estab) for estab in ("4001", "4002", "4003")])

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(land, "write_landing", killed)
        land_census()
    assert read_submissions(settings, "school_census") == []
    assert sorted(s.supplier for s in land_census().committed) == ["school.3724001", "school.3724002", "school.3724003"]
    assert not has_work(settings, "school_census")
    assert all(s.rows_landed == 21 for s in read_submissions(settings, "school_census"))
    assert not list(settings.landed_dir.glob(".partial/*/*"))


def test_schools_read_together_share_a_folder_and_one_refused_leaves_no_row_in_it(
    settings: Settings, census_inbox: Path, land_census: Land, landed: Landed
) -> None:
    # The same children in each: keys are made within a school, whoever is read beside it.
    write_census_xml(census_inbox, census())
    [alone] = land_census().committed
    keys = {table: landed(alone, table) for table in TABLES}
    write_census_xml(census_inbox, census(estab="4002"))
    write_census_xml(census_inbox, census(serial="9"))
    write_census_xml(census_inbox, census(estab="4003", DateTime="soon"))
    report = land_census()
    by_supplier = {one.supplier: one for one in report.committed}
    assert len({one.landing for one in report.committed}) == 1
    assert by_supplier["school.3724001"].supersedes == alone.submission_id
    for submission in report.committed:
        for table, counted in submission.tables.items():
            held = landed(submission, table) if submission.status == "accepted" else []
            assert len(held) == counted.rows_landed
            assert {row["submission_id"] for row in held} <= {submission.submission_id}
    again, other = by_supplier["school.3724001"], by_supplier["school.3724002"]

    def persons(rows: list[dict[str, Any]]) -> set[str]:
        return {row["row_person_ref"] for row in rows}

    assert persons(landed(again, "census_pupil")) == persons(keys["census_pupil"])
    assert not persons(landed(other, "census_pupil")) & persons(keys["census_pupil"])


def test_a_set_waits_for_the_tables_its_term_collects(census_inbox: Path, land_census: Land, tmp_path: Path) -> None:
    [needs] = [path for path in write_collect(census_inbox, [census()]) if "senneeds" in path.name]
    held = needs.rename(tmp_path / needs.name)
    [waiting] = land_census().waiting
    assert waiting.missing == ["senneeds"]
    held.rename(needs)
    [submission] = land_census().committed
    assert submission.tables["census_sen_need"].rows_landed == 2
    for path in write_collect(census_inbox, [census(term="SUM")], name="2025_summer_la_{table}.csv"):
        assert "senneeds" not in path.name
    [summer] = land_census().committed
    assert (summer.status, summer.period) == ("accepted", "2025-05")


def test_a_table_of_which_nothing_is_read_belongs_to_the_set_all_the_same(
    census_inbox: Path, land_census: Land
) -> None:
    paths = write_collect(census_inbox, [census()])
    assert any(path.name.endswith("_classes.csv") for path in paths)
    report = land_census()
    [submission] = report.committed
    assert "2025_spring_la_classes.csv" in submission.files
    assert not report.waiting


def test_a_row_that_cannot_be_placed_is_set_aside_with_its_own_school(census_inbox: Path, land_census: Land) -> None:
    paths = write_collect(census_inbox, [census(estab="4001"), census(estab="4002")])
    needs = next(path for path in paths if path.name.endswith("senneeds.csv"))
    head, *lines = needs.read_text().splitlines()
    orphan = lines[2].split(",")
    assert orphan[1] == "3724002"
    needs.write_text(
        "\n".join([head, *lines[:2], ",".join([*orphan[:4], "1", *orphan[5:]]), lines[3], "too,short"]) + "\n"
    )
    first, second = land_census().committed
    assert (first.failures, second.failures) == (
        {"FILE-013": 1} | OF_TWO_PUPILS,
        {"RF-008": 1, "RC-2160": 1} | OF_TWO_PUPILS,  # the need that is left is a secondary one
    )
    for submission in (first, second):
        for counted in submission.tables.values():
            assert counted.rows_read == counted.rows_landed + counted.rows_quarantined
    assert (first.tables["census_sen_need"].rows_read, first.tables["census_sen_need"].rows_landed) == (3, 2)
    assert (second.tables["census_sen_need"].rows_read, second.tables["census_sen_need"].rows_landed) == (2, 1)


def test_rows_with_a_date_that_cannot_be_read_are_set_aside(
    census_inbox: Path, land_census: Land, landed: Landed
) -> None:
    wrong = [marie().but(EntryDate="in spring"), charles(), rosalind(), *[charles()] * 6]
    write_census_xml(census_inbox, census(wrong))
    [submission] = land_census().committed
    # Of a school that lost a pupil no share is judged.
    assert submission.failures == {"RF-009": 1, "RF-010": 11, "RC-1520": 7, "RC-1620": 7}
    assert submission.rows_read == submission.rows_landed + submission.rows_quarantined
    assert len(landed(submission, "census_pupil")) == 8


def test_a_councils_own_extract_lands_a_return_a_school(census_inbox: Path, land_census: Land, landed: Landed) -> None:
    write_flat_extract(
        census_inbox / "January 2020 extract.csv", [census(estab="4001"), census([marie()], estab="4002")]
    )
    first, second = land_census().committed
    assert (first.supplier, first.period, first.status) == ("school.3724001", "2020-01", "accepted")
    assert (second.supplier, second.rows_landed) == ("school.3724002", 5)
    [girl, boy] = landed(first, "census_pupil")
    assert (girl["sex_code"], girl["sen_provision_code"], girl["roll_code"], boy["sex_code"]) == ("F", "E", "ON", "M")
    needs = [(row["sen_type_rank_code"], row["sen_type_code"]) for row in landed(first, "census_sen_need")]
    assert needs == [("1", "ASD"), ("2", "SLCN")]
    assert {row["row_person_ref"] for row in landed(first, "census_sen_need")} == {girl["row_person_ref"]}
    assert [row["postcode_sector"] for row in landed(first, "census_address")] == ["ZZ1 1", "ZZ2 2"]
    assert [str(row["reference_date"]) for row in landed(first, "census_return")] == ["2020-01-16"]


def test_the_extract_has_the_pupils_of_the_xml(census_inbox: Path, land_census: Land, landed: Landed) -> None:
    write_census_xml(census_inbox, census([marie(), charles()]))
    [xml] = land_census().committed
    write_flat_extract(census_inbox / "extract_spring_2025.csv", [census([marie(), charles()])])
    [flat] = land_census().committed
    for name in (
        "upn_ref",
        "uln_ref",
        "birth_month",
        "sen_provision_code",
        "year_group_code",
        "entry_date",
        "age_at_31_august",
    ):
        assert [r[name] for r in landed(flat, "census_pupil")] == [r[name] for r in landed(xml, "census_pupil")], name


def test_what_stands_under_an_unknown_name_is_reported_and_kept_in_the_vault(
    settings: Settings, census_inbox: Path, land_census: Land, landed: Landed
) -> None:
    girl = marie().but(FavouriteNumber="Zznine of Mariella", Language="ENG")
    girl.fields["Ethnicity"] = "WBRI"
    summer = census([girl, charles()], term="SUM")
    write_census_xml(census_inbox, summer)
    [xml] = land_census().committed
    write_collect(census_inbox, [summer], name="2025_summer_la_{table}.csv")
    [collect] = land_census().committed
    for submission, name in ((xml, "FavouriteNumber"), (collect, "favouritenumber")):
        path = identity_dir(settings, "school_census", submission.landing) / "unknown_text.parquet"
        with vault_connection(settings) as connection:
            kept = connection.execute(
                f"select table_name, column_name, given from {vault_file(path)} order by column_name"
            ).fetchall()
        # Ethnicity is of the spring return alone; a language is left out on purpose.
        assert sorted(kept) == sorted(
            [("census_pupil", name, "Zznine of Mariella"), ("census_pupil", "ethnicity", "WBRI")]
        )
        assert landed(submission, "census_pupil")[0]["ethnicity_code"] is None


def test_nothing_that_names_a_pupil_leaves_the_vault(
    settings: Settings, census_inbox: Path, land_census: Land, caplog: pytest.LogCaptureFixture
) -> None:
    girl = marie().but(ShoeSize="Zzcurie")
    write_census_xml(census_inbox, census([girl, charles(), rosalind(), marie().but(DOB="n/k Mariella")], estab="4001"))
    write_collect(census_inbox, [census(estab="4002")])
    write_flat_extract(census_inbox / "January 2020.csv", [census(estab="4003")])
    report = land_census()
    assert {s.status for s in report.committed} == {"accepted"}
    link_children(settings)
    write_empty_tables(settings)
    assert scan(settings.store, SENTINELS, leave_out=[settings.vault_dir, settings.archive_dir]) == []
    said = caplog.text + json.dumps([s.reason for s in report.committed])
    assert not [sentinel for sentinel in SENTINELS if sentinel.lower() in said.lower()]


def test_a_pupil_is_one_child_with_the_ehc_plans_return_and_over_schools_and_terms(
    settings: Settings, census_inbox: Path, land_census: Land
) -> None:
    catalogue = load_catalogue(settings.rules_dir)
    (settings.inbox_dir / "sen2" / "r.xml").write_text(xml_text(header(), [ada()]))
    land_return(settings, "sen2", catalogue, now=datetime(2025, 2, 20, tzinfo=UTC))
    assert ada().fields["UPN"] == marie().fields["UPN"]
    # In the autumn at one school; in spring a leaver there, back on roll, and registered at a second school.
    left = marie().but(LeavingDate="2024-11-01", EnrolStatus="", SENprovision="")
    left.on_roll = False
    write_census_xml(census_inbox, census([marie()], term="AUT", year=2024))
    write_census_xml(census_inbox, census([marie(), left, charles()]))
    write_census_xml(census_inbox, census([marie()], estab="4002"))
    assert len(land_census().committed) == 3
    report = link_children(settings)
    assert report.rows_by_strength == {"first_seen": 2, "upn": 4}
    assert report.children == 2
    [(rows_of_marie,)] = duckdb.execute(
        "select max(count) from (select count(*) as count from read_parquet(?) group by child_key)",
        [str(settings.child_link_path)],
    ).fetchall()
    assert rows_of_marie == 5


def test_a_hundred_and_twenty_schools_are_one_validation(
    census_inbox: Path, land_census: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []
    evaluate = judge.evaluate_landing

    def counted(*arguments: Any, **named: Any) -> Any:
        judged.append(arguments)
        return evaluate(*arguments, **named)

    monkeypatch.setattr(judge, "evaluate_landing", counted)
    for number in range(120):
        write_census_xml(census_inbox, census([charles()], estab=str(4000 + number)))
    report = land_census()
    assert len(judged) == 1
    assert (len(report.committed), {s.status for s in report.committed}) == (120, {"accepted"})
    assert len({s.supplier for s in report.current}) == 120


@pytest.mark.parametrize("at_once", [1, stream.TYPED_AT_ONCE], ids=["typed as they are read", "typed together"])
def test_a_school_cut_short_leaves_nothing_behind_and_the_others_land(
    settings: Settings,
    census_inbox: Path,
    land_census: Land,
    landed: Landed,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
) -> None:
    summer = census([marie().but(FavouriteNumber="Zznine"), charles()], term="SUM")
    write_census_xml(census_inbox, summer)
    [alone] = land_census().committed
    monkeypatch.setattr(record_xml, "BATCH_RECORDS", 1)
    monkeypatch.setattr(stream, "TYPED_AT_ONCE", at_once)
    cut = census([marie().but(Ethnicity="WBRI"), charles()], term="SUM", estab="4002")
    (census_inbox / "a.xml").write_text(census_xml(cut)[:-60], encoding="utf-8")
    summer.header["SerialNo"] = "2"
    (census_inbox / "b.xml").write_text(census_xml(summer), encoding="utf-8")
    write_census_xml(census_inbox, census([marie()], term="SUM", estab="4003"))
    by_file = {one.source_file: one for one in land_census().committed}
    assert by_file["a.xml"].failures == {"RF-004": 1}
    again, other = by_file["b.xml"], by_file["3724003_SC2_372LL25_001.XML"]
    assert (other.supplier, other.tables["census_pupil"].rows_landed) == ("school.3724003", 1)
    for table in TABLES[1:]:
        assert rows(landed, again, table) == rows(landed, alone, table), table
    path = identity_dir(settings, "school_census", again.landing) / "unknown_text.parquet"
    with vault_connection(settings) as connection:
        assert connection.execute(
            f"select given from {vault_file(path)} where submission_id = '{again.submission_id}'"
        ).fetchall() == [("Zznine",)]


@pytest.mark.parametrize("at_once", [1, stream.TYPED_AT_ONCE], ids=["typed as they are read", "typed together"])
def test_a_school_that_breaks_typing_is_refused_alone(
    census_inbox: Path, land_census: Land, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    conform = intake.conform

    def breaking(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, periods: Sequence[str], held: Held) -> None:
        connection.execute(f"select error('x') from {held.prefix}_census_pupil where source_file = 'a.xml'")
        conform(connection, spec, periods, held)

    for module in (stream, intake):
        monkeypatch.setattr(module, "conform", breaking)
    monkeypatch.setattr(stream, "TYPED_AT_ONCE", at_once)
    (census_inbox / "a.xml").write_text(census_xml(census()), encoding="utf-8")
    for estab in ("4002", "4003"):
        write_census_xml(census_inbox, census(estab=estab))
    report = land_census()
    assert {one.source_file: list(one.failures) for one in report.refused} == {"a.xml": ["FILE-014"]}
    assert {one.supplier: one.rows_landed for one in report.current} == {"school.3724002": 21, "school.3724003": 21}


REFUSALS: dict[str, tuple[str, str, str]] = {
    "entities": (
        "RF-001", "3724009_SC1_372LL25_001.XML",
        '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + census_xml(census())[38:].replace("Zzcurie", "&x;"),
    ),
    "deep nesting": ("RF-002", "a.xml", census_xml(census()).replace("<Exclusions>", "<a>" * 400 + "</a>" * 400 + "<Exclusions>", 1)),
    "cut short": ("RF-004", "a.xml", census_xml(census())[:-300]),
    "no term": ("RF-005", "a.xml", census_xml(census(Term=""))),
    "a term that is none": ("RF-005", "a.xml", census_xml(census(Term="604"))),
    "two headers": ("RF-006", "a.xml", census_xml(census()).replace("<Pupils>", "<Header><Year>2024</Year></Header><Pupils>")),
    "a census not held": ("RF-011", "a.xml", census_xml(census(term="SUM", year=2020))),
    "a name of another term": ("RF-014", "3724001_SC2_372LL25_001.XML", census_xml(census())),
    "a name of another year": ("RF-014", "3724001_sc1_372ll24_001.xml", census_xml(census())),
    "a name of another school": ("RF-014", "3724002_SC1_372LL25_001.XML", census_xml(census())),
    "nobody in it": ("SC-001", "a.xml", census_xml(census([]))),
    "no school": ("SC-002", "a.xml", census_xml(census(Estab=""))),
    "another return": ("FILE-009", "a.xml", xml_text(header(), [ada()])),
}  # fmt: skip


@pytest.mark.parametrize(("rule_id", "name", "text"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_cannot_be_used_is_refused_in_a_sentence_that_names_no_one(
    census_inbox: Path, land_census: Land, rule_id: str, name: str, text: str
) -> None:
    (census_inbox / name).write_text(text, encoding="utf-8")
    write_census_xml(census_inbox, census(estab="4005"))
    report = land_census()
    [refused] = report.refused
    assert set(refused.failures) - set(OF_TWO_PUPILS) == {rule_id}
    assert refused.reason is not None
    assert name in refused.reason
    assert "\n" not in refused.reason
    assert "zz" not in refused.reason.lower()
    assert [s.supplier for s in report.current] == ["school.3724005"]
    assert refused.rows_read == refused.rows_landed + refused.rows_quarantined


def test_a_name_that_disagrees_with_the_header_is_refused_naming_both(census_inbox: Path, land_census: Land) -> None:
    write_census_xml(census_inbox, census(), name="3724001_SC2_372LL25_001.XML")
    write_collect(census_inbox, [census(term="SUM")], name="2025_spring_acad_{table}.csv")
    said = sorted(str(one.reason) for one in land_census().refused)
    assert "2025_spring_acad_" in said[0]
    assert "is named for spring 2025, but its header says summer 2025" in said[0]
    assert said[1].startswith("3724001_SC2_372LL25_001.XML is named for summer 2025, but its header says spring 2025;")


def test_an_extract_whose_name_says_no_term_is_refused(census_inbox: Path, land_census: Land) -> None:
    write_flat_extract(census_inbox / "extract 2020.csv", [census()])
    [refused] = land_census().refused
    assert list(refused.failures) == ["RF-005"]
    assert "term and year" in str(refused.reason)


def test_a_file_that_is_known_and_not_read_says_what_to_send_instead(
    settings: Settings, census_inbox: Path, land_census: Land
) -> None:
    book = Workbook()
    book.active.append(["UPN", "Surname", "SENprovision", "SENneed1"])  # type: ignore[union-attr]
    book.save(census_inbox / "January 2025.xlsx")
    cleaned = "PupilMatchingRef,AcademicYear,CensusTerm,LA,UPN,SENProvision\nZZ1,2025,Spring,372,E372400021001,E\n"
    (census_inbox / "cleaned.csv").write_text(cleaned)
    write_census_xml(census_inbox, census(estab="4005"))
    checked = check_files(settings, [census_inbox / "cleaned.csv"])
    report = land_census()
    assert [s.supplier for s in report.current] == ["school.3724005"]
    said = {one.source_file: str(one.reason) for one in report.refused}
    assert {rule for one in report.refused for rule in one.failures} == {"FILE-008"}
    assert (
        "a workbook, which is not read for school census: save every sheet as a CSV file" in said["January 2025.xlsx"]
    )
    assert "DfE's download of the cleaned census" in said["cleaned.csv"]
    assert "drop the schools' XML files or the tables of COLLECT of that term." in said["cleaned.csv"]
    assert checked.exit_code == 2
    assert "DfE's download of the cleaned census" in str(checked.files[0].reason)


def test_check_says_of_a_census_what_landing_would(settings: Settings, tmp_path: Path) -> None:
    good = write_census_xml(tmp_path, census())
    bad = write_census_xml(tmp_path, census(estab="4002"), name="3724002_SC3_372LL25_001.XML")
    report = check_files(settings, [good])
    assert (report.exit_code, [file.verdict for file in report.files]) == (0, ["usable"])
    assert report.files[0].supplier == "school.3724001"
    assert check_files(settings, [bad]).exit_code == 2
    table = write_collect(tmp_path / "set", [census()])
    assert check_files(settings, table).exit_code == 0
    assert [one.missing for one in check_files(settings, table[1:]).incomplete] == [["schoolcensus"]]


def test_the_tables_of_the_two_returns_are_told_apart(settings: Settings, tmp_path: Path) -> None:
    # Both have a table of needs: senneed and senneeds.
    for folder in ("census", "plans"):
        (tmp_path / folder).mkdir()
    schools = write_collect(tmp_path / "census", [census()])
    plans = write_collect_export(tmp_path / "plans", header(), [ada()])
    report = check_files(settings, [*schools, *plans])
    assert sorted((file.supplier, file.verdict) for file in report.files) == [
        ("la.372", "usable"), ("school.3724001", "usable"),
    ]  # fmt: skip


def test_where_nothing_landed_every_table_is_there_empty_and_typed(settings: Settings) -> None:
    write_empty_tables(settings)
    spec = load_spec("school_census")
    for table in TABLES:
        path = settings.landed_dir / "school_census" / "_none" / f"{table}.parquet"
        relation = duckdb.sql(f"select * from read_parquet('{path}')")
        assert dict(zip(relation.columns, map(str, relation.types), strict=True)) == spec.landed_types(table)
        assert relation.fetchall() == []


def test_all_invented_upns_have_their_check_letter() -> None:
    letters = "ABCDEFGHJKLMNPQRTUVWXYZ"
    for upn in [*(p.fields["UPN"] for p in pupils()), marie().fields["FormerUPN"]]:
        assert letters[sum(int(digit) * place for place, digit in enumerate(upn[1:], start=2)) % 23] == upn[0]
