"""After a release is built: list, show and verify it, approve it, or roll back to an earlier one."""

from dataclasses import dataclass
from datetime import UTC, datetime

from orchestration.durable import sync_dir
from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock
from orchestration.release.exports import RESTRICTED_DATABASE
from orchestration.release.folders import (
    LOCK,
    LOCK_WAIT_SECONDS,
    complete_releases,
    current_release,
    point_current_to,
    record_in_journal,
    release_folder,
)
from orchestration.release.ledger import enter, is_overtaken, read_ledger
from orchestration.release.manifest import Approval, Manifest, Removal, Withdrawal, read_manifest, write_manifest
from orchestration.release.verify import verify_files
from orchestration.settings import Settings


@dataclass(frozen=True)
class ReleaseSummary:
    """One line of the list of releases."""

    release_id: str
    created_at: datetime
    code_version: str
    is_current: bool
    approval: str
    is_withdrawn: bool


def list_releases(settings: Settings) -> list[ReleaseSummary]:
    """Every complete release, the newest first."""
    current = current_release(settings)
    return [
        ReleaseSummary(
            release_id=manifest.release_id,
            created_at=manifest.created_at,
            code_version=manifest.code_version,
            is_current=current is not None and manifest.release_id == current.release_id,
            approval=manifest.approval.status,
            is_withdrawn=manifest.withdrawal is not None,
        )
        for manifest in reversed(complete_releases(settings))
    ]


def show_release(settings: Settings, release_id: str, *, verify: bool = False) -> Manifest:
    """The manifest of a release; with `verify`, every file is read and compared with it first.

    Raises:
        CornerstoneError: no such release.
        ReleaseUnsound: a file was altered, removed or added since it was published.
    """
    folder = release_folder(settings, release_id)
    manifest = read_manifest(folder)
    if verify:
        verify_files(folder, manifest)
    return manifest


def chosen_release(settings: Settings, release_id: str | None) -> Manifest:
    """The manifest of a release, or of the one people read where none is named.

    Raises:
        CornerstoneError: no such release, or none yet.
    """
    if release_id is not None:
        return show_release(settings, release_id)
    current = current_release(settings)
    if current is None:
        raise CornerstoneError("There is no release yet; `cornerstone run` makes one.")
    return current


def approve_release(settings: Settings, release_id: str, approver: str, note: str, now: datetime) -> Manifest:
    """Record a named person's approval of a pending release and make it current.

    Raises:
        CornerstoneError: no name or note, nothing to approve, or a release made before the current one, or before another
            was published.
        ReleaseUnsound: its files are not what was built.
    """
    approver, note = required_text(approver, "who approves"), required_text(note, "a note on why")
    with exclusive_lock(settings.store / LOCK, wait_seconds=LOCK_WAIT_SECONDS, holder="approval"):
        manifest = show_release(settings, release_id)
        current = current_release(settings)
        is_current = current is not None and current.release_id == release_id
        # Approved but neither current nor rolled back from: an approval that was killed before the link changed.
        if manifest.approval.status == "not_required" or manifest.withdrawal is not None or is_current:
            raise CornerstoneError(f"Release {release_id} does not wait for approval.")
        if current is not None and manifest.created_at < current.created_at:
            raise CornerstoneError(
                f"Release {release_id} is older than the current release {current.release_id}; approve a newer one."
            )
        if manifest.removals:
            raise CornerstoneError(
                f"The marts of release {release_id} were removed, because {manifest.removals[0].why}; run again, then approve the"
                " one that run makes."
            )
        if is_overtaken(settings, manifest):
            raise CornerstoneError(
                f"Release {release_id} was built before another was published, and was never compared with it; run again, then"
                f" approve the one that run makes."
            )
        folder = release_folder(settings, release_id)
        verify_files(folder, manifest)
        at = now.astimezone(UTC)
        approved = manifest.model_copy(
            update={"approval": Approval(required=True, status="approved", by=approver, at=at, note=note)}
        )
        write_manifest(folder, approved)
        enter(settings, release_id)
        record_in_journal(settings, "approved", at=at, release_id=release_id, by=approver, note=note)
        point_current_to(settings, release_id)
        return approved


def rollback(settings: Settings, release_id: str, actor: str, note: str, now: datetime) -> Manifest:
    """Make an earlier complete release the current one again.

    The release rolled back from is marked as withdrawn, so that the next run with the same files does not bring it
    back by itself; rolling back to it later takes the mark away.

    Raises:
        CornerstoneError: no name or note, the release is current already, or it was never approved.
        ReleaseUnsound: its files are not what was published.
    """
    actor, note = required_text(actor, "who rolls back"), required_text(note, "a note on why")
    with exclusive_lock(settings.store / LOCK, wait_seconds=LOCK_WAIT_SECONDS, holder="rollback"):
        target = show_release(settings, release_id, verify=True)
        if target.approval.status == "pending":
            raise CornerstoneError(f"Release {release_id} was never approved; roll back to one that people have read.")
        current = current_release(settings)
        if current is not None and current.release_id == release_id:
            raise CornerstoneError(f"Release {release_id} is current already.")
        at = now.astimezone(UTC)
        if current is not None:
            withdrawal = Withdrawal(by=actor, at=at, note=note, replaced_by=release_id)
            write_manifest(
                release_folder(settings, current.release_id), current.model_copy(update={"withdrawal": withdrawal})
            )
        restored = target.model_copy(update={"withdrawal": None})
        write_manifest(release_folder(settings, release_id), restored)
        record_in_journal(
            settings,
            "rolled_back",
            at=at,
            release_id=release_id,
            replaces=current.release_id if current else None,
            by=actor,
            note=note,
        )
        point_current_to(settings, release_id)
        return restored


def with_restricted(settings: Settings) -> list[Manifest]:
    """Releases that hold rows about children, oldest first."""
    return [
        manifest
        for manifest in complete_releases(settings)
        if (settings.releases_dir / manifest.release_id / RESTRICTED_DATABASE).is_file()
    ]


def remove_restricted(settings: Settings, *, by: str, why: str, now: datetime) -> int:
    """Delete the rows about children of every release, and say so in its manifest; what it counts stays.

    The ledger has of each what the next release is compared with before it goes. Killed in between, what the manifest says is
    gone is deleted by the next call.

    Returns: of how many releases.
    """
    removed = 0
    with exclusive_lock(settings.store / LOCK, wait_seconds=LOCK_WAIT_SECONDS, holder="an erasure"):
        holding = with_restricted(settings)
        if holding:
            read_ledger(settings)
        for manifest in holding:
            folder = settings.releases_dir / manifest.release_id
            path = RESTRICTED_DATABASE.as_posix()
            if not any(removal.path == path for removal in manifest.removals):
                removal = Removal(path=path, by=by, at=now.astimezone(UTC), why=why)
                write_manifest(folder, manifest.model_copy(update={"removals": [*manifest.removals, removal]}))
                record_in_journal(settings, "removed_marts", at=now, release_id=manifest.release_id, by=by, note=why)
            (folder / path).unlink()
            sync_dir((folder / path).parent)
            removed += 1
    return removed


def required_text(text: str, what: str) -> str:
    """The text without surrounding blanks.

    Raises:
        CornerstoneError: nothing is left.
    """
    if not text.strip():
        raise CornerstoneError(f"Say {what}: it is recorded in the manifest.")
    return text.strip()
