"""Write-audit-publish: build a release beside the current one, verify it, then let people see it in one rename.

Killed at any instant, the release people read is untouched, and the next publish carries on:

* killed before the folder has its name: a `.partial` folder, removed by the next publish;
* killed before the link is changed: a complete release nobody reads yet, adopted by the next publish of the same
  content after its files have been verified again.
"""

import logging
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.durable import sync_dir, sync_tree
from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock
from orchestration.privacy.disclosure import load_policy
from orchestration.release.ees import EesExport, write_ees_files
from orchestration.release.errors import ReleaseRefused, ReleaseUnsound
from orchestration.release.exports import (
    CSV_FOLDER,
    EVIDENCE_FOLDER,
    OPEN_DATABASE,
    OPEN_SCHEMAS,
    PARQUET_FOLDER,
    RESTRICTED_DATABASE,
    RESTRICTED_SCHEMAS,
    SPREADSHEET,
    STORAGE_VERSION,
    copy_schemas,
    existing_database,
    in_one_transaction,
    new_database,
    write_parquet,
)
from orchestration.release.folders import (
    BUILDING_MODE,
    LOCK,
    LOCK_WAIT_SECONDS,
    PARTIAL,
    PUBLIC_DIR_MODE,
    complete_releases,
    current_release,
    point_current_to,
    record_in_journal,
    remove_leftovers,
    set_modes,
)
from orchestration.release.inventory import Inventory, PublishedCatalogue, take_inventory
from orchestration.release.ledger import (
    enter,
    is_overtaken,
    newest_with,
    published_releases,
    read_ledger,
    read_releases,
    settled_release,
    write_counts,
)
from orchestration.release.manifest import Approval, BoundaryFile, Manifest, combined_digest, write_manifest
from orchestration.release.meta import utc, write_meta, write_release
from orchestration.release.portal.evidence import write_evidence
from orchestration.release.portal.maps import boundary_inputs
from orchestration.release.remembered import compared_releases
from orchestration.release.revisions import count_revisions
from orchestration.release.spreadsheet import SheetContent, write_spreadsheet
from orchestration.release.verify import record_files, verify_built, verify_files, verify_open_data
from orchestration.returns.submission import WHOSE, people_in_store
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.release")

DRAWING, AUDITING = "drawing the portal", "auditing what was written"
"""What a release says when it begins a part of its work."""
INVENTED_NOTICE = Path("open/INVENTED_PEOPLE.txt")
INVENTED_TEXT = (
    "The people behind the local figures of this release are invented: nobody in it exists. Published figures are real."
)


@dataclass(frozen=True)
class ReleaseOutcome:
    """What publishing came to.

    `status`: 'published' (people read it now), 'pending' (complete, waits for approval) or 'unchanged' (nothing was
    made). `message` says it in one sentence.
    """

    status: Literal["published", "pending", "unchanged"]
    release_id: str
    content_digest: str
    folder: Path
    message: str


def publish(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    *,
    catalogue: PublishedCatalogue,
    code_version: str,
    run_id: str,
    now: datetime,
) -> ReleaseOutcome:
    """Release what the gates have passed.

    Args:
        settings: where the store is, and whether releases wait for approval.
        connection: the warehouse, open for writing by the holder of its lock.
        catalogue: the rule catalogue the gates ran with.
        code_version: version of Cornerstone; part of what makes two releases the same.
        run_id: the run that publishes; recorded, never compared.
        now: the time, with a time zone.

    Raises:
        ReleaseRefused: a table has no pass for exactly its content and the catalogue, or a release was published after the
            open tables were made; nothing is changed.
        ReleaseUnsound: what was built differs from what was passed; nothing is changed.
        CornerstoneError: another process is releasing, or something needed is missing.
    """
    with exclusive_lock(settings.store / LOCK, wait_seconds=LOCK_WAIT_SECONDS, holder="release"):
        settings.releases_dir.mkdir(parents=True, exist_ok=True)
        settings.releases_dir.chmod(PUBLIC_DIR_MODE)
        remove_leftovers(settings)
        now = after_all_releases(settings, now)
        inventory = take_inventory(connection, catalogue_digest=catalogue.digest, earlier=read_releases(settings))
        boundaries = boundary_inputs(settings)
        content = combined_digest(
            inventory.tables,
            inventory.views,
            inventory.inputs,
            catalogue_digest=catalogue.digest,
            code_version=code_version,
            boundaries=boundaries,
        )
        made_before = same_content(settings, content, now=now)
        if made_before is not None:
            return made_before
        if compared_releases(connection) != set(read_ledger(settings).release_ids):
            raise ReleaseRefused(
                "Not released: another release was published after the open tables were compared with all that were; run again."
            )
        manifest = new_manifest(
            settings,
            inventory,
            content,
            boundaries=boundaries,
            catalogue=catalogue,
            code_version=code_version,
            run_id=run_id,
            now=now,
        )
        folder = settings.releases_dir / manifest.release_id
        partial = settings.releases_dir / f"{manifest.release_id}{PARTIAL}"
        export, sheets = build(connection, partial, manifest, inventory, catalogue, settings=settings)
        log.info(AUDITING)
        verify_built(connection, partial, inventory, csv_rows=export.rows, sheets=sheets)
        revisions = count_revisions(partial, published_before=len(published_releases(settings)))
        manifest = manifest.model_copy(update={"revisions": revisions})
        set_modes(partial, load_policy().audience_of)
        write_manifest(partial, manifest.model_copy(update={"files": record_files(partial)}))
        sync_tree(partial)
        give_name(partial, folder)
        if manifest.approval.required:
            record_in_journal(settings, "pending", at=now, release_id=manifest.release_id)
            return pending_outcome(settings, manifest)
        return make_current(settings, manifest, now=now)


