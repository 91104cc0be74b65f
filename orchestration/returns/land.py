"""Landing: what is in the inbox is archived, read, judged and committed, one submission at a time.

Killed at any instant, nothing is lost: a file leaves the inbox only when its archive copy is verified and receipted, a
submission counts only when its folder, `submission.json` included, is renamed into place, and a received file without a
delivery record is taken up again at the next run.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from expectations.catalogue import Catalogue
from expectations.data_docs import QualityStore
from orchestration.durable import sync_dir
from orchestration.errors import CornerstoneError
from orchestration.locking import exclusive_lock
from orchestration.privacy.deidentify import (
    FindLanded,
    area_column,
    identity_query,
    landed_query,
    make_row_keys,
    missing_areas,
    with_areas_query,
)
from orchestration.privacy.keys import Keys, load_keys
from orchestration.privacy.pseudonyms import define_pseudonym
from orchestration.privacy.vault import identity_dir, open_vault, quarantine_dir, vault_file, write_vault
from orchestration.returns.archive import FileChanged, Receipt, archived_file, receipts, receive
from orchestration.returns.assess import (
    Assessed,
    AssessedDelivery,
    Assessment,
    assess,
    is_last_of_its_files,
    is_quarantined,
)
from orchestration.returns.delivered import delivered_file
from orchestration.returns.inbox import (
    bundled_files,
    delivered_name,
    inbox_dir,
    inbox_files,
    inboxes,
    state_of,
    stray_entries,
    take_away,
    wait_until_settled,
)
from orchestration.returns.spec import Lookup, ReturnSpec, load_spec, return_ids
from orchestration.returns.submission import (
    Delivery,
    Submission,
    WaitingSet,
    current_submissions,
    people_in_store,
    read_delivery,
    read_submissions,
    read_waiting,
    submission_dir,
    write_delivery,
    write_submission,
    write_waiting,
)
from orchestration.returns.workspace import attach_reference, open_workspace, run_abreast
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
    inbox. `waiting`: sets of files that are not complete.
    """

    committed: list[Submission]
    current: list[Submission]
    repeats: list[str]
    left: list[str]
    waiting: list[WaitingSet]

    @property
    def refused(self) -> list[Submission]:
        """Submissions refused now."""
        return [submission for submission in self.committed if submission.status == "refused"]


def pending_receipts(settings: Settings, return_id: str) -> list[Receipt]:
    """Received files that are not dealt with yet."""
    pending = []
    for receipt in receipts(settings, return_id):
        delivery = read_delivery(settings, return_id, receipt.key)
        if delivery is None or delivery.received_at < receipt.received_at:  # received again since
            pending.append(receipt)
    return pending


def land_return(settings: Settings, return_id: str, catalogue: Catalogue, *, now: datetime) -> LandingReport:
    """Land everything new of one return.

    Raises:
        CornerstoneError: another landing of the same store does not finish, or its secret key is missing.
    """
    spec = load_spec(return_id)
    with exclusive_lock(
        settings.store / "landing.lock", wait_seconds=LOCK_WAIT_SECONDS, holder=f"landing of {return_id}"
    ):
        keys = load_keys(settings)
        shutil.rmtree(_partial_dir(settings, return_id), ignore_errors=True)
        repeats, left = _receive_all(settings, keys, spec, now)
        docs = QualityStore(settings.quality_dir, f"landing-{return_id}", now)
        committed: list[Submission] = []
        carried: list[Receipt] = []
        incomplete: list[WaitingSet] = []
        for batch in _batches(pending_receipts(settings, return_id)):
            # A set can be spread over batches: what waits in one is looked at again with the next.
            landed, incomplete, carried = _land_batch(
                settings, keys, spec, catalogue, [*carried, *batch], repeats, docs
            )
            committed += landed
        write_waiting(settings, return_id, incomplete)
        _fill_areas(settings, keys, spec)
        everything = read_submissions(settings, return_id)
    return LandingReport(committed, list(current_submissions(everything).values()), repeats, left, incomplete)


