"""Landing: what is in the inbox is archived, read, judged and committed, as many small files together as memory allows.

Killed at any instant, nothing is lost: a file leaves the inbox only when its archive copy is verified and receipted; what
was read together counts, and its files are dealt with, only when its folder, `landing.json` included, is renamed into
place; and a received file that is not dealt with is taken up again at the next run.
"""

import hashlib
import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from expectations.catalogue import Catalogue
from expectations.data_docs import QualityStore
from orchestration.durable import replace_durably, sync_dir, sync_tree
from orchestration.errors import Busy, CornerstoneError, room_wanted
from orchestration.privacy.deidentify import (
    Accepted,
    FindLanded,
    area_column,
    identity_query,
    landed_query,
    make_row_keys,
    missing_areas,
    name_accepted,
    with_areas_query,
)
from orchestration.privacy.keys import Keys, load_keys
from orchestration.privacy.pseudonyms import define_pseudonym
from orchestration.privacy.vault import identity_dir, open_vault, quarantine_dir, vault_file, write_vault
from orchestration.returns.again import (
    RULE_FAILURES,
    Batch,
    Periods,
    choose,
    landed_otherwise,
    pair_readings,
    require_archived,
    turn,
)
from orchestration.returns.archive import (
    FileChanged,
    NotTakenBack,
    Receipt,
    archived_file,
    receipts,
    receive,
    received_anew,
    remove_unreferenced,
)
from orchestration.returns.assess import Assessed, Assessment, assess
from orchestration.returns.delivered import delivered_file
from orchestration.returns.earlier import accepted_before, attach_earlier, judged_again
from orchestration.returns.inbox import (
    FileState,
    bundled_files,
    delivered_name,
    files_in,
    inbox_dir,
    inbox_files,
    inboxes,
    state_of,
    stray_entries,
    take_away,
    wait_until_settled,
)
from orchestration.returns.part import Part, common_lock, landing_lock
from orchestration.returns.quarantine import is_quarantined
from orchestration.returns.spec import Lookup, ReturnSpec, load_spec, return_ids
from orchestration.returns.submission import (
    Delivery,
    Submission,
    WaitingSet,
    committed_ids,
    current_submissions,
    landed_rows,
    landing_dirs,
    people_in,
    people_in_store,
    read_deliveries,
    read_landing,
    read_submissions,
    read_waiting,
    return_dir,
    write_landing,
    write_waiting,
)
from orchestration.returns.workspace import attach_reference, open_workspace, run_abreast
from orchestration.rights.leave_out import leave_out_forgotten
from orchestration.settings import Settings
from orchestration.sql_text import literal

log = logging.getLogger("cornerstone.landing")

# How much is read before it is judged and written: bounds memory while many small files share one validation.
BATCH_BYTES = 64 * 1024**2
BATCH_FILES = 500
# Clocks are set right by seconds all the time; a jump of more is told.
CLOCK_TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True)
class LandingReport:
    """What one landing did to a return.

    `committed`: submissions written now, accepted or refused. `current`: the submissions that count afterwards.
    `repeats`: one sentence for each file whose bytes had been received before. `left`: one for each that stays in the
    inbox. `waiting`: sets of files that are not complete. `read_again`: how many submissions of the archive were read again;
    those that came out otherwise are among the committed.
    """

    committed: list[Submission]
    current: list[Submission]
    repeats: list[str]
    left: list[str]
    waiting: list[WaitingSet]
    read_again: int = 0

    @property
    def refused(self) -> list[Submission]:
        """Submissions refused now."""
        return [submission for submission in self.committed if submission.status == "refused"]


def pending_receipts(settings: Settings, return_id: str) -> list[Receipt]:
    """Received files that are not dealt with yet."""
    deliveries = read_deliveries(settings, return_id)
    return [
        receipt
        for receipt in receipts(settings, return_id)
        # Files of a set can be received again.
        if receipt.erased is None
        and (receipt.key not in deliveries or deliveries[receipt.key].received_at < receipt.received_at)
    ]


def land_return(
    settings: Settings, return_id: str, catalogue: Catalogue, *, now: datetime, again: Periods | None = None
) -> LandingReport:
    """Land everything new of one return, and read `again` what the archive holds of some periods.

    Raises:
        CornerstoneError: another landing of the same store does not finish, its secret key is missing, or there is nothing to
            read again, or not all of it whole.
    """
    spec = load_spec(return_id)
    part = Part(return_id)
    with landing_lock(settings, part):
        keys = load_keys(settings)
        _remove_leftovers(settings, return_id)
        now = _after_all_receipts(settings, now)
        repeats, left = _receive_all(settings, keys, spec, part, catalogue, now)
        docs = _docs(settings, part, now)
        pending = pending_receipts(settings, return_id)
        committed, incomplete = _land_pending(settings, keys, spec, part, catalogue, pending, repeats, left, docs, now)
        _fill_areas(settings, keys, spec)
        read_again = 0
        if again is not None:
            otherwise, read_again = _land_again(settings, keys, spec, catalogue, again, left, docs, now)
            committed += otherwise
        return _report(settings, return_id, committed, repeats, left, incomplete, read_again)


