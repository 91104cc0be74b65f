"""A return that knows its persons by a number alone: they land, are linked and are forgotten as those whom others name."""

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from expectations.catalogue import Catalogue, load_catalogue
from orchestration.check.find import check_files
from orchestration.linkage.child_key import link_children
from orchestration.returns import kpis, spec
from orchestration.returns.land import land_return
from orchestration.rights import forget as erasure
from orchestration.rights.asked import parse_asked
from orchestration.rights.people import Person, Told, parted
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.invented_census import Pupil, census, marie, write_census_xml
from tests.sentinel import scan
from tests.unit.rights.conftest import NOON, UPN, clear_copy, drop_sen2, names_found
from tests.unit.rights.test_forget import LATER

NOTES = "plan_notes"
RETURN = """
return_id: plan_notes
title: notes on plans
description: Notes.
owner: head-of-plans
publishers: [writers]
personal_data: identifiers
retention: {years: 3, basis: assumption, reason: Nobody reads them for longer.}
frequency: yearly
feeds: notes
links: []
spec_version: "1"
every_year_since: 2024
submission: {header: note_cover, period: note_year, supplier: [la_code], supplier_prefix: notes., sequence: [version]}
person: {table: note, upn: upn, one_by: plan_reference}
invented: {table: note_cover, condition: "prepared_by_role like 'Invented %'"}
tables:
  note_cover:
    grain: A year.
    key: cover_key
    sources: {cover: {elements: [cover], titles: [cover], pairs: {name: key, value: value}}}
    columns:
      la_code: {type: VARCHAR, names: [la_code], required: true, description: Authority.}
      note_year: {type: INTEGER, names: [note_year], required: true, description: Year.}
      version: {type: INTEGER, names: [version], required: true, description: Version.}
      prepared_by_role: {type: VARCHAR, names: [prepared_by_role], description: Post.}
    left_out: [{names: [return_name], reason: Marks it.}]
  note:
    grain: A note.
    parent: note_cover
    key: row_person_ref
    sources: {notes: {elements: [note], titles: [notes], marks: [plan_reference, upn, noted_on]}}
    columns:
      plan_reference:
        type: VARCHAR
        names: [plan_reference]
        required: true
        sensitivity: identifier
        privacy: pseudonymise
        scheme: plan
        lands: {plan_ref: {type: VARCHAR, description: Pseudonym of the plan.}}
        description: The plan.
      upn:
        type: VARCHAR
        names: [upn]
        required: true
        sensitivity: identifier
        privacy: pseudonymise
        scheme: upn
        lands: {upn_ref: {type: VARCHAR, description: Pseudonym of the number.}}
        description: Whose plan.
      noted_on: {type: DATE, names: [noted_on], required: true, description: Day.}
files:
  csv_set: {shape: record_csv, marker: {element: return_name, value: NOTES}, required: [cover, notes]}
"""
RULES = """
return_id: plan_notes
rules:
  - rule_id: PLN-001
    table: note
    level: row
    severity: block
    effect: quarantine
    label: A note is of a plan.
    why: Nobody could tell of which.
    owner: Head of plans
    action: Ask for the plan.
    columns: [plan_reference]
    failing_rows: select submission_id, source_file, source_row from note where plan_reference is null
  - rule_id: PLN-002
    table: note
    level: row
    severity: block
    effect: quarantine
    label: A note is of its year.
    why: It would be counted in another.
    owner: Head of plans
    action: Send it with its year.
    columns: [noted_on]
    failing_rows: |
      select note.submission_id, note.source_file, note.source_row
      from note inner join note_cover using (submission_id)
      where year(noted_on) <> note_year
"""
# Ada's plan has two notes, one of them without her number; nobody's number is given with the other plan.
ROWS = [("ZZPLAN-1", UPN, "2025-02-03"), ("zzplan-1 ", "", "2025-03-04"), ("ZZPLAN-2", "", "2025-05-06")]


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Catalogue]:
    """The rules, in a project that has the return besides its own."""
    specs = tmp_path / "specs"
    shutil.copytree(spec.SPECS_DIR, specs)
    (specs / NOTES).mkdir()
    (specs / NOTES / "return.yaml").write_text(RETURN)
    monkeypatch.setattr(spec, "SPECS_DIR", specs)
    rules = tmp_path / "rules"
    shutil.copytree(settings.rules_dir, rules)
    (rules / f"{NOTES}.yaml").write_text(RULES)
    monkeypatch.setattr(Settings, "rules_dir", rules)
    for cached in (spec._load, kpis.load_kpis):
        cached.cache_clear()
    yield load_catalogue(settings.rules_dir)
    for cached in (spec._load, kpis.load_kpis):
        cached.cache_clear()