def _receive_all(settings: Settings, keys: Keys, spec: ReturnSpec, now: datetime) -> tuple[list[str], list[str]]:
    """Archive what is in the inbox, and bundled files. Returns sentences: repeats, and files left where they are."""
    repeats: list[str] = []
    left: list[str] = []
    delivered = inbox_files(settings, spec.return_id)
    wait_until_settled(delivered)
    for position, path in enumerate([*delivered, *bundled_files(settings, spec.return_id)]):
        inbox = next((folder for folder in inboxes(settings, spec.return_id) if path.is_relative_to(folder)), None)
        # Files of the same name in two folders are parts of two sets.
        name = delivered_name(path, inbox) if inbox else path.name
        before = state_of(path)
        # A step in time for each file keeps the order in which files of one landing count.
        received_at = now + timedelta(microseconds=position)
        try:
            receipt, is_new = receive(
                settings, keys, spec.return_id, path, name, received_at, by_name=spec.comes_in_sets
            )
        except PermissionError:
            left.append(f"{name} cannot be read: give the user that runs Cornerstone the right to read it.")
            continue
        except FileChanged as changed:
            left.append(str(changed))
            continue
        if is_new:
            log.info("received %s (%s bytes)", name, f"{receipt.bytes:,}")
        elif inbox:
            repeats.append(
                f"{name} holds the same bytes as {receipt.file_name}, received on {receipt.received_at[:10]}; nothing to do."
            )
            log.info("%s", repeats[-1])
        if inbox:
            if state_of(path) == before:
                take_away(path, inbox)
            else:
                left.append(f"{name} changed while it was received; the next run receives it as it is then.")
    left += [
        f"{delivered_name(path, inbox_dir(settings, spec.return_id))} is a link or no file; put the file itself there."
        for path in stray_entries(settings, spec.return_id)
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
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    catalogue: Catalogue,
    batch: list[Receipt],
    repeats: list[str],
    docs: QualityStore,
) -> tuple[list[Submission], list[WaitingSet], list[Receipt]]:
    """Land what is complete; of what was landed before, say so in `repeats`.

    Returns: the submissions committed, the sets that wait, and the receipts of their files.
    """
    before = read_submissions(settings, spec.return_id)
    batch = _not_in_a_set(settings, spec, batch, before)
    of_file = {(receipt.sha256, receipt.file_name): receipt for receipt in batch}
    committed: list[Submission] = []
    try:
        with open_workspace(spec, settings.vault_dir / "spill") as connection:
            open_vault(connection, keys)
            define_pseudonym(connection, keys.pseudonym)
            _attach_references(connection, settings, catalogue.needed_returns(spec.return_id))
            assessment = assess(
                connection,
                [archived_file(settings, keys, receipt) for receipt in batch],
                spec,
                catalogue,
                {submission.submission_id for submission in before},
                settings.la_code,
                people_in_store(settings),
                docs,
            )
            for delivery in assessment.deliveries:
                received = [of_file[file.sha256, file.name] for file in delivery.delivered]
                if spec.comes_in_sets:
                    repeats += [f"{known} was dealt with before; nothing to do." for known in delivery.known]
                committed += _commit_delivery(
                    connection, settings, keys, spec, catalogue, received, delivery, [*before, *committed]
                )
    except duckdb.Error as error:
        if spec.personal_data == "none":
            raise
        # DuckDB's messages quote values; those of a return about children never leave this process.
        raise CornerstoneError(
            f"Landing {spec.title} stopped at a fault of the database ({type(error).__name__}); what was "
            "committed before it stands. Run it again, and report the fault if it comes back."
        ) from None
    waiting, carried = _waiting(settings, spec, assessment, of_file, [*before, *committed], repeats)
    return committed, waiting, carried


def _not_in_a_set(
    settings: Settings, spec: ReturnSpec, batch: list[Receipt], before: list[Submission]
) -> list[Receipt]:
    """Receipts still to be dealt with; a run killed after its set was committed left the records of others open."""
    of_set = {
        (name, digest): s
        for s in before
        if len(s.files) > 1 and is_last_of_its_files(spec, s.submission_id, s.sha256, s.period)
        for name, digest in s.files.items()
    }
    open_receipts = []
    for receipt in batch:
        submission = of_set.get((receipt.file_name, receipt.sha256))
        if submission is not None and receipt.received_at <= submission.received_at:
            _write_delivery(settings, spec, receipt, [submission])
        else:
            open_receipts.append(receipt)
    return open_receipts


