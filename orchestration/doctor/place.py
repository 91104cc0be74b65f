"""The store as a place: rights, disk, key, and what runs that died left lying about."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from orchestration.doctor.finding import Finding
from orchestration.errors import CornerstoneError
from orchestration.leftovers import half_written
from orchestration.privacy.keys import Keys, load_keys
from orchestration.rebuild import BESIDE, READY
from orchestration.returns.land import orphans_in_vault
from orchestration.returns.spec import return_ids
from orchestration.settings import Settings
from orchestration.store_lock import copies_left

FAMILY = "store"
FULL_BYTES = 64 * 1024**2
LOW_BYTES = 2 * 1024**3
NEXT_RUN = "The next `cornerstone run` clears it away."


def check_place(settings: Settings) -> Iterator[Finding]:
    """Rights of folders, room on the disk, leftovers."""
    yield from _rights(settings)
    yield from _room(settings)
    yield from _leftovers(settings)


def existing_keys(settings: Settings) -> tuple[Keys | None, list[Finding]]:
    """The keys of a store, which are never made here, and what is wrong with them."""
    if not (settings.key_id_path.is_file() or any(settings.archive_dir.glob("??/*"))):
        return None, []  # nothing was ever sealed
    place = "CORNERSTONE_SECRET_KEY" if settings.secret_key is not None else str(settings.key_file)
    try:
        return load_keys(settings), []
    except CornerstoneError as error:
        return None, [Finding("key", "broken", str(error), place, "Put back the key this store was made with.")]


def _rights(settings: Settings) -> Iterator[Finding]:
    private = (
        settings.archive_dir, settings.vault_dir, settings.landed_dir, settings.quality_dir, settings.dagster_home,
        *(settings.inbox_dir / return_id for return_id in return_ids()),
    )  # fmt: skip
    for folder in private:
        if folder.is_dir() and folder.stat().st_mode & 0o077:
            yield Finding(
                FAMILY, "broken", "Others than its owner can enter a folder that is its owner's alone.", str(folder),
                f"chmod 700 {folder}, and ask who has looked into it.",
            )  # fmt: skip
    # Within a private folder a wider mode gives nobody anything, until the folder is copied somewhere else.
    for folder in (settings.archive_dir, settings.vault_dir):
        wide = [path for path in _files(folder) if path.stat().st_mode & 0o077]
        if wide:
            yield Finding(
                FAMILY, "attention", f"{len(wide)} file(s) can be read by others once they are copied elsewhere.",
                str(wide[0]), f"chmod -R go= {folder}",
            )  # fmt: skip
    unusable = [path for path in (settings.store, *private) if path.exists() and not os.access(path, os.W_OK | os.X_OK)]
    if unusable:
        yield Finding(
            FAMILY, "broken", "The user that runs Cornerstone cannot write here.", str(unusable[0]),
            "Give the folder back to that user (chown, chmod u+w), or mount its disk for writing.",
        )  # fmt: skip
    if settings.store.stat().st_mode & 0o777 != 0o711:
        yield Finding(
            FAMILY, "attention", "Readers of a release cannot pass through the store, or can list it.",
            str(settings.store), f"chmod 711 {settings.store}",
        )  # fmt: skip


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _room(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(settings.store).free
    warehouse = settings.warehouse_path.stat().st_size if settings.warehouse_path.is_file() else 0
    if free < max(LOW_BYTES, 3 * warehouse):
        yield Finding(
            FAMILY, "broken" if free < FULL_BYTES else "attention",
            f"{free / 1024**2:,.0f} MB are free; a run writes a release beside the old one, and dbt spills.",
            str(settings.store), "Free some space, or move the store to another disk (CORNERSTONE_STORE).",
        )  # fmt: skip


def _leftovers(settings: Settings) -> Iterator[Finding]:
    left = [*half_written(settings), *settings.vault_dir.glob("*spill/*")]
    if left:
        yield Finding(
            FAMILY, "attention", f"{len(left)} half-written file(s) of a run that died.", str(left[0]), NEXT_RUN
        )
    if copies := copies_left(settings):
        yield Finding(
            FAMILY, "attention", f"{len(copies)} copy or copies of rows about children that a process left behind.", str(copies[0]),
            f"{NEXT_RUN[:-1]}, unless `cornerstone known-at` or another run still uses it.",
        )  # fmt: skip
    orphans = [path for return_id in return_ids() for path in orphans_in_vault(settings, return_id)]
    if orphans:
        yield Finding(
            "vault", "attention", f"{len(orphans)} folder(s) of a landing that was never committed.", str(orphans[0]), NEXT_RUN
        )  # fmt: skip
    beside = settings.store / BESIDE
    if beside.is_dir():
        done = (beside / READY).is_file()
        yield Finding(
            FAMILY, "attention", f"A rebuild was interrupted {'while it was put in place' if done else 'before it was complete'}.",
            str(beside), "Run `cornerstone rebuild` again." + (" `cornerstone run` finishes it too." if done else ""),
        )  # fmt: skip