def land_authority(
    settings: Settings, return_id: str, catalogue: Catalogue, authority: str, *, now: datetime
) -> LandingReport:
    """Land what lies in the inbox in the folder of one authority, while other processes land those of others.

    What concerns all of them waits for the next landing of the return: what dead landings left, areas that came later.

    Args:
        settings: where the store is, which all these processes see.
        return_id: a return that can be landed so (`by_authority`).
        catalogue: the rules.
        authority: DfE code of the authority, by which its folder is called.
        now: the time.

    Returns: what it did; `current` and `waiting` are those of all authorities.

    Raises:
        Busy: another process landed the same file, or another of the same supplier and period, in the meantime.
        CornerstoneError: the return cannot be landed so, a landing of all of it or of the same authority does not finish, or
            the store's secret key is missing.
    """
    spec = load_spec(return_id)
    if not spec.by_authority:
        raise CornerstoneError(
            f"{spec.title} cannot be landed by authority: its specification does not say `by_authority`."
        )
    part = Part(return_id, authority)
    with landing_lock(settings, part):
        keys = load_keys(settings)
        now = _after_all_receipts(settings, now)
        repeats, left = _receive_all(settings, keys, spec, part, catalogue, now)
        docs = _docs(settings, part, now)
        pending = [one for one in pending_receipts(settings, return_id) if part.holds(one.file_name)]
        committed, incomplete = _land_pending(settings, keys, spec, part, catalogue, pending, repeats, left, docs, now)
        return _report(settings, return_id, committed, repeats, left, incomplete)


def to_read_again(settings: Settings, spec: ReturnSpec, catalogue: Catalogue, periods: Periods) -> list[Batch]:
    """What the archive holds of some periods.

    Raises:
        CornerstoneError: it holds nothing of them.
    """
    return choose(settings, spec, periods, in_turn=bool(catalogue.about_earlier(spec.return_id)))


def _land_again(
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    catalogue: Catalogue,
    periods: Periods,
    left: list[str],
    docs: QualityStore,
    now: datetime,
) -> tuple[list[Submission], int]:
    """Read the archive again and land what comes out otherwise. Returns: that, and how many submissions were read."""
    batches = to_read_again(settings, spec, catalogue, periods)
    require_archived(settings, keys, batches)
    committed: list[Submission] = []
    read_again = 0
    for number, batch in enumerate(batches, start=1):
        log.info("reading again, %s of %s: %s submission(s)", number, len(batches), f"{len(batch.submissions):,}")
        to_land = _without_forgotten(settings, keys, spec, batch.receipts, now, left)
        part = Part(spec.return_id)
        landed, _, _ = _land_batch(settings, keys, spec, part, catalogue, to_land, [], docs, batch.submissions)
        committed += landed
        read_again += len(batch.submissions)
    log.info("read again %s submission(s): %s came out otherwise", f"{read_again:,}", f"{len(committed):,}")
    return committed, read_again


def land_archived(
    settings: Settings, return_id: str, catalogue: Catalogue, *, until: str, now: datetime
) -> LandingReport:
    """Land what was received up to a moment and is not dealt with, from the archive alone: the inbox is not looked at.

    Raises:
        CornerstoneError: another landing of the same store does not finish, or its secret key is missing.
    """
    spec, part = load_spec(return_id), Part(return_id)
    with landing_lock(settings, part):
        keys = load_keys(settings)
        _remove_leftovers(settings, return_id)
        pending = [one for one in pending_receipts(settings, return_id) if one.received_at <= until]
        docs = _docs(settings, part, now)
        left: list[str] = []
        committed, incomplete = _land_pending(settings, keys, spec, part, catalogue, pending, [], left, docs, now)
        _fill_areas(settings, keys, spec)
        return _report(settings, return_id, committed, [], left, incomplete)


def _docs(settings: Settings, part: Part, now: datetime) -> QualityStore:
    return QualityStore(
        settings.quality_dir, f"landing-{part}", now, is_landing=True, is_abreast=part.authority is not None
    )


