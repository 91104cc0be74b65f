"""`cornerstone rebuild`: everything landed, made again from the archive alone, in the order in which it was received.

It is made beside what stands, which counts until all of it is made, and then put in its place. Killed before that, nothing has
changed and the next rebuild begins anew; killed while it is put in place, the next rebuild or run goes on with that. It lands
as any landing does, by the specifications and rules of today: what these judge otherwise comes out otherwise.

What the archive cannot give stays as it is: decisions and journals in the vault, releases, their journal and their ledger.
"""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from expectations.catalogue import load_catalogue
from orchestration.durable import copy_journal, head_path, sync_dir, sync_tree
from orchestration.errors import CornerstoneError
from orchestration.linkage.decisions import read_decisions
from orchestration.linkage.index import journal_path
from orchestration.locking import exclusive_lock
from orchestration.privacy.keys import load_keys
from orchestration.release.folders import complete_folders
from orchestration.release.ledger import published_releases
from orchestration.returns.archive import Receipt, is_archived, receipts
from orchestration.returns.land import land_archived
from orchestration.returns.part import LOCK_WAIT_SECONDS
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.submission import read_submissions
from orchestration.rights.forgotten import tombstone_key_path, tombstones_path
from orchestration.rights.intent import require_finished
from orchestration.settings import Settings
from orchestration.store_lock import store_lock

log = logging.getLogger("cornerstone.rebuild")

