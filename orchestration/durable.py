"""Writing that survives a kill at any instant: complete under another name first, then one rename; or one line more."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from orchestration.errors import CornerstoneError

Entry = TypeVar("Entry")


def sync_dir(path: Path) -> None:
    """Make a rename inside `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Flush every file and folder below `folder` to disk, before it gets its name."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_dir(path)
        else:
            _sync_file(path)
    sync_dir(folder)


def replace_durably(partial: Path, path: Path) -> None:
    """Give a file that is written whole its name: `path` either is as it was or is all of `partial`."""
    _sync_file(partial)
    partial.replace(path)
    sync_dir(path.parent)


def _sync_file(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def write_json_durably(path: Path, content: dict[str, Any]) -> None:
    """Write JSON so that `path` either does not exist or is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2, sort_keys=True)
        stream.write("\n")
    replace_durably(partial, path)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone can read, so that `path` either is as it was or holds all of `content`."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        replace_durably(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def append_to_journal(path: Path, *entries: dict[str, Any], mode: int) -> None:
    """Append a line of JSON an entry to a journal that is only ever added to, and flush it to disk."""
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "ab") as stream:
        stream.write(lines.encode())
        stream.flush()
        os.fsync(descriptor)
    sync_dir(path.parent)


def read_journal_entries(path: Path, entry: Callable[..., Entry]) -> list[Entry]:
    """Every line of such a journal as `entry` takes it, the oldest first; none where there is no journal yet.

    Raises:
        CornerstoneError: a line is none that Cornerstone wrote.
    """
    if not path.is_file():
        return []
    entries = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entries.append(entry(**json.loads(line)))
        except (json.JSONDecodeError, TypeError) as error:
            raise CornerstoneError(
                f"Line {number} of {path} is damaged or was altered; keep the file and restore it from a backup."
            ) from error
    return entries
