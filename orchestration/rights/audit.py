"""Who did what with the data, when and why: every journal of the store as one account, and whether it is unaltered.

Each journal lies where its work is done and is written by `durable.append_to_journal`, which chains its lines. What has no
journal of its own (erasure, retention, renewal of the key) is written here. No journal names a child.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from orchestration.durable import append_to_journal, journal_head, read_journal_entries
from orchestration.errors import CornerstoneError
from orchestration.linkage.decisions import ANSWERS, Decision, decisions_path
from orchestration.linkage.index import journal_path as joins_journal_path
from orchestration.linkage.review import Reviewed, review_journal_path
from orchestration.release.folders import JOURNAL as RELEASE_JOURNAL
from orchestration.settings import Settings
from orchestration.worklist.journal import Handover
from orchestration.worklist.journal import journal_path as worklist_journal_path

PRIVATE_MODE = 0o600
# What an erasure and a renewal of the key say of lines that they took out of other journals.
TAKEN_OUT = {
    "linkage decisions": ("decisions_removed", "lost_decisions"),
    "linkage joins": ("joins_removed", "lost_joins"),
}


@dataclass(frozen=True)
class Event:
    """Something that a person did with the data. `at` is UTC; `counts` says how much it touched, never whom."""

    at: str
    by: str
    action: str
    reason: str
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Journal:
    """A journal: how many lines, how many of them erasures and renewals of the key took out, and the digest of the last. Noted
    elsewhere, it shows later that no line was altered or cut off, until one of these chains what is left anew."""

    name: str
    path: str
    lines: int
    taken_out: int
    head: str


@dataclass(frozen=True)
class Account:
    """Everything that is recorded, the oldest first, and the journals it was read from; each of their lines follows the one before
    it."""

    events: list[Event]
    journals: list[Journal]


def audit_path(settings: Settings) -> Path:
    """Where erasure, retention and renewal of the key are recorded."""
    return settings.store / "audit" / "journal.jsonl"


def named_person(by: str, reason: str) -> tuple[str, str]:
    """Who acts and why, without surrounding blanks.

    Raises:
        CornerstoneError: one of them is blank.
    """
    by, reason = by.strip(), reason.strip()
    if not by or not reason:
        raise CornerstoneError(
            "Say who does it (--by) and why (--reason): both are recorded for good. Name no child in the reason."
        )
    return by, reason


def record(settings: Settings, action: str, *, by: str, reason: str, now: datetime, **counts: int) -> Event:
    """Write down what a person does, before it is done.

    Raises:
        CornerstoneError: it cannot be written.
    """
    event = Event(now.astimezone(UTC).isoformat(timespec="seconds"), by, action, reason, counts)
    audit_path(settings).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    append_to_journal(audit_path(settings), asdict(event), mode=PRIVATE_MODE)
    return event


def read_account(settings: Settings) -> Account:
    """Everything recorded in this store.

    Raises:
        CornerstoneError: a line of a journal was altered, moved or taken out.
    """
    journals: list[tuple[str, Path, Callable[..., Any], Callable[[list[Any]], Iterable[Event]]]] = [
        ("rights", audit_path(settings), Event, list),
        ("worklists", worklist_journal_path(settings), Handover, _handed_over),
        ("linkage reviews", review_journal_path(settings), Reviewed, _reviewed),
        ("linkage decisions", decisions_path(settings), Decision, _decided),
        ("linkage joins", joins_journal_path(settings), dict, lambda _: ()),  # what runs did, not people
        ("releases", settings.releases_dir / RELEASE_JOURNAL, dict, _released),
    ]
    events: list[Event] = []
    found = []
    for name, path, entry, told in journals:
        entries = read_journal_entries(path, entry)
        events += told(entries)
        out = sum(event.counts.get(count, 0) for event in events for count in TAKEN_OUT.get(name, ()))
        found.append(Journal(name, str(path.relative_to(settings.store)), len(entries), out, journal_head(path)))
    return Account(sorted(events, key=lambda event: event.at), found)


def _handed_over(entries: list[Handover]) -> Iterator[Event]:
    for one in entries:
        yield Event(one.at, one.by, "took a worklist with names", one.reason, {"children": one.children})


def _reviewed(entries: list[Reviewed]) -> Iterator[Event]:
    for one in entries:
        yield Event(one.at, one.by, "took a linkage review with names", one.reason, {"pairs": one.pairs})


def _decided(entries: list[Decision]) -> Iterator[Event]:
    for (at, by), taken in groupby(entries, key=lambda one: (one.at, one.by)):
        answers = [one.decision for one in taken]
        counts: dict[str, int] = {answer: answers.count(answer) for answer in ANSWERS}
        yield Event(at, by, "decided on children to be one or two", "linkage review", counts)


def _released(entries: list[dict[str, Any]]) -> Iterator[Event]:
    for one in entries:
        action = f"{one['action'].replace('_', ' ')} release {one['release_id']}"
        yield Event(one["at"], one.get("by") or "Cornerstone", action, one.get("note") or "")
