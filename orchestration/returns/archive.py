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


def receive(settings: Settings, return_id: str, path: Path, now: datetime) -> tuple[Receipt, bool]:
    """Copy a delivered file into the archive, verify the copy and write its receipt.

    Returns: the receipt, and whether it is new; the same bytes again give the receipt of the first time.

    Raises:
        CornerstoneError: the archive copy does not hold what was read, for instance because the file was still being
            written.
    """
    sha256 = sha256_of(path)
    receipt_path = _receipts_dir(settings, return_id) / f"{sha256}.json"
    if receipt_path.is_file():
        return Receipt(**json.loads(receipt_path.read_text(encoding="utf-8"))), False
    target = archived_path(settings, sha256)
    if not target.is_file() or sha256_of(target) != sha256:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = target.with_suffix(".partial")
        shutil.copyfile(path, partial)
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        if sha256_of(partial) != sha256:
            partial.unlink()
            raise CornerstoneError(
                f"{path.name} changed while it was being archived; wait until it is complete and run again."
            )
        partial.replace(target)
        sync_dir(target.parent)
    receipt = Receipt(return_id, sha256, path.name, path.stat().st_size, now.isoformat(timespec="seconds"))
    write_json_durably(receipt_path, asdict(receipt))
    return receipt, True


def receipts(settings: Settings, return_id: str) -> list[Receipt]:
    """Every receipt of a return, oldest first."""
    found = [
        Receipt(**json.loads(path.read_text(encoding="utf-8")))
        for path in _receipts_dir(settings, return_id).glob("*.json")
    ]
    return sorted(found, key=lambda receipt: (receipt.received_at, receipt.sha256))