BESIDE = "rebuilding"
READY = "ready"
# Files of one landing are microseconds apart, landings of one return seconds.
BETWEEN_LANDINGS = timedelta(milliseconds=500)


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild came to.

    `files` and `submissions` were made again. `otherwise`: submissions that came out otherwise than they stood, or are new;
    `gone`: those that stood and are not there now. `kept` says what cannot be made again, a sentence each.
    """

    files: int
    submissions: int
    otherwise: int
    gone: int
    kept: list[str]


@dataclass(frozen=True)
class _Landing:
    """What one landing of a return received."""

    return_id: str
    files: list[Receipt]


def beside(settings: Settings) -> Settings:
    """The store that is built beside this one, within it."""
    return settings.model_copy(update={"store": settings.store / BESIDE})


def rebuild_landed(settings: Settings, now: datetime) -> Rebuilt:
    """Land the whole archive again and put the result in the place of what was landed; then `run_journey` makes the rest.

    Raises:
        CornerstoneError: a run holds the store, an erasure is unfinished, the archive is empty or a file of it is damaged, or the
            key is missing.
    """
    with (
        store_lock(settings, "a rebuild"),
        exclusive_lock(settings.store / "landing.lock", wait_seconds=LOCK_WAIT_SECONDS, holder="a rebuild"),
    ):
        require_finished(settings)
        finish_rebuild(settings)
        landings = list(_landings(settings))
        _require_archive(settings, landings)
        new = beside(settings)
        shutil.rmtree(new.store, ignore_errors=True)
        new.store.mkdir(mode=0o700)
        shutil.copy2(settings.key_id_path, new.key_id_path)
        new.archive_dir.symlink_to(Path("..") / settings.archive_dir.name)
        new.vault_dir.mkdir(mode=0o700)
        # Whoever was forgotten stays so, whatever an archive restored from a backup holds.
        copy_journal(tombstones_path(settings), new.vault_dir)
        if tombstone_key_path(settings).is_file():
            shutil.copy2(tombstone_key_path(settings), new.vault_dir)
        catalogue = load_catalogue(settings.rules_dir)
        for number, one in enumerate(landings, 1):
            log.info(
                "rebuilding, %s of %s: %s, %s file(s) received %s",
                number, len(landings), load_spec(one.return_id).title, f"{len(one.files):,}", one.files[0].received_at[:10],
            )  # fmt: skip
            land_archived(new, one.return_id, catalogue, until=one.files[-1].received_at, now=now)
        outcome = _compared(settings, new, landings)
        sync_tree(new.landed_dir)
        (new.store / READY).touch()
        sync_dir(new.store)
        finish_rebuild(settings)
    return outcome


def finish_rebuild(settings: Settings) -> None:
    """Put what a rebuild made in the place of what stood, if all of it was made; the caller holds the store.

    Each part is moved by one rename, so that whoever dies in between goes on where it was.
    """
    new = beside(settings)
    if not (new.store / READY).is_file():
        return
    log.info("putting in place what was rebuilt")
    for path in (settings.warehouse_path, Path(f"{settings.warehouse_path}.wal"), settings.store / "last_run.json"):
        path.unlink(missing_ok=True)
    if settings.linkage_dir.is_dir():
        for path in settings.linkage_dir.iterdir():
            if path not in (journal_path(settings), head_path(journal_path(settings))):
                path.unlink()
    vault = [new.vault_dir / part for part in ("identity", "quarantine")]
    results = sorted((new.quality_dir / "validations").glob("*/landing-*"))
    for made in (*vault, *results, new.landed_dir):
        if made.is_dir():
            place = settings.store / made.relative_to(new.store)
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            made.rename(place)
            sync_dir(place.parent)
    shutil.rmtree(new.store)
    sync_dir(settings.store)


def _landings(settings: Settings) -> Iterator[_Landing]:
    """What each landing received, in the order of receipt over all returns: later ones were judged beside earlier ones."""
    found: list[_Landing] = []
    for return_id in return_ids():
        received = [one for one in receipts(settings, return_id) if one.erased is None]
        starts = [0] if received else []
        starts += [
            place
            for place, (before, after) in enumerate(pairwise(received), 1)
            if datetime.fromisoformat(after.received_at) - datetime.fromisoformat(before.received_at) > BETWEEN_LANDINGS
        ]
        found += [_Landing(return_id, received[a:b]) for a, b in pairwise([*starts, len(received)])]
    yield from sorted(found, key=lambda one: one.files[0].received_at)


def _require_archive(settings: Settings, landings: list[_Landing]) -> None:
    """Raise a CornerstoneError unless every file received is in the archive, whole; before anything is touched."""
    if not landings:
        raise CornerstoneError(f"Nothing was ever received in {settings.store}; there is nothing to rebuild from.")
    keys = load_keys(settings)
    log.info("reading %s archived files through", f"{sum(len(one.files) for one in landings):,}")
    damaged = [
        f"{one.return_id}/{receipt.file_name}"
        for one in landings
        for receipt in one.files
        if not is_archived(settings, keys, receipt)
    ]
    if damaged:
        raise CornerstoneError(
            f"{len(damaged)} archived file(s) are missing, damaged or sealed with another key, the first {damaged[0]}: restore"
            f" {settings.archive_dir} from a backup, or have them sent again. Nothing was changed; `cornerstone doctor` names all."
        )


def _compared(settings: Settings, new: Settings, landings: list[_Landing]) -> Rebuilt:
    """What came out, beside what stood."""
    was = {one.submission_id: one for return_id in return_ids() for one in read_submissions(settings, return_id)}
    made = {one.submission_id: one for return_id in return_ids() for one in read_submissions(new, return_id)}
    otherwise = [
        one for key, one in made.items() if key not in was or (one.status, one.tables, one.failures)
        != (was[key].status, was[key].tables, was[key].failures)
    ]  # fmt: skip
    standing = {folder.name for folder in complete_folders(settings)}
    lost = [release_id for release_id in published_releases(settings) if release_id not in standing]
    kept = [
        f"{len(standing)} release(s), their journal and ledger stay as they are; none is made again as of an earlier day.",
        f"{len(read_decisions(settings))} decision(s) of reviewers and the journals of the vault stay as they are.",
        "Who is likely one child is weighed anew; Dagster's history of runs is not made again.",
    ]
    if lost:
        kept.append(
            f"{len(lost)} release(s) that people read are gone, the last {lost[-1]}: only a backup brings them back."
        )
    return Rebuilt(
        sum(len(one.files) for one in landings), len(made), len(otherwise), len(was.keys() - made.keys()), kept
    )
