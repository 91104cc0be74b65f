"""Authorities' folders land beside each other, and come to what one landing of all of them comes to."""

import multiprocessing
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.catalogue import Catalogue, load_catalogue
from orchestration.errors import Busy, CornerstoneError
from orchestration.locking import exclusive_lock, shared_lock
from orchestration.privacy.vault import identity_dir
from orchestration.returns import land, part
from orchestration.returns.arriving import look_at_authorities
from orchestration.returns.inbox import inbox_files
from orchestration.returns.land import LandingReport, land_authority, land_return, pending_receipts
from orchestration.returns.spec import load_spec
from orchestration.returns.submission import (
    current_submissions,
    landed_rows,
    read_submissions,
    read_waiting,
)
from orchestration.settings import Settings
from orchestration.warehouse import prepare_store
from tests.invented_census import Census, census, write_census_xml, write_collect

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
RETURN = "school_census"


def of_authority(code: str, estab: str = "4001", serial: str = "1") -> Census:
    return census(estab=estab, serial=serial, LEA=code)


@pytest.fixture
def census_inbox(settings: Settings) -> Path:
    """The inbox: a set of COLLECT tables of each of two authorities, in its folder."""
    prepare_store(settings)
    inbox = settings.inbox_dir / RETURN
    for code in ("371", "373"):
        write_collect(inbox / code, [of_authority(code), of_authority(code, "4002")])
    return inbox


@pytest.fixture
def land_one(settings: Settings, catalogue: Catalogue) -> Callable[[str], LandingReport]:
    return lambda code: land_authority(settings, RETURN, catalogue, code, now=NOW)


def _land_in_a_process(settings: Settings, code: str) -> None:
    land_authority(settings, RETURN, load_catalogue(settings.rules_dir), code, now=NOW)


def counted(settings: Settings) -> dict[str, list[str]]:
    """What counts: submissions, and the rows of each table but for where they lie."""
    current = list(current_submissions(read_submissions(settings, RETURN)).values())
    found = {"submissions": sorted(f"{one.supplier} {one.period} {one.rows_landed}" for one in current)}
    for table in load_spec(RETURN).tables:
        rows = duckdb.sql(f"select * exclude (submission_id, source_file) from {landed_rows(settings, current, table)}")
        found[table] = sorted(map(str, rows.fetchall()))
    return found


def test_two_processes_land_what_one_landing_of_all_lands(
    settings: Settings, catalogue: Catalogue, census_inbox: Path, tmp_path: Path
) -> None:
    at_once = Settings(store=tmp_path / "other", raw=tmp_path / "other_raw", key_file=settings.key_file)
    prepare_store(at_once)
    shutil.copytree(settings.inbox_dir, at_once.inbox_dir, dirs_exist_ok=True)
    land_return(at_once, RETURN, catalogue, now=NOW)

    assert list(look_at_authorities(settings)) == ["371", "373"]
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_land_in_a_process, args=(settings, code)) for code in ("371", "373")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    found = counted(settings)
    assert len(found["submissions"]) == 4
    assert found == counted(at_once)
    assert len(found["census_pupil"]) == 12
    assert not inbox_files(settings, RETURN)
    assert not look_at_authorities(settings)
    # The landing of all finds nothing left to do, and nothing of theirs to clear away.
    report = land_return(settings, RETURN, catalogue, now=NOW + timedelta(hours=1))
    assert (report.committed, report.repeats, len(report.current)) == ([], [], 4)
    assert not list(settings.quality_dir.glob("*.partial"))
    assert not list(settings.vault_dir.glob("*spill*"))


def test_one_authority_leaves_the_files_and_sets_of_others_alone(
    settings: Settings, catalogue: Catalogue, census_inbox: Path, land_one: Callable[[str], LandingReport]
) -> None:
    for code in ("371", "373"):
        next((census_inbox / code).glob("*_pupilonroll.csv")).unlink()  # neither set is complete
        land_one(code)
        assert not list(census_inbox.glob(f"{code}/*"))
    assert {name[:3] for one in read_waiting(settings, RETURN) for name in one.files} == {"371", "373"}
    write_collect(census_inbox / "373", [of_authority("373"), of_authority("373", "4002")])
    assert len(land_one("373").committed) == 2
    assert {name[:3] for one in read_waiting(settings, RETURN) for name in one.files} == {"371"}
    assert {one.file_name[:3] for one in pending_receipts(settings, RETURN)} == {"371"}


