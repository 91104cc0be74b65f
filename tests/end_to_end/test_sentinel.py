"""Nothing that names a child is anywhere outside the vault and the archive after the whole journey, in any kind of file.

Planted in a return of a few people: in rows that land, in rows that are set aside, in files that are refused, and in files
dropped where they do not belong. What is then searched is everything the commands wrote: store, releases, logs, Dagster's
storage, dbt's folders, temporary files, the home folder and what was printed. Vault and archive are searched too: they
hold the same identifiers encrypted.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR
from tests.end_to_end.journey import Journey
from tests.invented_return import (
    Record,
    ada,
    alan,
    grace,
    header,
    people,
    write_collect_export,
    write_workbook,
    xml_text,
)
from tests.sentinel import plant_control, scan

pytestmark = [pytest.mark.end_to_end]

SENTINELS = [
    # surnames, forenames, dates of birth, UPN, ULN, postcodes and free text of the people, as given and as written elsewhere
    "Zzlovelace", "Adaxia", "2014-08-31", "31/08/2014", "2014-Aug-31", "E372400021001", "ZZ1 1AA", "ZZ11AA", "Zztherapy",
    "Zzturing", "Alanoid", "2006-02-28", "28/02/2006", "1000102504", "ZZ2 2BB", "ZZ22BB",
    "Zzhopper", "Graceling", "2000-05-17", "17/05/2000", "ZZ3 3CC", "ZZ33CC",
    # in places where no identifier belongs
    "Zzuntypable", "Zzwrongcode", "Zzelement", "Zzheading", "Zzheaderless", "Zzcut", "Zzelsewhere",
]  # fmt: skip


def _misplaced() -> Record:
    """Names where dates, codes, numbers and free text are expected; the row with an unreadable date is set aside."""
    person = ada(
        UPN="Zzwrongcode", PostCode="Zzelsewhere ZZ1 1AA", Sex="Adaxia", Ethnicity="Zzlovelace", UPNunknown="Zzturing"
    )
    request = person.within[0]
    request.fields |= {"ReceivedDate": "Zzuntypable", "RequestOutcome": "Adaxia", "RYA": "Zzlovelace 2014-08-31"}
    person.within.append(
        Record("Requests", {"ReceivedDate": "2024-05-01", "RequestOutcome": "Zzturing", "Zzelement": "Adaxia"})
    )
    return person


def _drop_everything(journey: Journey) -> None:
    """A sound return with bad rows, and files that are refused, wait, or lie in the wrong inbox."""
    inboxes = {
        name: journey.raw / "inbox" / name for name in ("sen2", "published_statistics", "establishment_register")
    }
    for folder in inboxes.values():
        folder.mkdir(parents=True)
    children = inboxes["sen2"]
    (children / "return.xml").write_text(xml_text(header(2025), [*people(), _misplaced(), *people()]))
    # Sent again: it takes the place of the first, and its rows have the same keys.
    (children / "return again.xml").write_text(xml_text(header(2025, serial="2"), [*people(), _misplaced(), *people()]))
    write_collect_export(children, header(2024), people())
    (children / "cut.xml").write_text(xml_text(header(2023), [ada(Surname="Zzcut")])[:-120])
    (children / "no year.xml").write_text(xml_text(header(2023, Year="Zzlovelace"), people()))
    (children / "broken.xml").write_text("<Message><Surname>Zzlovelace</Forename></Message>")
    (children / "headerless.csv").write_text("Zzheaderless,Adaxia,2014-08-31\nZzturing,Alanoid,2006-02-28\n")
    for path in children.glob("Blade-Export_*_senneed.csv"):
        lines = path.read_text().splitlines()
        path.write_text(
            "\n".join([f"{lines[0]},Zzheading Adaxia", *(f"{line},Zzlovelace" for line in lines[1:])]) + "\n"
        )
    incomplete = children / "later"
    incomplete.mkdir()
    for path in write_collect_export(incomplete, header(2026), people(), date="13-02-2026")[3:]:
        path.unlink()
    write_workbook(inboxes["published_statistics"] / "people.xlsx", header(2023), [alan()], stacked=True)
    (inboxes["published_statistics"] / "figures.csv").write_text(
        "Zzheaderless,Zzheaderless,2014-08-31\nZzturing,Alanoid,2006-02-28,1000102504\n"
    )
    (inboxes["published_statistics"] / "return.xml").write_text(xml_text(header(2023), [grace()]))
    (inboxes["establishment_register"] / "edubasealldata20260105.csv").write_text(
        'URN,LA (code),EstablishmentName,TypeOfEstablishment (code)\n999001,372,Quillmoor,01\n"Zzlovelace,Adaxia\n'
    )
    (inboxes["sen2"] / "borough.xml").write_text(xml_text(header(2023, SoftwareCode="Invented Casework"), [grace()]))
    # As if by a person whose editor keeps a copy beside the file.
    (inboxes["sen2"] / ".return.xml.swp").write_text("hidden files are no deliveries")


@dataclass(frozen=True)
class Searched:
    """The folder in which everything was written, and what the run came to."""

    folder: Path
    journey: Journey
    result: Any
    exit_codes: dict[str, int]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    folder = tmp_path_factory.mktemp("sentinel")
    places = {name: folder / "written" / name for name in ("home", "tmp", "printed")}
    for place in places.values():
        place.mkdir(parents=True)
    journey = Journey(
        folder / "written" / "store",
        folder / "raw",
        variables={"TMPDIR": str(places["tmp"]), "HOME": str(places["home"]), "XDG_CACHE_HOME": str(places["home"])},
    )
    _drop_everything(journey)
    to_check = folder / "to_check"
    shutil.copytree(journey.raw / "inbox", to_check)
    ended = {"run": journey.cornerstone("run", "--json")}
    children = [path for path in sorted((to_check / "sen2").iterdir()) if path.is_file() and path.suffix != ".swp"]
    ended["check"] = journey.cornerstone("check", *map(str, children))
    ended["check as JSON"] = journey.cornerstone(
        "check", str(to_check / "sen2" / "return.xml"), "--return", "sen2", "--format", "json"
    )
    ended["status"] = journey.cornerstone("status")
    ended["status as JSON"] = journey.cornerstone("status", "--json")
    ended["run again"] = journey.cornerstone("run")
    for name, end in ended.items():
        (places["printed"] / f"{name}.txt").write_text(end.stdout + end.stderr)
    return Searched(folder, journey, ended["run"].result, {name: end.exit_code for name, end in ended.items()})


def test_the_journey_that_is_searched_is_a_whole_one(searched: Searched) -> None:
    result, journey = searched.result, searched.journey
    assert result["status"] == "released"
    assert len(result["refused"]) >= 8
    assert len(result["waiting"]) == 1
    assert searched.exit_codes == {
        "run": 1, "check": 2, "check as JSON": 1, "status": 0, "status as JSON": 0, "run again": 1,
    }  # fmt: skip
    with duckdb.connect(str(journey.current / "restricted" / "send_marts.duckdb"), read_only=True) as connection:
        [children] = connection.execute("select count(*) from marts.dim_child").fetchone() or (0,)
        resubmitted = connection.execute(
            "select count(distinct submission_id), count(*) = count(distinct ehc_request_key) from marts.fct_ehc_request"
            " where activity_year = 2024"
        ).fetchone()
    assert resubmitted == (1, True)
    assert children >= len(people())
    assert list((journey.store / "vault" / "quarantine").rglob("*.parquet"))


def test_a_return_of_the_invented_borough_is_refused_beside_real_people(searched: Searched) -> None:
    [sentence] = [reason for reason in searched.result["refused"] if reason.startswith("borough.xml")]
    assert "of the invented borough, and this store holds real people" in sentence


def test_no_planted_identifier_is_in_anything_that_was_written(searched: Searched) -> None:
    written = searched.folder / "written"
    kinds = {path.suffix for path in written.rglob("*") if path.is_file()}
    assert kinds >= {".parquet", ".duckdb", ".db", ".json", ".html", ".log", ".txt", ".csv"}
    assert scan(written, SENTINELS) == []


@pytest.mark.parametrize("folder", ["target", "logs"])
def test_none_is_in_the_folders_that_dbt_writes_in_the_project(searched: Searched, folder: str) -> None:
    path = PROJECT_DIR / "dbt_project" / folder
    assert scan(path, SENTINELS) == [] if path.is_dir() else folder == "logs"


def test_the_search_would_have_found_one_in_every_kind_of_file(searched: Searched) -> None:
    controls = plant_control(searched.folder / "control" / "deep", SENTINELS[0])
    found = {found.path for found in scan(searched.folder / "control", SENTINELS)}
    assert found == {str(path) for path in controls}


def test_the_files_as_dropped_hold_every_one_of_them(searched: Searched) -> None:
    found = {found.sentinel for found in scan(searched.folder / "to_check", SENTINELS)}
    derived = {"31/08/2014", "28/02/2006", "17/05/2000", "ZZ11AA", "ZZ22BB", "ZZ33CC"}
    assert found >= set(SENTINELS) - derived
