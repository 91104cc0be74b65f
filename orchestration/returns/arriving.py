"""What lies in the inboxes, for whoever decides whether a run is worth starting; nothing is taken in here."""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from expectations.catalogue import Catalogue
from orchestration.returns import inbox
from orchestration.returns.archive import receipt_key, receipts
from orchestration.returns.delivered import delivered_file
from orchestration.returns.earlier import accepted_before, judged_again
from orchestration.returns.spec import load_spec, return_ids
from orchestration.returns.submission import read_submissions
from orchestration.settings import Settings

# A folder of the inbox called so holds what one authority sends.
_AUTHORITY = re.compile(r"[0-9]{3}")


@dataclass(frozen=True)
class InboxLook:
    """How many files lie in the inboxes, a digest of which and in what state, and whether one was changed just now."""

    files: int
    state: str
    is_fresh: bool


@dataclass(frozen=True)
class InboxContent:
    """What lies there by content: a digest, of what was received before too, and how many files are new.

    A file is new unless its bytes were received before; one that was refused beside earlier returns is new again once others
    have been accepted. `unreadable` are left out.
    """

    digest: str
    new: int
    unreadable: int


def look_at_inbox(settings: Settings) -> InboxLook:
    """What can be told without reading: the names, sizes and times of files."""
    states = {str(path): inbox.state_of(path) for _, path, _ in _files(settings)}
    there = {path: (state.inode, state.size, state.changed_ns) for path, state in states.items() if state}
    youngest = max((changed for _, _, changed in there.values()), default=0) / 1e9
    return InboxLook(len(there), _digest(sorted(there.items())), time.time() < youngest + inbox.SETTLE_SECONDS)


def look_at_authorities(settings: Settings) -> dict[str, str]:
    """By DfE code of each authority with a folder in an inbox of a return that is landed `by_authority`: a digest of which files
    lie there, and in what state."""
    there: dict[str, list[tuple[str, inbox.FileState]]] = {}
    for return_id, path, name in _files(settings):
        code, slash, _ = name.partition("/")
        if (
            slash
            and _AUTHORITY.fullmatch(code)
            and load_spec(return_id).by_authority
            and (state := inbox.state_of(path))
        ):
            there.setdefault(code, []).append((str(path), state))
    return {
        code: _digest(sorted((path, state.inode, state.size, state.changed_ns) for path, state in files))
        for code, files in sorted(there.items())
    }


def read_inbox(settings: Settings, catalogue: Catalogue) -> InboxContent:
    """What lies there by content; every file is read once."""
    lying: dict[str, list[str]] = {}
    unreadable = 0
    for return_id, path, name in _files(settings):
        try:
            sha256 = delivered_file(path).sha256
        except (PermissionError, FileNotFoundError):
            unreadable += 1
            continue
        lying.setdefault(return_id, []).append(receipt_key(sha256, name, by_name=load_spec(return_id).comes_in_sets))
    new = 0
    received: dict[str, str] = {}
    for return_id, keys in lying.items():
        before = receipts(settings, return_id)
        received[return_id] = max((receipt.received_at for receipt in before), default="")
        known = {receipt.key for receipt in before} - _worth_judging_again(settings, return_id, catalogue)
        new += len(set(keys) - known)
    return InboxContent(
        _digest([{one: sorted(keys) for one, keys in sorted(lying.items())}, received]), new, unreadable
    )


def _files(settings: Settings) -> Iterator[tuple[str, Path, str]]:
    for return_id in return_ids():
        for path in inbox.inbox_files(settings, return_id):
            folder = next(one for one in inbox.inboxes(settings, return_id) if path.is_relative_to(one))
            yield return_id, path, inbox.delivered_name(path, folder)


def _worth_judging_again(settings: Settings, return_id: str, catalogue: Catalogue) -> set[str]:
    submissions = read_submissions(settings, return_id)
    accepted = max((one.received_at for one in accepted_before(submissions)), default="")
    refused = judged_again(submissions, catalogue.about_earlier(return_id))
    return {one.delivery_sha256 for one in refused if one.received_at < accepted}


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
