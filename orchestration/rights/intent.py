"""What was begun and has to be finished: an erasure, a deletion, a renewal of the key that was killed half-way."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.durable import write_private
from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock
from orchestration.settings import Settings

LOCK_WAIT_SECONDS = 1800.0


def intent_path(settings: Settings) -> Path:
    """Where it is written down; it names no child."""
    return settings.store / "unfinished.json"


def read_intent(settings: Settings) -> dict[str, Any] | None:
    """What was begun and is not finished; None where nothing is."""
    path = intent_path(settings)
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write_intent(settings: Settings, intent: dict[str, Any]) -> None:
    """Write down what is begun."""
    write_private(intent_path(settings), json.dumps(intent).encode())


@contextmanager
def alone_with(settings: Settings, action: str, *, is_resumed: bool = False) -> Iterator[None]:
    """Hold a store so that nobody else lands, links or releases, and nothing lies in it that dead processes left.

    Raises:
        CornerstoneError: somebody else does; or something else was begun and has to be finished first.
    """
    from orchestration.leftovers import clear_leftovers
    from orchestration.store_lock import store_lock

    os.umask(0o077)  # whatever this process writes from now on is its owner's alone, as in `prepare_store`
    holder = f"cornerstone {action}"
    with (
        store_lock(settings, holder),
        exclusive_lock(settings.store / "landing.lock", wait_seconds=LOCK_WAIT_SECONDS, holder=holder),
    ):
        intent = read_intent(settings)
        if not (is_resumed and intent is not None and intent["action"] == action):
            require_finished(settings)
        clear_leftovers(settings)
        yield


def leave_no_marts(settings: Settings, *, by: str, why: str, now: datetime) -> int:
    """Delete what was made of landed rows and still holds them: the working database and the marts of releases.

    Returns: of how many releases.
    """
    from orchestration.release.lifecycle import remove_restricted
    from orchestration.warehouse import warehouse_lock

    with warehouse_lock(settings.warehouse_path, "an erasure"):
        for path in (settings.warehouse_path, settings.warehouse_path.with_name(settings.warehouse_path.name + ".wal")):
            path.unlink(missing_ok=True)
    (settings.store / "last_run.json").unlink(missing_ok=True)
    return remove_restricted(settings, by=by, why=why, now=now)


def require_finished(settings: Settings) -> None:
    """Let nothing land between the halves of an erasure.

    Raises:
        CornerstoneError: one was interrupted.
    """
    intent = read_intent(settings)
    if intent is not None:
        raise CornerstoneError(
            f"`cornerstone {intent['action']}` was interrupted; run `cornerstone {intent['action']} --resume` to finish it first."
        )
