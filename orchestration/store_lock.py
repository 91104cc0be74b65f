"""The lock of a store, and the copies that dead processes left in it: whoever takes the lock to write clears them away."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock
from orchestration.rights.intent import read_intent
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.store")

LOCK = "run.lock"
_WAIT_SECONDS = 2
_RENEWAL = (".rekeyed", ".outgoing")
# Copies of rows about children beside the store's own parts, by the lock that whoever uses them holds: of a look back, what
# DuckDB put on disk for want of memory, of a renewal of the key.
_COPIES = {
    "known_at.lock": (".known_at_*",),
    "warehouse.lock": ("*.duckdb.tmp",),
    "landing.lock": _RENEWAL,
}


@contextmanager
def store_lock(settings: Settings, holder: str) -> Iterator[None]:
    """Hold a store to write to it, beside which no other run, rebuild, review or erasure goes on.

    Raises:
        CornerstoneError: another process holds it.
    """
    with exclusive_lock(settings.store / LOCK, wait_seconds=_WAIT_SECONDS, holder=holder):
        clear_copies(settings)
        yield


def copies_left(settings: Settings) -> list[Path]:
    """Copies beside the store's own parts, which no run looks at; while nobody uses them, a process that died left them."""
    return [path for patterns in _COPIES.values() for path in _copies(settings, patterns)]


def clear_copies(settings: Settings) -> None:
    """Remove the copies that nobody uses; the caller holds none of their locks.

    A dbt process of a run that was killed can live on and miss what it put on disk: it ends with an error that nobody waits for.
    """
    for lock, patterns in _COPIES.items():
        if not _copies(settings, patterns):
            continue
        try:
            with exclusive_lock(settings.store / lock, wait_seconds=0, holder="clearing up"):
                for path in _copies(settings, patterns):
                    _remove(path)
        except CornerstoneError:
            continue  # somebody uses them


def _copies(settings: Settings, patterns: tuple[str, ...]) -> list[Path]:
    if patterns == _RENEWAL and read_intent(settings) is not None:
        return []  # they are being swapped in
    return [path for pattern in patterns for path in sorted(settings.store.glob(pattern)) if path.is_dir()]


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        log.warning(
            "%s was left by a process that died and cannot be removed: give the folder back, or delete it", folder
        )
    else:
        log.info("removed %s, which a process that died had left", folder.name)