def _waiting(
    settings: Settings,
    spec: ReturnSpec,
    assessment: Assessment,
    of_file: dict[tuple[str, str], Receipt],
    known: list[Submission],
    repeats: list[str],
) -> tuple[list[WaitingSet], list[Receipt]]:
    """Sets that wait, and their receipts; a part of a set that was landed before, sent again alone, is a repeat."""
    landed_before = {digest for submission in known for digest in submission.files.values()}
    sets, carried = [], []
    for incomplete in assessment.incomplete:
        received = [of_file[file.sha256, file.name] for file in incomplete.delivered]
        if all(receipt.sha256 in landed_before for receipt in received):
            for receipt in received:
                _write_delivery(settings, spec, receipt, [])
                repeats.append(f"{receipt.file_name} was landed before; nothing to do.")
            continue
        carried += received
        waiting = WaitingSet(
            spec.return_id,
            incomplete.name,
            {receipt.file_name: receipt.sha256 for receipt in received},
            incomplete.missing,
            min(receipt.received_at for receipt in received),
        )
        log.info("%s", waiting.message)
        sets.append(waiting)
    return sets, carried


def _commit_delivery(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    catalogue: Catalogue,
    received: list[Receipt],
    delivery: AssessedDelivery,
    before: list[Submission],
) -> list[Submission]:
    committed: list[Submission] = []
    for assessed in delivery.assessed:
        rival = current_submissions([*before, *committed]).get((assessed.supplier, assessed.period))
        submission = _submission(assessed, spec, received, rival)
        submission = _commit(connection, settings, keys, spec, catalogue, submission)
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
    for receipt in received:
        _write_delivery(settings, spec, receipt, committed)
    return committed


def _write_delivery(settings: Settings, spec: ReturnSpec, receipt: Receipt, submissions: list[Submission]) -> None:
    write_delivery(
        settings,
        Delivery(
            spec.return_id,
            receipt.key,
            receipt.file_name,
            receipt.received_at,
            [submission.submission_id for submission in submissions],
        ),
    )


def _submission(assessed: Assessed, spec: ReturnSpec, received: list[Receipt], rival: Submission | None) -> Submission:
    """The manifest of what was assessed; `rival` is the submission that has counted for its supplier and period."""
    last = max(received, key=lambda receipt: receipt.received_at)
    submission = Submission(
        submission_id=assessed.submission_id,
        return_id=spec.return_id,
        period=assessed.period,
        supplier=assessed.supplier,
        sequence=assessed.sequence,
        received_at=last.received_at,
        spec_version=spec.spec_version,
        source_file=assessed.source_file,
        sha256=assessed.sha256,
        delivery_sha256=last.sha256,
        tables=assessed.tables,
        status=assessed.status,
        reason=assessed.reason,
        failures=assessed.failures_by_rule,
        files=assessed.files,
        not_judged=assessed.not_judged,
        people=assessed.people,
    )
    if submission.status == "accepted" and rival and submission.order > rival.order:
        return replace(submission, supersedes=rival.submission_id)
    return submission


def _partial_dir(settings: Settings, return_id: str) -> Path:
    return settings.landed_dir / ".partial" / return_id


def _commit(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    catalogue: Catalogue,
    submission: Submission,
) -> Submission:
    """Write the submission beside its place and rename it in; from then on it counts.

    What belongs to the vault is written before: without its submission nothing reads it.
    """
    final = submission_dir(settings, submission)
    writing = _partial_dir(settings, spec.return_id) / submission.submission_id
    writing.mkdir(parents=True)
    if submission.status == "accepted":
        if spec.holds_records:
            submission = _split(connection, settings, keys, spec, submission, writing)
        else:
            _write_rows(connection, spec, submission, writing)
        _write_quarantine(connection, settings, spec, catalogue, submission)
    if submission.tables:
        _copy(
            connection,
            "select rule_id, effect, submission_id, source_file, source_row, cell, table_name from landing_failure"
            f" where submission_id = '{submission.submission_id}' order by all",
            writing / "rule_failure.parquet",
        )
    write_submission(writing, submission)
    final.parent.mkdir(parents=True, exist_ok=True)
    writing.rename(final)
    sync_dir(final.parent)
    return submission


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    row = connection.execute(f"copy ({query}) to {literal(str(path))} (format parquet, compression zstd)").fetchone()
    return int(row[0]) if row else 0