def test_what_another_landed_in_the_meantime_is_judged_beside_when_it_is_landed_again(
    settings: Settings,
    catalogue: Catalogue,
    census_inbox: Path,
    land_one: Callable[[str], LandingReport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.rmtree(census_inbox)
    for code, serial in (("371", "1"), ("373", "2")):  # the same school, by mistake in the folder of another too
        (census_inbox / code).mkdir(parents=True)
        write_census_xml(census_inbox / code, of_authority("371", serial=serial))
    write = land._write

    def write_last(*of: Any) -> tuple[Path, Any]:
        monkeypatch.setattr(land, "_write", write)
        land_one("371")
        return write(*of)

    monkeypatch.setattr(land, "_write", write_last)
    with pytest.raises(Busy, match="in the meantime: run again"):
        land_one("373")
    [first] = read_submissions(settings, RETURN)
    assert not list(settings.landed_dir.glob(".partial/*/*"))
    [left] = identity_dir(settings, RETURN, "x").parent.iterdir()
    [second] = land_one("373").committed
    assert left.name != second.landing
    assert second.supersedes == first.submission_id


def test_what_a_landing_that_died_left_does_not_stop_the_next(
    settings: Settings,
    catalogue: Catalogue,
    census_inbox: Path,
    land_one: Callable[[str], LandingReport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved = land._move_in
    monkeypatch.setattr(land, "_move_in", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        land_one("371")
    assert list(settings.landed_dir.glob(".partial/*/*"))
    monkeypatch.setattr(land, "_move_in", moved)
    assert len(land_one("371").committed) == 2
    assert not list(settings.landed_dir.glob(".partial/*/*"))
    (settings.vault_dir / f"landing_{RETURN}-373_spill").mkdir()
    (settings.quality_dir / f"validations.landing-{RETURN}-373.partial").mkdir(parents=True)
    land_return(settings, RETURN, catalogue, now=NOW + timedelta(hours=1))
    assert not list(settings.vault_dir.glob("*_spill"))
    assert not list(settings.quality_dir.glob("*.partial"))


def test_landings_of_authorities_share_the_store_and_one_of_all_has_it_alone(
    settings: Settings,
    catalogue: Catalogue,
    census_inbox: Path,
    land_one: Callable[[str], LandingReport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(part, "LOCK_WAIT_SECONDS", 0.3)
    lock = settings.store / "landing.lock"
    with shared_lock(lock, wait_seconds=0, holder="landing of another authority"):
        assert len(land_one("371").committed) == 2
        with pytest.raises(CornerstoneError, match=r"landing\.lock is held by"):
            land_return(settings, RETURN, catalogue, now=NOW)
    with ExitStack() as held:
        held.enter_context(exclusive_lock(lock, wait_seconds=0, holder="an erasure"))
        with pytest.raises(CornerstoneError, match="an erasure"):
            land_one("373")
    assert [one.supplier for one in read_submissions(settings, RETURN)] == ["school.3714001", "school.3714002"]


def test_a_return_that_no_authority_sends_apart_is_refused(settings: Settings, catalogue: Catalogue) -> None:
    prepare_store(settings)
    with pytest.raises(CornerstoneError, match="cannot be landed by authority"):
        land_authority(settings, "sen2", catalogue, "371", now=NOW)


def test_a_folder_that_is_no_authoritys_code_is_no_authority(settings: Settings, census_inbox: Path) -> None:
    shutil.rmtree(census_inbox)
    for folder in ("spring 2025", "3730"):
        write_collect(census_inbox / folder, [of_authority("371")])
    write_census_xml(census_inbox, of_authority("371"))
    assert look_at_authorities(settings) == {}
