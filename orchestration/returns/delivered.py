"""A delivered file opened: what kind of bytes it holds, and the data files inside an archive."""

import gzip
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, cast

from orchestration.errors import CornerstoneError

# Bounds on unpacking: far above any published release (the largest, 2025, unpacks to 37 MB at a ratio of 10).
MAX_UNPACKED_BYTES = 2 * 1024**3
MAX_MEMBERS = 1_000
MAX_RATIO = 200
RATIO_FREE_BYTES = 10 * 1024**2
# A sheet is held in memory from its first row and column to its last: one stray value in a far corner makes that billions.
MAX_SHEET_CELLS = 30_000_000

_HEAD = 4096
_CHUNK = 1 << 20
_GUIDANCE = re.compile(r"data-guidance", re.IGNORECASE)
_GUIDANCE_YEAR = re.compile(r"^(?:reporting year\s+(\d{4})|(\d{4})\s+reporting year)\s*$", re.IGNORECASE | re.MULTILINE)
# The column and the row of a sheet's cells, and of the last cell of an area with a name. Columns up to Z, whatever their
# rows, are few enough.
_CELLS = (
    re.compile(rb"""\br\s*=\s*["']([A-Za-z]{2,3})[0-9]"""),
    re.compile(rb"""\br\s*=\s*["'][A-Za-z]{0,3}([0-9]+)["']"""),
)
_AREAS = (
    re.compile(rb"""\bref\s*=\s*["'][^"':]*:([A-Za-z]{2,3})[0-9]"""),
    re.compile(rb"""\bref\s*=\s*["'][^"':]*:[A-Za-z]+([0-9]+)["']"""),
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # .xls, and any workbook that is protected by a password
_WEB_PAGE = re.compile(rb"<(!doctype\s+html|html)\b", re.IGNORECASE)

Opener = Callable[[], BinaryIO]


class FileRefused(CornerstoneError):
    """A file that cannot be used: one sentence, and the rule it breaks."""

    def __init__(self, rule_id: str, message: str) -> None:
        super().__init__(message)
        self.rule_id = rule_id


def sha256_of(opener: Opener) -> str:
    """Digest of a stream's bytes, read in chunks."""
    digest = hashlib.sha256()
    with opener() as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True)
class DeliveredFile:
    """A file as it came: the name it came under, its digest and size, and how to read its bytes again from the start.

    Where rows were taken out since, `digests` gives by data file the digest that it had as it came, under which it stays
    known, and `rows_cut` how many rows of each table are gone.
    """

    name: str
    sha256: str
    size: int
    open: Opener = field(compare=False)
    digests: Mapping[str, str] = field(default_factory=dict, compare=False)
    rows_cut: Mapping[str, Mapping[str, int]] = field(default_factory=dict, compare=False)


def is_data_member(name: str) -> bool:
    """Whether a member of an archive is read."""
    return name.lower().endswith((".csv", ".xml"))


def delivered_file(path: Path) -> DeliveredFile:
    """A file on disk as a delivered one."""

    def opener() -> BinaryIO:
        return path.open("rb")

    return DeliveredFile(path.name, sha256_of(opener), path.stat().st_size, opener)


@dataclass(frozen=True)
class DataFile:
    """One file that may hold rows: as delivered, or a member of a delivered archive.

    Text and workbooks are held whole in `content`; XML is not: `open` streams it. `delivered_sha256` is the digest of the
    delivered file that it is or is in; `rows_cut` are rows of each table that were taken out of it since.
    """

    source_file: str
    content: bytes
    kind: Literal["text", "workbook", "xml"]
    release_year: int | None = None  # named by the guidance in the archive, where there is one
    opener: Opener | None = field(default=None, compare=False)
    known_sha256: str | None = field(default=None, compare=False)  # of a file that is no archive: as it was delivered
    delivered_sha256: str = field(default="", compare=False)
    rows_cut: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def stem(self) -> str:
        """The file's own name without suffix, lower case: `caseload` for `x.zip/data/caseload.csv`."""
        return PurePosixPath(self.source_file).name.split(".")[0].lower()

    def open(self) -> BinaryIO:
        """The bytes from their start."""
        return self.opener() if self.opener is not None else io.BytesIO(self.content)

    @cached_property
    def sha256(self) -> str:
        """Digest of the file's own bytes."""
        return self.known_sha256 or sha256_of(self.open)


def open_delivered(delivered: DeliveredFile) -> list[DataFile | FileRefused]:
    """Open a delivered file: itself, or each data file of an archive, each under the digest that it came with.

    Returns: data files in the archive's order; a member that cannot be used stands as the `FileRefused` it earned, so
        that the others still land.

    Raises:
        FileRefused: the file as a whole cannot be used.
    """
    return [
        one
        if isinstance(one, FileRefused)
        else replace(
            one,
            known_sha256=delivered.digests.get(one.source_file, one.known_sha256),
            delivered_sha256=delivered.sha256,
            rows_cut=delivered.rows_cut.get(one.source_file, {}),
        )
        for one in _opened(delivered)
    ]


def _opened(delivered: DeliveredFile) -> list[DataFile | FileRefused]:
    name = delivered.name
    if delivered.size == 0:
        raise FileRefused("FILE-005", f"{name} is empty (0 bytes); ask for it again.")
    with delivered.open() as stream:
        head = stream.read(_HEAD)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _open_zip(delivered)
    if head.startswith(b"\x1f\x8b"):
        return [_data_file(name, lambda: _unpacked(delivered), None)]
    if name.lower().endswith((".zip", ".gz")):
        raise FileRefused("FILE-001", f"{name} is not the archive its name says, or is damaged; download it again.")
    if name.lower().endswith((".xlsx", ".xlsm")) and head.startswith(_OLD_OFFICE):
        raise FileRefused(
            "FILE-003",
            f"{name} is protected by a password, or is an old .xls workbook; save it as .xlsx without a password.",
        )
    if name.lower().endswith((".xlsx", ".xlsm")):
        raise FileRefused(
            "FILE-003", f"{name} is not the workbook its name says, or is damaged; save it again as .xlsx."
        )
    return [replace(_data_file(name, delivered.open, None), known_sha256=delivered.sha256)]


