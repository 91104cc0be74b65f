"""One writer at a time."""

import fcntl
import multiprocessing
import os
import signal
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock


def _hold(path: Path, held: Event) -> None:
    with exclusive_lock(path, wait_seconds=5, holder="the first run"):
        held.set()
        time.sleep(60)


@pytest.fixture
def holder(tmp_path: Path) -> multiprocessing.Process:
    held = multiprocessing.get_context("spawn").Event()
    process = multiprocessing.get_context("spawn").Process(target=_hold, args=(tmp_path / "a.lock", held))
    process.start()
    assert held.wait(20)
    return process  # type: ignore[return-value]


def test_a_second_holder_is_told_who_has_it(tmp_path: Path, holder: multiprocessing.Process) -> None:
    with (
        pytest.raises(CornerstoneError, match=rf"held by the first run \(process {holder.pid}\)"),
        exclusive_lock(tmp_path / "a.lock", wait_seconds=0.3, holder="the second"),
    ):
        pass
    holder.kill()


def test_a_killed_holder_gives_the_lock_back(tmp_path: Path, holder: multiprocessing.Process) -> None:
    assert holder.pid
    os.kill(holder.pid, signal.SIGKILL)
    with exclusive_lock(tmp_path / "a.lock", wait_seconds=5, holder="the second"):
        assert b"the second" in (tmp_path / "a.lock").read_bytes()


def test_a_body_that_raises_gives_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), exclusive_lock(tmp_path / "a.lock", wait_seconds=0, holder="one"):
        raise ValueError("inside")
    with exclusive_lock(tmp_path / "a.lock", wait_seconds=0, holder="two"):
        pass


def test_a_program_that_writes_no_name_is_not_taken_for_the_holder_before(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path / "a.lock", wait_seconds=0, holder="the first run"):
        pass
    with (tmp_path / "a.lock").open("r+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with (
            pytest.raises(CornerstoneError, match=r"a\.lock is held by another process"),
            exclusive_lock(tmp_path / "a.lock", wait_seconds=0, holder="the second"),
        ):
            pass
