"""Landing: what is in the inbox is archived, read, judged and committed, one submission at a time.

Killed at any instant, nothing is lost: a file leaves the inbox only when its archive copy is verified and receipted, a
submission counts only when its folder, `submission.json` included, is renamed into place, and a received file without a
delivery record is taken up again at the next run.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from expectations.catalogue import Catalogue
from expectations.data_docs import QualityStore
from orchestration.durable import sync_dir
from orchestration.locking import exclusive_lock
from orchestration.returns.archive import FileChanged, Receipt, archived_path, receipts, receive, sha256_of
from orchestration.returns.assess import Assessed, AssessedDelivery, DeliveredFile, assess, is_quarantined
from orchestration.returns.inbox import (
    bundled_files,
    delivered_name,
    inbox_dir,
    inbox_files,
    state_of,
    stray_entries,
    take_away,
    wait_until_settled,
)
from orchestration.returns.spec import ReturnSpec, load_spec
from orchestration.returns.submission import (
    Delivery,
    Submission,
    current_submissions,
    read_delivery,
    read_submissions,
    submission_dir,
    write_delivery,
    write_submission,
)
from orchestration.returns.workspace import open_workspace
from orchestration.settings import Settings
from orchestration.sql_text import literal

log = logging.getLogger("cornerstone.landing")

LOCK_WAIT_SECONDS = 1800.0
# How much is read before it is judged and written: bounds memory while many small files share one validation.
BATCH_BYTES = 64 * 1024**2
BATCH_FILES = 500


@dataclass(frozen=True)
class LandingReport:
    """What one landing did to a return.

    `committed`: submissions written now, accepted or refused. `current`: the submissions that count afterwards.
    `repeats`: one sentence for each file whose bytes had been received before. `left`: one for each that stays in the
    inbox.
    """

    committed: list[Submission]
    current: list[Submission]
    repeats: list[str]
    left: list[str]

    @property
    def refused(self) -> list[Submission]:
        """Submissions refused now."""
        return [submission for submission in self.committed if submission.status == "refused"]


def pending_receipts(settings: Settings, return_id: str) -> list[Receipt]:
    """Received files that are not dealt with yet."""
    return [r for r in receipts(settings, return_id) if read_delivery(settings, return_id, r.sha256) is None]


def land_return(settings: Settings, return_id: str, catalogue: Catalogue, *, now: datetime) -> LandingReport:
    """Land everything new of one return.

    Raises:
        CornerstoneError: another landing of the same store does not finish.
    """
    spec = load_spec(return_id)
    with exclusive_lock(
        settings.store / "landing.lock", wait_seconds=LOCK_WAIT_SECONDS, holder=f"landing of {return_id}"
    ):
        shutil.rmtree(_partial_dir(settings, return_id), ignore_errors=True)
        repeats, left = _receive_all(settings, return_id, now)
        committed: list[Submission] = []
        docs = QualityStore(settings.quality_dir, f"landing-{return_id}", now)
        for batch in _batches(pending_receipts(settings, return_id)):
            committed += _land_batch(settings, spec, catalogue, batch, docs)
        everything = read_submissions(settings, return_id)
    return LandingReport(committed, list(current_submissions(everything).values()), repeats, left)


def _receive_all(settings: Settings, return_id: str, now: datetime) -> tuple[list[str], list[str]]:
    """Archive what is in the inbox, and bundled files. Returns sentences: repeats, and files left where they are."""
    repeats: list[str] = []
    left: list[str] = []
    inbox = inbox_dir(settings, return_id)
    delivered = inbox_files(settings, return_id)
    wait_until_settled(delivered)
    for position, path in enumerate([*delivered, *bundled_files(settings, return_id)]):
        name = delivered_name(path, inbox)
        before = state_of(path)
        try:
            # A step in time for each file keeps the order in which files of one landing count.
            receipt, is_new = receive(settings, return_id, path, name, now + timedelta(microseconds=position))
        except PermissionError:
            left.append(f"{name} cannot be read: give the user that runs Cornerstone the right to read it.")
            continue
        except FileChanged as changed:
            left.append(str(changed))
            continue
        if is_new:
            log.info("received %s (%s bytes)", name, f"{receipt.bytes:,}")
        elif path.is_relative_to(inbox):
            repeats.append(
                f"{name} holds the same bytes as {receipt.file_name}, received on {receipt.received_at[:10]}; nothing to do."
            )
            log.info("%s", repeats[-1])
        if path.is_relative_to(inbox):
            if state_of(path) == before:
                take_away(path, inbox)
            else:
                left.append(f"{name} changed while it was received; the next run receives it as it is then.")
    left += [
        f"{delivered_name(path, inbox)} is a link or no file; put the file itself there."
        for path in stray_entries(settings, return_id)
    ]
    for sentence in left:
        log.warning("left in the inbox: %s", sentence)
    return repeats, left


def _batches(pending: Iterable[Receipt]) -> Iterator[list[Receipt]]:
    batch: list[Receipt] = []
    size = 0
    for receipt in pending:
        if batch and (size + receipt.bytes > BATCH_BYTES or len(batch) >= BATCH_FILES):
            yield batch
            batch, size = [], 0
        batch.append(receipt)
        size += receipt.bytes
    if batch:
        yield batch


def _land_batch(
    settings: Settings, spec: ReturnSpec, catalogue: Catalogue, batch: list[Receipt], docs: QualityStore
) -> list[Submission]:
    before = read_submissions(settings, spec.return_id)
    files = [DeliveredFile(archived_path(settings, r.sha256), r.file_name, r.sha256) for r in batch]
    committed: list[Submission] = []
    with open_workspace(spec, settings.vault_dir / "spill") as connection:
        known = {submission.submission_id for submission in before}
        deliveries = assess(connection, files, spec, catalogue, known, docs)
        for receipt, delivery in zip(batch, deliveries, strict=True):
            of_delivery = _commit_delivery(
                connection, settings, spec, catalogue, receipt, delivery, [*before, *committed]
            )
            committed += of_delivery
    return committed


def _commit_delivery(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: ReturnSpec,
    catalogue: Catalogue,
    receipt: Receipt,
    delivery: AssessedDelivery,
    before: list[Submission],
) -> list[Submission]:
    committed: list[Submission] = []
    for assessed in delivery.assessed:
        submission = _submission(assessed, spec, receipt, [*before, *committed])
        rival = current_submissions([*before, *committed]).get((submission.supplier, submission.period))
        _commit(connection, settings, spec, catalogue, submission)
        committed.append(submission)
        if submission.status == "refused":
            log.warning("refused: %s", submission.reason)
            continue
        place = ""
        if rival:
            place = (
                f", in place of {rival.source_file}" if submission.supersedes else f"; {rival.source_file} still counts"
            )
        log.info(
            "landed %s, %s: %s rows, %s quarantined%s",
            submission.supplier,
            submission.period,
            f"{submission.rows_landed:,}",
            f"{submission.rows_quarantined:,}",
            place,
        )
    for source_file in delivery.known:
        log.info("%s was dealt with before, in another delivery; nothing to do.", source_file)
    write_delivery(
        settings,
        Delivery(
            spec.return_id,
            receipt.sha256,
            receipt.file_name,
            receipt.received_at,
            [submission.submission_id for submission in committed],
        ),
    )
    return committed


def _submission(assessed: Assessed, spec: ReturnSpec, receipt: Receipt, before: list[Submission]) -> Submission:
    landed = 0 if assessed.status == "refused" else assessed.rows_read - assessed.rows_quarantined
    submission = Submission(
        submission_id=assessed.submission_id,
        return_id=spec.return_id,
        period=assessed.period,
        supplier=assessed.supplier,
        sequence=assessed.sequence,
        received_at=receipt.received_at,
        spec_version=spec.spec_version,
        source_file=assessed.source_file,
        sha256=assessed.sha256,
        delivery_sha256=receipt.sha256,
        table=assessed.table,
        rows_read=assessed.rows_read,
        rows_landed=landed,
        rows_quarantined=assessed.rows_quarantined,
        status=assessed.status,
        reason=assessed.reason,
        failures=assessed.failures_by_rule,
    )
    replaced = current_submissions(before).get((submission.supplier, submission.period))
    if submission.status == "accepted" and replaced and submission.order > replaced.order:
        return Submission(**{**submission.__dict__, "supersedes": replaced.submission_id})
    return submission


def _partial_dir(settings: Settings, return_id: str) -> Path:
    return settings.landed_dir / ".partial" / return_id


def _commit(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: ReturnSpec,
    catalogue: Catalogue,
    submission: Submission,
) -> None:
    """Write the submission beside its place and rename it in; from then on it counts."""
    final = submission_dir(settings, submission)
    partial = _partial_dir(settings, spec.return_id) / submission.submission_id
    partial.mkdir(parents=True)
    if submission.status == "accepted":
        _write_rows(connection, spec, submission, partial)
        _write_quarantine(connection, settings, spec, catalogue, submission)
    if submission.table:
        _copy(
            connection,
            "select rule_id, effect, submission_id, source_file, source_row, cell, table_name from landing_failure"
            f" where submission_id = '{submission.submission_id}' order by all",
            partial / "rule_failure.parquet",
        )
    write_submission(partial, submission)
    final.parent.mkdir(parents=True, exist_ok=True)
    partial.rename(final)
    sync_dir(final.parent)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    row = connection.execute(f"copy ({query}) to {literal(str(path))} (format parquet, compression zstd)").fetchone()
    return int(row[0]) if row else 0


def _write_rows(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, submission: Submission, folder: Path) -> None:
    written = _copy(
        connection,
        f"select * from \"{submission.table}\" as landed where submission_id = '{submission.submission_id}'"
        f" and not {is_quarantined(spec, submission.table)} order by source_row",
        folder / f"{submission.table}.parquet",
    )
    if written != submission.rows_landed:
        raise AssertionError(
            f"{submission.source_file}: {written} rows written where {submission.rows_landed} should land"
        )


def _write_quarantine(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: ReturnSpec,
    catalogue: Catalogue,
    submission: Submission,
) -> None:
    """Rows that could not be used, as received, with their place, the rule and what to do; in the vault."""
    if not submission.rows_quarantined:
        return
    folder = settings.vault_dir / "quarantine" / spec.return_id / f"submission={submission.submission_id}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    actions = {rule.rule_id: rule.action for rule in catalogue.about_landing(spec.return_id)}
    connection.execute("create or replace temp table rule_action (rule_id varchar, action varchar)")
    connection.executemany("insert into rule_action values (?, ?)", [list(pair) for pair in actions.items()])
    cell = spec.tables[submission.table].cell or "null"
    _copy(
        connection,
        f"""
        with quarantined as (
            select failed.rule_id, failed.source_file, failed.source_row, failed.cell, to_json(landed)::varchar as row_text
            from landing_failure as failed
            inner join "{submission.table}" as landed
                on landed.submission_id = failed.submission_id and landed.source_row = failed.source_row
                and (failed.cell is null or failed.cell = {cell})
            where failed.effect = 'quarantine' and failed.submission_id = '{submission.submission_id}'
            union all
            select rule_id, source_file, source_row, null, row_text from unreadable_row
            where submission_id = '{submission.submission_id}'
        )
        select '{submission.submission_id}' as submission_id, '{submission.table}' as table_name, quarantined.*, action
        from quarantined left join rule_action using (rule_id)
        order by source_file, source_row, cell, rule_id
        """,
        folder / "rows.parquet",
    )


def has_work(settings: Settings, return_id: str) -> bool:
    """Whether a landing would find anything: a file waiting, or one received and not dealt with.

    A bundled file that was received before is no work.
    """
    if inbox_files(settings, return_id) or pending_receipts(settings, return_id):
        return True
    known = {receipt.sha256 for receipt in receipts(settings, return_id)}
    return any(sha256_of(path) not in known for path in bundled_files(settings, return_id))