def _land_pending(
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    part: Part,
    catalogue: Catalogue,
    pending: list[Receipt],
    repeats: list[str],
    left: list[str],
    docs: QualityStore,
    now: datetime,
) -> tuple[list[Submission], list[WaitingSet]]:
    """Land received files, as many together as memory allows. Returns: what was committed, and what waits for more files."""
    committed: list[Submission] = []
    carried: list[Receipt] = []
    incomplete: list[WaitingSet] = []
    for batch in _batches(pending):
        # A set can be spread over batches: what waits in one is looked at again with the next.
        with common_lock(settings, part):
            to_land = _without_forgotten(settings, keys, spec, [*carried, *batch], now, left)
        landed, incomplete, carried = _land_batch(settings, keys, spec, part, catalogue, to_land, repeats, docs)
        committed += landed
    with common_lock(settings, part):
        others = [] if part.authority is None else read_waiting(settings, spec.return_id)
        incomplete = [*(one for one in others if not any(map(part.holds, one.files))), *incomplete]
        write_waiting(settings, spec.return_id, incomplete)
    return committed, incomplete


def _report(
    settings: Settings,
    return_id: str,
    committed: list[Submission],
    repeats: list[str],
    left: list[str],
    incomplete: list[WaitingSet],
    read_again: int = 0,
) -> LandingReport:
    counting = list(current_submissions(read_submissions(settings, return_id)).values())
    return LandingReport(committed, counting, repeats, left, incomplete, read_again)


def _after_all_receipts(settings: Settings, now: datetime) -> datetime:
    """The time, or the moment after the last receipt where the clock stands before that: what comes later counts later."""
    every = [receipt.received_at for return_id in return_ids() for receipt in receipts(settings, return_id)]
    last = datetime.fromisoformat(max(every, default=now.isoformat()))
    if now > last or not every:
        return now
    if last - now > CLOCK_TOLERANCE:
        log.warning(
            "the clock says %s, and files were received at %s: set it right. What comes now is dated after these.",
            f"{now:%d %B %Y %H:%M}",
            f"{last:%d %B %Y %H:%M}",
        )
    # Files of one landing are microseconds apart: more than that tells two landings from each other.
    return last + timedelta(seconds=1)


def _remove_leftovers(settings: Settings, return_id: str) -> None:
    """Remove what landings that died left behind: half a landing, and what they had put into the vault, which nothing reads."""
    shutil.rmtree(_partial_dir(settings, return_id), ignore_errors=True)
    judging = settings.quality_dir.glob(f"*.landing-{return_id}-*.partial")
    spilt = settings.vault_dir.glob(f"landing_{return_id}-*_spill")
    for folder in [*orphans_in_vault(settings, return_id), *judging, *spilt]:
        shutil.rmtree(folder)


def orphans_in_vault(settings: Settings, return_id: str) -> list[Path]:
    """Folders of the vault whose landing was never committed."""
    landed = {folder.name for folder in landing_dirs(settings, return_id)}
    parts = (identity_dir(settings, return_id, "x").parent, quarantine_dir(settings, return_id, "x").parent)
    return sorted(folder for part in parts if part.is_dir() for folder in part.iterdir() if folder.name not in landed)


