"""Retention: what returns say of persons goes when the years are over that their specification, or a setting, keeps them.

Nothing goes by itself: the effect is shown, and a named person asks for it. Years are counted from the day a return describes,
or, where a file never said of when it is or became part of no submission, from its receipt. A file goes when all it gave is due;
the same bytes are not received again. What releases counted stays.
"""

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from orchestration.durable import replace_durably
from orchestration.errors import CornerstoneError
from orchestration.linkage.child_key import link_children
from orchestration.privacy.vault import identity_dir, quarantine_dir, vault_file, vault_session, write_vault
from orchestration.release.lifecycle import with_restricted
from orchestration.returns.archive import Receipt, erase_archived, receipts, remove_unreferenced
from orchestration.returns.spec import ReturnSpec, load_spec, return_ids
from orchestration.returns.submission import (
    UNKNOWN_PERIOD,
    Submission,
    all_readings,
    landing_dirs,
    read_landing,
    read_submissions,
    write_landing,
)
from orchestration.rights.audit import named_person, record
from orchestration.rights.intent import alone_with, intent_path, leave_no_marts, read_intent, write_intent
from orchestration.settings import Settings
from orchestration.sql_text import literal

RETENTION = "retention"


@dataclass(frozen=True)
class Kept:
    """What is held of one period of a return: how much, and until when."""

    return_id: str
    period: str
    until: date
    files: int
    submissions: int
    rows: int
    is_due: bool


@dataclass(frozen=True)
class Policy:
    """How long a return is kept, on what basis, and what is left out when its last period goes."""

    return_id: str
    years: int
    basis: str
    reason: str
    feeds: str


@dataclass(frozen=True)
class Effect:
    """What is kept and until when, and what would go now. `releases` would lose their marts."""

    policies: list[Policy]
    kept: list[Kept]
    releases: int

    @property
    def due(self) -> list[Kept]:
        """What is kept longer than it should be."""
        return [one for one in self.kept if one.is_due]


@dataclass(frozen=True)
class Deleted:
    """What was deleted."""

    submissions: int
    rows: int
    files: int
    releases: int


def policies(settings: Settings) -> list[Policy]:
    """How long each return about persons is kept.

    Raises:
        CornerstoneError: the setting names a return that holds no persons.
    """
    about_persons = [spec for spec in map(load_spec, return_ids()) if spec.retention is not None]
    if strange := settings.retention_years.keys() - {spec.return_id for spec in about_persons}:
        known = ", ".join(spec.return_id for spec in about_persons)
        raise CornerstoneError(
            f"CORNERSTONE_RETENTION_YEARS names {min(strange)}, which is no return about persons ({known}); correct it."
        )
    found = []
    for spec in about_persons:
        assert spec.retention is not None
        own = settings.retention_years.get(spec.return_id)
        basis, reason = (
            ("setting", "CORNERSTONE_RETENTION_YEARS") if own else (spec.retention.basis, spec.retention.reason)
        )
        found.append(Policy(spec.return_id, own or spec.retention.years, basis, reason, spec.feeds))
    return found


def effect(settings: Settings, today: date) -> Effect:
    """What is kept until when, and what deleting now would touch. Writes nothing.

    Raises:
        CornerstoneError: as `policies`.
    """
    kept = []
    for policy in policies(settings):
        spec = load_spec(policy.return_id)
        of_period: dict[str, list[Submission]] = defaultdict(list)
        for one in read_submissions(settings, spec.return_id):
            of_period[_told_period(one)].append(one)
        of_nothing: dict[str, list[Receipt]] = defaultdict(list)
        for receipt in _receipts_without_submission(settings, spec):
            of_nothing[_received_in(receipt)].append(receipt)
        for period, submissions in sorted(of_period.items()):
            until = max(_until(spec, policy, one) for one in submissions)
            kept.append(
                Kept(
                    spec.return_id,
                    period,
                    until,
                    len({digest for one in submissions for digest in one.files.values()}),
                    len(submissions),
                    sum(one.rows_landed for one in submissions),
                    until < today,
                )
            )
        for period, held in sorted(of_nothing.items()):
            until = max(_years_after(date.fromisoformat(one.received_at[:10]), policy) for one in held)
            kept.append(Kept(spec.return_id, period, until, len(held), 0, 0, until < today))
    return Effect(policies(settings), kept, len(with_restricted(settings)))


def _told_period(one: Submission) -> str:
    """The period of a submission; where a file never said, the year of its receipt, so that new ones do not keep old ones."""
    return f"{UNKNOWN_PERIOD} (received {one.received_at[:4]})" if one.period == UNKNOWN_PERIOD else one.period


def _received_in(receipt: Receipt) -> str:
    """The period of a file that is in no submission, such as one of a set that never became complete."""
    return f"in no submission (received {receipt.received_at[:4]})"


def _until(spec: ReturnSpec, policy: Policy, one: Submission) -> date:
    """The last day on which a submission may be held."""
    described = None
    if one.period != UNKNOWN_PERIOD and spec.knows_period(one.period):
        described = spec.for_period(one.period).census_day
    return _years_after(described or date.fromisoformat(one.received_at[:10]), policy)


def _years_after(day: date, policy: Policy) -> date:
    year = day.year + policy.years
    try:
        return day.replace(year=year)
    except ValueError:  # 29 February
        return date(year, 3, 1)


