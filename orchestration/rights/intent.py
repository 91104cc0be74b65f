"""What was begun and has to be finished: an erasure, a deletion, a renewal of the key that was killed half-way."""

import json
from pathlib import Path
from typing import Any

from orchestration.errors import CornerstoneError
from orchestration.settings import Settings


def intent_path(settings: Settings) -> Path:
    """Where it is written down; it names no child."""
    return settings.vault_dir / "unfinished.json"


def read_intent(settings: Settings) -> dict[str, Any] | None:
    """What was begun and is not finished; None where nothing is."""
    path = intent_path(settings)
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


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