def _receive_all(
    settings: Settings, keys: Keys, spec: ReturnSpec, part: Part, catalogue: Catalogue, now: datetime
) -> tuple[list[str], list[str]]:
    """Archive what is in the inbox, and for all of a return bundled files. Returns sentences: repeats, and files left where they are."""
    repeats: list[str] = []
    left: list[str] = []
    again: list[tuple[Receipt, datetime, str]] = []
    to_take: list[tuple[Path, Path, str, FileState | None]] = []
    submissions = read_submissions(settings, spec.return_id)
    # Of each file that may be judged again, when it was last.
    may_be_again = {
        one.delivery_sha256: one.received_at
        for one in judged_again(submissions, catalogue.about_earlier(spec.return_id))
    }
    accepted = [one.received_at for one in accepted_before(submissions)]
    has_new = False
    lying = [
        # Files of the same name in two folders are parts of two sets.
        (path, inbox, delivered_name(path, inbox))
        for inbox in inboxes(settings, spec.return_id)
        for path in files_in(inbox)
    ]
    delivered = [one for one in lying if part.holds(one[2])]
    wait_until_settled(path for path, _, _ in delivered)
    bundled = bundled_files(settings, spec.return_id) if part.authority is None else []
    for position, (path, inbox, name) in enumerate([*delivered, *((path, None, path.name) for path in bundled)]):
        before = state_of(path)
        # A step in time for each file keeps the order in which files of one landing count.
        received_at = now + timedelta(microseconds=position)
        try:
            with common_lock(settings, part):
                receipt, is_new = receive(
                    settings, keys, spec.return_id, path, name, received_at, by_name=spec.comes_in_sets
                )
        except PermissionError:
            left.append(f"{name} cannot be read: give the user that runs Cornerstone the right to read it.")
            continue
        except (FileChanged, NotTakenBack) as kept_out:
            left.append(str(kept_out))
            continue
        if is_new:
            has_new = True
            log.info("received %s (%s bytes)", name, f"{receipt.bytes:,}")
        elif inbox:
            again.append((receipt, received_at, name))
        if inbox:
            to_take.append((path, inbox, name, before))
    for receipt, received_at, name in again:
        judged_at = may_be_again.get(receipt.sha256)
        if judged_at is not None and (has_new or max(accepted, default="") > judged_at):
            received_anew(settings, receipt, received_at)
            log.info("received %s again, to be judged beside what has come since", name)
            continue
        repeats.append(
            f"{name} holds the same bytes as {receipt.file_name}, received on {receipt.received_at[:10]}; nothing to do."
        )
        log.info("%s", repeats[-1])
    # Last, so that whoever is killed before finds what is to be judged again still in the inbox.
    for path, inbox, name, before in to_take:
        if state_of(path) == before:
            take_away(path, inbox)
        else:
            left.append(f"{name} changed while it was received; the next run receives it as it is then.")
    strays = [
        delivered_name(path, inbox_dir(settings, spec.return_id)) for path in stray_entries(settings, spec.return_id)
    ]
    left += [f"{name} is a link or no file; put the file itself there." for name in strays if part.holds(name)]
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


def _without_forgotten(
    settings: Settings, keys: Keys, spec: ReturnSpec, batch: list[Receipt], now: datetime, left: list[str]
) -> list[Receipt]:
    """Receipts of a batch, of whose archived files the rows of forgotten persons are gone; says in `left` what was erased."""
    kept = leave_out_forgotten(settings, keys, spec, batch, now, waits=True)
    if kept.cut or kept.erased:
        remove_unreferenced(settings)
    names = {one.key for one in kept.receipts}
    for receipt in batch:
        if receipt.key not in names:
            left.append(f"{receipt.file_name} cannot be read and names a person who was forgotten; it was not kept.")
            log.warning("%s", left[-1])
    return kept.receipts


def _land_batch(
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    part: Part,
    catalogue: Catalogue,
    batch: list[Receipt],
    repeats: list[str],
    docs: QualityStore,
    anew: Sequence[Submission] = (),
) -> tuple[list[Submission], list[WaitingSet], list[Receipt]]:
    """Land what is complete; of what was landed before, say so in `repeats`.

    The files of submissions `anew` are read again, and land where they come out otherwise.

    Returns: the submissions committed, the sets that wait, and the receipts of their files.
    """
    if not batch:
        return [], [], []
    before = read_submissions(settings, spec.return_id)
    known_ids = committed_ids(settings, spec.return_id)
    # An id that was ever given is not given again to another reading of its file.
    anew_ids = (
        (known_ids - {one.submission_id for one in before}) | {one.submission_id for one in anew} if anew else set()
    )
    if anew:
        first = min(one.received_at for one in anew)
        before = [one for one in before if one.submission_id not in anew_ids and one.received_at < first]
    of_file = {(receipt.sha256, receipt.file_name): receipt for receipt in batch}
    try:
        with open_workspace(spec, part.spill_dir(settings), settings.database_limits) as connection:
            open_vault(connection, keys)
            define_pseudonym(connection, keys.pseudonym)
            _attach_references(connection, settings, catalogue.needed_returns(spec.return_id))
            if catalogue.about_earlier(spec.return_id):
                earlier = accepted_before(before)
                attach_earlier(
                    connection, spec, {table: landed_rows(settings, earlier, table) for table in spec.tables}
                )
            assessment = assess(
                connection,
                [archived_file(settings, keys, receipt) for receipt in batch],
                spec,
                catalogue,
                known_ids,
                settings.la_code,
                settings.la_ons_code,
                people_in_store(settings),
                docs,
                before,
                anew_ids,
            )
            landing = _Landing(_landing_id(batch, anew), [], [])
            waiting, carried = _waiting(spec, assessment, of_file, before, landing, repeats)
            in_turn = bool(catalogue.about_earlier(spec.return_id))
            rivals = _add_submissions(spec, assessment, of_file, before, landing, repeats, in_turn=in_turn)
            if anew:
                landing = _commit_otherwise(connection, settings, keys, spec, catalogue, landing, anew)
            elif landing.deliveries:
                landing = _commit(connection, settings, keys, spec, part, catalogue, landing, before)
    except duckdb.Error as error:
        if wanted := room_wanted(str(error)):
            raise CornerstoneError(wanted) from None
        if spec.personal_data == "none":
            raise
        # DuckDB's messages quote values; those of a return about children never leave this process.
        raise CornerstoneError(
            f"Landing {spec.title} stopped at a fault of the database ({type(error).__name__}); what was "
            "committed before it stands. Run it again, and report the fault if it comes back."
        ) from None
    for submission in landing.submissions:
        _log_landed(submission, rivals.get(submission.submission_id))
    return landing.submissions, waiting, carried