def delete_due(settings: Settings, *, by: str, reason: str, now: datetime) -> Deleted:
    """Delete what is due.

    Raises:
        CornerstoneError: no name or reason, nothing is due, or another run holds the store.
    """
    by, reason = named_person(by, reason)
    with alone_with(settings, RETENTION):
        due = {(one.return_id, one.period) for one in effect(settings, now.date()).due}
        if not due:
            raise CornerstoneError("Nothing is due to be deleted; `cornerstone retention` shows until when it is kept.")
        gone = {
            return_id: [one for one in read_submissions(settings, return_id) if (return_id, _told_period(one)) in due]
            for return_id in sorted({return_id for return_id, _ in due})
        }
        of_nothing = {
            return_id: [
                receipt
                for receipt in _receipts_without_submission(settings, load_spec(return_id))
                if (return_id, _received_in(receipt)) in due
            ]
            for return_id in gone
        }
        counts = {
            "submissions": sum(map(len, gone.values())),
            "rows": sum(one.rows_landed for held in gone.values() for one in held),
        }
        went = Counter(f"submissions of {one.return_id} {_told_period(one)}" for held in gone.values() for one in held)
        went.update(f"files of {one.return_id} {_received_in(one)}" for held in of_nothing.values() for one in held)
        record(
            settings, "began to delete what was kept long enough", by=by, reason=reason, now=now,
            **counts, **went,
        )  # fmt: skip
        at = now.astimezone(UTC).isoformat(timespec="seconds")
        intent = {"action": RETENTION, "by": by, "reason": reason, "at": at, "counts": counts}
        ids = {
            return_id: sorted(all_readings(settings, return_id, (one.submission_id for one in held)))
            for return_id, held in gone.items()
        }
        keys = {return_id: [one.key for one in held] for return_id, held in of_nothing.items()}
        write_intent(settings, intent | {"gone": ids, "in_no_submission": keys})
        return _finish(settings, now)


def resume(settings: Settings, now: datetime) -> Deleted | None:
    """Finish a deletion that was killed; None where none was."""
    with alone_with(settings, RETENTION, is_resumed=True):
        return _finish(settings, now) if read_intent(settings) is not None else None


def _finish(settings: Settings, now: datetime) -> Deleted:
    """Every step, of which each leaves nothing to do when it is done again."""
    intent = read_intent(settings)
    assert intent is not None
    files = 0
    for return_id, ids in intent["gone"].items():
        spec = load_spec(return_id)
        unused = set(intent["in_no_submission"][return_id])
        for receipt in _receipts_of_nothing_else(settings, spec, set(ids), unused):
            why = f"on {now.date()}, at the end of the years that {spec.title} is kept"
            erase_archived(settings, receipt, why)
            files += 1
        for folder in landing_dirs(settings, return_id):
            _take_out(settings, spec, folder, set(ids))
    remove_unreferenced(settings)
    if settings.child_link_path.is_file():
        link_children(settings)
    by, reason = intent["by"], intent["reason"]
    releases = leave_no_marts(settings, by=by, why="what they told of was kept long enough", now=now)
    done = Deleted(intent["counts"]["submissions"], intent["counts"]["rows"], files, releases)
    record(settings, "deleted what was kept long enough", by=by, reason=reason, now=now, **asdict(done))
    intent_path(settings).unlink()
    return done


def _submissions_by_receipt(settings: Settings, spec: ReturnSpec) -> Mapping[str, set[str]]:
    """What each file gave, by the key of its receipt."""
    gave: dict[str, set[str]] = defaultdict(set)
    for folder in landing_dirs(settings, spec.return_id):
        for delivery in read_landing(folder)[1]:
            gave[delivery.receipt_key] |= set(delivery.submission_ids)
    return gave


def _receipts_without_submission(settings: Settings, spec: ReturnSpec) -> Iterable[Receipt]:
    """Receipts of files that are kept and gave no submission."""
    gave = _submissions_by_receipt(settings, spec)
    return (one for one in receipts(settings, spec.return_id) if one.erased is None and not gave.get(one.key))


def _receipts_of_nothing_else(
    settings: Settings, spec: ReturnSpec, gone: set[str], unused: set[str]
) -> Iterable[Receipt]:
    """Receipts of files that gave submissions to delete and no other, and those of `unused` that still gave none."""
    gave = _submissions_by_receipt(settings, spec)
    for receipt in receipts(settings, spec.return_id):
        submissions = gave.get(receipt.key, set())
        if receipt.erased is None and (submissions <= gone if submissions else receipt.key in unused):
            yield receipt


def _take_out(settings: Settings, spec: ReturnSpec, folder: Path, gone: set[str]) -> None:
    """Take submissions out of a landing: its folder with its vault files where it holds no other."""
    submissions, deliveries, replaced = read_landing(folder)
    left = [one for one in submissions if one.submission_id not in gone]
    if len(left) == len(submissions):
        return
    in_vault = [one(settings, spec.return_id, folder.name) for one in (identity_dir, quarantine_dir)]
    if left:
        ids = ", ".join(literal(one.submission_id) for one in left)
        with vault_session(settings, settings.vault_dir / "rights_spill") as connection:
            for path in folder.glob("*.parquet"):
                partial = path.with_name(f"{path.name}.partial")
                connection.execute(
                    f"copy (from read_parquet({literal(str(path))}) where submission_id in ({ids}))"
                    f" to {literal(str(partial))} (format parquet, compression zstd)"
                )
                replace_durably(partial, path)
            for path in [path for kept in in_vault for path in kept.glob("*.parquet")]:
                write_vault(connection, f"from {vault_file(path)} where submission_id in ({ids})", path)
    else:
        for kept in in_vault:
            shutil.rmtree(kept, ignore_errors=True)
        for path in folder.glob("*.parquet"):
            path.unlink()
    # The record of the landing goes last, and stays though it is empty: its files are dealt with.
    write_landing(folder, left, deliveries, replaced)
