"""Release folders: where they are, who may read what, and the one link that says which is current."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from orchestration.durable import append_to_journal, sync_dir
from orchestration.errors import CornerstoneError
from orchestration.release.manifest import MANIFEST, MANIFEST_MODE, Manifest, read_manifest
from orchestration.settings import Settings

PARTIAL = ".partial"
JOURNAL = "journal.jsonl"
LEDGER = "ledger"

LOCK = "release.lock"
LOCK_WAIT_SECONDS = 60.0

PUBLIC_DIR_MODE, PUBLIC_FILE_MODE = 0o755, 0o644
RESTRICTED_DIR_MODE, RESTRICTED_FILE_MODE = 0o750, 0o640
BUILDING_MODE = 0o700


def release_folder(settings: Settings, release_id: str) -> Path:
    """The folder of a release.

    Raises:
        CornerstoneError: there is no complete release of that name.
    """
    for folder in complete_folders(settings):
        if folder.name == release_id:
            return folder
    raise CornerstoneError(f"There is no release {release_id!r}; `cornerstone release list` shows those there are.")


def complete_folders(settings: Settings) -> list[Path]:
    """The folders of all complete releases. A folder still being built has no place here."""
    if not settings.releases_dir.is_dir():
        return []
    return [
        folder
        for folder in settings.releases_dir.iterdir()
        if folder.suffix != PARTIAL and (folder / MANIFEST).is_file()
    ]


def complete_releases(settings: Settings) -> list[Manifest]:
    """The manifests of all complete releases, oldest first."""
    manifests = map(read_manifest, complete_folders(settings))
    return sorted(manifests, key=lambda manifest: (manifest.created_at, manifest.release_id))


def current_release(settings: Settings) -> Manifest | None:
    """The release people read; None when nothing has been released, or the link leads nowhere."""
    if not (settings.current_link / MANIFEST).is_file():
        return None
    return read_manifest(settings.current_link.resolve())


def point_current_to(settings: Settings, release_id: str) -> None:
    """Make a release the current one: the link changes from one release to the other in a single rename."""
    temporary = settings.store / f".{settings.current_link.name}.new"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(Path(settings.releases_dir.name) / release_id)
    temporary.replace(settings.current_link)
    sync_dir(settings.store)


def remove_leftovers(settings: Settings) -> None:
    """Remove the folders of builds, and the entries in the ledger, that died; the caller holds the lock, so none is alive."""
    for folder in settings.releases_dir.glob(f"*{PARTIAL}"):
        shutil.rmtree(folder)
    for entry in (settings.store / LEDGER).glob(f".*{PARTIAL}"):
        entry.unlink()


def set_modes(folder: Path, audience_of: Callable[[str], str]) -> None:
    """Parts for the board and the public for everyone on the machine, internal ones for their group.

    Args:
        folder: the release folder being built.
        audience_of: the audience of a part by name (`DisclosurePolicy.audience_of`); it raises where nobody has said.
    """
    folder.chmod(PUBLIC_DIR_MODE)
    for path in folder.rglob("*"):
        restricted = audience_of(path.relative_to(folder).parts[0]) == "internal"
        if path.is_dir():
            path.chmod(RESTRICTED_DIR_MODE if restricted else PUBLIC_DIR_MODE)
        else:
            path.chmod(RESTRICTED_FILE_MODE if restricted else PUBLIC_FILE_MODE)


def record_in_journal(settings: Settings, action: str, *, at: datetime, **facts: str | None) -> None:
    """Append one line to `store/releases/journal.jsonl`: what was done to which release, when and by whom."""
    entry = {"at": at.astimezone(UTC).isoformat(), "action": action, **facts}
    append_to_journal(settings.releases_dir / JOURNAL, entry, mode=MANIFEST_MODE)