@dataclass(frozen=True)
class _Landing:
    """What is committed together: the name of its folder, the submissions, the received files dealt with, and the earlier
    readings of these that count no more."""

    name: str
    submissions: list[Submission]
    deliveries: list[Delivery]
    replaced: dict[str, str | None] = field(default_factory=dict)

    def deal_with(self, receipt: Receipt, submissions: Iterable[Submission] = ()) -> None:
        """Record what a received file gave."""
        gave = [submission.submission_id for submission in submissions]
        self.deliveries.append(Delivery(receipt.return_id, receipt.key, receipt.file_name, receipt.received_at, gave))


def _landing_id(batch: list[Receipt], anew: Iterable[Submission] = ()) -> str:
    """When the last of the files was received, and a digest of which they are, and of what they were read as before: no two
    landings deal with the same."""
    last = max(receipt.received_at for receipt in batch)
    which = [f"{receipt.key} {receipt.received_at}" for receipt in batch]
    received = "|".join([*sorted(which), *sorted(one.submission_id for one in anew)])
    return f"{last[:19].replace('-', '').replace(':', '')}-{hashlib.sha256(received.encode()).hexdigest()[:8]}"


def _waiting(
    spec: ReturnSpec,
    assessment: Assessment,
    of_file: dict[tuple[str, str], Receipt],
    before: list[Submission],
    landing: _Landing,
    repeats: list[str],
) -> tuple[list[WaitingSet], list[Receipt]]:
    """Sets that wait, and their receipts; a part of a set that was landed before, sent again alone, is a repeat."""
    landed = {digest for submission in before for digest in submission.files.values()}
    landed |= {
        digest for delivery in assessment.deliveries for one in delivery.assessed for digest in one.files.values()
    }
    sets, carried = [], []
    for incomplete in assessment.incomplete:
        received = [of_file[file.sha256, file.name] for file in incomplete.delivered]
        if all(receipt.sha256 in landed for receipt in received):
            for receipt in received:
                landing.deal_with(receipt)
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


def _add_submissions(
    spec: ReturnSpec,
    assessment: Assessment,
    of_file: dict[tuple[str, str], Receipt],
    before: list[Submission],
    landing: _Landing,
    repeats: list[str],
    *,
    in_turn: bool,
) -> dict[str, Submission]:
    """The manifests of what was assessed, in the order of receipt, or `in_turn` in that of their periods and sequences.

    Returns: by submission the one that counted for its supplier and period until then.
    """
    assessed = [
        (one, max((of_file[file.sha256, file.name] for file in delivery.delivered), key=lambda got: got.received_at))
        for delivery in assessment.deliveries
        for one in delivery.assessed
    ]
    if in_turn and assessed:
        assessed.sort(key=lambda pair: turn(pair[0]))
        # A step in time for each: what was judged later counts later.
        first = datetime.fromisoformat(min(receipt.received_at for _, receipt in assessed))
        assessed = [
            (
                one,
                replace(receipt, received_at=(first + timedelta(microseconds=step)).isoformat(timespec="microseconds")),
            )
            for step, (one, receipt) in enumerate(assessed)
        ]
    current = current_submissions(before)
    rivals: dict[str, Submission] = {}
    made: dict[str, Submission] = {}
    for one, receipt in assessed:
        rival = current.get((one.supplier, one.period))
        submission = _submission(one, spec, landing.name, receipt, rival)
        made[one.submission_id] = submission
        if rival is not None:
            rivals[submission.submission_id] = rival
        is_counted = submission.status == "accepted" and not submission.is_draft
        if is_counted and (rival is None or submission.supersedes):
            current[submission.supplier, submission.period] = submission
    landing.submissions.extend(made.values())
    for delivery in assessment.deliveries:
        if spec.comes_in_sets:
            repeats += [f"{known} was dealt with before; nothing to do." for known in delivery.known]
        for source_file in delivery.known:
            log.info("%s was dealt with before, in another delivery; nothing to do.", source_file)
        for file in delivery.delivered:
            landing.deal_with(of_file[file.sha256, file.name], [made[one.submission_id] for one in delivery.assessed])
    return rivals


