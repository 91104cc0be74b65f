"""Files encrypted at rest that can still be streamed and read from any place: the archive.

AES-256-GCM of the `cryptography` package, in chunks after the STREAM construction (Hoang, Reyhanitabar, Rogaway and
Vizar, 2015; the one the age format uses): each file has a key of its own, each chunk a nonce of its number and of whether
it is the last. No byte is handed out before its chunk is verified; a chunk changed, moved, dropped or cut off is found.
The age format itself was not used because its readers cannot seek, which zip archives need.
"""

import io
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from orchestration.errors import CornerstoneError

_MAGIC = b"CSEALED1"
_SALT = 16
_HEADER = len(_MAGIC) + _SALT
_TAG = 16
CHUNK = 1 << 18


class SealBroken(CornerstoneError):
    """A sealed file that is damaged, was changed, or was sealed with another key."""


def _cipher(key: bytes, salt: bytes) -> object:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return AESGCM(HKDF(SHA256(), 32, salt=salt, info=b"cornerstone sealed file").derive(key))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")


def _chunks(source: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Chunks of full size, and which of them is the last; an empty source is one empty chunk."""
    current = source.read(CHUNK)
    while True:
        following = source.read(CHUNK) if len(current) == CHUNK else b""
        yield current, not following
        if not following:
            return
        current = following


def seal(source: BinaryIO, target: Path, key: bytes) -> None:
    """Write what `source` holds to `target`, encrypted and synced to disk."""
    salt = secrets.token_bytes(_SALT)
    cipher = _cipher(key, salt)
    with target.open("wb") as out:
        out.write(_MAGIC + salt)
        for number, (chunk, is_last) in enumerate(_chunks(source)):
            out.write(cipher.encrypt(_nonce(number, is_last=is_last), chunk, _MAGIC))  # type: ignore[attr-defined]
        out.flush()
        os.fsync(out.fileno())


class _Sealed(io.RawIOBase):
    """The clear bytes of a sealed file, verified chunk by chunk."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._file = path.open("rb")
        header = self._file.read(_HEADER)
        body = path.stat().st_size - _HEADER
        if header[: len(_MAGIC)] != _MAGIC or body < _TAG:
            self._file.close()
            raise self._broken()
        self._cipher = _cipher(key, header[len(_MAGIC) :])
        self._count = max(1, -(-body // (CHUNK + _TAG)))
        self._size = body - self._count * _TAG
        self._position = 0
        self._held: tuple[int, bytes] = (-1, b"")

    def _broken(self) -> SealBroken:
        return SealBroken(
            f"The archived file {self._path.name[:12]} is damaged or sealed with another key; restore it from a backup."
        )

    def _chunk(self, number: int) -> bytes:
        from cryptography.exceptions import InvalidTag

        if self._held[0] != number:
            self._file.seek(_HEADER + number * (CHUNK + _TAG))
            sealed = self._file.read(CHUNK + _TAG)
            nonce = _nonce(number, is_last=number == self._count - 1)
            try:
                self._held = number, self._cipher.decrypt(nonce, sealed, _MAGIC)  # type: ignore[attr-defined]
            except InvalidTag:
                raise self._broken() from None
        return self._held[1]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        if self._position >= self._size and self._size > 0:
            return 0
        number, within = divmod(self._position, CHUNK)
        part = self._chunk(number)[within : within + len(view)]
        view[: len(part)] = part
        self._position += len(part)
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()


def open_sealed(path: Path, key: bytes) -> BinaryIO:
    """The clear bytes of a sealed file as a stream that can seek.

    Raises:
        SealBroken: on opening or reading, the file is not what was sealed with this key.
    """
    return io.BufferedReader(_Sealed(path, key), CHUNK)
