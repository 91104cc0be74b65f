"""The secret of a store: outside the store, made once, and never replaced by accident.

One secret of 256 bits; what is used for pseudonyms, the vault and the archive is derived from it, each for one purpose
(HKDF, RFC 5869). Losing it makes the vault and the archive unreadable and new pseudonyms unlike the old ones.
"""

import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from orchestration.durable import make_dir_durably, sync_dir, write_private
from orchestration.errors import NOT_WRITABLE, CornerstoneError
from orchestration.settings import Settings

_SECRET = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, repr=False)
class Keys:
    """Keys of 256 bits, one a purpose; not shown when printed."""

    pseudonym: bytes
    vault: bytes
    archive: bytes
    key_id: str


def derive_keys(secret_hex: str) -> Keys:
    """The keys that a secret gives; the same secret gives the same keys.

    Raises:
        CornerstoneError: it is not 64 hexadecimal digits.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    text = secret_hex.strip().lower()
    if not _SECRET.fullmatch(text):
        raise CornerstoneError(
            "The secret key is not 64 hexadecimal digits; put back the one this store was made with."
        )
    secret = bytes.fromhex(text)

    def derived(purpose: str) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=f"cornerstone {purpose}".encode()).derive(secret)

    return Keys(derived("pseudonym"), derived("vault"), derived("archive"), derived("key id").hex()[:16])


def load_keys(settings: Settings) -> Keys:
    """The keys of this store: from the setting or the key file; made when store and key file are both new.

    Raises:
        CornerstoneError: the store holds something and its secret is missing, or is another store's, or others can
            read the key file.
    """
    if settings.secret_key is not None:
        secret = settings.secret_key.get_secret_value()
    elif settings.key_file.is_file():
        secret = read_key_file(settings.key_file)
    elif is_new(settings):
        secret = make_key_file(settings.key_file)
    else:
        raise CornerstoneError(
            f"The secret key of this store is missing: put back {settings.key_file} or set CORNERSTONE_SECRET_KEY; without "
            "it the vault and the archive cannot be read, and no new key is made for a store that holds something."
        )
    keys = derive_keys(secret)
    _require_own_key(settings, keys)
    return keys


def is_new(settings: Settings) -> bool:
    """Whether nothing was ever sealed or pseudonymised in this store."""
    if settings.key_id_path.exists():
        return False
    return not any(
        path.is_file() for folder in (settings.archive_dir, settings.vault_dir) for path in folder.rglob("*")
    )


def read_key_file(path: Path) -> str:
    """The secret in a file.

    Raises:
        CornerstoneError: others can read it.
    """
    if path.stat().st_mode & 0o077:
        raise CornerstoneError(f"Others than its owner can read {path}; run chmod 600 on it, and ask who has seen it.")
    return path.read_text(encoding="ascii", errors="replace")


def make_key_file(path: Path) -> str:
    """Make a secret where there is none, readable by its owner alone.

    Raises:
        CornerstoneError: it may not be written there. The service may not, on purpose: the first run is made by a person.
    """
    secret = secrets.token_hex(32)
    # Whole under another name first, or a first run that is killed would leave half a key; then exclusive: of two first
    # runs at once, one makes the key and the other stops.
    made = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(made, f"{secret}\n".encode("ascii"))
    except OSError as error:
        if error.errno not in NOT_WRITABLE:
            raise
        raise CornerstoneError(
            f"No secret key may be written to {path}. The person who keeps the key makes the first run, or renews it, by hand; the"
            " service only reads it."
        ) from error
    try:
        os.link(made, path)
    finally:
        made.unlink()
    sync_dir(path.parent)
    return secret


def _require_own_key(settings: Settings, keys: Keys) -> None:
    path = settings.key_id_path
    if path.is_file():
        if not hmac.compare_digest(path.read_text(encoding="ascii", errors="replace").strip(), keys.key_id):
            raise CornerstoneError(
                "The secret key is not the one this store was made with; put back the right one, or use another store."
            )
        return
    if not is_new(settings):
        raise CornerstoneError(
            f"{path.name} is missing from a store that holds something, so its secret key cannot be told; restore the file."
        )
    make_dir_durably(path.parent)
    write_private(path, f"{keys.key_id}\n".encode("ascii"))
