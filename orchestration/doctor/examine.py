"""All checks of a store, one after the other."""

import fcntl
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from orchestration.doctor.finding import Examined, Finding
from orchestration.doctor.made import check_releases, check_working
from orchestration.doctor.place import check_place, existing_keys
from orchestration.doctor.received import check_archive, check_landed, check_links
from orchestration.settings import Settings
from orchestration.store_lock import LOCK

log = logging.getLogger("cornerstone.doctor")


def examine(settings: Settings) -> Examined:
    """Look at every part of a store, changing nothing. Without the key all is looked at but what is sealed."""
    if not (settings.archive_dir.is_dir() and settings.landed_dir.is_dir()):
        what = (
            "There is no store here."
            if not settings.store.is_dir()
            else "This is no store of Cornerstone's, or half of one."
        )
        action = "`cornerstone run` makes one; for another place set CORNERSTONE_STORE. If there was one, restore it from a backup."
        return Examined(str(settings.store), [], [], [Finding("store", "broken", what, str(settings.store), action)])
    is_running = _is_held(settings.store / LOCK)
    keys, findings = existing_keys(settings)
    not_examined = [] if keys else ["What is sealed (archive, vault) was only looked for, not opened: there is no key."]
    if is_running:
        not_examined.append(
            "A run is going on: what is said of half-written files may be its own. Look again when it ends."
        )
    checks: dict[str, Callable[[], Iterable[Finding]]] = {
        "rights, disk and leftovers": lambda: check_place(settings),
        "archive and receipts": lambda: check_archive(settings, keys),
        "landed rows and vault": lambda: check_landed(settings, keys),
        "links of children and journals": lambda: check_links(settings),
        "working database and Dagster": lambda: check_working(settings, is_running=is_running),
        "releases and ledger": lambda: check_releases(settings),
    }
    for name, check in checks.items():
        log.info("looking at %s", name)
        try:
            findings += check()
        except OSError as error:
            findings.append(
                Finding(
                    "store", "broken", f"{name.capitalize()} could not be looked at: {error.strerror}.", str(error.filename),
                    "Run the doctor as the user that runs Cornerstone; if it is that user, check rights and disk.",
                )
            )  # fmt: skip
    return Examined(str(settings.store), list(checks), not_examined, findings)


def _is_held(path: Path) -> bool:
    """Whether a process holds a lock; the lock is not taken from it, and nothing is written."""
    if not path.is_file():
        return False
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
