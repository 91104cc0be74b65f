"""Who is forgotten is in nothing that dead processes left, and what they left does not come back."""

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestration import rebuild
from orchestration.errors import CornerstoneError
from orchestration.leftovers import clear_leftovers
from orchestration.locking import exclusive_lock
from orchestration.privacy.keys import read_key_file
from orchestration.rights import forget as erasure
from orchestration.rights import rotate
from orchestration.rights.asked import parse_asked
from orchestration.settings import Settings
from tests.unit.rights.conftest import UPN, landed, names_found

LATER = datetime(2026, 4, 1, 9, tzinfo=UTC)
WHO = {"by": "A. Lead", "reason": "request 12 of 2026", "now": LATER}
BY_UPN = replace(parse_asked(f"upn: {UPN}"), as_one=True)
ADA = ["Zzlovelace", "Adaxia", "Mariella", UPN]


class Killed(BaseException):
    pass


def killed(*_: object, **__: object) -> None:
    raise Killed


def test_a_rebuild_that_was_killed_brings_nobody_back(held: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    finish, calls = rebuild.finish_rebuild, iter(range(1))
    with monkeypatch.context() as patch:
        patch.setattr(rebuild, "finish_rebuild", lambda one: finish(one) if next(calls, None) is not None else killed())
        with pytest.raises(Killed):
            rebuild.rebuild_landed(held, LATER)
    assert (held.store / rebuild.BESIDE / rebuild.READY).is_file()
    erasure.forget(held, BY_UPN, **WHO)
    rebuild.finish_rebuild(held)
    assert not (held.store / rebuild.BESIDE).exists()
    assert names_found(held, held.store.parent / "copy", [*ADA, "Zzturing"]) == {"Zzturing"}
    assert landed(held)["sen2.sen2_person"]


def test_half_a_rebuild_half_a_new_key_and_what_died_are_gone(held: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(rotate, "_carry_truth", killed)
        with pytest.raises(Killed):
            rotate.rotate_key(held, **WHO)
        assert (held.store / ".rekeyed" / "vault").is_dir()
        patch.setattr(rebuild, "_compared", killed)
        with pytest.raises(Killed):
            rebuild.rebuild_landed(held, LATER)
    assert read_key_file(held.key_file.with_name("secret.key.new"))
    source = next((held.vault_dir / "identity" / "sen2").iterdir())
    shutil.copytree(source, source.with_name("20260302T000000-deadbeef"))
    parts = (
        ".rekeyed/vault/x.parquet", "warehouse.duckdb.tmp/x.tmp", ".known_at_abc/warehouse.duckdb",
        "landed/.partial/sen2/x/sen2_person.parquet",
        "releases/20260101T000000Z-x.partial/restricted/send_marts.duckdb",
    )  # fmt: skip
    for part in parts:
        (held.store / part).parent.mkdir(parents=True)
        (held.store / part).write_text("Zzlovelace")
    erasure.forget(held, BY_UPN, **WHO)
    assert not (held.store / ".rekeyed").exists()
    assert not (held.store / rebuild.BESIDE).exists()
    assert names_found(held, held.store.parent / "copy", [*ADA, "Zzturing"]) == {"Zzturing"}


def test_what_is_written_is_its_owners_alone(held: Settings) -> None:
    before = os.umask(0o022)
    try:
        erasure.forget(held, BY_UPN, **WHO)
    finally:
        os.umask(before)
    parts = (held.landed_dir, held.vault_dir, held.archive_dir, held.linkage_dir)
    assert [path for part in parts for path in part.rglob("*") if path.is_file() and path.stat().st_mode & 0o077] == []


def test_a_look_back_that_goes_on_keeps_its_copy(held: Settings) -> None:
    (held.store / ".known_at_abc").mkdir()
    with (
        exclusive_lock(held.store / "known_at.lock", wait_seconds=0, holder="cornerstone known-at"),
        pytest.raises(CornerstoneError, match="cornerstone known-at"),
    ):
        clear_leftovers(held)
    assert (held.store / ".known_at_abc").is_dir()


def test_nothing_is_rebuilt_between_the_halves_of_an_erasure(held: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "add_tombstones", killed)
        with pytest.raises(Killed):
            erasure.forget(held, BY_UPN, **WHO)
    with pytest.raises(CornerstoneError, match="forget --resume"):
        rebuild.rebuild_landed(held, LATER)
