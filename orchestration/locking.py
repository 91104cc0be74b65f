"""One writer at a time, or several that share, by a lock the operating system releases when its holder dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.errors import CornerstoneError

POLL_SECONDS = 0.2


@contextmanager
def exclusive_lock(path: Path, *, wait_seconds: float, holder: str) -> Iterator[None]:
    """Hold an exclusive `flock` on `path` while the body runs.

    Args:
        path: the lock file; made if absent and never deleted (deleting it would let two holders in).
        wait_seconds: how long to wait for another holder.
        holder: who asks, written into the file so that the one who waits can be told.

    Raises:
        CornerstoneError: another process still holds it after `wait_seconds`.
    """
    with _lock(path, fcntl.LOCK_EX, wait_seconds, holder):
        yield


@contextmanager
def shared_lock(path: Path, *, wait_seconds: float, holder: str) -> Iterator[None]:
    """Hold `path` as `exclusive_lock` does, beside others that share it; never beside one that holds it alone.

    Raises:
        CornerstoneError: another process still holds it alone after `wait_seconds`.
    """
    with _lock(path, fcntl.LOCK_SH, wait_seconds, holder):
        yield


@contextmanager
def _lock(path: Path, kind: int, wait_seconds: float, holder: str) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    other = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another process"
                    raise CornerstoneError(
                        f"{path.name} is held by {other}; waited {wait_seconds:.0f} s. Let it finish, then run again."
                    ) from None
                time.sleep(POLL_SECONDS)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{holder} (process {os.getpid()})".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)  # whoever holds it next may be a program that writes no name
    finally:
        os.close(descriptor)
