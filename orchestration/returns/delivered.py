"""A delivered file opened: what kind of bytes it holds, and the data files inside an archive."""

import gzip
import hashlib
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestration.errors import CornerstoneError

# Bounds on unpacking: far above any published release (the largest, 2025, unpacks to 37 MB at a ratio of 10).
MAX_UNPACKED_BYTES = 2 * 1024**3
MAX_MEMBERS = 1_000
MAX_RATIO = 200
RATIO_FREE_BYTES = 10 * 1024**2

_GUIDANCE = re.compile(r"data-guidance", re.IGNORECASE)
_GUIDANCE_YEAR = re.compile(r"^(?:reporting year\s+(\d{4})|(\d{4})\s+reporting year)\s*$", re.IGNORECASE | re.MULTILINE)


class FileRefused(CornerstoneError):
    """A file that cannot be used: one sentence, and the rule it breaks."""

    def __init__(self, rule_id: str, message: str) -> None:
        super().__init__(message)
        self.rule_id = rule_id


@dataclass(frozen=True)
class DataFile:
    """One file that may hold rows: as delivered, or a member of a delivered archive."""

    source_file: str
    content: bytes
    kind: str  # 'text' or 'workbook'
    release_year: int | None = None  # named by the guidance in the archive, where there is one

    @property
    def stem(self) -> str:
        """The file's own name without suffix, lower case: `caseload` for `x.zip/data/caseload.csv`."""
        return PurePosixPath(self.source_file).name.split(".")[0].lower()

    @property
    def sha256(self) -> str:
        """Digest of the file's own bytes."""
        return hashlib.sha256(self.content).hexdigest()


def open_delivered(path: Path, name: str) -> list[DataFile | FileRefused]:
    """Open a delivered file: itself, or each data file of an archive.

    Args:
        path: where the bytes are.
        name: the name it was delivered under, used in messages.

    Returns: data files in the archive's order; a member that cannot be used stands as the `FileRefused` it earned, so
        that the others still land.

    Raises:
        FileRefused: the file as a whole cannot be used.
    """
    size = path.stat().st_size
    if size == 0:
        raise FileRefused("FILE-005", f"{name} is empty (0 bytes); ask for it again.")
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _open_zip(path, name)
    if head.startswith(b"\x1f\x8b"):
        return [DataFile(name, _gunzip(path, name), "text")]
    if name.lower().endswith((".zip", ".gz")):
        raise FileRefused("FILE-001", f"{name} is not the archive its name says, or is damaged; download it again.")
    if name.lower().endswith((".xlsx", ".xlsm")):
        raise FileRefused(
            "FILE-003", f"{name} is not the workbook its name says, or is damaged; save it again as .xlsx."
        )
    content = path.read_bytes()
    _refuse_unless_text(content, name)
    return [DataFile(name, content, "text")]


def _refuse_unless_text(content: bytes, name: str) -> None:
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    is_utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    if start.startswith(b"%PDF"):
        seen = "a PDF"
    elif start[:1] == b"<":
        seen = "a web page or XML"
    elif start.startswith(b"\xd0\xcf\x11\xe0"):
        seen = "an old .xls workbook"
    elif b"\x00" in content[:4096] and not is_utf16:
        seen = "binary"
    else:
        return
    raise FileRefused(
        "FILE-004", f"{name} is {seen}; what can be read here is CSV text, a .zip of it, or an .xlsx workbook."
    )


def _gunzip(path: Path, name: str) -> bytes:
    try:
        with gzip.open(path, "rb") as stream:
            content = stream.read(MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FileRefused("FILE-001", f"{name} is a damaged or incomplete .gz file; download it again.") from error
    if len(content) > MAX_UNPACKED_BYTES:
        raise FileRefused("FILE-002", f"{name} unpacks to more than {MAX_UNPACKED_BYTES >> 30} GiB; it is not opened.")
    return content


def _open_zip(path: Path, name: str) -> list[DataFile | FileRefused]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _refuse_if_bomb(members, path.stat().st_size, name)
            if any(member.filename == "xl/workbook.xml" for member in members):
                return [DataFile(name, path.read_bytes(), "workbook")]
            year = _guidance_year(archive, members)
            wanted = [member for member in members if member.filename.lower().endswith(".csv")]
            if not wanted:
                raise FileRefused("FILE-005", f"{name} holds no data file (.csv); download the whole release again.")
            return [_member(archive, member, name, year) for member in wanted]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        if name.lower().endswith((".xlsx", ".xlsm")):
            raise FileRefused(
                "FILE-003", f"{name} is a damaged or incomplete workbook; save or download it again."
            ) from error
        raise FileRefused("FILE-001", f"{name} is a damaged or incomplete archive; download it again.") from error


def _refuse_if_bomb(members: list[zipfile.ZipInfo], packed: int, name: str) -> None:
    unpacked = sum(member.file_size for member in members)
    escapes = any(
        member.filename.startswith(("/", "\\")) or ".." in PurePosixPath(member.filename).parts for member in members
    )
    if (
        len(members) > MAX_MEMBERS
        or unpacked > MAX_UNPACKED_BYTES
        or unpacked > max(RATIO_FREE_BYTES, packed * MAX_RATIO)
        or escapes
    ):
        raise FileRefused(
            "FILE-002", f"{name} unpacks to more, or to other places, than a release would; it is not opened."
        )


def _guidance_year(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> int | None:
    for member in members:
        is_encrypted = member.flag_bits & 0x1
        if _GUIDANCE.search(member.filename) and member.filename.lower().endswith(".txt") and not is_encrypted:
            found = _GUIDANCE_YEAR.search(archive.read(member)[:4096].decode("utf-8", "replace"))
            if found:
                return int(found.group(1) or found.group(2))
    return None


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, year: int | None) -> DataFile | FileRefused:
    source_file = f"{name}/{member.filename}"
    if member.flag_bits & 0x1:
        return FileRefused("FILE-001", f"{source_file} is encrypted; deliver it without a password.")
    try:
        content = archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        refused = FileRefused("FILE-001", f"{source_file} is damaged inside the archive; download the release again.")
        refused.__cause__ = error
        return refused
    if not content:
        return FileRefused("FILE-005", f"{source_file} is empty (0 bytes); download the release again.")
    try:
        _refuse_unless_text(content, source_file)
    except FileRefused as refused:
        return refused
    return DataFile(source_file, content, "text", year)