def _data_file(name: str, opener: Opener, year: int | None) -> DataFile:
    """A data file that is no archive: XML to be streamed, or text held whole."""
    with opener() as stream:
        head = stream.read(_HEAD)
        kind = _kind_of(head, name)
        if kind == "xml":
            return DataFile(name, b"", kind, year, opener)
        return DataFile(name, head + stream.read(), kind, year)


def _kind_of(head: bytes, name: str) -> Literal["text", "xml"]:
    is_utf16 = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    start = head[2:].replace(b"\x00", b"") if is_utf16 else head
    start = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"%PDF"):
        seen = "a PDF"
    elif _WEB_PAGE.match(start):
        seen = "a web page"
    elif start[:1] == b"<":
        return "xml"
    elif start.startswith(_OLD_OFFICE):
        seen = "an old .xls workbook"
    elif b"\x00" in head and not is_utf16:
        seen = "binary"
    else:
        return "text"
    raise FileRefused(
        "FILE-004", f"{name} is {seen}; what can be read here is XML, CSV text, a .zip of them, or an .xlsx workbook."
    )


class _Unpacked(io.RawIOBase):
    """An unpacked stream that is refused once it is larger than anything real, or damaged."""

    def __init__(self, packed: BinaryIO, stream: BinaryIO, name: str) -> None:
        self._packed, self._stream, self._name, self._read = packed, stream, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        try:
            chunk = self._stream.read(len(view))
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise FileRefused("FILE-001", f"{self._name} is damaged or incomplete; download it again.") from error
        self._read += len(chunk)
        if self._read > MAX_UNPACKED_BYTES:
            raise FileRefused(
                "FILE-002", f"{self._name} unpacks to more than {MAX_UNPACKED_BYTES >> 30} GiB; it is not opened."
            )
        view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._stream.close()
        self._packed.close()
        super().close()


def _unpacked(delivered: DeliveredFile) -> BinaryIO:
    packed = delivered.open()
    stream = cast(BinaryIO, gzip.GzipFile(fileobj=packed))
    return io.BufferedReader(_Unpacked(packed, stream, delivered.name), _CHUNK)


def _open_zip(delivered: DeliveredFile) -> list[DataFile | FileRefused]:
    name = delivered.name
    try:
        with delivered.open() as stream, zipfile.ZipFile(stream) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _refuse_if_bomb(members, delivered.size, name)
            if any(member.filename == "xl/workbook.xml" for member in members):
                for member in members:
                    _refuse_if_far(archive, member, name)
                stream.seek(0)
                return [DataFile(name, stream.read(), "workbook")]
            if any(member.filename in ("content.xml", "xl/workbook.bin") for member in members):
                raise FileRefused("FILE-004", f"{name} is a spreadsheet of another kind; save it as .xlsx.")
            year = _guidance_year(archive, members)
            wanted = [member for member in members if is_data_member(member.filename)]
            if not wanted:
                raise FileRefused(
                    "FILE-005", f"{name} holds no data file (.csv, .xml); download the whole release again."
                )
            return [_member(delivered, member, year) for member in wanted]
    # RuntimeError: a member is encrypted, or packed in a way that is not known.
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
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


def _refuse_if_far(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> None:
    """Refuse a workbook whose sheet, or an area of it with a name, reaches further than memory does."""
    if member.filename.startswith("xl/worksheets/"):
        wide, rows = _CELLS
    elif member.filename.startswith("xl/tables/"):
        wide, rows = _AREAS
    else:
        return
    content = archive.read(member)
    columns = {column.upper() for column in wide.findall(content)}
    if not columns:
        return
    column = max(columns, key=_column_number)
    row = max(map(int, rows.findall(content)), default=1)
    if row * _column_number(column) > MAX_SHEET_CELLS:
        raise FileRefused(
            "FILE-002",
            f"{name} has a sheet that reaches to cell {column.decode()}{row}, further than any real one; delete the rows and"
            " columns beyond the figures, and save it again.",
        )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _guidance_year(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> int | None:
    for member in members:
        is_encrypted = member.flag_bits & 0x1
        if _GUIDANCE.search(member.filename) and member.filename.lower().endswith(".txt") and not is_encrypted:
            found = _GUIDANCE_YEAR.search(archive.read(member)[:4096].decode("utf-8", "replace"))
            if found:
                return int(found.group(1) or found.group(2))
    return None


def _member(delivered: DeliveredFile, member: zipfile.ZipInfo, year: int | None) -> DataFile | FileRefused:
    source_file = f"{delivered.name}/{member.filename}"
    if member.flag_bits & 0x1:
        return FileRefused("FILE-001", f"{source_file} is encrypted; deliver it without a password.")
    if member.file_size == 0:
        return FileRefused("FILE-005", f"{source_file} is empty (0 bytes); download the release again.")

    def opener() -> BinaryIO:
        packed = delivered.open()
        archive = zipfile.ZipFile(packed)
        stream = cast(BinaryIO, archive.open(member))
        return io.BufferedReader(_Unpacked(packed, stream, source_file), _CHUNK)

    try:
        return _data_file(source_file, opener, year)
    except FileRefused as refused:
        return refused
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        damaged = FileRefused("FILE-001", f"{source_file} is damaged inside the archive; download the release again.")
        damaged.__cause__ = error
        return damaged