def after_all_releases(settings: Settings, now: datetime) -> datetime:
    """The time, or a second after the newest release where the clock stands before that: releases are told apart, and put in
    order, by when they were made."""
    newest = max((manifest.created_at for manifest in complete_releases(settings)), default=None)
    return now if newest is None else max(now, newest + timedelta(seconds=1))


def same_content(settings: Settings, content: str, *, now: datetime) -> ReleaseOutcome | None:
    """What to do where exactly this content is released already; None where it has to be built.

    Nothing where that is settled (`settled_release`). Complete but never made current (the earlier run was killed): adopted if
    its files are what was built and it was compared with all that was published, otherwise built again.
    """
    settled = settled_release(settings, content)
    if settled is None:
        latest = newest_with(settings, content, current_release(settings))
        if latest is None or is_overtaken(settings, latest) or not is_adoptable(settings, latest):
            return None
        return make_current(settings, latest, now=now)
    if settled.withdrawal is None and settled.approval.status == "pending":
        return pending_outcome(settings, settled)
    said = f"Nothing has changed since release {settled.release_id}; it stays current and no new release was made."
    if settled.withdrawal is not None:
        said = (
            f"This content is release {settled.release_id}, which {settled.withdrawal.by} rolled back from; no new "
            f"release was made, and {settled.withdrawal.replaced_by} stays current."
        )
    folder = settings.releases_dir / settled.release_id
    return ReleaseOutcome("unchanged", settled.release_id, content, folder, said)


def is_adoptable(settings: Settings, manifest: Manifest) -> bool:
    """Whether a complete release may become current as it is: approved if that is asked, and its files unaltered."""
    if manifest.approval.status == "not_required" and settings.release_approval == "required":
        return False
    try:
        verify_files(settings.releases_dir / manifest.release_id, manifest)
    except ReleaseUnsound:
        return False
    return True


def new_manifest(
    settings: Settings,
    inventory: Inventory,
    content: str,
    *,
    boundaries: list[BoundaryFile],
    catalogue: PublishedCatalogue,
    code_version: str,
    run_id: str,
    now: datetime,
) -> Manifest:
    """The manifest of the release about to be built; its files are recorded once they exist."""
    current = current_release(settings)
    required = settings.release_approval == "required"
    return Manifest(
        release_id=f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{content[:8]}",
        created_at=now.astimezone(UTC),
        run_id=run_id,
        code_version=code_version,
        previous_release=current.release_id if current else None,
        content_digest=content,
        catalogue_digest=catalogue.digest,
        duckdb_version=duckdb.__version__,
        duckdb_storage_version=STORAGE_VERSION,
        people=people_in_store(settings),
        inputs=inventory.inputs,
        boundaries=boundaries,
        tables=inventory.tables,
        views=inventory.views,
        gates=inventory.gates,
        disclosure=inventory.disclosure,
        approval=Approval(required=required, status="pending" if required else "not_required"),
        files=[],
    )


