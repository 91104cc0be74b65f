"""Likeness over files that arrive one after the other, and what a reviewer is shown, answers and changes."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.errors import CornerstoneError
from orchestration.linkage.decisions import decisions_path, read_decisions
from orchestration.linkage.probable import starting_model, write_model
from orchestration.linkage.review import (
    HEADINGS,
    read_review_journal,
    read_status,
    review_journal_path,
    take_decisions,
    write_review,
)
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.unit.linkage.test_one_key import OTHER_NHS, Told, patient

NOW = datetime(2025, 5, 1, 9, 30, tzinfo=UTC)
WHO = {"by": "Ann Analyst", "reason": "yearly review"}
SLIP = {"surname": "Zzcruie"}
# Another child of the list: lists of children without a number are not known to be of invented ones.
OTHER = patient(surname="Zzother", forename="Ignacy", nhs_number=OTHER_NHS, date_of_birth="2011-03-03")
NAMES = ("Zzcurie", "Zzcruie", "Mariella", "2014-08-31", "ZZ1 1AA", "zz1 1aa", "9990000018", "E372400021001")

Answer = Callable[..., Path]


@pytest.fixture
def told(settings: Settings) -> Told:
    prepare_store(settings)
    return Told(settings)


def trained(told: Told) -> Told:
    """Give the store the untrained model, for a handful of children cannot teach one."""
    write_model(told.settings, starting_model(10_000))
    return told


@pytest.fixture
def answer(told: Told, tmp_path: Path) -> Answer:
    """Write a review file and fill in an answer for every pair; gives the file."""

    def answered(*answers: str, name: str = "review.csv", with_joined: bool = False) -> Path:
        path = tmp_path / name
        write_review(told.settings, path, **WHO, now=NOW, with_joined=with_joined)
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
        start = lines.index(HEADINGS) + 1
        assert len(lines) - start == len(answers)
        for line, text in zip(lines[start:], answers, strict=True):
            line[0] = text
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(lines)
        return path

    return answered


def test_a_child_known_to_health_before_school_has_one_key_through_every_file(told: Told) -> None:
    told.month(0, patient(**SLIP))
    trained(told)
    [[first]] = told.children()
    told.school()
    assert told.of_school() == first
    assert told.linked().rows_by_strength == {"first_seen": 1, "probable": 1}
    told.month(0, OTHER, patient(**SLIP), sequence="2")
    told.month(1, OTHER, patient(**SLIP))
    months = told.children()
    assert told.of_school() == first
    assert [first in month for month in months] == [True] * 3
    assert told.linked().children == 2
    journal = [json.loads(line) for line in (told.settings.linkage_dir / "journal.jsonl").read_text().splitlines()]
    assert [(line["event"], line["reason"], line["kept_key"]) for line in journal] == [("joined", "likeness", first)]


def test_a_reviewer_is_shown_both_children_and_the_record_names_neither(told: Told, tmp_path: Path) -> None:
    told.school()
    trained(told)
    told.month(0, patient(**SLIP, upn="N372200119045"))
    told.linked()
    handed = write_review(told.settings, tmp_path / "review.xlsx", **WHO, now=NOW)
    sheet = load_workbook(tmp_path / "review.xlsx").worksheets[0]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    [row] = rows[rows.index(HEADINGS) + 1 :]
    said = dict(zip(HEADINGS, row, strict=True))
    assert said["Why asked"] == "Alike, but their numbers differ"
    both = {str(said["Names"]), str(said["Names of the other"])}
    assert both == {"Zzcurie, Mariella; Zzmarie, Mariella", "Zzcruie, Mariella"}
    assert {said["Told by"], said["Told by, of the other"]} == {"school_census", "therapy_waiting_list"}
    assert "UPN N372200119045; NHS 9990000018" in (said["Numbers"], said["Numbers of the other"])
    assert read_review_journal(told.settings) == [handed]
    assert (tmp_path / "review.xlsx").stat().st_mode & 0o077 == 0
    record = review_journal_path(told.settings).read_text()
    assert not [name for name in NAMES if name in record]


def test_an_answer_goes_before_likeness_and_is_not_asked_again(told: Told, answer: Answer) -> None:
    told.school()
    trained(told)
    told.month(0, patient(**SLIP, upn="N372200119045"))
    assert told.children()[0] != [told.of_school()]
    [decision] = take_decisions(told.settings, answer("same"), by="Rita Reviewer", now=NOW)
    assert (decision.decision, decision.by) == ("same", "Rita Reviewer")
    assert told.children()[0] == [told.of_school()]
    assert told.linked().rows_by_strength == {"first_seen": 1, "reviewed": 1}
    with pytest.raises(CornerstoneError, match="No pair of children waits"):
        answer("different")


def test_a_wrong_join_by_likeness_is_parted_and_stays_so(told: Told, answer: Answer) -> None:
    told.school()
    trained(told)
    told.month(0, patient(**SLIP))
    assert told.children()[0] == [told.of_school()]
    take_decisions(told.settings, answer("Different", with_joined=True), by="Rita Reviewer", now=NOW)
    assert told.children()[0] != [told.of_school()]
    told.month(1, patient(**SLIP))
    assert told.of_school() not in {key for month in told.children() for key in month}


def test_a_wrong_join_by_name_and_birth_date_is_parted(told: Told, answer: Answer) -> None:
    """A boy of the same name and birth date, by the list: the fixed steps take him for the pupil."""
    told.school()
    trained(told)
    told.month(0, patient(nhs_number="", sex="M", postcode="ZZ9 9ZZ"), OTHER)
    assert told.children()[0][0] == told.of_school()
    take_decisions(told.settings, answer("different"), by="Rita Reviewer", now=NOW)
    assert told.of_school() not in told.children()[0]
    assert told.linked().children == 3


def test_a_file_that_contradicts_itself_or_another_is_refused_whole(told: Told, tmp_path: Path) -> None:
    told.school()
    trained(told)
    told.month(
        0, patient(**SLIP), patient(surname="Zzcurrie", nhs_number=OTHER_NHS, postcode="ZZ9 9ZZ"), provider="RFR"
    )
    told.month(0, patient(surname="Zzcurri", nhs_number="", upn="N372200119045"), OTHER, provider="RXE")
    told.linked()
    with pytest.raises(CornerstoneError, match="is no review file"):
        take_decisions(told.settings, _csv(tmp_path, [["a", "b"]]), by="R", now=NOW)
    keys = sorted({key for month in told.children() for key in month} | {told.of_school()})
    one, other, third = keys[:3]
    head = ["decision", "left_key", "right_key"]
    cases = {
        "holds no decision": [["", one, other]],
        "Line 2 of file.csv: the decision is neither same nor different": [["perhaps", one, other]],
        "Line 2 of file.csv compares a child with itself": [["same", one, one]],
        "Line 3 of file.csv says different of two children": [["same", one, other], ["different", other, one]],
        "names 1 key of no child": [["same", one, "f" * 32]],
        f"contradicts itself or an earlier decision: {min(one, third)}": [
            ["same", one, other], ["same", other, third], ["different", one, third]
        ],
    }  # fmt: skip
    for message, lines in cases.items():
        with pytest.raises(CornerstoneError, match=message):
            take_decisions(told.settings, _csv(tmp_path, [head, *lines]), by="R", now=NOW)
    assert read_decisions(told.settings) == {}
    with pytest.raises(CornerstoneError, match="no CSV file in UTF-8"):
        path = tmp_path / "odd.csv"
        path.write_bytes(b"\xff\xfe\x00decision")
        take_decisions(told.settings, path, by="R", now=NOW)
    with pytest.raises(CornerstoneError, match="no workbook"):
        path = tmp_path / "odd.xlsx"
        path.write_bytes(b"not a workbook")
        take_decisions(told.settings, path, by="R", now=NOW)


def _csv(folder: Path, lines: list[list[str]]) -> Path:
    path = folder / "file.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(lines)
    return path


def test_what_is_kept_is_made_again_when_the_folder_is_deleted(told: Told, answer: Answer) -> None:
    told.school()
    trained(told)
    told.month(0, patient(**SLIP, upn="N372200119045"))
    told.linked()
    take_decisions(told.settings, answer("same"), by="Rita Reviewer", now=NOW)
    told.linked()
    written = told.settings.child_link_path.read_bytes()
    for path in told.settings.linkage_dir.iterdir():
        path.unlink()
    told.settings.linkage_dir.rmdir()
    trained(told)
    told.linked()
    assert told.settings.child_link_path.read_bytes() == written


def test_the_command_counts_hands_over_and_takes_in(
    told: Told, answer: Answer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = CliRunner().invoke
    monkeypatch.setenv("CORNERSTONE_STORE", str(told.settings.store))
    monkeypatch.setenv("CORNERSTONE_RAW", str(told.settings.raw))
    monkeypatch.setenv("CORNERSTONE_KEY_FILE", str(told.settings.key_file))
    assert isinstance(run(app, ["linkage"]).exception, CornerstoneError)
    told.school()
    told.month(0, patient(**SLIP, upn="N372200119045"))
    told.linked()
    assert "nobody was compared yet" in run(app, ["linkage"]).stdout
    trained(told)
    told.linked()
    found = json.loads(run(app, ["linkage", "--json"]).stdout)
    assert found["children"] == 2
    assert found["likeness"]["pairs"] == {"numbers": 1}
    assert found["likeness"]["for_review"] == 1
    assert isinstance(run(app, ["linkage", "review", "--out", str(tmp_path / "x.csv")]).exception, CornerstoneError)
    assert not (tmp_path / "x.csv").exists()
    handed = run(
        app,
        ["linkage", "review", "--show-identifiers", "--by", "Ann", "--reason", "why", "--out", str(tmp_path / "x.csv")],
    )
    assert handed.exit_code == 0, handed
    assert "Ann" in run(app, ["linkage", "review", "--audit"]).stdout
    taken = run(app, ["linkage", "decide", str(answer("same")), "--by", "Rita"])
    assert "1 same, 0 different taken in" in taken.stdout
    assert decisions_path(told.settings).stat().st_mode & 0o077 == 0
    told.linked()
    shown = run(app, ["linkage"]).stdout
    assert "1 reviewed" in shown
    assert not [name for name in NAMES if name in shown + handed.stdout + taken.stdout]
    assert read_status(told.settings).decisions == {"same": 1, "different": 0}
