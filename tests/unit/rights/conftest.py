"""A store of a few invented children whom several returns tell of."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.catalogue import load_catalogue
from orchestration.linkage.child_key import link_children
from orchestration.privacy.keys import load_keys
from orchestration.privacy.sealed import open_sealed
from orchestration.privacy.vault import vault_file
from orchestration.returns.land import LandingReport, land_return
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import read_submissions
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.conftest import made_once, vault_connection
from tests.invented_census import Census, census, pupils, write_census_xml, write_collect
from tests.invented_return import ada, alan, grace, header, write_collect_export, write_workbook, xml_text
from tests.invented_therapy import Delivery, bridget, contact, delivery, emmy, write_set
from tests.sentinel import scan

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UPN, NHS, ULN = "E372400021001", "9990000018", "1000102504"
ADA = ["Zzlovelace", "Adaxia", "zz1 1aa", UPN, NHS, "Zztherapy with"]
SEN2 = {"SoftwareCode": "Invented Casework"}
RETURNS = ("sen2", "school_census", "therapy_waiting_list")
CENSUS = {"SoftwareCode": "Invented Census"}

Land = Callable[..., LandingReport]


def clear_copy(settings: Settings, folder: Path) -> Path:
    """Everything a store holds, with the archive and the vault decrypted, to be searched."""
    shutil.rmtree(folder, ignore_errors=True)
    sealed = shutil.ignore_patterns("archive", "*.lock")
    shutil.copytree(settings.store, folder, ignore=sealed, symlinks=True)
    keys = load_keys(settings)
    (folder / "unsealed").mkdir()
    for path in settings.archive_dir.glob("??/*"):
        with open_sealed(path, keys.archive) as stream:
            (folder / "unsealed" / path.name).write_bytes(stream.read())
    shutil.copytree(settings.archive_dir / "receipts", folder / "receipts")
    with vault_connection(settings) as connection:
        for path in settings.vault_dir.rglob("*.parquet"):
            target = folder / "vault" / path.relative_to(settings.vault_dir)
            target.unlink()
            connection.execute(f"copy (from {vault_file(path)}) to '{target}' (format parquet)")
    (folder / "vault" / "forgotten.key").unlink(missing_ok=True)
    return folder


def names_found(settings: Settings, folder: Path, names: list[str]) -> set[str]:
    """Which of some identifiers the store still holds anywhere."""
    copy = clear_copy(settings, folder)
    found = {one.sentinel for one in scan(copy, names)}
    shutil.rmtree(copy)
    return found


def waiting_list(**changed: str) -> Delivery:
    """Two requests of Ada and one of Emmy, each with a contact; one of Ada's has her patient number alone."""
    who = {"surname": "Zzlovelace", "forename": "Adaxia", "date_of_birth": "2014-08-31", "upn": UPN}
    numberless = {
        "service_request_id": "SRV-0003",
        "service_line": "PHYSIO",
        "team_type_code": "26",
        "surname": "Zzlov",
    }
    rows = [bridget(**who), emmy(), bridget(**who | numberless, nhs_number="", nhs_number_status="03") | {"upn": ""}]
    contacts = [contact(), contact(service_request_id="SRV-0001", care_contact_id="CC-0002")]
    return delivery(rows, contacts, **changed)


def landing_in(settings: Settings, first: datetime = NOON) -> Land:
    """Land what is in the inbox of a return, each time an hour later."""
    prepare_store(settings)
    catalogue = load_catalogue(settings.rules_dir)
    clock = iter(first + timedelta(hours=hour) for hour in range(100))
    return lambda return_id: land_return(settings, return_id, catalogue, now=next(clock))


@pytest.fixture
def land(settings: Settings) -> Land:
    """Land what is in the inbox of a return, each time an hour later."""
    return landing_in(settings)


def settings_below(folder: Path) -> Settings:
    """Settings of a store in a folder, with the key beside it."""
    return Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "configuration" / "secret.key")


@pytest.fixture(scope="session")
def held_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that three returns tell of one child, one of them in a version that counts no more; linked. Read it, or copy it."""

    def make(folder: Path) -> None:
        settings = settings_below(folder)
        drop_sen2(settings.inbox_dir / "sen2", "xml")
        # Her request has a date that cannot be read, and is set aside.
        wrong = ada()
        wrong.within[0].fields["ReceivedDate"] = "soon"
        corrected = xml_text(header(2025, serial="2", **SEN2), [wrong, alan(), grace()])
        (settings.inbox_dir / "sen2" / "corrected.xml").write_text(corrected)
        drop_census(settings.inbox_dir / "school_census")
        drop_list(settings.inbox_dir / "therapy_waiting_list")
        land_all = landing_in(settings)
        for return_id in RETURNS:
            assert not land_all(return_id).refused
        link_children(settings)

    return made_once(tmp_path_factory, "told-of-thrice", make)


@pytest.fixture
def held(held_once: Path, tmp_path: Path) -> Settings:
    """A copy of that store."""
    shutil.copytree(held_once, tmp_path, dirs_exist_ok=True)
    return settings_below(tmp_path)


def landed(settings: Settings, returns: Iterable[str] = RETURNS) -> dict[str, list[tuple[Any, ...]]]:
    """Every landed row by return and table, without its place: in the file, among contacts, in what the sender counted."""
    left_out = "', '".join(("source_row", "appointment_key", "referral_row_count", "appointment_row_count"))
    found = {}
    for return_id in returns:
        for table in load_spec(return_id).tables:
            found[f"{return_id}.{table}"] = duckdb.sql(
                f"select columns(c -> c not in ('{left_out}')) from"
                f" read_parquet('{settings.landed_dir}/{return_id}/*/{table}.parquet') order by all"
            ).fetchall()
    return found


def counts(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    """The rows of every submission by table, as the records of landings say."""
    return sorted(
        (one.submission_id, asdict(one)["tables"])
        for return_id in RETURNS
        for one in read_submissions(settings, return_id)
    )


def drop_sen2(folder: Path, shape: str, year: int = 2025) -> None:
    """The EHC plans return of Ada, Alan and Grace in a shape."""
    head, persons = header(year, **SEN2), [ada(), alan(), grace()]
    folder.mkdir(parents=True, exist_ok=True)
    if shape == "xml":
        (folder / f"sen2_{year}.xml").write_text(xml_text(head, persons))
    elif shape == "collect":
        write_collect_export(folder, head, persons)
    else:
        write_workbook(folder / f"sen2_{year}.xlsx", head, persons, stacked=shape == "stacked")


def drop_census(folder: Path, shape: str = "xml", **changed: str) -> Census:
    """A school's census of four pupils."""
    folder.mkdir(parents=True, exist_ok=True)
    one = census(pupils(), **CENSUS | changed)
    if shape == "xml":
        write_census_xml(folder, one)
    else:
        write_collect(folder, [one])
    return one


def drop_list(folder: Path, **changed: str) -> None:
    """A trust's waiting list as three files."""
    folder.mkdir(parents=True, exist_ok=True)
    write_set(folder, waiting_list(**changed))
