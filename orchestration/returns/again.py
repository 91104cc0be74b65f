"""Reading the archive again: which submissions of a return and a range of periods, and which of them come out otherwise.

Rules, specifications and the returns that rules compare with change after a file has landed. What is read again keeps the
place it was received in, and takes the place of its earlier reading only where something of it differs; the earlier landing
stays on disk as it was, and nothing counts it any more.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby, zip_longest
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.errors import CornerstoneError
from orchestration.privacy.keys import Keys
from orchestration.privacy.vault import identity_dir, vault_file, vault_files
from orchestration.returns.archive import Receipt, is_archived, receipts
from orchestration.returns.assess import Assessed
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import (
    UNKNOWN_PERIOD,
    Submission,
    landed_rows,
    landing_dir,
    landing_dirs,
    read_landing,
    read_submissions,
)
from orchestration.returns.workspace import insert_arrow
from orchestration.settings import Settings

RULE_FAILURES = "rule_failure"
_EVERY = "all"
# What says where a reading lies and not what it came to.
_NOT_COMPARED = ("submission_id", "landing", "supersedes")


@dataclass(frozen=True)
class Periods:
    """A range of periods of one return, both ends included; a year alone stands for all of its periods."""

    said: str
    first: str = ""
    last: str = ""

    def __contains__(self, period: str) -> bool:
        if self.said == _EVERY:
            return True
        return (
            period != UNKNOWN_PERIOD and period >= self.first and (period <= self.last or period.startswith(self.last))
        )


def read_periods(spec: ReturnSpec, text: str) -> Periods:
    """What a person asked for: `2024`, `2024-10..2026-01`, or `all`.

    Raises:
        CornerstoneError: the return has no such period, or the range ends before it begins.
    """
    if text == _EVERY:
        return Periods(text)
    form = spec.period_form
    first, dots, last = (part.strip() for part in text.partition(".."))
    if not first or (dots and not last):
        wrong = f"The range {text} lacks an end" if dots else "No period is given"
        raise CornerstoneError(f"{wrong}: give {form.said}, a range of them as A..B, or all.")
    for end in (first, last) if dots else (first,):
        if not re.fullmatch(form.pattern, end):
            raise CornerstoneError(
                f"{end} is no period of the {spec.title}: give {form.said}, a range of them as A..B, or all."
            )
    if dots and not (last >= first or first.startswith(last)):
        raise CornerstoneError(f"The range {text} ends before it begins; give it as {last}..{first}.")
    return Periods(text, first, last if dots else first)


@dataclass(frozen=True)
class Batch:
    """What is read again together: submissions as they were read last, and the receipts of their files."""

    submissions: list[Submission]
    receipts: list[Receipt]


def choose(settings: Settings, spec: ReturnSpec, periods: Periods, *, in_turn: bool) -> list[Batch]:
    """What the archive holds of a range of periods, in the order in which it was received.

    A file is read whole: where it holds other periods too, these are read again with it. So are files refused before it was
    known what they are about.

    Args:
        settings: where the store is.
        spec: the return.
        periods: the range.
        in_turn: whether each is to be judged beside all that came before it, and nothing that came after.

    Raises:
        CornerstoneError: the archive holds nothing of these periods.
    """
    known = {one.submission_id: one for one in read_submissions(settings, spec.return_id)}
    if not any(one.period in periods for one in known.values()):
        held = sorted({one.period for one in known.values()} - {UNKNOWN_PERIOD})
        arrived = (
            f"what has arrived is of {spec.said_period(held[0])} to {spec.said_period(held[-1])}"
            if held
            else "nothing has arrived"
        )
        asked = "" if periods.said == _EVERY else f" for {periods.said}"
        raise CornerstoneError(f"The archive holds nothing of the {spec.title}{asked}; {arrived}.")
    received = {receipt.key: receipt for receipt in receipts(settings, spec.return_id)}
    batches: list[Batch] = []
    for folder in landing_dirs(settings, spec.return_id):
        of_delivery = [
            (received[one.receipt_key], own)
            for one in read_landing(folder).deliveries
            if (own := [known[gave] for gave in one.submission_ids if gave in known])
            and any(made.period in periods or made.period == UNKNOWN_PERIOD for made in own)
        ]
        if of_delivery and not in_turn:
            submissions = {one.submission_id: one for _, own in of_delivery for one in own}
            batches.append(Batch(list(submissions.values()), [receipt for receipt, _ in of_delivery]))
        elif in_turn:
            batches += [Batch(own, [receipt]) for receipt, own in of_delivery]
    batches.sort(key=lambda batch: min(one.received_at for one in batch.submissions))
    return list(_in_one_turn(batches, list(known.values()))) if in_turn else batches


def _in_one_turn(batches: Sequence[Batch], known: Sequence[Submission]) -> Iterator[Batch]:
    """Batches joined where each follows the one before, as it was received and as landing takes what it judges together."""
    order = {one.submission_id: number for number, one in enumerate(known)}
    joined: Batch | None = None
    for batch in batches:
        if joined and (
            order[batch.submissions[0].submission_id] == order[joined.submissions[-1].submission_id] + 1
            and turn(batch.submissions[0]) >= turn(joined.submissions[-1])
        ):
            joined = Batch([*joined.submissions, *batch.submissions], [*joined.receipts, *batch.receipts])
            continue
        if joined:
            yield joined
        joined = batch
    if joined:
        yield joined


def turn(submission: Submission | Assessed) -> tuple[str, str, bool]:
    """In which order what is compared with earlier returns is judged."""
    return submission.period, submission.sequence, not submission.is_draft


def require_archived(settings: Settings, keys: Keys, batches: Sequence[Batch]) -> None:
    """Every file is whole in the archive; nothing is read again before that is sure.

    Raises:
        CornerstoneError: one is missing or damaged.
    """
    for receipt in (receipt for batch in batches for receipt in batch.receipts):
        if not is_archived(settings, keys, receipt):
            raise CornerstoneError(
                f"The archive copy of {receipt.file_name}, received on {receipt.received_at[:10]}, is missing or damaged;"
                " restore it from a backup. Nothing was read again."
            )


@dataclass(frozen=True)
class Reading:
    """One file or set of files: its submissions as they were read last, and as they are read now, pairwise in one order.

    One of a pair is None where the file gives more submissions now, or fewer.
    """

    pairs: list[tuple[Submission | None, Submission | None]]

    @property
    def says_the_same(self) -> bool:
        """Whether the manifests of both readings agree; what was landed is another question."""
        return all(old and new and _said(old) == _said(new) for old, new in self.pairs)


def pair_readings(before: Sequence[Submission], now: Sequence[Submission]) -> list[Reading]:
    """Readings of the same files, those of now in the place in which the files were received."""
    last: dict[tuple[str, str], list[Submission]] = {}
    for one in sorted(before, key=lambda submission: submission.received_at):
        own = last.setdefault(_file(one), [])
        if own and own[0].landing != one.landing:  # refused then, and judged anew when it was sent again
            own.clear()
        own.append(one)
    readings = []
    for file, found in groupby(sorted(now, key=_file), key=_file):
        old = sorted(last.get(file, []), key=_place)
        new = [
            replace(one, received_at=(old[number] if number < len(old) else old[0]).received_at) if old else one
            for number, one in enumerate(sorted(found, key=_place))
        ]
        readings.append(Reading(list(zip_longest(old, new))))
    return readings


def _file(submission: Submission) -> tuple[str, str]:
    return submission.sha256, submission.source_file


def _place(submission: Submission) -> tuple[str, str, str, str]:
    return submission.supplier, submission.period, submission.sequence, submission.received_at


def _said(submission: Submission) -> dict[str, object]:
    return {name: value for name, value in asdict(submission).items() if name not in _NOT_COMPARED}


def landed_otherwise(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: ReturnSpec,
    readings: Sequence[Reading],
    written: Path,
) -> set[str]:
    """Of readings that say the same, the submissions of which other rows were written now, to the folder `written`, than landed.

    Compared row by row: landed rows, identifiers in the vault, and the places where rules failed.
    """
    pairs = [(old, new) for reading in readings for old, new in reading.pairs if old and new]
    if not pairs:
        return set()
    connection.execute("create or replace temp table reading (new_id varchar, old_id varchar)")
    ids = {"new_id": [new.submission_id for _, new in pairs], "old_id": [old.submission_id for old, _ in pairs]}
    insert_arrow(connection, "reading", pa.table(ids))
    before = [old for old, _ in pairs]
    return {
        submission_id
        for new_rows, old_rows in _relations(settings, spec, before, written)
        for submission_id in _differing(connection, new_rows, old_rows, {new.submission_id for _, new in pairs})
    }


def _relations(
    settings: Settings, spec: ReturnSpec, before: Sequence[Submission], written: Path
) -> Iterator[tuple[str | None, str | None]]:
    """What was written now and what had landed, as relations (SQL); None where there is no such file."""
    folders = list(dict.fromkeys(landing_dir(settings, one) for one in before))
    for table in spec.tables:
        path = written / f"{table}.parquet"
        yield (_parquet([path]) if path.is_file() else None), landed_rows(settings, before, table)
        now = identity_dir(settings, spec.return_id, written.name) / f"{table}.parquet"
        then = [identity_dir(settings, spec.return_id, folder.name) / f"{table}.parquet" for folder in folders]
        held = [path for path in then if path.is_file()]
        yield (vault_file(now) if now.is_file() else None), (vault_files(held) if held else None)
    failed = [path for folder in folders if (path := folder / f"{RULE_FAILURES}.parquet").is_file()]
    path = written / f"{RULE_FAILURES}.parquet"
    yield (_parquet([path]) if path.is_file() else None), (_parquet(failed) if failed else None)


def _parquet(paths: Sequence[Path]) -> str:
    return f"read_parquet({[str(path) for path in paths]})"


def _differing(
    connection: duckdb.DuckDBPyConnection, new_rows: str | None, old_rows: str | None, everything: Collection[str]
) -> set[str]:
    """Submissions of `reading`, by their new ids, of which two relations hold different rows."""
    if new_rows is None and old_rows is None:
        return set()
    columns = [
        [(row[0], row[1]) for row in connection.execute(f"describe select * from {relation}").fetchall()]
        for relation in (new_rows, old_rows)
        if relation
    ]
    if len(columns) < 2 or columns[0] != columns[1]:
        return set(everything)
    new, old = (
        f"(select new_id, held.* exclude (submission_id) from {relation} as held inner join reading"
        f" on held.submission_id = reading.{reading})"
        for relation, reading in ((new_rows, "new_id"), (old_rows, "old_id"))
    )
    rows = connection.execute(
        f"select distinct new_id from (from {new} except all from {old})"
        f" union select distinct new_id from (from {old} except all from {new})"
    ).fetchall()
    return {submission_id for (submission_id,) in rows}
