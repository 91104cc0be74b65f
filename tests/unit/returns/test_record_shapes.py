"""The same people land the same rows, whatever shape their return came in."""

import dataclasses
import itertools
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from expectations.catalogue import load_catalogue
from orchestration.returns import stream
from orchestration.returns.land import LandingReport, has_work, land_return
from orchestration.returns.readers import record_xml
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import Submission, read_waiting
from orchestration.settings import Settings
from tests.invented_return import (
    Record,
    ada,
    alan,
    grace,
    header,
    people,
    write_collect_export,
    write_module_csvs,
    write_workbook,
    xml_text,
)

LandPeople = Callable[[], LandingReport]
Landed = Callable[[Submission, str], list[dict[str, Any]]]
TABLES = list(load_spec("sen2").tables)
PROVENANCE = {"submission_id", "source_file", "source_row"}


def write_xml(inbox: Path, **how: Any) -> None:
    (inbox / "return.xml").write_text(xml_text(header(), people(), **how), encoding="utf-8")


def write_upper_case(inbox: Path) -> None:
    write_xml(inbox, spell=str.upper, namespace="http://example.org/return")


def write_backwards(inbox: Path) -> None:
    write_xml(inbox, spell=str.lower, reverse=True)


def write_mixed_case(inbox: Path) -> None:
    """Every element spelt another way, persons too."""
    turns = itertools.cycle((str.lower, str.upper, str.title, str.swapcase))
    open_elements: list[str] = []

    def spell(tag: re.Match[str]) -> str:
        if tag[1]:
            return f"</{open_elements.pop()}>"
        open_elements.append(next(turns)(tag[2]))
        return f"<{open_elements[-1]}>"

    text = re.sub(r"<(/?)([A-Za-z0-9]+)>", spell, xml_text(header(), people()))
    (inbox / "return.xml").write_text(text, encoding="utf-8")


def write_utf16(inbox: Path) -> None:
    text = xml_text(header(), people(), prolog='<?xml version="1.0" encoding="utf-16"?>')
    (inbox / "return.xml").write_bytes(text.encode("utf-16"))


