"""What processes that died left in a store: half-written files, and whole copies of rows about children that nothing reads."""

import shutil
from pathlib import Path

from orchestration.linkage.child_key import link_children
from orchestration.locking import exclusive_lock
from orchestration.rebuild import BESIDE, READY, finish_rebuild
from orchestration.release.folders import LEDGER, LOCK, LOCK_WAIT_SECONDS, PARTIAL
from orchestration.returns.land import orphans_in_vault
from orchestration.returns.spec import return_ids
from orchestration.settings import Settings
from orchestration.store_lock import copies_left
from orchestration.warehouse import warehouse_lock


def half_written(settings: Settings) -> list[Path]:
    """What was never finished, of archive, landing and release; each is cleared by the next of its kind."""
    return [
        *settings.archive_dir.glob(f"??/*{PARTIAL}"),
        *settings.landed_dir.glob(".partial/*/*"),
        *settings.releases_dir.glob(f"*{PARTIAL}"),
        *(settings.store / LEDGER).glob(f".*{PARTIAL}"),
    ]


def clear_leftovers(settings: Settings) -> None:
    """Put a rebuild in place that is whole, and remove all else that was left; the caller holds the locks of run and landing.

    Raises:
        CornerstoneError: a look back at a past day, a release or a run of dbt goes on.
    """
    if (settings.store / BESIDE / READY).is_file():
        finish_rebuild(settings)
        link_children(settings)  # the links stood on what was replaced
    with (
        exclusive_lock(settings.store / "known_at.lock", wait_seconds=2, holder="clearing up"),
        exclusive_lock(settings.store / LOCK, wait_seconds=LOCK_WAIT_SECONDS, holder="clearing up"),
        warehouse_lock(settings.warehouse_path, "clearing up"),
    ):
        orphans = [folder for return_id in return_ids() for folder in orphans_in_vault(settings, return_id)]
        rebuild = [beside for beside in [settings.store / BESIDE] if beside.is_dir()]
        for path in (*half_written(settings), *copies_left(settings), *orphans, *rebuild):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