def drop_notes(
    folder: Path, rows: list[tuple[str, str, str]] = ROWS, version: int = 1, year: str = "2025"
) -> list[Path]:
    cover = {"return_name": "NOTES", "la_code": "372", "note_year": year, "version": str(version),
             "prepared_by_role": "Invented officer"}  # fmt: skip
    tables = {
        "cover": [("key", "value"), *cover.items()],
        "notes": [("plan_reference", "upn", "noted_on"), *rows],
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, lines in tables.items():
        paths.append(folder / f"{name}_{year}_{version}.csv")
        with paths[-1].open("w", newline="") as file:
            csv.writer(file).writerows(lines)
    return paths


@pytest.fixture
def hold(settings: Settings, catalogue: Catalogue) -> Callable[..., Settings]:
    """Make a store that knows Ada from the EHC plans return, and notes of each year, linked."""

    def made(*pupils: Pupil, **notes_of: list[tuple[str, str, str]]) -> Settings:
        prepare_store(settings)
        drop_sen2(settings.inbox_dir / "sen2", "xml")
        assert not land_return(settings, "sen2", catalogue, now=NOON).refused
        if pupils:
            write_census_xml(settings.inbox_dir / "school_census", census(pupils, SoftwareCode="Invented Census"))
            assert not land_return(settings, "school_census", catalogue, now=NOON).refused
        for year, rows in notes_of.items():
            drop_notes(settings.inbox_dir / NOTES, rows, year=year.removeprefix("of_"))
            assert not land_return(settings, NOTES, catalogue, now=NOON).refused
        link_children(settings)
        return settings

    return made


@pytest.fixture
def held(hold: Callable[..., Settings]) -> Settings:
    """A store that knows Ada from the EHC plans return and from the notes, linked."""
    return hold(of_2025=ROWS)


def notes(settings: Settings) -> list[tuple[str, str | None, str, str]]:
    """Pseudonyms of the plan and the number, child and strength of every landed note, in order."""
    return duckdb.sql(
        f"select plan_ref, upn_ref, child_key, match_strength from read_parquet('{settings.landed_dir}/{NOTES}/*/note.parquet')"
        f" inner join read_parquet('{settings.child_link_path}') using (submission_id, row_person_ref)"
        " order by noted_on"
    ).fetchall()


def test_numbers_land_as_pseudonyms_and_lead_to_the_child_whom_others_name(held: Settings, tmp_path: Path) -> None:
    first, second, other = notes(held)
    [(upn_ref, ada)] = duckdb.sql(
        f"select upn_ref, child_key from read_parquet('{held.landed_dir}/sen2/*/sen2_person.parquet')"
        f" inner join read_parquet('{held.child_link_path}') using (submission_id, row_person_ref)"
        " where birth_month = '2014-08'"
    ).fetchall()
    assert (first[1], second[1], other[1]) == (upn_ref, None, None)
    assert first[0] == second[0] != other[0]
    assert [row[2:] for row in (first, second)] == [(ada, "upn")] * 2
    assert other[2] != ada and other[3] == "first_seen"
    landed = b"".join(path.read_bytes() for path in held.landed_dir.rglob("*") if path.is_file())
    assert UPN.encode() not in landed and b"plan-1" not in landed.lower()


def test_who_is_known_by_a_number_alone_is_forgotten_with_the_plan(
    held: Settings, tmp_path: Path, catalogue: Catalogue
) -> None:
    asked = parse_asked(f"upn: {UPN}")
    seen = erasure.preview(held, asked)
    assert seen.is_clear and seen.rows == {"sen2": 1, NOTES: 2}
    done = erasure.forget(held, asked, by="A. Lead", reason="request 12 of 2026", now=LATER)
    assert done.rows_removed >= 3 and done.files_cut == 2
    assert len(notes(held)) == 1
    assert names_found(held, tmp_path / "copy", [UPN, "ZZPLAN-1", "zzplan-1", "ZZPLAN-2"]) == {"ZZPLAN-2"}
    drop_notes(held.inbox_dir / NOTES, version=2)
    land_return(held, NOTES, catalogue, now=LATER)
    assert names_found(held, tmp_path / "copy", [UPN, "ZZPLAN-1", "zzplan-1"]) == set()


OTHER_UPN = "U372400021002"


def test_a_plan_with_two_numbers_goes_with_the_child_of_one_of_them(
    hold: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = hold(of_2025=[("ZZPLAN-1", UPN, "2025-02-03"), ("ZZPLAN-1", OTHER_UPN, "2025-03-04")])
    asked = parse_asked(f"upn: {UPN}")
    seen = erasure.preview(settings, asked)
    assert seen.is_clear and seen.rows == {"sen2": 1, NOTES: 2}
    erasure.forget(settings, asked, by="A. Lead", reason="request 12 of 2026", now=LATER)
    assert names_found(settings, tmp_path / "copy", [UPN, OTHER_UPN, "ZZPLAN-1"]) == set()


def test_a_plan_goes_from_every_year_and_what_comes_of_it_later_never_lands(
    hold: Callable[..., Settings], tmp_path: Path, catalogue: Catalogue
) -> None:
    settings = hold(
        of_2024=[("ZZPLAN-1", UPN, "2024-02-03")],
        of_2025=[("zzplan-1", "", "2025-02-03"), ("ZZPLAN-2", "", "2025-05-06")],
        of_2026=[("ZZPLAN-1", "", "2020-02-03"), ("ZZPLAN-2", "", "2026-05-06")],  # the first is set aside
    )
    asked = parse_asked(f"upn: {UPN}")
    seen = erasure.preview(settings, asked)
    assert seen.is_clear and seen.rows == {"sen2": 1, NOTES: 2}
    done = erasure.forget(settings, asked, by="A. Lead", reason="request 12 of 2026", now=LATER)
    assert done.set_aside_removed == 1
    found = [UPN, "ZZPLAN-1", "zzplan-1", "ZZPLAN-2"]
    assert names_found(settings, tmp_path / "copy", found) == {"ZZPLAN-2"}
    drop_notes(
        settings.inbox_dir / NOTES, [("zzplan-1", "", "2027-02-03"), ("ZZPLAN-3", "", "2027-02-04")], year="2027"
    )
    land_return(settings, NOTES, catalogue, now=LATER)
    found.append("ZZPLAN-3")
    assert names_found(settings, tmp_path / "copy", found) == {"ZZPLAN-2", "ZZPLAN-3"}


def test_a_number_that_came_later_under_the_plan_is_forgotten_too(
    hold: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = hold(
        of_2024=[("ZZPLAN-1", UPN, "2024-02-03")],
        of_2025=[("ZZPLAN-1", OTHER_UPN, "2025-02-03")],
        of_2026=[("ZZPLAN-7", OTHER_UPN, "2026-02-03"), ("ZZPLAN-2", "", "2026-05-06")],
    )
    asked = parse_asked(f"upn: {UPN}")
    assert erasure.preview(settings, asked).rows == {"sen2": 1, NOTES: 3}
    erasure.forget(settings, asked, by="A. Lead", reason="request 12 of 2026", now=LATER)
    found = [UPN, OTHER_UPN, "ZZPLAN-1", "ZZPLAN-7", "ZZPLAN-2"]
    assert names_found(settings, tmp_path / "copy", found) == {"ZZPLAN-2"}


def test_a_plan_that_stands_with_another_child_too_tells_of_neither(
    hold: Callable[..., Settings], tmp_path: Path
) -> None:
    mariella = marie().but(UPN=OTHER_UPN, DOB="2015-01-02", UniqueLearnerNumber="", FormerUPN="")
    settings = hold(
        mariella, of_2025=[("ZZPLAN-1", UPN, "2025-02-03")], of_2026=[("ZZPLAN-1", OTHER_UPN, "2026-02-03")]
    )
    assert not erasure.preview(settings, parse_asked(f"upn: {UPN}")).is_clear
    asked = parse_asked(f"upn: {UPN}\nname: Zzlovelace, Adaxia, 2014-08-31")
    seen = erasure.preview(settings, asked)
    assert seen.is_clear and seen.rows[NOTES] == 1 and seen.shared_numbers == 1
    erasure.forget(settings, asked, by="A. Lead", reason="request 12 of 2026", now=LATER)
    assert names_found(settings, tmp_path / "copy", [UPN, OTHER_UPN, "ZZPLAN-1"]) == {OTHER_UPN, "ZZPLAN-1"}


def test_rows_without_a_plan_are_nobodys_plan(hold: Callable[..., Settings], tmp_path: Path) -> None:
    settings = hold(of_2025=[("", UPN, "2025-02-03"), ("", OTHER_UPN, "2025-02-04"), ("ZZPLAN-2", "", "2025-05-06")])
    erasure.forget(settings, parse_asked(f"upn: {UPN}"), by="A. Lead", reason="request 12 of 2026", now=LATER)
    assert names_found(settings, tmp_path / "copy", [UPN, OTHER_UPN]) == {OTHER_UPN}
    archived = clear_copy(settings, tmp_path / "copy") / "unsealed"
    assert {one.sentinel for one in scan(archived, [UPN, OTHER_UPN])} == {OTHER_UPN}


def test_a_row_that_names_nobody_goes_with_whom_it_is_linked_to() -> None:
    ada, abel = Told("adaxia", "2014-08-31"), Told("abelard", "2016-02-03")
    told = {("a", "1", "x"): ada, ("a", "2", "x"): abel, ("b", "1", "x"): Told(), ("b", "2", "x"): Told()}
    rows_of_ada, rows_of_abel, linked, unlinked = told
    of_key = {rows_of_ada: "k1", rows_of_abel: "k2", linked: "k1"}
    people = {person.told: person.rows for person in parted(told, of_key)}
    assert people == {ada: {rows_of_ada, linked}, abel: {rows_of_abel}, Told(): {unlinked}}
    assert parted({rows_of_ada: ada, unlinked: Told()}, of_key) == [Person(ada, {rows_of_ada, unlinked})]
    assert parted({unlinked: Told()}, {}) == [Person(Told(), {unlinked})]


def test_a_place_is_told_with_the_number_that_the_file_gives(
    settings: Settings, catalogue: Catalogue, tmp_path: Path
) -> None:
    paths = drop_notes(tmp_path / "sent", [("ZZPLAN-1", UPN, "soon")])
    report = check_files(settings, paths, NOTES, show_identifiers=True)
    assert [location.identifiers for file in report.files for location in file.locations() if location.identifiers] == [
        {"upn": UPN}
    ]


@pytest.mark.parametrize(
    ("person", "message"),
    [
        ({"table": "note", "surname": "plan_reference", "upn": "upn"}, "or none of them"),
        ({"table": "note", "one_by": "plan_reference"}, "has a number that other returns give"),
        ({"table": "note", "upn": "upn", "one_by": "noted_on"}, "means the same in every submission"),
    ],
)
def test_half_a_name_or_nobodys_number_is_refused(person: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec.ReturnSpec.model_validate(yaml.safe_load(RETURN) | {"person": person})


def test_an_age_of_somebody_without_a_birth_date_is_refused() -> None:
    made = yaml.safe_load(RETURN)
    made["tables"]["note"]["columns"]["age"] = {"type": "INTEGER", "age_at": "noted_on", "description": "Age."}
    with pytest.raises(ValueError, match="there is no age"):
        spec.ReturnSpec.model_validate(made)
