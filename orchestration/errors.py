"""The one base for errors that a person reads."""

import errno

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FULL_TEXTS = ("no space left on device", "disk quota exceeded", "database or disk is full")
_LOCKED_TEXTS = ("could not set lock on file", "conflicting lock is held")
_STANDS = "what was committed before stands, nothing was displaced."
_NOT_ALLOWED = {errno.EACCES, errno.EPERM}
NOT_WRITABLE = _NOT_ALLOWED | {errno.EROFS}
DISK_FULL = "The disk is full. Free some space and run again; " + _STANDS
MEMORY_LIMIT = "DuckDB needs more memory than CORNERSTONE_MEMORY_LIMIT_GIB allows. Raise it and run again; " + _STANDS
SPILL_LIMIT = (
    "DuckDB needs more disk for its work than CORNERSTONE_SPILL_LIMIT_GIB allows. Raise it, or CORNERSTONE_MEMORY_LIMIT_GIB,"
    " and run again; " + _STANDS
)


class CornerstoneError(Exception):
    """A fault to be shown as one clear sentence: what is wrong, where, and what to do.

    `exit_code` is what the `cornerstone` command ends with: 1 when the data has errors, 2 when the file or the
    set-up cannot be used.
    """

    exit_code = 2

    def __init__(self, message: str, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        if exit_code is not None:
            self.exit_code = exit_code


class Busy(CornerstoneError):
    """What is needed is in use by another program; after a while it may be free."""


def says_disk_full(text: str) -> bool:
    """Whether a message of the system, DuckDB, SQLite or dbt says that the disk is full."""
    return any(said in text.lower() for said in _FULL_TEXTS)


def room_wanted(text: str) -> str | None:
    """What to tell of a message of DuckDB or dbt that wants more disk or memory than there is, or than it may take."""
    if says_disk_full(text):
        return DISK_FULL
    if "out of memory" not in text.lower():
        return None
    return SPILL_LIMIT if "max_temp_directory_size" in text else MEMORY_LIMIT


def says_locked(text: str) -> bool:
    """Whether a message of DuckDB or dbt says that another program has the database open."""
    return any(said in text.lower() for said in _LOCKED_TEXTS)


def system_fault(error: OSError) -> CornerstoneError | None:
    """What a person should know of a fault of disk, rights or the like; None where it is another, which is a defect of ours."""
    place = error.filename or "a file of the store"
    if error.errno in _FULL:
        return CornerstoneError(DISK_FULL)
    if error.errno == errno.EROFS:
        return CornerstoneError(f"{place} is on a disk that can only be read; mount it for writing and run again.")
    if error.errno in _NOT_ALLOWED:
        return CornerstoneError(
            f"{place} may not be read or written by the user that runs Cornerstone; give it the right, or run as its owner."
        )
    if error.errno == errno.EIO:
        return CornerstoneError(
            f"The disk failed at {place}; check it (system log), then run again, or restore the store from a backup."
        )
    return None