def _usable(spec: ReturnSpec, submission: Submission, table: str) -> str:
    return f"not {is_quarantined(spec, table)}" if submission.tables[table].rows_quarantined else "true"


def _require_landed(submission: Submission, table: str, written: int) -> None:
    if written != submission.tables[table].rows_landed:
        raise AssertionError(
            f"{submission.source_file}, {table}: {written} rows written where {submission.tables[table].rows_landed} should land"
        )


def _write_rows(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, submission: Submission, folder: Path) -> None:
    for table in submission.tables:
        written = _copy(
            connection,
            f"select * from \"{table}\" as landed where submission_id = '{submission.submission_id}'"
            f" and {_usable(spec, submission, table)} order by source_row",
            folder / f"{table}.parquet",
        )
        _require_landed(submission, table, written)


def _split(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    submission: Submission,
    folder: Path,
) -> Submission:
    """Identifiers to the vault, pseudonymised rows to the landed tables.

    Returns: the submission with notes of what could not be said of its rows.
    """
    find_landed = _find_landed(settings)
    make_row_keys(connection, spec, submission.submission_id, submission.supplier, submission.period)
    identities = identity_dir(settings, spec.return_id, submission.submission_id)
    _write_unknown_text(connection, submission, identities)
    census_day = spec.for_period(submission.period).census_day
    run_abreast(
        connection,
        [
            partial(_split_table, keys, spec, submission, table, census_day, find_landed, identities, folder)
            for table in submission.tables
        ],
    )
    return replace(submission, notes=missing_areas(spec, find_landed))


def _write_unknown_text(connection: duckdb.DuckDBPyConnection, submission: Submission, identities: Path) -> None:
    """What stood under names that the return does not have: to the vault, as text."""
    unknown = f"from unknown_text where submission_id = '{submission.submission_id}'"
    if connection.execute(f"select 1 {unknown} limit 1").fetchone():
        write_vault(connection, f"select * {unknown} order by all", identities / "unknown_text.parquet")


