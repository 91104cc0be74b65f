"""The archive: the bytes of every file ever received, by SHA-256, and a receipt for each return that received them.

Every file is sealed, open data too: what a file holds is known only after it is archived, and a return about children
can be dropped into the wrong inbox.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from orchestration.durable import make_dir_durably, replace_durably, sync_dir, write_json_durably
from orchestration.errors import CornerstoneError
from orchestration.privacy.keys import Keys
from orchestration.privacy.sealed import SealBroken, open_sealed, seal
from orchestration.returns.delivered import DeliveredFile, sha256_of
from orchestration.settings import Settings

PARTIAL = ".partial"


class FileChanged(CornerstoneError):
    """A file that was written to while it was received."""


class NotTakenBack(CornerstoneError):
    """A file that was erased since it was received: the same bytes are not received again."""


@dataclass(frozen=True)
class Cut:
    """What was taken out of a data file since it was received: its digest as received, and how many rows of each table."""

    sha256: str
    rows: dict[str, int]


@dataclass(frozen=True)
class Receipt:
    """That a return received a file: made when its archive copy is verified, before it is opened.

    `key` tells receipts apart: by the bytes alone, or, where a file can be part of a set, by its name too. `sha256` is of
    the bytes as received. Where rows were taken out since, `archived_as` is the digest of what is archived in their place, and
    `cuts` says of which data files; where nothing is kept at all, `erased` says when and why.
    """

    return_id: str
    sha256: str
    file_name: str
    bytes: int
    received_at: str
    key: str
    archived_as: str | None = None
    cuts: dict[str, Cut] = field(default_factory=dict)
    erased: str | None = None

    @property
    def held(self) -> str:
        """The digest of what is archived of it."""
        return self.archived_as or self.sha256


def archived_path(settings: Settings, sha256: str) -> Path:
    """Where the file whose bytes have this digest lies, sealed."""
    return settings.archive_dir / sha256[:2] / sha256


def open_archived(settings: Settings, keys: Keys, sha256: str) -> BinaryIO:
    """The bytes of an archived file.

    Raises:
        SealBroken: the archive copy is damaged or was sealed with another key.
    """
    return open_sealed(archived_path(settings, sha256), keys.archive)


def archived_file(settings: Settings, keys: Keys, receipt: Receipt) -> DeliveredFile:
    """An archived file as it was delivered."""
    return DeliveredFile(
        receipt.file_name,
        receipt.sha256,
        receipt.bytes,
        lambda: open_archived(settings, keys, receipt.held),
        {name: cut.sha256 for name, cut in receipt.cuts.items()},
        {name: cut.rows for name, cut in receipt.cuts.items()},
    )


def is_archived(settings: Settings, keys: Keys, receipt: Receipt) -> bool:
    """Whether the archive copy of a file, or of what is left of it, is whole: read back, verified and of the right digest."""
    return _is_whole(settings, keys, receipt.held)


def _is_whole(settings: Settings, keys: Keys, sha256: str) -> bool:
    if not archived_path(settings, sha256).is_file():
        return False
    try:
        return sha256_of(lambda: open_archived(settings, keys, sha256)) == sha256
    except SealBroken:
        return False


def _receipts_dir(settings: Settings, return_id: str) -> Path:
    return settings.archive_dir / "receipts" / return_id


def receipt_key(sha256: str, name: str, *, by_name: bool) -> str:
    """What tells a receipt from others: the bytes alone, or, where the same bytes under another name are another file, both."""
    return f"{sha256}-{hashlib.sha256(name.encode()).hexdigest()[:8]}" if by_name else sha256


def receive(
    settings: Settings, keys: Keys, return_id: str, path: Path, name: str, now: datetime, *, by_name: bool = False
) -> tuple[Receipt, bool]:
    """Copy a delivered file into the archive, verify the copy and write its receipt.

    Args:
        settings: where the archive is.
        keys: what it is sealed with.
        return_id: the return that received it.
        path: the file.
        name: what it was delivered as, with its folder below the inbox.
        now: when; of two files of one supplier and period the later received counts.
        by_name: whether the same bytes under another name are another file, and under the same name received anew: in a
            set, what was sent before can be part of what is sent now.

    Returns: the receipt, and whether it is new; otherwise the same bytes again give the receipt of the first time.

    Raises:
        FileChanged: the archive copy does not hold what was read: the file was still being written.
        NotTakenBack: the same bytes were erased.
        PermissionError: the file cannot be read.
    """
    sha256 = sha256_of(lambda: path.open("rb"))
    key = receipt_key(sha256, name, by_name=by_name)
    path_of_receipt = _receipts_dir(settings, return_id) / f"{key}.json"
    target = archived_path(settings, sha256)
    known = _read_receipt(path_of_receipt) if path_of_receipt.is_file() else None
    if known is not None and known.erased is not None:
        raise NotTakenBack(f"{name} was received before and erased {known.erased}; take it out of the inbox.")
    if (known is None or known.archived_as is None) and not _is_whole(settings, keys, sha256):
        make_dir_durably(target.parent, mode=0o700)
        partial = target.with_suffix(PARTIAL)
        try:
            with path.open("rb") as source:
                seal(source, partial, keys.archive)
            if sha256_of(lambda: open_sealed(partial, keys.archive)) != sha256:
                raise FileChanged(f"{name} changed while it was archived; the next run receives it as it is then.")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)  # on a full disk it would take what room is left
        sync_dir(target.parent)
    if known is not None and not by_name:
        return known, False
    at = now.isoformat(timespec="microseconds")
    new = Receipt(return_id, sha256, name, path.stat().st_size, at, key)
    receipt = replace(known, received_at=at) if known is not None else new
    write_receipt(settings, receipt)
    return receipt, True


def received_anew(settings: Settings, receipt: Receipt, now: datetime) -> None:
    """Date a receipt anew: the file is dealt with again."""
    anew = replace(receipt, received_at=now.isoformat(timespec="microseconds"))
    write_receipt(settings, anew)


def _read_receipt(path: Path) -> Receipt:
    content = json.loads(path.read_text(encoding="utf-8"))
    content["cuts"] = {name: Cut(**cut) for name, cut in content.get("cuts", {}).items()}
    return Receipt(**content)


def receipt_path(settings: Settings, receipt: Receipt) -> Path:
    """Where a receipt lies."""
    return _receipts_dir(settings, receipt.return_id) / f"{receipt.key}.json"


def write_receipt(settings: Settings, receipt: Receipt) -> None:
    """Write a receipt in place of what it was."""
    write_json_durably(receipt_path(settings, receipt), asdict(receipt))


def replace_archived(
    settings: Settings, keys: Keys, receipt: Receipt, content: bytes, cuts: Mapping[str, Cut]
) -> Receipt:
    """Archive other bytes in place of those received, and say in the receipt what was cut from them.

    The bytes before go with `remove_unreferenced`. Killed in between, both are there and the receipt names one of them.
    """
    held = hashlib.sha256(content).hexdigest()
    target = archived_path(settings, held)
    if not _is_whole(settings, keys, held):
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = target.with_suffix(PARTIAL)
        seal(io.BytesIO(content), partial, keys.archive)
        replace_durably(partial, target)
    changed = replace(receipt, archived_as=held, cuts={**receipt.cuts, **cuts})
    write_receipt(settings, changed)
    return changed


def erase_archived(settings: Settings, receipt: Receipt, why: str) -> Receipt:
    """Say in a receipt that its file is erased; its bytes go with `remove_unreferenced`."""
    changed = replace(receipt, archived_as=None, cuts={}, erased=why)
    write_receipt(settings, changed)
    return changed


def remove_unreferenced(settings: Settings) -> int:
    """Delete archived bytes that no receipt of any return names any more, and what an interrupted copy left.

    Returns: how many.
    """
    named = {
        one.held
        for folder in (settings.archive_dir / "receipts").glob("*")
        for one in receipts(settings, folder.name)
        if one.erased is None
    }
    unnamed = [path for path in settings.archive_dir.glob("[0-9a-f][0-9a-f]/*") if path.name not in named]
    for path in unnamed:
        path.unlink()
        sync_dir(path.parent)
    return len(unnamed)


def receipts(settings: Settings, return_id: str) -> list[Receipt]:
    """Every receipt of a return, oldest first."""
    found = [_read_receipt(path) for path in _receipts_dir(settings, return_id).glob("*.json")]
    return sorted(found, key=lambda receipt: (receipt.received_at, receipt.sha256))
