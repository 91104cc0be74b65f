"""What a data officer hears of a file before sending it, without a store and without a name."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from expectations.catalogue import load_catalogue
from orchestration.check.find import check_files
from orchestration.check.report import CheckedFile, CheckReport, FailedRule, Location
from orchestration.errors import CornerstoneError
from orchestration.returns.land import land_return
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.conftest import requests_csv, write_zip
from tests.invented_return import (
    Record,
    ada,
    alan,
    header,
    people,
    write_collect_export,
    write_module_csvs,
    write_workbook,
    xml_text,
)
from tests.invented_safety_valve import write_return
from tests.unit.check.conftest import SENTINELS, undated_ada


def _rule(file: CheckedFile, rule_id: str) -> FailedRule:
    [rule] = [rule for rule in file.rules if rule.rule_id == rule_id]
    return rule


def _only_place(file: CheckedFile, rule_id: str) -> Location:
    [location] = _rule(file, rule_id).locations
    return location


def clean_people() -> list[Record]:
    """Two people whom no error rule finds fault with."""
    girl = ada()
    girl.within[0].within[1].within[1:2] = []  # the placement in another setting, which is a query by its share
    for setting in (girl.within[0].within[0].within[0].within[0], girl.within[0].within[1].within[0]):
        setting.fields |= {"SENunitIndicator": "0", "ResourcedProvisionIndicator": "0"}
    return [girl]


def test_a_return_is_known_by_its_content_whatever_its_name(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "export of today.txt"
    path.write_text(xml_text(header(), people()))
    [file] = check_files(settings, [path]).files
    assert (file.verdict, file.return_id, file.period, file.authority, file.shape) == (
        "usable", "sen2", "2025", "372", "XML",
    )  # fmt: skip
    assert (file.rows_read, file.rows_set_aside) == (19, 0)
    assert {table.module: table.rows_read for table in file.tables} == {
        "Header": 1, "Person": 3, "Requests": 4, "Assessment": 2, "NamedPlan": 2, "PlanDetail": 2, "ActivePlans": 1,
        "PlacementDetail": 2, "SENneed": 2,
    }  # fmt: skip


def test_a_check_makes_no_store_no_key_and_leaves_nothing_behind(
    settings: Settings, faulty: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = sorted(tmp_path.rglob("*"))
    check_files(settings, [faulty])
    assert sorted(tmp_path.rglob("*")) == before
    assert not settings.store.exists()
    assert not settings.key_file.exists()


def test_rows_of_xml_are_found_by_line_and_by_path(settings: Settings, tmp_path: Path) -> None:
    text = xml_text(header(), [alan(), undated_ada()])
    path = tmp_path / "return.xml"
    path.write_text(text)
    report = check_files(settings, [path])
    [file] = report.files
    assert report.exit_code == 1
    assert (file.verdict, file.rows_read, file.rows_set_aside) == ("usable", 14, 9)
    place = _only_place(file, "RF-009")
    before = text[: text.index("Zzsoon")]
    assert place.line == before[: before.rindex("<Requests>")].count("\n") + 1
    assert (place.module, place.row, place.path, place.person_line) == (
        "Requests", 3, "Person[2]/Requests[1]", text[: text.rindex("<Person>")].count("\n") + 1,
    )  # fmt: skip
    inherited = {location.path for location in _rule(file, "RF-010").locations}
    assert "Person[2]/Requests[1]/ActivePlans[1]/PlacementDetail[2]" in inherited
    assert len(inherited) == 8


def test_lines_are_right_far_down_a_file(settings: Settings, tmp_path: Path) -> None:
    """The parser that reads returns loses count at line 65,535."""
    text = xml_text(header(), [undated_ada()]).replace("<Requests>", "\n" * 70_000 + "<Requests>", 1)
    path = tmp_path / "return.xml"
    path.write_text(text)
    [file] = check_files(settings, [path]).files
    assert _only_place(file, "RF-009").line == text[: text.index("<Requests>")].count("\n") + 1 > 70_000


def test_no_line_is_better_than_a_wrong_one(settings: Settings, tmp_path: Path) -> None:
    """A record outside any person is numbered after the others, wherever it stands."""
    stray = "<Requests><ReceivedDate>Zznever</ReceivedDate></Requests>"
    path = tmp_path / "return.xml"
    path.write_text(xml_text(header(), [undated_ada()]).replace("<Persons>", f"{stray}<Persons>"))
    [file] = check_files(settings, [path]).files
    assert {location.line for location in _rule(file, "RF-009").locations} == {None}
    assert {location.place for location in _rule(file, "RF-009").locations} == {"Requests 1", "Requests 2"}


def test_compressed_xml_has_lines_too(settings: Settings, tmp_path: Path) -> None:
    text = xml_text(header(), [undated_ada()])
    path = tmp_path / "return.xml.gz"
    path.write_bytes(gzip.compress(text.encode()))
    [packed] = check_files(settings, [path]).files
    zipped = write_zip(tmp_path / "return.zip", {"inner/return.xml": text})
    [inner] = check_files(settings, [zipped]).files
    assert _only_place(packed, "RF-009").line == _only_place(inner, "RF-009").line == 8


def test_rows_of_csv_files_are_numbered_as_a_spreadsheet_shows_them(settings: Settings, tmp_path: Path) -> None:
    girl = ada()
    girl.within[0].fields["ReceivedDate"] = "9999-12-31"
    write_collect_export(tmp_path, header(), [alan(), girl])
    [file] = check_files(settings, [tmp_path]).files
    place = _only_place(file, "RF-009")
    lines = (tmp_path / place.file).read_text().splitlines()
    assert place.file.endswith("_requests.csv")
    assert place.line is not None
    assert "9999-Dec-31" in lines[place.line - 1]
    assert (place.row, place.line, place.person_line, place.path) == (3, 4, 3, None)


@pytest.mark.parametrize(("stacked", "sheet"), [(True, "Data Entry Template"), (False, "Requests")])
def test_rows_of_a_workbook_are_found_by_sheet_and_row(
    settings: Settings, tmp_path: Path, stacked: bool, sheet: str
) -> None:
    from openpyxl import load_workbook

    girl = ada()
    girl.within[0].fields["RequestOutcome"] = "Q"
    path = write_workbook(tmp_path / "return.xlsx", header(), [alan(), girl], stacked=stacked)
    [file] = check_files(settings, [path]).files
    place = _only_place(file, "RS2-043")
    assert place.sheet == sheet
    assert "Q" in [cell.value for cell in load_workbook(path)[sheet][place.line]]


def test_files_of_one_set_are_checked_together_and_a_missing_one_is_named(settings: Settings, tmp_path: Path) -> None:
    paths = write_collect_export(tmp_path, header(), people())
    [file] = check_files(settings, paths).files
    assert (file.verdict, file.rows_read, len(file.files)) == ("usable", 19, 9)
    report = check_files(settings, [path for path in paths if "senneed" not in path.name])
    assert (report.files, report.exit_code) == ([], 2)
    assert [one.missing for one in report.incomplete] == [["senneed"]]


def test_a_folder_of_a_case_systems_files_is_one_return(settings: Settings, tmp_path: Path) -> None:
    write_module_csvs(tmp_path, people())
    (tmp_path / ".hidden").write_text("not delivered")
    [file] = check_files(settings, [tmp_path]).files
    assert (file.verdict, file.authority, file.rows_read) == ("usable", settings.la_code, 19)


def test_an_empty_folder_is_an_error(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CornerstoneError, match="holds no file"):
        check_files(settings, [tmp_path / "empty"])


def test_any_return_is_checked_by_its_own_rules(settings: Settings, tmp_path: Path) -> None:
    figures, persons = tmp_path / "requests.csv", tmp_path / "return.xml"
    figures.write_text(requests_csv() + "one,two\n")
    persons.write_text(xml_text(header(), people()))
    report = check_files(settings, [persons, figures])
    published, plans = sorted(report.files, key=lambda file: file.name)
    assert (published.return_id, plans.return_id) == ("published_statistics", "sen2")
    assert (published.rows_read, published.rows_set_aside) == (4, 1)
    assert (_only_place(published, "FILE-013").line, _only_place(published, "FILE-013").row) == (5, 4)


def test_the_same_file_twice_is_checked_once_and_said(settings: Settings, tmp_path: Path) -> None:
    for name in ("a.xml", "b.xml"):
        (tmp_path / name).write_text(xml_text(header(), people()))
    report = check_files(settings, [tmp_path])
    assert ([file.name for file in report.files], report.repeated) == (["a.xml"], ["b.xml"])


def test_queries_alone_are_no_errors(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "return.xml"
    path.write_text(xml_text(header(), clean_people()))
    report = check_files(settings, [path])
    [file] = report.files
    assert [rule.rule_id for rule in file.rules_of("error")] == []
    assert file.rules_of("query")
    assert (report.exit_code, file.headline) == (0, "Can be used")


def test_a_return_that_is_read_and_refused_has_errors(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "return.xml"
    path.write_text(xml_text(header(ReferenceDate="2025-02-01"), people()))
    report = check_files(settings, [path])
    [file] = report.files
    assert (file.verdict, report.exit_code, file.rows_set_aside) == ("refused", 1, 19)
    assert file.rules[0].rule_id == "RS2-004"
    assert "RS2-004" in file.told


HOSTILE = (
    '<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Message><Header><CollectionDetails><Collection>SEN2'
    "</Collection></CollectionDetails></Header><Persons><Person><Surname>&b;</Surname></Person></Persons></Message>"
)


@pytest.mark.parametrize(
    ("content", "rule_id"),
    [
        ("", "FILE-005"),
        ("PK\x03\x04", "FILE-001"),
        ("name,age\nZzada,7\n", "FILE-008"),
        ("name;age\nZzada;7\n", "FILE-008"),
        (HOSTILE, "RF-001"),
        (xml_text(header(), people())[:-200], "RF-004"),
        (xml_text(None, people()), "RF-005"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_and_status_2(
    settings: Settings, tmp_path: Path, content: str, rule_id: str
) -> None:
    path = tmp_path / "given.dat"
    path.write_bytes(content.encode("latin-1"))
    report = check_files(settings, [path])
    [file] = report.files
    assert (file.verdict, report.exit_code, [rule.rule_id for rule in file.rules]) == ("unreadable", 2, [rule_id])
    assert file.reason
    assert "\n" not in file.reason
    assert not [sentinel for sentinel in (*SENTINELS, "zzada", "aaaa") if sentinel in report.as_json().lower()]


def test_one_file_that_cannot_be_read_is_not_hidden_by_good_ones(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "good.xml").write_text(xml_text(header(), clean_people()))
    (tmp_path / "notes.txt").write_text("Zzada called\n")
    report = check_files(settings, [tmp_path])
    assert {file.name: file.verdict for file in report.files} == {"good.xml": "usable", "notes.txt": "unreadable"}
    assert report.exit_code == 2


def test_completeness_counts_what_is_filled_and_what_is_not_valid(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "return.xml"
    path.write_text(xml_text(header(), [ada(Sex="Z"), alan()]))
    [file] = check_files(settings, [path]).files
    [person] = [table for table in file.tables if table.module == "Person"]
    filled = {column.column: (column.filled, column.invalid) for column in person.columns}
    assert (filled["sex_code"], filled["upn"], filled["surname"]) == ((2, 1), (1, 0), (2, 0))
    assert "age_at_31_august" not in filled  # worked out, not received


@pytest.mark.parametrize("show", [False, True])
def test_whom_a_row_is_about_is_told_only_when_asked(
    report: CheckReport, naming_report: CheckReport, show: bool
) -> None:
    told = naming_report if show else report
    [file] = told.files
    place = _only_place(file, "RF-009")
    named = {"surname": "Zzlovelace", "forename": "Adaxia", "upn": "E372400021001", "uln": None}
    assert place.identifiers == (named if show else None)
    assert told.holds_identifiers is show
    found = [sentinel for sentinel in SENTINELS if sentinel in told.as_json().lower()]
    # Asked for, these alone: no day of birth, postcode or text.
    assert set(found) <= ({*SENTINELS[:8]} if show else set())


def test_a_rule_that_compares_with_another_return_is_not_judged_of_a_file_alone(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "r.xml"
    path.write_text(xml_text(header(), people()))
    [file] = check_files(settings, [path]).files
    needing = {rule.rule_id for rule in load_catalogue(settings.rules_dir).for_landing("sen2") if rule.needs}
    assert set(file.not_judged) == needing >= {"RS2-102", "RS2-133", "RS2-134", "RS2-141"}
    assert file.not_judged["RS2-102"] == "It compares with establishment_register, of which nothing was at hand."
    assert needing.isdisjoint(rule.rule_id for rule in file.rules)


def test_a_return_of_another_authority_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "r.xml"
    path.write_text(xml_text(header(LEA="999"), people()))
    [file] = check_files(settings, [path]).files
    assert (file.verdict, [rule.rule_id for rule in file.rules if rule.effect == "refuse"]) == ("refused", ["RS2-003"])
    [file] = check_files(settings.model_copy(update={"la_code": "999"}), [path]).files
    assert file.verdict == "usable"


def test_a_cell_that_a_rule_about_the_whole_file_names_is_the_place() -> None:
    location = Location("valve.xlsx", "sv_cover", "cover", None, sheet="Cover", cell="version")
    assert location.place == "sheet Cover, version"
    assert Location("valve.xlsx", "sv_cover", "cover", None).place == "the whole file"


def test_a_return_is_compared_with_those_that_the_store_accepted_and_the_store_stays_as_it_is(
    settings: Settings, tmp_path: Path
) -> None:
    """A quarter that changes a closed one: found beside the accepted return, not judged without a store."""
    prepare_store(settings)
    rules = load_catalogue(settings.rules_dir)
    inbox = settings.inbox_dir / "safety_valve"
    first = write_return(inbox, settings, "2025-26Q1").read_bytes()
    [accepted] = land_return(settings, "safety_valve", rules, now=datetime(2025, 7, 20, 9, tzinfo=UTC)).committed
    assert (accepted.status, accepted.failures) == ("accepted", {})
    spent = ("tblFinance", ("SB", "EXPENDITURE"), "q1_actual_gbp")
    path = write_return(tmp_path, settings, "2025-26Q2", changed={spent: 47_777_777})
    bare = settings.model_copy(update={"store": tmp_path / "nowhere"})
    [alone] = check_files(bare, [path]).files
    earlier = rules.about_earlier("safety_valve")
    assert (alone.verdict, alone.compared_with, set(alone.not_judged) >= earlier) == ("usable", [], True)
    before = {file: file.read_bytes() for file in settings.store.rglob("*") if file.is_file()}
    [beside] = check_files(settings, [path]).files
    assert {file: file.read_bytes() for file in settings.store.rglob("*") if file.is_file()} == before
    assert not bare.store.exists()
    assert (beside.verdict, beside.compared_with) == ("refused", [accepted.source_file])
    assert earlier.isdisjoint(beside.not_judged)
    place = _only_place(beside, "RSV-131")
    assert (place.sheet, place.row, place.table) == ("Financial_Position", 9, "sv_finance")
    assert place.cell == "q1_actual_gbp (SB EXPENDITURE): 47,770,151 became 47,777,777"
    assert "RSV-131: sheet Financial_Position, row 9, q1_actual_gbp (SB EXPENDITURE)" in str(beside.reason)
    assert "47,777,777" not in str(beside.reason)
    # A version that was accepted is taken; the file itself, checked again, is not compared with itself.
    (tmp_path / "same.xlsx").write_bytes(first)
    [again] = check_files(settings, [tmp_path / "same.xlsx"]).files
    assert (again.verdict, again.compared_with) == ("usable", [])
    [other] = check_files(
        settings, [write_return(tmp_path, settings, "2025-26Q1", prepared_by_role="Head of finance", version=1)]
    ).files
    assert (other.verdict, [rule.rule_id for rule in other.rules_of("error")]) == ("refused", ["RSV-006"])
    assert "1 return accepted into the store at hand" in str(other.comparison)
