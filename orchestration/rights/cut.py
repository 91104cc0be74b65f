"""Files without some of their rows: what is left reads as before, and nothing of what was cut remains in the bytes.

XML loses elements, delimited text lines, a workbook the cells of rows and the texts that only they used, with whatever else
of it copies cells (comments, caches of pivot tables) and the rows of sheets that no reader reads. Numbers that stand elsewhere,
in another child's row or the name of a member, are masked; members of an archive that no reader reads are left out.
"""

import gzip
import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from orchestration.returns.delivered import DataFile, DeliveredFile, is_data_member
from orchestration.returns.readers.flat_csv import decode
from orchestration.returns.readers.record_workbook import areas_of
from orchestration.returns.readers.record_xml import without_persons
from orchestration.returns.readers.records import HeldRecords
from orchestration.returns.spec import ReturnSpec
from orchestration.rights.mask import MASK, masked

_SHEETS = "xl/worksheets/"
_TEXTS = "xl/sharedStrings.xml"
# Parts of a workbook that repeat what cells hold, for people; no reader here opens them.
_COPIES = re.compile(r"xl/(pivotCache|comments|threadedComments|persons|externalLinks|drawings)|customXml/|docProps/")
MOST_WITHIN = 4  # archives within archives that are looked into
_CELL = re.compile(r"([A-Z]+)")


@dataclass
class Edit:
    """What is to be cut from a data file: rows by table, as its reader numbers them, and numbers to be masked."""

    file: DataFile
    held: HeldRecords | None
    rows: dict[str, set[int]] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)


def texts_of(delivered: DeliveredFile) -> Iterator[tuple[str, str]]:
    """The texts of a delivered file, by data file, however damaged: of an archive those of its members and their names, of a
    workbook those of its parts."""
    with delivered.open() as stream:
        yield from _texts(delivered.name, stream.read())


def _texts(name: str, content: bytes, depth: int = 0) -> Iterator[tuple[str, str]]:
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, ValueError):
            return
    if content.startswith(b"PK") and depth < MOST_WITHIN:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                is_workbook = "xl/workbook.xml" in archive.namelist()
                for member in archive.infolist():
                    part = name if is_workbook else f"{name}/{member.filename}"
                    if not is_workbook:
                        yield part, member.filename
                    yield from _texts(part, archive.read(member), depth + 1)
        except (zipfile.BadZipFile, RuntimeError, OSError, EOFError, ValueError):
            return
    else:
        yield name, _text(content)


def _text(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "ignore")
    text = content.decode("utf-8", "ignore")  # numbers are ASCII in every other encoding that is read
    if b"\0" in content:  # an old workbook: what it holds in two bytes a letter begins anywhere
        text = "\n".join((text, content.decode("utf-16-le", "ignore"), content[1:].decode("utf-16-le", "ignore")))
    return text


def left_out_members(delivered: DeliveredFile, spec: ReturnSpec) -> set[str]:
    """Members of an archive that `cut` leaves out, as `texts_of` names them, with those of archives within."""
    with delivered.open() as stream:
        if spec.person is None or not zipfile.is_zipfile(stream):
            return set()
        names = zipfile.ZipFile(stream).namelist()
    data = {f"{delivered.name}/{name}" for name in names if is_data_member(name)}
    return {name for name, _ in texts_of(delivered) if name not in data}


