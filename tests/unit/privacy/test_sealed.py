"""A sealed file gives back what was sealed, or nothing."""

import io
import random
import zipfile
from pathlib import Path

import pytest

from orchestration.privacy.sealed import CHUNK, SealBroken, open_sealed, seal

KEY = bytes(range(32))


def content_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311 - not a secret


def sealed(path: Path, content: bytes) -> Path:
    seal(io.BytesIO(content), path, KEY)
    return path


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17])
def test_what_was_sealed_is_read_back(tmp_path: Path, size: int) -> None:
    content = content_of(size)
    path = sealed(tmp_path / "file", content)
    with open_sealed(path, KEY) as stream:
        assert stream.read() == content
    assert size < 64 or content[:64] not in path.read_bytes()


def test_any_place_can_be_read_as_zip_archives_need(tmp_path: Path) -> None:
    content = content_of(2 * CHUNK + 100)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", content)
        archive.writestr("b", "small")
    with zipfile.ZipFile(open_sealed(sealed(tmp_path / "file", buffer.getvalue()), KEY)) as archive:
        assert archive.read("b") == b"small"
        assert archive.read("a") == content


def test_the_same_bytes_are_never_sealed_alike(tmp_path: Path) -> None:
    assert sealed(tmp_path / "a", b"same").read_bytes() != sealed(tmp_path / "b", b"same").read_bytes()


def changed(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def swapped(content: bytes) -> bytes:
    first, size = 24, CHUNK + 16
    return (
        content[:first]
        + content[first + size : first + 2 * size]
        + content[first : first + size]
        + content[first + 2 * size :]
    )


DAMAGE = {
    "a bit changed": changed,
    "two parts swapped": swapped,
    "cut within a part": lambda content: content[:-5],
    "cut between parts": lambda content: content[: 24 + 2 * (CHUNK + 16)],
    "something added": lambda content: content + b"more",
    "only its header": lambda content: content[:24],
    "another kind of file": lambda content: b"PK\x03\x04" + content,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_what_was_damaged_is_refused(tmp_path: Path, damage: object) -> None:
    path = sealed(tmp_path / "file", content_of(3 * CHUNK))
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(SealBroken, match="damaged or sealed with another key"), open_sealed(path, KEY) as stream:
        stream.read()


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    path = sealed(tmp_path / "file", b"content")
    with pytest.raises(SealBroken), open_sealed(path, bytes(32)) as stream:
        stream.read()
