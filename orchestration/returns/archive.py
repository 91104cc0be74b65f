"""The archive: the bytes of every file ever received, by SHA-256, and a receipt for each return that received them.

Every file is sealed, open data too: what a file holds is known only after it is archived, and a return about children
can be dropped into the wrong inbox.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from orchestration.durable import make_dir_durably, sync_dir, write_json_durably
from orchestration.errors import CornerstoneError
from orchestration.privacy.keys import Keys
from orchestration.privacy.sealed import SealBroken, open_sealed, seal
from orchestration.returns.delivered import DeliveredFile, sha256_of
from orchestration.settings import Settings

PARTIAL = ".partial"


class FileChanged(CornerstoneError):
    """A file that was written to while it was received."""


@dataclass(frozen=True)
class Receipt:
    """That a return received a file: made when its archive copy is verified, before it is opened.

    `key` tells receipts apart: by the bytes alone, or, where a file can be part of a set, by its name too.
    """

    return_id: str
    sha256: str
    file_name: str
    bytes: int
    received_at: str
    key: str


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
        receipt.file_name, receipt.sha256, receipt.bytes, lambda: open_archived(settings, keys, receipt.sha256)
    )


def is_archived(settings: Settings, keys: Keys, sha256: str) -> bool:
    """Whether the archive copy is whole: read back, verified and of the right digest."""
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
        PermissionError: the file cannot be read.
    """
    sha256 = sha256_of(lambda: path.open("rb"))
    key = receipt_key(sha256, name, by_name=by_name)
    receipt_path = _receipts_dir(settings, return_id) / f"{key}.json"
    target = archived_path(settings, sha256)
    if not is_archived(settings, keys, sha256):
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
    if receipt_path.is_file() and not by_name:
        return Receipt(**json.loads(receipt_path.read_text(encoding="utf-8"))), False
    receipt = Receipt(return_id, sha256, name, path.stat().st_size, now.isoformat(timespec="microseconds"), key)
    write_json_durably(receipt_path, asdict(receipt))
    return receipt, True


def received_anew(settings: Settings, receipt: Receipt, now: datetime) -> None:
    """Date a receipt anew: the file is dealt with again."""
    anew = replace(receipt, received_at=now.isoformat(timespec="microseconds"))
    write_json_durably(_receipts_dir(settings, receipt.return_id) / f"{receipt.key}.json", asdict(anew))


def receipts(settings: Settings, return_id: str) -> list[Receipt]:
    """Every receipt of a return, oldest first."""
    found = [
        Receipt(**json.loads(path.read_text(encoding="utf-8")))
        for path in _receipts_dir(settings, return_id).glob("*.json")
    ]
    return sorted(found, key=lambda receipt: (receipt.received_at, receipt.sha256))
