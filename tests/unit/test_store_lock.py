"""Whoever takes the lock of a store finds nothing in it that dead processes left, and takes nothing from living ones."""

import logging
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from orchestration import run
from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock
from orchestration.rebuild import rebuild_landed
from orchestration.rights.intent import alone_with, write_intent
from orchestration.run import run_journey
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.store_lock import copies_left, store_lock
from orchestration.warehouse import prepare_store

COPIES = (".known_at_abc", "warehouse.duckdb.tmp", ".rekeyed", ".outgoing")


@pytest.fixture
def store(settings: Settings) -> Settings:
    settings = settings.model_copy(update={"alert_disk_free_gib": 0.0})
    prepare_store(settings)
    for name in COPIES:
        (settings.store / name).mkdir()
        (settings.store / name / "rows").write_text("rows about children")
    return settings


def left(settings: Settings) -> set[str]:
    assert {path.name for path in copies_left(settings)} <= set(COPIES)
    return {name for name in COPIES if (settings.store / name).exists()}


def a_run(settings: Settings) -> None:
    run_journey(settings)


def a_rebuild(settings: Settings) -> None:
    with pytest.raises(CornerstoneError, match="nothing to rebuild from"):
        rebuild_landed(settings, datetime.now(UTC))


def an_erasure(settings: Settings) -> None:
    with alone_with(settings, "forget"):
        pass


@pytest.mark.parametrize("writer", [a_run, a_rebuild, an_erasure])
def test_whoever_writes_to_a_store_clears_what_the_dead_left(
    store: Settings, monkeypatch: pytest.MonkeyPatch, writer: Callable[[Settings], None]
) -> None:
    outcome = run.RunOutcome("nothing_new", "Nothing new.", None)
    monkeypatch.setattr(run, "_is_fresh", lambda _: False)
    monkeypatch.setattr(run, "_whatever_is_new", lambda _: outcome)
    assert left(store) == set(COPIES)
    writer(store)
    assert left(store) == set()


@pytest.mark.parametrize(
    ("lock", "kept"),
    [
        ("known_at.lock", {".known_at_abc"}),
        ("warehouse.lock", {"warehouse.duckdb.tmp"}),
        ("landing.lock", {".rekeyed", ".outgoing"}),
    ],
)
def test_what_a_living_process_uses_stays_and_stops_nobody(store: Settings, lock: str, kept: set[str]) -> None:
    with exclusive_lock(store.store / lock, wait_seconds=0, holder="a test"), store_lock(store, "a run"):
        assert left(store) == kept
    with store_lock(store, "a run"):
        assert left(store) == set()


def test_what_a_renewal_of_the_key_is_swapping_in_stays(store: Settings) -> None:
    write_intent(store, {"action": "rotate-key"})
    assert {path.name for path in copies_left(store)} == {".known_at_abc", "warehouse.duckdb.tmp"}
    with store_lock(store, "a run"):
        assert left(store) == {".rekeyed", ".outgoing"}


def test_a_look_back_that_is_killed_leaves_a_copy_that_the_next_run_clears(settings: Settings) -> None:
    prepare_store(settings)
    settings.warehouse_path.write_bytes(b"rows about children")
    code = f"""
import os, signal
from datetime import date
from pathlib import Path
import orchestration.known_at as known_at
from orchestration.settings import load_settings
known_at._submissions = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
known_at.write_known_at(load_settings(), date(2025, 1, 1), Path({str(settings.store.parent / "then.duckdb")!r}))
"""
    places = {"CORNERSTONE_STORE": str(settings.store), "CORNERSTONE_RAW": str(settings.raw)}
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, env=places, check=False)
    assert done.returncode == -signal.SIGKILL
    [copy] = copies_left(settings)
    assert (copy / "warehouse.duckdb").read_bytes() == b"rows about children"
    with store_lock(settings, "a run"):
        assert copies_left(settings) == []


def test_a_copy_that_cannot_be_removed_is_told_of_and_the_run_goes_on(
    store: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with caplog.at_level(logging.INFO, "cornerstone"), store_lock(store, "a run"):
        assert left(store) == set(COPIES)
    assert caplog.text.count("cannot be removed: give the folder back, or delete it") == len(COPIES)