def build(
    connection: duckdb.DuckDBPyConnection,
    partial: Path,
    manifest: Manifest,
    inventory: Inventory,
    catalogue: PublishedCatalogue,
    *,
    settings: Settings,
) -> tuple[EesExport, dict[str, SheetContent]]:
    """Write every file of the release but the manifest into `partial`, closed to others until it is complete."""
    partial.mkdir(mode=BUILDING_MODE)
    for child in (PARQUET_FOLDER, CSV_FOLDER, EVIDENCE_FOLDER, RESTRICTED_DATABASE.parent):
        (partial / child).mkdir(parents=True)
    release: dict[str, str | bool | datetime | None] = {
        "release_id": manifest.release_id,
        "created_at": utc(manifest.created_at),
        "code_version": manifest.code_version,
        "previous_release_id": manifest.previous_release,
        "content_digest": manifest.content_digest,
        "catalogue_digest": manifest.catalogue_digest,
        "approval_required": manifest.approval.required,
        "people": WHOSE[manifest.people],
    }
    if manifest.people == "invented":
        (partial / INVENTED_NOTICE).write_text(f"{INVENTED_TEXT}\n", encoding="utf-8")
    export = write_ees_files(connection, partial / CSV_FOLDER)
    findings = verify_open_data(connection, partial / CSV_FOLDER)
    sheets = write_spreadsheet(connection, partial / SPREADSHEET, release)
    write_parquet(connection, inventory, partial / PARQUET_FOLDER)
    with new_database(connection, partial / RESTRICTED_DATABASE, "release_restricted"), in_one_transaction(connection):
        copy_schemas(connection, inventory, database="release_restricted", schema_names=RESTRICTED_SCHEMAS)
        write_release(connection, database="release_restricted", release=release)
        write_counts(connection, database="release_restricted")
    previous = settings.releases_dir / manifest.previous_release if manifest.previous_release else None
    with (
        existing_database(connection, previous / OPEN_DATABASE, "release_before") if previous else nullcontext(),
        new_database(connection, partial / OPEN_DATABASE, "release_open"),
    ):
        with in_one_transaction(connection):
            copy_schemas(connection, inventory, database="release_open", schema_names=OPEN_SCHEMAS)
            write_meta(
                connection,
                database="release_open",
                inventory=inventory,
                catalogue=catalogue,
                release=release,
                before="release_before" if previous else "release_open",
                findings=findings,
            )
        log.info(DRAWING)
        write_evidence(
            connection,
            partial / EVIDENCE_FOLDER,
            database="release_open",
            settings=settings,
            inventory=inventory,
            release=release,
            boundaries=manifest.boundaries or [],
            left_out=export.left_out,
        )
    return export, sheets


def give_name(partial: Path, folder: Path) -> None:
    """The instant at which the release exists."""
    if folder.exists():
        raise CornerstoneError(f"Release {folder.name} exists already and a release is never replaced; run again.")
    partial.rename(folder)
    sync_dir(folder.parent)


def make_current(settings: Settings, manifest: Manifest, *, now: datetime) -> ReleaseOutcome:
    """The instant at which people read the release."""
    # The ledger, then the journal: a change of the link is never unrecorded, whenever the process dies.
    enter(settings, manifest.release_id)
    record_in_journal(settings, "published", at=now, release_id=manifest.release_id)
    point_current_to(settings, manifest.release_id)
    return ReleaseOutcome(
        "published",
        manifest.release_id,
        manifest.content_digest,
        settings.releases_dir / manifest.release_id,
        f"Release {manifest.release_id} is current.",
    )


def pending_outcome(settings: Settings, manifest: Manifest) -> ReleaseOutcome:
    """Complete, and waiting for a named person."""
    waits = f"Release {manifest.release_id} waits for approval: `cornerstone release approve {manifest.release_id}`."
    if manifest.revisions and manifest.revisions.figures:
        figures, small = manifest.revisions.figures, manifest.revisions.small_differences_shown
        waits += (
            f" It revises {figures:,} {'figure' if figures == 1 else 'figures'} of {manifest.previous_release}:"
            f" `cornerstone release revisions {manifest.release_id}`."
        )
        if small:
            waits += (
                f" {small:,} {'figure shown differs' if small == 1 else 'figures shown differ'} by so few from one published"
                f" before that it has to be looked at: `cornerstone release show {manifest.release_id}`."
            )
    return ReleaseOutcome(
        "pending",
        manifest.release_id,
        manifest.content_digest,
        settings.releases_dir / manifest.release_id,
        waits,
    )
