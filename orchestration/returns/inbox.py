"""The inbox: which files are deliveries, whether they are whole yet, and taking them away once they are archived."""

import logging
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestration.settings import Settings

log = logging.getLogger("cornerstone.landing")

# A file changed more recently than this may still be being copied.
SETTLE_SECONDS = 2.0


@dataclass(frozen=True)
class FileState:
    """What tells one state of a file from another without reading it."""

    inode: int
    size: int
    changed_ns: int


def state_of(path: Path) -> FileState | None:
    """The state of a file, or None when it is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return FileState(found.st_ino, found.st_size, found.st_mtime_ns)


def inbox_dir(settings: Settings, return_id: str) -> Path:
    """Where the files of a return are dropped."""
    return settings.inbox_dir / return_id


def inboxes(settings: Settings, return_id: str) -> list[Path]:
    """Where files of a return wait to be taken in: what people dropped, and what was invented for this store."""
    return [inbox_dir(settings, return_id), settings.synthetic_dir / return_id]


def inbox_files(settings: Settings, return_id: str) -> list[Path]:
    """Deliveries that wait for a return; hidden files and READMEs are none."""
    return [path for inbox in inboxes(settings, return_id) for path in files_in(inbox)]


def files_in(inbox: Path) -> list[Path]:
    """Deliveries that wait in one of the places; hidden files and READMEs are none."""
    return [path for path in _entries(inbox) if path.is_file() and not path.is_symlink()]


def bundled_files(settings: Settings, return_id: str) -> list[Path]:
    """Files that ship with Cornerstone for a return."""
    return [path for path in _entries(settings.seed_dir / return_id) if path.is_file()]


def stray_entries(settings: Settings, return_id: str) -> list[Path]:
    """What lies in the inbox and is no file: links, pipes and the like. A link could lead anywhere and is not followed."""
    return [
        path
        for path in _entries(inbox_dir(settings, return_id))
        if path.is_symlink() or not (path.is_file() or path.is_dir())
    ]


def _entries(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts) and path.name != "README.md"
    )


def wait_until_settled(paths: Iterable[Path]) -> None:
    """Wait, once and briefly, until no file was changed within the last seconds."""
    states = [state for path in paths if (state := state_of(path))]
    youngest = max((state.changed_ns for state in states), default=0) / 1e9
    if (remaining := youngest + SETTLE_SECONDS - time.time()) > 0:
        time.sleep(min(remaining, SETTLE_SECONDS))


def take_away(path: Path, inbox: Path) -> None:
    """Remove a file from the inbox, and folders below the inbox that are empty then."""
    path.unlink()
    for folder in path.parents:
        if folder == inbox or not folder.is_relative_to(inbox) or any(folder.iterdir()):
            return
        folder.rmdir()


def delivered_name(path: Path, inbox: Path) -> str:
    """The name a file was delivered under: its path below the inbox. A name is bytes; what is no text in it is escaped."""
    return os.fspath(path.relative_to(inbox)).encode("utf-8", "backslashreplace").decode("utf-8")
