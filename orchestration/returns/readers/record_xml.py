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
_LEFT_OUT = -2


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


def _sniff(file: DataFile, marker: str, persons: list[str]) -> _Sniffed:
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
                if found is not None and any(person in tags for person in persons):
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
    persons = [e for of, source in spec.sources.values() if of == spec.person.table for e in source.elements]
    sniffed = _sniff(file, normalised(kind.marker.element), [normalised(person) for person in persons])
    if kind.root and sniffed.root != normalised(kind.root):
        return None
    is_named = normalised(sniffed.marker or "") == normalised(kind.marker.value)
    has_elements = {normalised(name) for name in kind.elements} <= sniffed.names
    if not is_named and not has_elements:
        return None
    headers = [e for of, source in spec.sources.values() if of == spec.root_table for e in source.elements]
    spellings: set[str] = set()
    for element in (*persons, *headers):
        spellings |= {element, element.lower(), element.upper(), *sniffed.tags.get(normalised(element), set())}
    return HeldRecords(tuple(spec.sources), spellings=tuple(sorted(spellings)))


@dataclass
class _Table:
    """How one table is read: where each name goes, and the records waiting to be kept."""

    name: str
    parent: str | None
    names: list[str]
    left_out: set[str]
    used: set[str] = field(default_factory=set)
    rows: list[list[Any]] = field(default_factory=list)
    count: int = 0


@dataclass
class _Element:
    """An element that is a record of a table: what every such record holds, and, by the elements between it and a name,
    what is done with each name."""

    table: _Table
    sets: list[tuple[int, str]]
    actions: dict[tuple[str, ...], dict[str, "int | _Element"]] = field(default_factory=dict)


_Enclosing = tuple["_Table", int, Any] | None


class _Records:
    """Elements to records."""

    def __init__(self, file: DataFile, spec: ReturnSpec, keep: Keep, read: RecordsRead) -> None:
        self._file, self._keep, self._read = file, keep, read
        self._root_table = spec.root_table
        self.tables = {
            name: _Table(name, table.parent, table.source_names, table.left_out_names)
            for name, table in spec.tables.items()
        }
        self.by_element: dict[str, _Element] = {}
        for table_name, source in spec.sources.values():
            table = self.tables[table_name]
            sets = [(table.names.index(normalised(name)) + 2, text) for name, text in source.sets.items()]
            table.used |= {normalised(name) for name in source.sets}
            self.by_element |= {normalised(element): _Element(table, sets) for element in source.elements}
        self._left_out = {normalised(name) for entry in spec.left_out.values() for name in entry.names}
        self._waiting = 0
        self._unknown: dict[tuple[str, str], list[tuple[int, str]]] = {}

    def _resolve(self, of: _Element, within: tuple[str, ...], tag: str) -> "int | _Element":
        """What is done with a name: alone, or with that of an element that it stands in, it is a record or a column."""
        name, table = normalised(_local(tag)), of.table
        action: int | _Element = _UNKNOWN
        if name in self._left_out or name in table.left_out:
            action = _LEFT_OUT
        for full in [*(container + name for container in reversed(within)), name]:
            if full in self.by_element:
                action = self.by_element[full]
                break
            if full in table.names:
                action = table.names.index(full) + 2
                table.used.add(full)
                break
        of.actions[within][tag] = action
        return action

    def add_outermost(self, element: Any) -> None:
        """A person or the header as a record, and the records within it."""
        self.add(element, self.by_element[normalised(_local(element.tag))], None)

    def add(self, element: Any, of: _Element, enclosing: _Enclosing) -> None:
        """One element as a record, and the records within it."""
        table = of.table
        table.count += 1
        self._waiting += 1
        row: list[Any] = [None] * (len(table.names) + 2)
        row[0] = table.count
        row[1] = self._parent(table, enclosing)
        for position, text in of.sets:
            row[position] = text
        table.rows.append(row)
        self._fill(element, of, row, (table, table.count, enclosing), ())

    def _fill(self, element: Any, of: _Element, row: list[Any], inside: _Enclosing, within: tuple[str, ...]) -> None:
        actions = of.actions.setdefault(within, {})
        for child in element:
            tag = child.tag
            action = actions.get(tag)
            if action is None:
                action = self._resolve(of, within, tag)
            if action.__class__ is int:
                if action >= 0:  # type: ignore[operator]
                    if row[action] is None:  # type: ignore[index]
                        row[action] = child.text  # type: ignore[index]
                    elif child.text and child.text.strip():
                        self._note(f"{_local(tag)} (repeated)", of.table, row[0], child.text)
                elif action == _LEFT_OUT:
                    continue
                elif len(child):  # a container, such as CollectionDetails
                    self._fill(child, of, row, inside, (*within, normalised(_local(tag))))
                else:
                    self._note(_local(tag), of.table, row[0], child.text)
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

    def _note(self, name: str, table: _Table, record: int, text: str | None) -> None:
        """Report a name that no table has, and keep what it holds; of very many names the first."""
        known = self._read.unknown_columns
        name = name[:60]
        if name in known or len(known) < _MAX_UNKNOWN:
            known.add(name)
            if text and text.strip():
                self._unknown.setdefault((table.name, name), []).append((record, text.strip()))
                self._waiting += 1

    def _keep_unknown(self) -> None:
        for (table, name), found in self._unknown.items():
            records, texts = zip(*found, strict=True)
            self._read.keep_unknown(
                table, self._file.source_file, pa.array(records, pa.int64()), name, pa.array(texts, pa.string())
            )
        self._unknown.clear()

    def keep_if_many(self) -> None:
        if self._waiting >= BATCH_RECORDS:
            self.keep_all()

    def keep_all(self) -> None:
        self._waiting = 0
        self._keep_unknown()
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
        found = records.by_element.get(normalised(_local(child.tag)))
        if found is not None:
            records.add(child, found, None)
        else:
            _add_outside_persons(child, records)


def without_persons(file: DataFile, held: HeldRecords, spec: ReturnSpec, records: set[int]) -> bytes:
    """An XML return without some of its persons, by the numbers that `read` gives them, and without any comment."""
    assert spec.person is not None
    names = {
        normalised(e) for table, source in spec.sources.values() if table == spec.person.table for e in source.elements
    }
    with file.open() as stream:
        tree = etree.parse(stream, etree.XMLParser(**_PARSER))
    persons = [one for one in tree.iter("{*}*") if normalised(_local(one.tag)) in names]
    # As `read` meets them: those written as elements of the return are, then any other.
    persons.sort(key=lambda one: _local(one.tag) not in held.spellings)
    for number, person in enumerate(persons, 1):
        if number in records:
            person.getparent().remove(person)
    return bytes(etree.tostring(tree, encoding=tree.docinfo.encoding or "UTF-8", xml_declaration=True))
