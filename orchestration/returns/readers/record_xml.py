"""Returns in XML, streamed: whatever the case of names, the order of elements or the namespace.

What XML can be made to do to a reader is refused: entities, external files, deep nesting, endless text. Memory holds one
person and a batch of records, however large the file.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import pyarrow as pa
from lxml import etree

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.records import RAW_PREFIX, Batch, HeldRecords, Keep, RecordsRead
from orchestration.returns.spec import FileKind, ReturnSpec, normalised

BATCH_RECORDS = 100_000
# Far above any person's history: a return of 5,000 people is some 10 MB in all.
MAX_PERSON_BYTES = 8 * 1024**2
_SNIFF_BYTES = 1 << 20
_SNIFF_CHUNK = 1 << 14
_MAX_UNKNOWN = 50

# No entity is replaced, no file or address is opened, and libxml2's own bounds stay: text of 10 MB, 256 levels.
_PARSER: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
_UNKNOWN = -1


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _not_readable(file: DataFile, error: etree.XMLSyntaxError) -> FileRefused:
    """The sentence for XML that libxml2 does not read; its own text can quote the file, so it is not repeated."""
    text = str(error)
    if "depth" in text.lower():
        return FileRefused("RF-002", f"{file.source_file} nests elements deeper than any return; it is not read.")
    if "too long" in text.lower() or "huge" in text.lower():
        return FileRefused("RF-003", f"{file.source_file} holds a text longer than any return has; it is not read.")
    if "entity" in text.lower() and error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        return _has_entities(file)
    return FileRefused(
        "RF-004",
        f"{file.source_file} is not well-formed XML (line {error.lineno or 1}): it is damaged or cut short; export it again.",
    )


def _has_entities(file: DataFile) -> FileRefused:
    return FileRefused(
        "RF-001", f"{file.source_file} declares a document type or entities, which no return needs; it is not read."
    )


@dataclass(frozen=True)
class _Sniffed:
    root: str
    names: set[str]
    tags: dict[str, set[str]]
    marker: str | None


def _sniff(file: DataFile, marker: str, person: str) -> _Sniffed:
    """The names before the first person's are complete, as normalised and as written, and the marking element's text.

    Where the header comes last, so that the mark is not found, the first megabyte is looked at.
    """
    parser = etree.XMLPullParser(events=("start", "end"), **_PARSER)
    root, found = "", None
    tags: dict[str, set[str]] = {}
    with file.open() as stream:
        seen = 0
        try:
            while seen < _SNIFF_BYTES and (chunk := stream.read(_SNIFF_CHUNK)):
                seen += len(chunk)
                parser.feed(chunk)
                for event, element in parser.read_events():
                    name = normalised(_local(element.tag))
                    if event == "start":
                        if not root:
                            root = name
                            if element.getroottree().docinfo.doctype:
                                raise _has_entities(file)
                        tags.setdefault(name, set()).add(_local(element.tag))
                    elif name == marker and found is None:
                        found = (element.text or "").strip()
                if found is not None and person in tags:
                    break
        except etree.XMLSyntaxError as error:
            raise _not_readable(file, error) from None
    return _Sniffed(root, set(tags), tags, found)


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> HeldRecords | None:
    """Every table of the return when the root and the marking element say so; the header may come last.

    Raises:
        FileRefused: RF-001 to RF-004, the file is not XML that can be read.
    """
    if file.kind != "xml" or kind.marker is None:
        return None
    assert spec.person is not None
    person = spec.tables[spec.person.table].element
    sniffed = _sniff(file, normalised(kind.marker.element), normalised(person))
    if sniffed.root != normalised(kind.root):
        return None
    is_named = normalised(sniffed.marker or "") == normalised(kind.marker.value)
    has_elements = {normalised(name) for name in kind.elements} <= sniffed.names
    if not is_named and not has_elements:
        return None
    spellings: set[str] = set()
    for element in (person, spec.tables[spec.root_table].element):
        spellings |= {element, element.lower(), element.upper(), *sniffed.tags.get(normalised(element), set())}
    return HeldRecords(tuple(spec.tables), spellings=tuple(sorted(spellings)))


@dataclass
class _Table:
    """How one table is read: where each name goes, and the records waiting to be kept."""

    name: str
    parent: str | None
    names: list[str]
    actions: dict[str, "int | _Table"] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    rows: list[list[Any]] = field(default_factory=list)
    count: int = 0


_Enclosing = tuple["_Table", int, Any] | None


class _Records:
    """Elements to records."""

    def __init__(self, file: DataFile, spec: ReturnSpec, keep: Keep, read: RecordsRead) -> None:
        self._file, self._keep, self._read = file, keep, read
        self._root_table = spec.root_table
        self.tables = {name: _Table(name, table.parent, table.source_names) for name, table in spec.tables.items()}
        self.by_element = {normalised(table.element): self.tables[name] for name, table in spec.tables.items()}
        self._waiting = 0

    def _resolve(self, table: _Table, tag: str) -> "int | _Table":
        name = normalised(_local(tag))
        action: int | _Table = _UNKNOWN
        if name in self.by_element:
            action = self.by_element[name]
        elif name in table.names:
            action = table.names.index(name) + 2
            table.used.add(name)
        table.actions[tag] = action
        return action

    def add_outermost(self, element: Any) -> None:
        """A person or the header as a record, and the records within it."""
        self.add(element, self.by_element[normalised(_local(element.tag))], None)

    def add(self, element: Any, table: _Table, enclosing: _Enclosing) -> None:
        """One element as a record, and the records within it."""
        table.count += 1
        self._waiting += 1
        row: list[Any] = [None] * (len(table.names) + 2)
        row[0] = table.count
        row[1] = self._parent(table, enclosing)
        table.rows.append(row)
        self._fill(element, table, row, (table, table.count, enclosing))

    def _fill(self, element: Any, table: _Table, row: list[Any], inside: _Enclosing) -> None:
        actions = table.actions
        for child in element:
            tag = child.tag
            action = actions.get(tag)
            if action is None:
                action = self._resolve(table, tag)
            if action.__class__ is int:
                if action != _UNKNOWN:
                    if row[action] is None:  # type: ignore[index]
                        row[action] = child.text  # type: ignore[index]
                    elif child.text and child.text.strip():
                        self._note(f"{_local(tag)} (repeated)")
                elif len(child):  # a container, such as CollectionDetails
                    self._fill(child, table, row, inside)
                else:
                    self._note(_local(tag))
            else:
                self.add(child, action, inside)  # type: ignore[arg-type]

    def _parent(self, table: _Table, enclosing: _Enclosing) -> int | None:
        """The nearest enclosing record of the parent table; the header encloses nothing, there is one."""
        if table.parent is None:
            return None
        while enclosing is not None:
            if enclosing[0].name == table.parent:
                return enclosing[1]
            enclosing = enclosing[2]
        return 1 if table.parent == self._root_table else None

    def _note(self, name: str) -> None:
        if len(self._read.unknown_columns) < _MAX_UNKNOWN:
            self._read.unknown_columns.add(name[:60])

    def keep_if_many(self) -> None:
        if self._waiting >= BATCH_RECORDS:
            self.keep_all()

    def keep_all(self) -> None:
        self._waiting = 0
        batch: Batch = {}
        for table in self.tables.values():
            if not table.rows:
                continue
            record, parent, *texts = zip(*table.rows, strict=True)
            number = pa.array(record, pa.int64())
            columns = {
                "source_file": pa.array([self._file.source_file], pa.string()).take(pa.array([0] * len(record))),
                "source_row": number,
                "record": number,
                "parent_record": pa.array(parent, pa.int64()),
            }
            for name, values in zip(table.names, texts, strict=True):
                if name in table.used:
                    columns[RAW_PREFIX + name] = pa.array(values, pa.string())
            table.rows.clear()
            batch[table.name] = pa.table(columns)
        if batch:
            self._keep(batch)


class _Bounded:
    """The stream, refused when a person takes more bytes than any can."""

    def __init__(self, stream: BinaryIO, file: DataFile) -> None:
        self._stream, self._file, self.since_person = stream, file, 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self.since_person += len(chunk)
        if self.since_person > MAX_PERSON_BYTES:
            raise FileRefused(
                "RF-003", f"{self._file.source_file} holds one record longer than any return has; it is not read."
            )
        return chunk


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without Python's search for cycles: records hold none, and looking through them takes a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def read(files: list[tuple[DataFile, HeldRecords]], kind: FileKind, spec: ReturnSpec, keep: Keep) -> RecordsRead:
    """Stream one XML return into records, in batches.

    Raises:
        FileRefused: RF-001 document type or entities, RF-002 nesting, RF-003 endless text or record, RF-004 not
            well-formed or cut short.
    """
    [(file, held)] = files
    result = RecordsRead()
    records = _Records(file, spec, keep, result)
    tags = [f"{{*}}{spelling}" for spelling in held.spellings]
    with file.open() as stream, _collector_paused():
        bounded = _Bounded(stream, file)
        try:
            events = etree.iterparse(bounded, events=("end",), tag=tags, **_PARSER)
            _stream(events, bounded, records)
            root = events.root
            if root.getroottree().docinfo.doctype:
                raise _has_entities(file)
        except etree.XMLSyntaxError as error:
            raise _not_readable(file, error) from None
    _add_outside_persons(root, records)
    records.keep_all()
    return result


def _stream(events: Any, bounded: _Bounded, records: _Records) -> None:
    """Take each person, and the header, as it ends and let it go; what is neither stays in the tree."""
    last = None
    for _, element in events:
        bounded.since_person = 0
        if last is not None:
            last.getparent().remove(last)
        records.add_outermost(element)
        records.keep_if_many()
        element.clear(keep_tail=False)
        last = element
    if last is not None:
        last.getparent().remove(last)


def _add_outside_persons(element: Any, records: _Records) -> None:
    """The header and any person whose element is written as no other is."""
    for child in element:
        table = records.by_element.get(normalised(_local(child.tag)))
        if table is not None:
            records.add(child, table, None)
        else:
            _add_outside_persons(child, records)