def _split_table(
    keys: Keys,
    spec: ReturnSpec,
    submission: Submission,
    table: str,
    census_day: date | None,
    find_landed: FindLanded,
    identities: Path,
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    define_pseudonym(connection, keys.pseudonym)
    usable = _usable(spec, submission, table)
    kept = identity_query(spec, table, submission.submission_id, usable)
    if kept is not None:
        write_vault(connection, kept, identities / f"{table}.parquet")
    query = landed_query(spec, table, submission.submission_id, census_day, usable, find_landed)
    _require_landed(submission, table, _copy(connection, query, folder / f"{table}.parquet"))


def _fill_areas(settings: Settings, keys: Keys, spec: ReturnSpec) -> None:
    """Give earlier submissions the areas they landed without, where the reference return has arrived since.

    Killed at any instant, the notes still name what is missing, so that the next landing does it again.
    """
    find_landed = _find_landed(settings)
    missing = missing_areas(spec, find_landed)
    for submission in read_submissions(settings, spec.return_id):
        if submission.status == "refused" or submission.notes == missing:
            continue
        folder = submission_dir(settings, submission)
        for table in (name for name in submission.tables if area_column(spec, name)):
            path = folder / f"{table}.parquet"
            partial = path.with_name(f"{path.name}.partial")
            kept = identity_dir(settings, spec.return_id, submission.submission_id) / path.name
            landed = f"read_parquet({literal(str(path))}, hive_partitioning = false)"
            with open_workspace(spec, settings.vault_dir / "spill") as connection:
                open_vault(connection, keys)
                query = with_areas_query(spec, table, landed, vault_file(kept), find_landed)
                _require_landed(submission, table, _copy(connection, query, partial))
            partial.replace(path)
        write_submission(folder, replace(submission, notes=missing))
        log.info("areas of %s, %s filled in", submission.supplier, submission.period)


def landed_table(settings: Settings, return_id: str, table: str) -> str | None:
    """The relation (SQL) of a reference table that counts now, or None where none is landed."""
    current = list(current_submissions(read_submissions(settings, return_id)).values())
    latest = max((s.period for s in current), default=None)  # each describes one date; the latest counts
    current = [s for s in current if s.period == latest]
    paths = [submission_dir(settings, s) / f"{table}.parquet" for s in current if table in s.tables]
    return f"read_parquet([{', '.join(literal(str(path)) for path in paths)}])" if paths else None


def _find_landed(settings: Settings) -> FindLanded:
    """The reference tables that count now, looked up once a landing."""
    found: dict[tuple[str, str], str | None] = {}

    def find(lookup: Lookup) -> str | None:
        wanted = (lookup.return_id, lookup.table)
        if wanted not in found:
            found[wanted] = landed_table(settings, *wanted)
        return found[wanted]

    return find


def _attach_references(
    connection: duckdb.DuckDBPyConnection, settings: Settings, needed_returns: Iterable[str]
) -> None:
    """Put the returns that rules compare with beside the rows they judge; one that is not landed whole stays away."""
    for return_id in needed_returns:
        tables = {name: landed_table(settings, return_id, name) for name in load_spec(return_id).tables}
        landed = {name: relation for name, relation in tables.items() if relation is not None}
        if len(landed) == len(tables):
            attach_reference(connection, return_id, landed)


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
    actions = {rule.rule_id: rule.action for rule in catalogue.about_landing(spec.return_id)}
    connection.execute("create or replace temp table rule_action (rule_id varchar, action varchar)")
    connection.executemany("insert into rule_action values (?, ?)", [list(pair) for pair in actions.items()])
    quarantined = "\nunion all\n".join(
        _quarantined_rows(spec, table, submission.submission_id) for table in submission.tables
    )
    write_vault(
        connection,
        f"""
        with quarantined as (
            {quarantined}
            union all
            select table_name, rule_id, source_file, source_row, null, row_text from unreadable_row
            where submission_id = '{submission.submission_id}'
        )
        select '{submission.submission_id}' as submission_id, quarantined.*, action
        from quarantined left join rule_action using (rule_id)
        order by table_name, source_file, source_row, cell, rule_id
        """,
        quarantine_dir(settings, spec.return_id, submission.submission_id) / "rows.parquet",
    )


def _quarantined_rows(spec: ReturnSpec, table: str, submission_id: str) -> str:
    cell = spec.tables[table].cell
    same_cell = f"and (failed.cell is null or failed.cell = {cell})" if cell else ""
    return f"""
        select failed.table_name, failed.rule_id, failed.source_file, failed.source_row, failed.cell,
            to_json(landed)::varchar as row_text
        from landing_failure as failed
        inner join "{table}" as landed
            on landed.submission_id = failed.submission_id and landed.source_file = failed.source_file
            and landed.source_row = failed.source_row {same_cell}
        where failed.effect = 'quarantine' and failed.table_name = '{table}' and failed.submission_id = '{submission_id}'
    """


def has_work(settings: Settings, return_id: str) -> bool:
    """Whether a landing would find anything: a file waiting, or one received and not dealt with.

    A bundled file that was received before is no work, nor is a file that waits for the others of its set.
    """
    waiting = {digest for one in read_waiting(settings, return_id) for digest in one.files.values()}
    pending = [receipt for receipt in pending_receipts(settings, return_id) if receipt.sha256 not in waiting]
    if inbox_files(settings, return_id) or pending:
        return True
    known = {receipt.sha256 for receipt in receipts(settings, return_id)}
    return any(delivered_file(path).sha256 not in known for path in bundled_files(settings, return_id))


def has_received_nothing(settings: Settings) -> bool:
    """Whether nobody ever delivered a file to this store or left one in its inbox; bundled figures are no delivery."""
    for return_id in return_ids():
        if inbox_files(settings, return_id) or stray_entries(settings, return_id):
            return False
        bundled = {delivered_file(path).sha256 for path in bundled_files(settings, return_id)}
        if any(receipt.sha256 not in bundled for receipt in receipts(settings, return_id)):
            return False
    return True