def _log_landed(submission: Submission, rival: Submission | None) -> None:
    if submission.status == "refused":
        log.warning("refused: %s", submission.reason)
        return
    place = ", a draft, which does not count" if submission.is_draft else ""
    if rival is not None and not submission.is_draft:
        place = f", in place of {rival.source_file}" if submission.supersedes else f"; {rival.source_file} still counts"
    log.info(
        "landed %s, %s: %s rows, %s quarantined%s",
        submission.supplier,
        submission.period,
        f"{submission.rows_landed:,}",
        f"{submission.rows_quarantined:,}",
        place,
    )


def _submission(
    assessed: Assessed, spec: ReturnSpec, landing: str, last: Receipt, rival: Submission | None
) -> Submission:
    """The manifest of what was assessed; `last` is the receipt of the last of its files, `rival` the submission that has
    counted for its supplier and period."""
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
        landing=landing,
        reason=assessed.reason,
        failures=assessed.failures_by_rule,
        files=assessed.files,
        not_judged=assessed.not_judged,
        people=assessed.people,
        is_draft=assessed.is_draft,
    )
    if submission.status == "accepted" and not submission.is_draft and rival and submission.order > rival.order:
        return replace(submission, supersedes=rival.submission_id)
    return submission


def _partial_dir(settings: Settings, return_id: str) -> Path:
    return settings.landed_dir / ".partial" / return_id


def _commit(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    part: Part,
    catalogue: Catalogue,
    landing: _Landing,
    before: Sequence[Submission],
) -> _Landing:
    """Write what was landed beside its place and rename it in; from then on it counts. `before`: what it was judged beside.

    Returns: the landing with what could not be said of its rows noted in its submissions.
    """
    if part.authority is None:
        writing, landing = _write(connection, settings, keys, spec, catalogue, landing)
        _move_in(settings, spec, landing, writing)
        return landing
    _remove_attempt(settings, landing, spec.return_id)
    writing, landing = _write(connection, settings, keys, spec, catalogue, landing)
    with common_lock(settings, part):
        _require_undisputed(settings, landing, before, spec.return_id)
        _move_in(settings, spec, landing, writing)
    return landing


def _remove_attempt(settings: Settings, landing: _Landing, return_id: str) -> None:
    """Remove what an earlier attempt at the same landing left when it died."""
    for folder in (
        _partial_dir(settings, return_id) / landing.name,
        *(one(settings, return_id, landing.name) for one in (identity_dir, quarantine_dir)),
    ):
        shutil.rmtree(folder, ignore_errors=True)


def _require_undisputed(settings: Settings, landing: _Landing, before: Sequence[Submission], return_id: str) -> None:
    """Nobody has landed in the meantime what is to be committed, something that it competes with, or people of the other kind.

    Raises:
        Busy: somebody has; landed again, it is judged beside that.
    """
    known = {one.submission_id for one in before}
    since = [one for one in read_submissions(settings, return_id) if one.submission_id not in known]
    ours = {one.submission_id for one in landing.submissions}
    places = {(one.supplier, one.period) for one in landing.submissions}
    people = {people_in_store(settings), people_in(landing.submissions)} - {None}
    if any(one.submission_id in ours or (one.supplier, one.period) in places for one in since) or len(people) > 1:
        _remove_attempt(settings, landing, return_id)
        raise Busy(
            "Another process landed files of the same school, or of another kind of people, in the meantime: run again."
        )


def _commit_otherwise(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    catalogue: Catalogue,
    landing: _Landing,
    anew: Sequence[Submission],
) -> _Landing:
    """Commit of what was read again the files that come out otherwise; of the others nothing is kept.

    Returns: the landing, without the others.
    """
    in_place = [new for one in pair_readings(anew, landing.submissions) for _, new in one.pairs if new]
    writing, landing = _write(connection, settings, keys, spec, catalogue, replace(landing, submissions=in_place))
    readings = pair_readings(anew, landing.submissions)
    same = [one for one in readings if one.says_the_same]
    moved = landed_otherwise(connection, settings, spec, same, writing)
    changed = [
        one
        for one in readings
        if not one.says_the_same or any(new and new.submission_id in moved for _, new in one.pairs)
    ]
    kept = {new.submission_id: new for one in changed for _, new in one.pairs if new}
    if not changed or len(kept) < len(landing.submissions):
        _remove_attempt(settings, landing, spec.return_id)
    if not changed:
        return replace(landing, submissions=[], deliveries=[])
    gave = [replace(one, submission_ids=[n for n in one.submission_ids if n in kept]) for one in landing.deliveries]
    landing = replace(
        landing,
        submissions=[one for one in landing.submissions if one.submission_id in kept],
        deliveries=[one for one in gave if one.submission_ids],
        replaced={
            old.submission_id: new.submission_id if new else None for one in changed for old, new in one.pairs if old
        },
    )
    if not writing.is_dir():
        writing, landing = _write(connection, settings, keys, spec, catalogue, landing)
    write_landing(writing, landing.submissions, landing.deliveries, landing.replaced)
    _move_in(settings, spec, landing, writing)
    return landing


