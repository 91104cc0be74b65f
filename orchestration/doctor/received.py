"""What was received and what was landed of it: archive, landed Parquet, vault, journals."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb

from orchestration.doctor.finding import Finding
from orchestration.durable import read_journal_entries
from orchestration.errors import CornerstoneError
from orchestration.linkage.child_key import person_files
from orchestration.linkage.decisions import decisions_path, read_decisions
from orchestration.linkage.review import read_review_journal, review_journal_path
from orchestration.privacy.keys import Keys
from orchestration.privacy.vault import open_vault, vault_file
from orchestration.returns.archive import archived_path, is_archived, receipts
from orchestration.returns.land import pending_receipts
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.submission import Submission, landing_dirs, read_landing, read_waiting, return_dir
from orchestration.returns.workspace import load_encryption
from orchestration.settings import Settings
from orchestration.worklist.journal import journal_path, read_journal

RESTORE = "Restore it from a backup, or have the file sent again."
REBUILD = "`cornerstone rebuild` makes it anew from the archive."
LINKED = {"child_link", "_none"}
"""Folders beside the landings of returns, or within them, that hold none."""


def check_archive(settings: Settings, keys: Keys | None) -> Iterator[Finding]:
    """Every receipt has its file, whole; every file a receipt."""
    known: set[str] = set()
    torn = [path for path in sorted((settings.archive_dir / "receipts").glob("*/*.json")) if not _is_json(path)]
    if torn:
        what = f"{len(torn)} receipt(s) cannot be read; no run can go on."
        yield Finding("archive", "broken", what, str(torn[0]), "Restore them from a backup.")
        return
    for return_id in return_ids():
        for receipt in receipts(settings, return_id):
            if receipt.erased is not None:
                continue
            known.add(receipt.held)
            path = archived_path(settings, receipt.held)
            if not path.is_file():
                what = f"{return_id}/{receipt.file_name}, received {receipt.received_at[:10]}, is not in the archive."
                yield Finding("archive", "broken", what, str(path), RESTORE)
            elif keys is not None and not is_archived(settings, keys, receipt):
                what = f"{return_id}/{receipt.file_name} is damaged in the archive, or was altered."
                yield Finding("archive", "broken", what, str(path), RESTORE)
    without = [path for path in settings.archive_dir.glob("??/*") if not path.suffix and path.name not in known]
    if without:
        yield Finding(
            "archive", "attention", f"{len(without)} archived file(s) have no receipt: a run died, or a receipt was lost.",
            str(without[0]), "Where it died the file is still in the inbox; otherwise restore the receipts from a backup.",
        )  # fmt: skip


def _receipts_read(settings: Settings, return_id: str) -> bool:
    return all(map(_is_json, (settings.archive_dir / "receipts" / return_id).glob("*.json")))


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return False


def check_landed(settings: Settings, keys: Keys | None) -> Iterator[Finding]:
    """Every landing holds what its record says, and the vault whom it is about."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("set temp_directory = ''")  # it would be the working directory, in clear
        if keys is not None:
            load_encryption(connection)
            open_vault(connection, keys)
        for return_id in return_ids():
            own = return_dir(settings, return_id)
            for folder in sorted(own.iterdir()) if own.is_dir() else []:
                if folder.is_dir() and folder.name not in LINKED:
                    yield from _landing(connection, settings, keys, return_id, folder)
            if _receipts_read(settings, return_id) and _readable(settings, return_id):
                yield from _not_dealt_with(settings, return_id)


def _readable(settings: Settings, return_id: str) -> bool:
    return all(_is_json(folder / "landing.json") for folder in landing_dirs(settings, return_id))


def _landing(
    connection: duckdb.DuckDBPyConnection, settings: Settings, keys: Keys | None, return_id: str, folder: Path
) -> Iterator[Finding]:
    if not _is_json(folder / "landing.json"):
        yield Finding("landed", "broken", "A landing has no record that can be read.", str(folder), REBUILD)
        return
    submissions, deliveries, _ = read_landing(folder)
    accepted = [one for one in submissions if one.status == "accepted"]
    for table in dict.fromkeys(name for one in accepted for name in one.tables):
        fault = _rows_fault(connection, folder / f"{table}.parquet", table, accepted)
        if fault:
            yield Finding("landed", "broken", fault, str(folder / f"{table}.parquet"), REBUILD)
    spec = load_spec(return_id)
    if spec.person is not None and any(spec.person.table in one.tables for one in accepted):
        for path in person_files(settings, spec, accepted):
            if not path.is_file() or (keys is not None and not _opens(connection, path)):
                what = (
                    "The vault does not hold whom a landing is about, or it cannot be read: children cannot be linked."
                )
                yield Finding("vault", "broken", what, str(path), REBUILD)
    if not _receipts_read(settings, return_id):
        return
    received = {receipt.key for receipt in receipts(settings, return_id)}
    lost = [one for one in deliveries if one.receipt_key not in received]
    if lost:
        what = f"{lost[0].file_name} was landed and has no receipt in the archive: it cannot be made anew."
        yield Finding("landed", "attention", what, str(folder), "Restore the archive's receipts from a backup.")


def _rows_fault(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, accepted: list[Submission]
) -> str | None:
    try:
        found = dict(
            connection.execute(
                "select submission_id, count(*) from read_parquet(?) group by all", [str(path)]
            ).fetchall()
        )
    except duckdb.Error:  # its message can quote the file
        return "A landed table is missing or cannot be read."
    wanted = {one.submission_id: one.tables[table].rows_landed for one in accepted if table in one.tables}
    if found != {submission_id: rows for submission_id, rows in wanted.items() if rows}:
        return "A landed table does not hold the rows that its record says."
    return None


def _opens(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    try:
        connection.execute(f"select count(*) from {vault_file(path)}")
    except duckdb.Error:
        return False
    return True


def _not_dealt_with(settings: Settings, return_id: str) -> Iterator[Finding]:
    waiting = {digest for one in read_waiting(settings, return_id) for digest in one.files.values()}
    pending = [one for one in pending_receipts(settings, return_id) if one.sha256 not in waiting]
    if pending:
        what = f"{len(pending)} file(s) of {load_spec(return_id).title} were received and are not landed yet."
        yield Finding("landed", "attention", what, pending[0].file_name, "`cornerstone run` lands them.")


def check_links(settings: Settings) -> Iterator[Finding]:
    """The links of children and every journal can be read."""
    for read, path in (
        (read_decisions, decisions_path(settings)),
        (read_review_journal, review_journal_path(settings)),
        (read_journal, journal_path(settings)),
    ):
        try:
            read(settings)
        except CornerstoneError as error:
            yield Finding(
                "journals", "broken", str(error), str(path), "Restore it from a backup: it cannot be made again."
            )
    links = settings.linkage_dir / "journal.jsonl"
    try:
        read_journal_entries(links, dict)
    except CornerstoneError as error:
        yield Finding(
            "journals", "attention", str(error), str(links), "Restore it from a backup: it cannot be made again."
        )
    path = settings.child_link_path
    if path.is_file():
        try:
            with duckdb.connect(":memory:") as connection:
                connection.execute("select count(distinct child_key) from read_parquet(?)", [str(path)])
        except duckdb.Error:
            yield Finding(
                "links", "attention", "Which rows are one child cannot be read.", str(path), "Delete it; `cornerstone run` makes it anew."
            )  # fmt: skip