def cut(delivered: DeliveredFile, spec: ReturnSpec, edits: Mapping[str, Edit]) -> bytes:
    """The bytes of a delivered file with its data files edited, by the names of these."""
    with delivered.open() as stream:
        content = stream.read()
    if delivered.name in edits:
        edited = _edited(edits[delivered.name], spec)
        return gzip.compress(edited, mtime=0) if content.startswith(b"\x1f\x8b") else edited
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for member in archive.infolist():
            edit = edits.get(f"{delivered.name}/{member.filename}")
            if spec.person is not None and not is_data_member(member.filename):
                continue  # nobody knows whom it tells of
            held = _edited(edit, spec) if edit else archive.read(member)
            member.filename = masked(member.filename, edit.numbers if edit else ())
            out.writestr(member, held, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _edited(edit: Edit, spec: ReturnSpec) -> bytes:
    rows = {number for of_table in edit.rows.values() for number in of_table}
    if edit.file.kind == "workbook":
        return _workbook(edit, spec)
    if edit.file.kind == "xml":
        assert spec.person is not None
        assert edit.held is not None
        # What hangs from a person stands within the person's element.
        content = without_persons(edit.file, edit.held, spec, edit.rows.get(spec.person.table, set()))
        encoding = re.match(rb"<\?xml[^>]*encoding=['\"]([A-Za-z0-9._-]+)", content)
        name = encoding.group(1).decode() if encoding else "utf-8"
        return masked(content.decode(name), edit.numbers).encode(name)
    return _lines(edit.file, rows, edit.numbers)


def _lines(file: DataFile, rows: set[int], numbers: set[str]) -> bytes:
    """Delimited text without some of its rows, numbered from 1 after the header; blank lines have no number."""
    kept: list[str] = []
    row = -1
    for record in _records(decode(file)):
        row += bool(record)
        if not record or row not in rows:
            kept.append(record)
    text = masked("\n".join(kept), numbers)
    if file.content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return text.encode("utf-16")
    if file.content.startswith(b"\xef\xbb\xbf"):
        return text.encode("utf-8-sig")
    try:
        file.content.decode("utf-8")
    except UnicodeDecodeError:
        return text.encode("cp1252")
    return text.encode("utf-8")


def _records(text: str) -> Iterator[str]:
    """Lines, where one ends that is not inside quotation marks."""
    waiting: list[str] = []
    quotes = 0
    for line in text.split("\n"):
        waiting.append(line)
        quotes += line.count('"')
        if quotes % 2 == 0:
            yield "\n".join(waiting)
            waiting.clear()
    if waiting:
        yield "\n".join(waiting)


def _workbook(edit: Edit, spec: ReturnSpec) -> bytes:
    """A workbook with the cells of rows taken out; the rows stay, blank, so that every other keeps its place."""
    places: dict[str, list[tuple[set[int], int, int | None]]] = {}
    areas = areas_of(edit.file, spec)
    for table, (sheet, left, right) in areas.items():
        if table in edit.rows:
            places.setdefault(sheet, []).append((edit.rows[table], left, right))
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(edit.file.content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if not _COPIES.match(name)}
    trees = {name: etree.fromstring(content) for name, content in parts.items() if name.startswith(_SHEETS)}
    trees = {name: tree for name, tree in trees.items() if _local(tree.tag) == "worksheet"}
    read = {sheet for sheet, _, _ in areas.values()}
    for name, sheet in _sheet_parts(parts).items():
        if sheet not in read and name in trees:  # nobody knows whose rows these are
            for row in list(trees[name].iter("{*}row")):
                row.getparent().remove(row)
        for rows, left, right in places.get(sheet, []):
            _empty(trees[name], rows, left, right)
        if name in trees:
            _mask_texts(trees[name], edit.numbers)
    texts = etree.fromstring(parts[_TEXTS]) if _TEXTS in parts else None
    if texts is not None:
        used = {
            int(value.text or 0)
            for tree in trees.values()
            for cell in tree.iter("{*}c")
            if cell.get("t") == "s"
            for value in cell.iter("{*}v")
        }
        for position, text in enumerate(list(texts.iterchildren("{*}si"))):
            if position not in used:  # its place stays: cells name texts by place
                for child in list(text):
                    text.remove(child)
        trees[_TEXTS] = texts
    changed = {name: etree.tostring(tree, encoding="UTF-8", standalone=True) for name, tree in trees.items()}
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in (parts | changed).items():
            mask = MASK if name == _TEXTS else "0"  # a noughts' mask keeps a cell of a number a number
            out.writestr(name, masked(content.decode(), edit.numbers, mask).encode() if name in changed else content)
    return made.getvalue()


def _mask_texts(tree: etree._Element, numbers: set[str]) -> None:
    """Mask numbers in cells of a sheet that hold their text themselves."""
    for cell in tree.iter("{*}c"):
        if cell.get("t") in ("inlineStr", "str"):
            for part in cell.iter("{*}t", "{*}v"):
                part.text = masked(part.text or "", numbers)


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _sheet_parts(parts: Mapping[str, bytes]) -> dict[str, str]:
    """The sheet that each part of a workbook holds."""
    links = {
        link.get("Id"): posixpath.normpath(posixpath.join("/xl", link.get("Target", ""))).lstrip("/")
        for link in etree.fromstring(parts["xl/_rels/workbook.xml.rels"])
    }
    found = {}
    for sheet in etree.fromstring(parts["xl/workbook.xml"]).iter("{*}sheet"):
        link = next(value for name, value in sheet.attrib.items() if _local(name) == "id")
        found[links[link]] = sheet.get("name", "")
    return found


def _empty(tree: etree._Element, rows: set[int], left: int, right: int | None) -> None:
    """Take the cells of some rows out, from the column `left` to before `right`, both from 0."""
    number = 0
    for row in tree.iter("{*}row"):
        number = int(row.get("r", number + 1))
        if number not in rows:
            continue
        column = -1
        for cell in list(row.iterchildren("{*}c")):
            place = _CELL.match(cell.get("r", ""))
            column = _column(place.group(1)) if place else column + 1
            if column >= left and (right is None or column < right):
                row.remove(cell)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1