def _write(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    catalogue: Catalogue,
    landing: _Landing,
) -> tuple[Path, _Landing]:
    """Write what was landed beside its place.

    What belongs to the vault is written too: without its landing nothing reads it.

    Returns: the folder, and the landing with what could not be said of its rows noted in its submissions.
    """
    writing = _partial_dir(settings, spec.return_id) / landing.name
    writing.mkdir(parents=True)
    accepted = [submission for submission in landing.submissions if submission.status == "accepted"]
    name_accepted(connection, [_accepted(spec, submission) for submission in accepted])
    find_landed = _find_landed(settings)
    if accepted:
        tasks = [
            partial(_write_table, settings, keys, spec, landing.name, accepted, table, find_landed, writing)
            for table in spec.tables
            if any(table in submission.tables for submission in accepted)
        ]
        if spec.holds_records:
            make_row_keys(connection, spec)
            _write_unknown_text(connection, identity_dir(settings, spec.return_id, landing.name))
        run_abreast(connection, tasks)
        _write_quarantine(connection, settings, spec, catalogue, landing.name, accepted)
    if any(submission.tables for submission in landing.submissions):
        _copy(
            connection,
            "select rule_id, effect, submission_id, source_file, source_row, cell, table_name from landing_failure"
            " order by all",
            writing / f"{RULE_FAILURES}.parquet",
        )
    notes = missing_areas(spec, find_landed)
    submissions = [replace(one, notes=notes) if one.status == "accepted" else one for one in landing.submissions]
    write_landing(writing, submissions, landing.deliveries, landing.replaced)
    return writing, replace(landing, submissions=submissions)


def _move_in(settings: Settings, spec: ReturnSpec, landing: _Landing, writing: Path) -> None:
    final = return_dir(settings, spec.return_id) / landing.name
    sync_tree(writing)
    final.parent.mkdir(parents=True, exist_ok=True)
    writing.rename(final)
    sync_dir(final.parent)


def _accepted(spec: ReturnSpec, submission: Submission) -> Accepted:
    scope = f"{submission.return_id}|{submission.supplier}|{submission.period}"
    census_day = spec.for_period(submission.period).census_day if spec.holds_records else None
    return Accepted(submission.submission_id, scope, census_day)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    connection.execute(f"copy ({query}) to {literal(str(path))} (format parquet, compression zstd)")


def _require_landed(
    connection: duckdb.DuckDBPyConnection, submissions: Iterable[Submission], table: str, path: Path
) -> None:
    """A written file holds of each submission exactly the rows that its manifest says."""
    written = dict(
        connection.execute(
            f"select submission_id, count(*) from read_parquet({literal(str(path))}) group by all"
        ).fetchall()
    )
    for submission in submissions:
        wanted = submission.tables[table].rows_landed if table in submission.tables else 0
        if written.pop(submission.submission_id, 0) != wanted:
            raise AssertionError(f"{submission.source_file}, {table}: the rows written are not the {wanted} to land")
    if written:
        raise AssertionError(f"{table}: rows written of {len(written)} submission(s) that should not land")


