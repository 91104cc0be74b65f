"""The archive: the bytes of every file ever received, by SHA-256, and a receipt for each return that received them."""

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from orchestration.durable import sync_dir, write_json_durably
from orchestration.errors import CornerstoneError
from orchestration.settings import Settings

_CHUNK = 1 << 20


class FileChanged(CornerstoneError):
    """A file that was written to while it was received."""


@dataclass(frozen=True)
class Receipt:
    """That a return received a file: made when its archive copy is verified, before it is opened."""

    return_id: str
    sha256: str
    file_name: str
    bytes: int
    received_at: str


def sha256_of(path: Path) -> str:
    """Digest of a file's bytes, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def archived_path(settings: Settings, sha256: str) -> Path:
    """Where the bytes with this digest lie in the archive."""
    return settings.archive_dir / sha256[:2] / sha256


def _receipts_dir(settings: Settings, return_id: str) -> Path:
    return settings.archive_dir / "receipts" / return_id


def receive(settings: Settings, return_id: str, path: Path, name: str, now: datetime) -> tuple[Receipt, bool]:
    """Copy a delivered file into the archive, verify the copy and write its receipt.

    Args:
        settings: where the archive is.
        return_id: the return that received it.
        path: the file.
        name: what it was delivered as, for messages.
        now: when; of two files of one supplier and period the later received counts.

    Returns: the receipt, and whether it is new; the same bytes again give the receipt of the first time.

    Raises:
        FileChanged: the archive copy does not hold what was read: the file was still being written.
        PermissionError: the file cannot be read.
    """
    sha256 = sha256_of(path)
    receipt_path = _receipts_dir(settings, return_id) / f"{sha256}.json"
    target = archived_path(settings, sha256)
    if not target.is_file() or sha256_of(target) != sha256:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = target.with_suffix(".partial")
        shutil.copyfile(path, partial)
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        if sha256_of(partial) != sha256:
            partial.unlink()
            raise FileChanged(f"{name} changed while it was archived; the next run receives it as it is then.")
        partial.replace(target)
        sync_dir(target.parent)
    if receipt_path.is_file():
        return Receipt(**json.loads(receipt_path.read_text(encoding="utf-8"))), False
    # A name is bytes; what is no text is written as it can be shown.
    shown = name.encode("utf-8", "backslashreplace").decode("utf-8")
    receipt = Receipt(return_id, sha256, shown, path.stat().st_size, now.isoformat(timespec="microseconds"))
    write_json_durably(receipt_path, asdict(receipt))
    return receipt, True


def receipts(settings: Settings, return_id: str) -> list[Receipt]:
    """Every receipt of a return, oldest first."""
    found = [
        Receipt(**json.loads(path.read_text(encoding="utf-8")))
        for path in _receipts_dir(settings, return_id).glob("*.json")
    ]
    return sorted(found, key=lambda receipt: (receipt.received_at, receipt.sha256))