def write_zipped(inbox: Path) -> None:
    with zipfile.ZipFile(inbox / "return.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("return.xml", xml_text(header(), people()) + "\n")


def write_collect_zip(inbox: Path) -> None:
    with zipfile.ZipFile(inbox / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in write_collect_export(inbox, header(), people()):
            archive.write(path, path.name)
            path.unlink()


SHAPES: dict[str, Callable[[Path], object]] = {
    "XML in capitals with a namespace": write_upper_case,
    "XML with everything the other way round, the header last": write_backwards,
    "XML spelt at random": write_mixed_case,
    "XML in UTF-16": write_utf16,
    "zipped XML": write_zipped,
    "COLLECT export": lambda inbox: write_collect_export(inbox, header(), people()),
    "zipped COLLECT export": write_collect_zip,
    "workbook, a module on each sheet": lambda inbox: write_workbook(
        inbox / "w.xlsx", header(), people(), stacked=False
    ),
    "workbook, modules stacked": lambda inbox: write_workbook(inbox / "w.xlsx", header(), people(), stacked=True),
    "module CSVs without a header": lambda inbox: write_module_csvs(inbox, people()),
}


def raised_by_readers(submission: Submission) -> dict[str, int]:
    """Failing rows of the rules that readers raise; what the return's own rules find is no matter here."""
    return {rule_id: count for rule_id, count in submission.failures.items() if not rule_id.startswith("RS2-")}


@pytest.mark.parametrize("write", SHAPES.values(), ids=SHAPES.keys())
def test_the_same_people_land_identical_rows(
    people_inbox: Path, land_people: LandPeople, landed: Landed, write: Callable[[Path], object]
) -> None:
    def rows(submission: Submission, table: str) -> list[str]:
        found = [{k: v for k, v in row.items() if k not in PROVENANCE} for row in landed(submission, table)]
        return sorted(map(str, found))

    write_xml(people_inbox)
    [plain] = land_people().committed
    write(people_inbox)
    [other] = land_people().committed
    assert (other.status, other.reason) == ("accepted", None)
    assert (other.supplier, other.period) == (plain.supplier, plain.period) == ("la.372", "2025")
    has_header = write is not SHAPES["module CSVs without a header"]
    for table in TABLES[0 if has_header else 1 :]:
        assert rows(other, table) == rows(plain, table)
        assert rows(plain, table)
    assert sum(len(rows(plain, table)) for table in TABLES) == plain.rows_landed == 19


def test_what_lands_of_a_person_is_what_the_spec_lets_out(
    people_inbox: Path, land_people: LandPeople, landed: Landed
) -> None:
    write_xml(people_inbox)
    [submission] = land_people().committed
    [first, second, third] = landed(submission, "sen2_person")
    assert list(first) == list(load_spec("sen2").landed_types("sen2_person"))
    assert (first["birth_month"], first["postcode_sector"], first["sex_code"]) == ("2014-08", "ZZ1 1", "F")
    assert (len(first["upn_ref"]), first["uln_ref"]) == (32, None)
    assert (second["upn_ref"], len(second["uln_ref"])) == (None, 32)
    assert (third["upn_ref"], third["uln_ref"], third["upn_unknown_code"]) == (None, None, "UN5")
    assert all(len(row["row_person_ref"]) == 32 for row in (first, second, third))
    assert submission.notes == [
        "lsoa_code, ward_code are blank: no postcode_directory was landed.",
        "imd_decile are blank: no deprivation was landed.",
    ]


def test_ages_are_complete_years_on_the_day_each_breakdown_asks_for(
    people_inbox: Path, land_people: LandPeople, landed: Landed
) -> None:
    write_xml(people_inbox)
    [submission] = land_people().committed
    # Born on 31 August 2014, 28 February 2006 and 17 May 2000; the census is in January 2025.
    assert [row["age_at_31_august"] for row in landed(submission, "sen2_person")] == [10, 18, 24]
    assert [row["age_at_received"] for row in landed(submission, "sen2_request")] == [9, 18, 17, None]
    assert [(row["age_at_start"], row["age_at_cease"]) for row in landed(submission, "sen2_plan")] == [
        (9, None),
        (15, 24),
    ]


def test_each_record_knows_its_person_and_its_parent(
    people_inbox: Path, land_people: LandPeople, landed: Landed
) -> None:
    write_xml(people_inbox)
    [submission] = land_people().committed
    spec = load_spec("sen2")
    for name in TABLES[1:]:
        parent = spec.tables[str(spec.tables[name].parent)].key
        parents = {row[parent] for row in landed(submission, str(spec.tables[name].parent))}
        rows = landed(submission, name)
        assert {row[parent] for row in rows} <= parents
        assert len({row[spec.tables[name].key] for row in rows}) == len(rows)
    people_seen = {row["row_person_ref"] for row in landed(submission, "sen2_person")}
    assert {row["row_person_ref"] for row in landed(submission, "sen2_need")} < people_seen


def test_two_rows_of_the_same_identity_stay_two_persons(
    people_inbox: Path, land_people: LandPeople, landed: Landed
) -> None:
    (people_inbox / "r.xml").write_text(xml_text(header(), [grace(), grace()]))
    [submission] = land_people().committed
    assert len({row["row_person_ref"] for row in landed(submission, "sen2_person")}) == 2


def test_gender_of_2023_becomes_sex_and_residential_goes_to_the_primary_placement(
    people_inbox: Path, land_people: LandPeople, landed: Landed
) -> None:
    girl = ada()
    del girl.fields["Sex"]
    girl.fields["GenderCurrent"] = "2"
    plan = girl.within[0].within[1]
    plan.fields = {"Res": "b", "WBP": "S", "LastReview": "2022-11-20"}
    plan.within[0].fields["AttendancePattern"] = "FT"
    (people_inbox / "r.xml").write_text(xml_text(header(2023), [girl]))
    [submission] = land_people().committed
    assert (submission.status, submission.period) == ("accepted", "2023")
    assert landed(submission, "sen2_person")[0]["sex_code"] == "F"
    placements = {row["placement_rank_code"]: row for row in landed(submission, "sen2_placement")}
    assert [placements[rank]["residential_code"] for rank in "12"] == ["B", None]
    assert [placements[rank]["work_based_code"] for rank in "12"] == ["S", None]
    assert placements["1"]["attendance_pattern_code"] == "FT"


def test_a_code_that_is_not_yet_in_the_list_stays_as_text_beside(
    people_inbox: Path, land_people: LandPeople, landed: Landed
) -> None:
    def with_need(code: str) -> Record:
        girl = ada()
        girl.within[0].within[1].within[2].fields["SENtype"] = code
        return girl

    (people_inbox / "2024.xml").write_text(xml_text(header(2024), [with_need("ds")]))
    (people_inbox / "2025.xml").write_text(xml_text(header(2025), [with_need("ds")]))
    (people_inbox / "2026.xml").write_text(xml_text(header(2026), [with_need("Adaxia Zzlovelace")]))
    by_year = {s.period: landed(s, "sen2_need")[0] for s in land_people().committed}
    assert (by_year["2024"]["sen_type_code"], by_year["2024"]["sen_type_code_raw"]) == (None, "ds")
    assert (by_year["2025"]["sen_type_code"], by_year["2025"]["sen_type_code_raw"]) == ("DS", None)
    assert (by_year["2026"]["sen_type_code"], by_year["2026"]["sen_type_code_raw"]) == (None, "(withheld)")


@pytest.mark.parametrize(
    "written",
    [
        "2024-02-05", "2024-Feb-05 00:00:00", "2024-02-05T00:00:00", "2024-02-05 00:00:00", "05/02/2024",
        "05/02/2024 00:00", "05-Feb-2024", "05-02-2024", "45327", " 2024-02-05 \n",
    ],
)  # fmt: skip
def test_a_date_is_read_in_every_shape_returns_write_it_in(
    people_inbox: Path, land_people: LandPeople, landed: Landed, written: str
) -> None:
    girl = ada()
    girl.within[0].fields["ReceivedDate"] = written
    (people_inbox / "r.xml").write_text(xml_text(header(), [girl]))
    [submission] = land_people().committed
    [request] = landed(submission, "sen2_request")
    assert str(request["received_date"]) == "2024-02-05"


@pytest.mark.parametrize("written", ["n/k", "2024-02-30", "05.02.24", "0024-02-05", "99999", "5 Feb"])
def test_a_date_that_cannot_be_read_sets_its_record_aside_with_all_that_hangs_from_it(
    people_inbox: Path, land_people: LandPeople, landed: Landed, written: str
) -> None:
    girl = ada()
    girl.within[0].fields["ReceivedDate"] = written
    (people_inbox / "r.xml").write_text(xml_text(header(), [girl, alan(), grace(), *[alan()] * 8]))
    [submission] = land_people().committed
    assert raised_by_readers(submission) == {"RF-009": 1, "RF-010": 8}
    assert submission.tables["sen2_request"].rows_quarantined == 1
    assert {name: rows.rows_quarantined for name, rows in submission.tables.items() if rows.rows_quarantined} == {
        "sen2_request": 1, "sen2_assessment": 1, "sen2_plan": 1, "sen2_plan_setting": 1, "sen2_active_plan": 1,
        "sen2_placement": 2, "sen2_need": 2,
    }  # fmt: skip
    assert len(landed(submission, "sen2_person")) == 11


def test_rows_read_are_rows_landed_and_rows_quarantined_for_each_table(
    people_inbox: Path, land_people: LandPeople, landed: Landed
) -> None:
    export = write_collect_export(people_inbox, header(), [*people(), *[grace()] * 9])
    requests = next(path for path in export if path.name.endswith("requests.csv"))
    lines = requests.read_text().splitlines()
    requests.write_text("\n".join([lines[0], lines[1].replace(",70001,", ",99999,"), *lines[2:], "too,short"]) + "\n")
    [submission] = land_people().committed
    assert raised_by_readers(submission) == {"FILE-013": 1, "RF-008": 1, "RF-010": 8}
    for name, rows in submission.tables.items():
        assert rows.rows_read == rows.rows_landed + rows.rows_quarantined
        assert len(landed(submission, name)) == rows.rows_landed
    assert submission.tables["sen2_request"].rows_quarantined == 2
    assert submission.rows_read == submission.rows_landed + submission.rows_quarantined


def test_records_that_share_a_number_have_no_key(people_inbox: Path, land_people: LandPeople) -> None:
    paths = write_module_csvs(people_inbox, [*people(), *[alan()] * 5])
    persons = next(path for path in paths if path.name.endswith("person.csv"))
    first, second, *others = persons.read_text().splitlines()[1:]
    head = persons.read_text().splitlines()[0]
    number = first.split(",")[0]
    persons.write_text("\n".join([head, first, ",".join([number, *second.split(",")[1:]]), *others]) + "\n")
    [submission] = land_people().committed
    assert submission.tables["sen2_person"].rows_quarantined == 2
    assert submission.status == "accepted"


def test_an_incomplete_set_waits_is_shown_and_lands_when_the_rest_comes(
    settings: Settings, people_inbox: Path, land_people: LandPeople, tmp_path: Path
) -> None:
    [late] = [path for path in write_collect_export(people_inbox, header(), people()) if "namedplan" in path.name]
    held = late.rename(tmp_path / late.name)
    report = land_people()
    assert report.committed == []
    [waiting] = read_waiting(settings, "sen2")
    assert waiting.missing == ["namedplan"]
    assert len(waiting.files) == 8
    assert "namedplan" in waiting.message
    assert not has_work(settings, "sen2")
    assert not list(people_inbox.iterdir())
    held.rename(people_inbox / held.name)
    assert has_work(settings, "sen2")
    [submission] = land_people().committed
    assert (submission.status, submission.rows_landed, len(submission.files)) == ("accepted", 19, 9)
    assert read_waiting(settings, "sen2") == []
    assert not has_work(settings, "sen2")


def test_two_exports_at_once_are_two_sets(people_inbox: Path, land_people: LandPeople) -> None:
    write_collect_export(people_inbox, header(2024), people(), date="10-02-2024")
    write_collect_export(people_inbox, header(2025), people(), date="14-02-2025")
    assert sorted(s.period for s in land_people().committed) == ["2024", "2025"]


def test_a_set_sent_again_with_one_file_changed_is_a_new_return(people_inbox: Path, land_people: LandPeople) -> None:
    write_collect_export(people_inbox, header(), people())
    [first] = land_people().committed
    write_collect_export(people_inbox, header(serial="2"), people())
    [second] = land_people().committed
    assert (second.supersedes, second.rows_landed) == (first.submission_id, 19)


def test_what_was_landed_before_is_not_landed_again_and_this_is_said(
    settings: Settings, people_inbox: Path, land_people: LandPeople
) -> None:
    write_collect_export(people_inbox, header(), people())
    land_people()
    write_collect_export(people_inbox, header(), people())
    report = land_people()
    assert (report.committed, report.waiting, len(report.repeats)) == ([], [], 1)
    for path in write_collect_export(people_inbox, header(), people()):
        if "person" not in path.name:
            path.unlink()
    report = land_people()
    assert (report.committed, report.waiting) == ([], [])
    assert report.repeats == ["Blade-Export_14-02-2025_person.csv was landed before; nothing to do."]
    assert not has_work(settings, "sen2")


def test_files_of_the_same_names_in_two_folders_are_two_sets(people_inbox: Path, land_people: LandPeople) -> None:
    for year in ("2024", "2025"):
        (people_inbox / year).mkdir()
        for path in write_module_csvs(people_inbox / year, people(), year=""):
            path.rename(path.with_name(path.name.replace("return  ", "")))
    assert sorted((s.period, s.rows_landed) for s in land_people().committed) == [("2024", 19), ("2025", 19)]


@pytest.mark.parametrize(("step", "committed"), [("write_landing", 1), ("sync_dir", 0)])
def test_a_run_killed_as_a_set_is_committed_leaves_it_landed_whole_or_not_at_all(
    settings: Settings,
    people_inbox: Path,
    land_people: LandPeople,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    committed: int,
) -> None:
    from orchestration.returns import land

    write_collect_export(people_inbox, header(), people())

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(land, step, killed)
        land_people()
    report = land_people()
    assert (len(report.committed), report.waiting) == (committed, [])
    assert len(report.current) == 1
    assert not has_work(settings, "sen2")


def test_a_later_serial_supersedes_and_an_earlier_one_does_not(people_inbox: Path, land_people: LandPeople) -> None:
    (people_inbox / "b.xml").write_text(xml_text(header(serial="10"), people()))
    [kept] = land_people().committed
    (people_inbox / "a.xml").write_text(xml_text(header(serial="9"), [ada()]))
    report = land_people()
    assert [s.submission_id for s in report.current] == [kept.submission_id]
    (people_inbox / "c.xml").write_text(xml_text(header(serial="11"), [ada()]))
    [latest] = land_people().committed
    assert latest.supersedes == kept.submission_id


REFUSALS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "entity expansion": (
        "RF-001",
        lambda path: path.write_text(
            '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa">'
            + "".join(f'<!ENTITY a{i} "{(f"&a{i - 1};" if i else "&a;") * 10}">' for i in range(9))
            + "]>" + xml_text(header(), people(), prolog="").replace("Zzturing", "&a8;")
        ),
    ),
    "external entity": (
        "RF-001",
        lambda path: path.write_text(
            '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            + xml_text(header(), people(), prolog="").replace("Zzturing", "&x;")
        ),
    ),
    "document type at an address": (
        "RF-001",
        lambda path: path.write_text(
            '<!DOCTYPE Message SYSTEM "http://127.0.0.1:9/m.dtd">' + xml_text(header(), people(), prolog="")
        ),
    ),
    "deep nesting": (
        "RF-002",
        lambda path: path.write_text(
            xml_text(header(), people()).replace("<Assessment>", "<a>" * 400 + "</a>" * 400 + "<Assessment>", 1)
        ),
    ),
    "endless text": (
        "RF-003",
        lambda path: path.write_text(xml_text(header(), people()).replace("Zzturing", "Z" * 30_000_000)),
    ),
    "endless record": (
        "RF-003",
        lambda path: path.write_text(
            xml_text(header(), people()).replace("<Assessment>", "<Requests/>" * 1_000_000 + "<Assessment>", 1)
        ),
    ),
    "cut short": ("RF-004", lambda path: path.write_text(xml_text(header(), people())[:-400])),
    "no year": ("RF-005", lambda path: path.write_text(xml_text(header(Year="soon"), people()))),
    "no header": ("RF-005", lambda path: path.write_text(xml_text(None, people()))),
    "two headers": (
        "RF-006",
        lambda path: path.write_text(
            xml_text(header(), people()).replace("<Persons>", "<Header><Year>2024</Year></Header><Persons>")
        ),
    ),
    "year not known": ("RF-011", lambda path: path.write_text(xml_text(header(2031), people()))),
    "nobody in it": ("RF-012", lambda path: path.write_text(xml_text(header(), []))),
    "another return": (
        "FILE-008", lambda path: path.write_text(xml_text(header(Collection="SC1"), []).replace("Persons", "Pupils"))
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule_id", "write"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_cannot_be_used_is_refused_in_a_sentence_that_names_no_one(
    people_inbox: Path, land_people: LandPeople, rule_id: str, write: Callable[[Path], object]
) -> None:
    write(people_inbox / "bad.xml")
    (people_inbox / "good.xml").write_text(xml_text(header(2024), people()))
    report = land_people()
    [refused] = report.refused
    assert list(raised_by_readers(refused)) == [rule_id]
    assert refused.reason is not None
    assert "bad.xml" in refused.reason
    assert "\n" not in refused.reason
    assert "zz" not in refused.reason.lower()
    assert [s.period for s in report.current] == ["2024"]


def test_a_workbook_without_one_of_its_tables_is_refused(people_inbox: Path, land_people: LandPeople) -> None:
    from openpyxl import load_workbook

    path = write_workbook(people_inbox / "w.xlsx", header(), people(), stacked=False)
    book = load_workbook(path)
    book["SEN Need"].title = "Needs of pupils"
    book.save(path)
    [refused] = land_people().refused
    assert list(raised_by_readers(refused)) == ["RF-013"]
    assert "senneed" in str(refused.reason)


def test_a_table_that_does_not_name_its_parent_is_refused(people_inbox: Path, land_people: LandPeople) -> None:
    path = next(p for p in write_module_csvs(people_inbox, people()) if p.name.endswith("assessment.csv"))
    path.write_text(path.read_text().replace("requests id", "something"))
    [refused] = land_people().refused
    assert list(raised_by_readers(refused)) == ["RF-007"]


def test_an_element_without_children_and_one_of_an_unknown_name_are_not_lost(
    people_inbox: Path, land_people: LandPeople, landed: Landed
) -> None:
    text = xml_text(header(), people()).replace(
        "<RequestOutcome>A<", "<ActivePlans/><Shoesize>9</Shoesize><RequestOutcome>A<"
    )
    (people_inbox / "r.xml").write_text(text)
    [submission] = land_people().committed
    assert len(landed(submission, "sen2_active_plan")) == 2


def test_a_record_in_the_wrong_place_is_set_aside(people_inbox: Path, land_people: LandPeople) -> None:
    text = xml_text(header(), people()).replace(
        "<RequestOutcome>A<", "<SENneed><SENtype>MLD</SENtype></SENneed><RequestOutcome>A<"
    )
    (people_inbox / "r.xml").write_text(text)
    [submission] = land_people().committed
    assert raised_by_readers(submission) == {"RF-008": 1}
    assert submission.tables["sen2_need"] == dataclasses.replace(
        submission.tables["sen2_need"], rows_read=3, rows_landed=2, rows_quarantined=1
    )


def test_a_refused_file_sent_again_is_a_repeat(people_inbox: Path, land_people: LandPeople) -> None:
    for commits in (1, 0):
        (people_inbox / "cut.xml").write_text(xml_text(header(), people())[:-100])
        report = land_people()
        assert len(report.committed) == commits
    assert report.repeats == ["cut.xml was dealt with before; nothing to do."]
    assert not list(people_inbox.iterdir())


@pytest.mark.parametrize(
    ("content", "rule_id", "what"),
    [
        (xml_text(header(), people()), "FILE-009", "drop it in raw/inbox/sen2/."),
        ("<Register><School/></Register>", "FILE-008", "its elements are not known."),
        ("<Register><School>", "FILE-008", "its elements are not known."),
    ],
)
def test_xml_in_the_inbox_of_a_return_that_takes_none_gets_one_sentence(
    settings: Settings, people_inbox: Path, content: str, rule_id: str, what: str
) -> None:
    (people_inbox.parent / "published_statistics" / "r.xml").write_text(content)
    catalogue = load_catalogue(settings.rules_dir)
    [refused] = land_return(settings, "published_statistics", catalogue, now=datetime(2025, 3, 1, tzinfo=UTC)).refused
    assert refused.failures == {rule_id: 1}
    assert str(refused.reason).endswith(what)


@pytest.mark.parametrize("reverse", [False, True], ids=["the header first", "the header last"])
def test_a_return_read_in_many_batches_lands_the_same_rows(
    people_inbox: Path, land_people: LandPeople, landed: Landed, monkeypatch: pytest.MonkeyPatch, reverse: bool
) -> None:
    def rows(submission: Submission) -> dict[str, list[str]]:
        return {
            table: sorted(
                str({k: v for k, v in row.items() if k not in PROVENANCE}) for row in landed(submission, table)
            )
            for table in TABLES
        }

    write_xml(people_inbox)
    [whole] = land_people().committed
    monkeypatch.setattr(record_xml, "BATCH_RECORDS", 1)
    monkeypatch.setattr(stream, "TYPED_AT_ONCE", 1)
    # Blank lines enough that the first person ends before the header is in sight.
    text = xml_text(header(), people(), reverse=reverse).replace("</Person>", "</Person>" + "\n" * 70_000)
    (people_inbox / "return.xml").write_text(text, encoding="utf-8")
    [in_batches] = land_people().committed
    assert (in_batches.status, in_batches.rows_landed) == ("accepted", 19)
    assert rows(in_batches) == rows(whole)


def test_a_second_header_far_behind_the_first_refuses_the_file_and_leaves_no_row(
    people_inbox: Path, land_people: LandPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_xml, "BATCH_RECORDS", 1)
    monkeypatch.setattr(stream, "TYPED_AT_ONCE", 1)
    text = xml_text(header(), people())
    [first] = re.findall(r"<Header>.*?</Header>", text, re.DOTALL)
    text = text.replace("</Message>", f"{first}</Message>")
    (people_inbox / "return.xml").write_text(text, encoding="utf-8")
    write_collect_export(people_inbox, header(), people())
    refused, accepted = sorted(land_people().committed, key=lambda submission: submission.status, reverse=True)
    assert (refused.status, refused.reason) == ("refused", "return.xml holds 2 headers; send one return at a time.")
    assert (accepted.status, accepted.rows_landed) == ("accepted", 19)