def _write_table(
    settings: Settings,
    keys: Keys,
    spec: ReturnSpec,
    landing: str,
    accepted: list[Submission],
    table: str,
    find_landed: FindLanded,
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """The rows of one table that can be used; of people, identifiers to the vault and pseudonymised rows to the folder."""
    has_quarantined = any(one.tables[table].rows_quarantined for one in accepted if table in one.tables)
    usable = f"not {is_quarantined(spec, table)}" if has_quarantined else "true"
    if spec.holds_records:
        define_pseudonym(connection, keys.pseudonym)
        kept = identity_query(spec, table, usable)
        if kept is not None:
            write_vault(connection, kept, identity_dir(settings, spec.return_id, landing) / f"{table}.parquet")
        query = landed_query(spec, table, usable, find_landed)
    else:
        query = (
            f'select landed.* from "{table}" as landed semi join accepted using (submission_id) where {usable}'
            " order by submission_id, source_row"
        )
    _copy(connection, query, folder / f"{table}.parquet")
    _require_landed(connection, accepted, table, folder / f"{table}.parquet")


def _write_unknown_text(connection: duckdb.DuckDBPyConnection, identities: Path) -> None:
    """What stood under names that the return does not have: to the vault, as text."""
    unknown = "from unknown_text semi join accepted using (submission_id)"
    if connection.execute(f"select 1 {unknown} limit 1").fetchone():
        write_vault(connection, f"select * {unknown} order by all", identities / "unknown_text.parquet")


def _fill_areas(settings: Settings, keys: Keys, spec: ReturnSpec) -> None:
    """Give earlier submissions the areas they landed without, where the reference return has arrived since.

    Killed at any instant, the notes still name what is missing, so that the next landing does it again.
    """
    find_landed = _find_landed(settings)
    missing = missing_areas(spec, find_landed)
    for folder in landing_dirs(settings, spec.return_id):
        submissions, deliveries, replaced = read_landing(folder)
        accepted = [one for one in submissions if one.status == "accepted"]
        if all(one.notes == missing for one in accepted):
            continue
        for table in spec.tables:
            path = folder / f"{table}.parquet"
            if area_column(spec, table) is None or not path.is_file():
                continue
            partial = path.with_name(f"{path.name}.partial")
            kept = identity_dir(settings, spec.return_id, folder.name) / path.name
            with open_workspace(spec, settings.vault_dir / "spill", settings.database_limits) as connection:
                open_vault(connection, keys)
                landed = f"read_parquet({literal(str(path))})"
                _copy(connection, with_areas_query(spec, table, landed, vault_file(kept), find_landed), partial)
                _require_landed(connection, accepted, table, partial)
            replace_durably(partial, path)
        noted = [replace(one, notes=missing) if one.status == "accepted" else one for one in submissions]
        write_landing(folder, noted, deliveries, replaced)
        log.info("areas of %s submission(s) filled in", len(accepted))


def landed_table(settings: Settings, return_id: str, table: str) -> str | None:
    """The relation (SQL) of a reference table that counts now, or None where none is landed."""
    current = list(current_submissions(read_submissions(settings, return_id)).values())
    latest = max((s.period for s in current), default=None)  # each describes one date; the latest counts
    current = [s for s in current if s.period == latest]
    return landed_rows(settings, current, table)


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
    landing: str,
    accepted: list[Submission],
) -> None:
    """Rows that could not be used, as received, with their place, the rule, what to do and whose they are; in the vault."""
    if not any(submission.rows_quarantined for submission in accepted):
        return
    actions = {rule.rule_id: rule.action for rule in catalogue.about_landing(spec.return_id)}
    connection.execute("create or replace temp table rule_action (rule_id varchar, action varchar)")
    connection.executemany("insert into rule_action values (?, ?)", [list(pair) for pair in actions.items()])
    quarantined = "\nunion all\n".join(_quarantined_rows(spec, table) for table in spec.tables)
    write_vault(
        connection,
        f"""
        with quarantined as (
            {quarantined}
            union all
            select submission_id, table_name, rule_id, source_file, source_row, null, row_text, null from unreadable_row
        )
        select quarantined.*, action
        from quarantined semi join accepted using (submission_id) left join rule_action using (rule_id)
        order by submission_id, table_name, source_file, source_row, cell, rule_id
        """,
        quarantine_dir(settings, spec.return_id, landing) / "rows.parquet",
    )


def _quarantined_rows(spec: ReturnSpec, table: str) -> str:
    cell = spec.tables[table].cell
    same_cell = f"and (failed.cell is null or failed.cell = {cell})" if cell else ""
    person, joined = "null::varchar", ""
    if spec.person is not None and spec.is_in_person(table):
        person = "person.own_key"
        joined = f'left join "key_{spec.person.table}" as person on person.record = landed.person_record'
    return f"""
        select failed.submission_id, failed.table_name, failed.rule_id, failed.source_file, failed.source_row, failed.cell,
            to_json(landed)::varchar as row_text, {person} as row_person_ref
        from landing_failure as failed
        inner join "{table}" as landed
            on landed.submission_id = failed.submission_id and landed.source_file = failed.source_file
            and landed.source_row = failed.source_row {same_cell}
        {joined}
        where failed.effect = 'quarantine' and failed.table_name = '{table}'
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
