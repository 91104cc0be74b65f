"""Writing that survives a kill at any instant: complete under another name first, then one rename; or one line more."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from orchestration.errors import CornerstoneError

Entry = TypeVar("Entry")
BEFORE = "before"  # of a journal's line: the digest of the line before it


def sync_dir(path: Path) -> None:
    """Make a rename inside `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_dir_durably(path: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it, as `mkdir(parents=True, exist_ok=True)`, so that a power cut does not undo it."""
    if path.is_dir():
        return
    make_dir_durably(path.parent, mode)
    path.mkdir(mode=mode, exist_ok=True)
    sync_dir(path.parent)


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
    make_dir_durably(path.parent)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2, sort_keys=True)
        stream.write("\n")
    replace_durably(partial, path)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone can read, so that `path` either is as it was or holds all of `content`."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)  # of a process that died and had the same number
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        replace_durably(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def append_to_journal(path: Path, *entries: dict[str, Any], mode: int) -> None:
    """Append a line of JSON an entry to a journal that is only ever added to, and flush it to disk: all lines or none.

    Each line holds the digest of the line before it, and a file beside the journal that of the last, so that one altered, moved,
    taken out or cut off afterwards is noticed.

    Raises:
        CornerstoneError: the lines could not be written whole; the journal is as it was.
    """
    _append(path, entries, mode, has_head=True)


def _append(path: Path, entries: Iterable[dict[str, Any]], mode: int, *, has_head: bool) -> str:
    """Returns: the digest of the last line."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        held = stream.readall()
        # Behind the last line end stands what a writer that was killed did not finish: nobody was told that it is written.
        whole = held[: held.rfind(b"\n") + 1]
        before = _digest(whole.splitlines()[-1]) if whole else ""
        lines = b""
        for entry in entries:
            line = json.dumps(entry | {BEFORE: before}).encode()
            before = _digest(line)
            lines += line + b"\n"
        try:
            os.ftruncate(descriptor, len(whole))
            while lines:
                lines = lines[os.write(descriptor, lines) :]
            os.fsync(descriptor)
            if has_head:
                _write_heads(path, [before], mode)
        except OSError as error:
            os.ftruncate(descriptor, len(whole))
            raise CornerstoneError(
                f"{path} cannot be added to ({error.strerror}); nothing was recorded. Make room on the disk and try again."
            ) from error
    sync_dir(path.parent)
    return before


def head_path(journal: Path) -> Path:
    """Where the digest of a journal's last line is kept."""
    return journal.with_name(f".{journal.name}.head")


def _write_heads(journal: Path, digests: Iterable[str], mode: int) -> None:
    """Write down which line is the last; of several digests, while a journal is written anew, that of the one there is."""
    path = head_path(journal)
    write_private(path, "".join(f"{digest}\n" for digest in digests).encode())
    path.chmod(mode)


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def read_journal_entries(path: Path, entry: Callable[..., Entry]) -> list[Entry]:
    """Every line of such a journal as `entry` takes it, the oldest first; none where there is no journal yet.

    A last line without its end is what a writer that died left: it never counted. Lines may follow the one that was written down as
    the last, of a writer that was killed before it wrote down its own.

    Raises:
        CornerstoneError: a line is none that Cornerstone wrote, does not follow the one before it, or the last is gone or another.
    """
    # First, or a line added meanwhile would be taken for one that is gone.
    heads = set(head_path(path).read_text(encoding="ascii").splitlines()) if head_path(path).is_file() else set()
    content = path.read_bytes() if path.is_file() else b""
    entries = []
    is_chained, digest = False, ""
    found = {digest}
    for number, line in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), 1):
        try:
            fields = json.loads(line)
            before = fields.pop(BEFORE, None)  # the first lines of an old journal have none
            if before != digest and (before is not None or is_chained):
                raise TypeError
            entries.append(entry(**fields))
        except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError) as error:
            raise CornerstoneError(
                f"Line {number} of {path} is damaged or was altered, or the line before it was; keep the file and restore it"
                " from a backup."
            ) from error
        is_chained, digest = before is not None, _digest(line)
        found.add(digest)
    if heads and not heads & found:
        raise CornerstoneError(
            f"The last line of {path} is not the one that was written last: it was altered, or lines were cut off; keep the file and"
            " restore it from a backup."
        )
    return entries


def journal_head(path: Path) -> str:
    """The digest of a journal's last line: whoever notes it elsewhere can tell later that nobody wrote the journal anew."""
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return _digest(lines[-1]) if lines else ""


def rewrite_journal(path: Path, entries: Iterable[dict[str, Any]], mode: int) -> None:
    """Write a journal anew with these entries, chained among themselves: for what has to leave it by law.

    The journal either is as it was or holds exactly these.
    """
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    before, after = journal_head(path), _append(partial, entries, mode, has_head=False)
    _write_heads(path, [before, after], mode)
    replace_durably(partial, path)
    _write_heads(path, [after], mode)


def copy_journal(path: Path, folder: Path) -> None:
    """Copy a journal, if there is one, with what is kept beside it."""
    for part in (path, head_path(path)):
        if part.is_file():
            shutil.copy2(part, folder / part.name)
