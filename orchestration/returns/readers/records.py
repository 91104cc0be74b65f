"""Files of records: what their readers share. A record is one XML element, or one row of a module or a sheet.

Readers give text as received; the spec of the year types it. Records keep their place: `record` numbers the records of a
table in file order from 1, `parent_record` is the number of the record they hang from, null where there is none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.returns.delivered import FileRefused
from orchestration.returns.readers.flat_csv import UnreadableRow
from orchestration.returns.spec import FileKind, LandedTable, Marker, Pairs, ReturnSpec, Source, normalised

RAW_PREFIX = "in_"

Batch = dict[str, pa.Table]
"""Records by table: the plumbing columns, and a text column `in_<normalised name>` for each name that is used.

`root_record`, the header a record belongs to, may be left out or null where there is one header. A record and the person it
belongs to are in one batch. The header is in the first, where it comes first."""
Keep = Callable[[Batch], None]


def add_records(batch: Batch, table: str, rows: pa.Table) -> None:
    """Put records into a batch, after those of the same table that are in it."""
    batch[table] = pa.concat_tables([batch[table], rows], promote_options="default") if table in batch else rows


@dataclass(frozen=True)
class HeldRecords:
    """What a file holds: tables as files hold them (the names of the spec's sources, or of tables it leaves out); where it
    is one of a set of files, what the set is called and, if it says so, which periods it is of; in XML, the ways in which
    the elements of a person and of the header are written; in a workbook, the sheet of each table."""

    tables: tuple[str, ...]
    set_name: str | None = None
    spellings: tuple[str, ...] = ()
    sheets: dict[str, str] = field(default_factory=dict)
    periods: tuple[str, ...] = ()


@dataclass
class RecordsRead:
    """What a reader could not place: rows it cannot split, names no table has, and the texts that stood under them.

    `unknown_texts` has the columns table_name, source_file, source_row, column_name and given.
    """

    unreadable: dict[str, list[tuple[str, UnreadableRow]]] = field(default_factory=dict)
    unknown_columns: set[str] = field(default_factory=set)
    unknown_texts: list[pa.Table] = field(default_factory=list)

    def keep_unknown(self, table: str, source_file: str, source_rows: pa.Array, column: str, texts: pa.Array) -> None:
        """Report a column that no table has, and keep what it holds."""
        self.unknown_columns.add(column)
        given = pc.and_(pc.is_valid(texts), pc.not_equal(pc.fill_null(texts, ""), ""))
        rows = pa.table({"source_row": source_rows, "given": texts}).filter(given)
        for name, value in (("table_name", table), ("source_file", source_file), ("column_name", column)):
            rows = rows.append_column(name, pa.array([value] * rows.num_rows, pa.string()))
        self.unknown_texts.append(rows)


@dataclass(frozen=True)
class Sheet:
    """One table of a delivery as rows of text: a CSV file, a sheet, or a part of one.

    `table` is its name among the spec's sources, `place` how a message names it, `name` the sheet's own where there is one.
    `rows` has a column a normalised name, and `source_row`. `columns` are those it has of a sheet: the first, and the one
    after the last, None where it has the sheet's width.
    """

    table: str
    source_file: str
    place: str
    rows: pa.Table
    name: str = ""
    columns: tuple[int, int | None] = (0, None)


def best_table(names: set[str], spec: ReturnSpec, among: list[str]) -> str | None:
    """The table as files hold it, `among` some, whose columns a header fits best; None when it fits none.

    Tables share columns (a setting named in a plan, a placement), so both what matches and what does not counts.
    """
    scores = {}
    for name in among:
        table = spec.tables[spec.sources[name][0]]
        known = set(table.source_names)
        # One name a column: the synonyms a header does not use count for nothing.
        matched = len(names & known)
        if matched:
            scores[name] = matched / (len(table.columns) + len(names) - matched)
    return max(scores, key=scores.__getitem__) if scores else None


def id_names(kind: FileKind, source: Source) -> list[str]:
    """Normalised names under which a table's record number may stand, in order of preference."""
    found = []
    for template in kind.record_ids:
        for title in source.normalised_titles:
            found += [normalised(template.format(title=title, element=normalised(name))) for name in source.elements]
    return list(dict.fromkeys(found))


def own_column_names(kind: FileKind, source: Source) -> set[str]:
    """Normalised names of columns that no other table has, made from what files call the table and not from elements."""
    return {normalised(template.format(title=title)) for template in kind.own_columns for title in source.titles}


def parent_sources(spec: ReturnSpec, name: str) -> list[str]:
    """The tables as files hold them from whose records those of a table may hang."""
    table, _ = spec.sources[name]
    parent = spec.tables[table].parent
    return [other for other, (of_table, _) in spec.sources.items() if of_table == parent]


@dataclass
class _Linked:
    """The records of a table as files hold it: the numbers that link to them, their places in the table they land in, and
    the header of each."""

    numbers: pa.Array
    records: pa.Array
    roots: pa.Array


def keep_linked(sheets: list[Sheet], spec: ReturnSpec, kind: FileKind, keep: Keep, read: RecordsRead) -> None:
    """Number the records of a whole delivery, link each to its parent by the files' own numbers, and keep them.

    A number that is blank, or that two records share, links nothing: its records have no key.

    Raises:
        FileRefused: RF-007 a table has no column that names its parent, RF-015 it lacks a column that it must have.
    """
    of_source = {sheet.table: sheet for sheet in sheets}
    linked: dict[str, _Linked] = {}
    counts: dict[str, int] = {}
    batch: Batch = {}
    linking = {column for _, source in spec.sources.values() for column in id_names(kind, source)}
    for name, (table_name, source) in spec.sources.items():
        if name not in of_source:
            continue
        sheet, table = of_source[name], spec.tables[table_name]
        columns = set(sheet.rows.column_names)
        _require_columns(sheet, table, columns)
        rows = sheet.rows.num_rows
        ids = next((column for column in id_names(kind, source) if column in columns), None)
        numbers = _unique_or_null(_number(sheet, kind, ids)) if ids else pa.nulls(rows, pa.string())
        first = counts.get(table_name, 0) + 1
        counts[table_name] = first - 1 + rows
        records = pa.array(range(first, first + rows), pa.int64())
        parents, roots = _parents(sheet, spec, kind, linked, records)
        fields = {RAW_PREFIX + column: sheet.rows.column(column) for column in table.source_names if column in columns}
        fields |= {
            RAW_PREFIX + normalised(of): pa.array([text] * rows, pa.string()) for of, text in source.sets.items()
        }
        # A record that others hang from, and whose own number is no key, cannot be used.
        if ids and spec.children(table_name):
            parents = pc.if_else(pc.is_valid(numbers), parents, pa.scalar(None, pa.int64()))
        linked[name] = _Linked(numbers, records, roots)
        found = pa.table(
            {
                "source_file": pa.array([sheet.source_file] * rows, pa.string()),
                "source_row": sheet.rows.column("source_row"),
                "record": records,
                "parent_record": parents,
                "root_record": roots,
                **fields,
            }
        )
        add_records(batch, table_name, found)
        known = {*table.source_names, *table.left_out_names, *linking, "source_row", "nativeid", "sourceid"}
        for column in sorted(columns - known):
            if not column.endswith(("orderseqcolumn", "tableid")):
                texts = _text(sheet, column)
                read.keep_unknown(table_name, sheet.source_file, sheet.rows.column("source_row"), column, texts)
    keep(batch)


def _require_columns(sheet: Sheet, table: LandedTable, columns: set[str]) -> None:
    missing = [
        column.names[0]
        for column in table.columns.values()
        if column.required and not columns & set(map(normalised, column.names))
    ]
    if missing:
        raise FileRefused(
            "RF-015",
            f"{sheet.place} has no {', '.join(missing)}; add what is missing, or tell the return's local names what it is"
            " called there.",
        )


def _text(sheet: Sheet, column: str) -> pa.Array:
    values = sheet.rows.column(column)
    return pc.utf8_trim_whitespace(values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)


def _unique_or_null(ids: pa.Array) -> pa.Array:
    counts = pc.value_counts(ids)
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    usable = pc.and_(pc.is_valid(ids), pc.invert(pc.is_in(ids, value_set=repeated)))
    return pc.if_else(pc.and_(usable, pc.not_equal(pc.fill_null(ids, ""), "")), ids, pa.scalar(None, pa.string()))


def _number(sheet: Sheet, kind: FileKind, column: str) -> pa.Array:
    """A column's numbers, made unique by what they are numbered within; blank stays null."""
    numbers = _text(sheet, column)
    within = kind.numbered_within
    if within is None or within not in sheet.rows.column_names:
        return numbers
    scope = pc.fill_null(_text(sheet, within), "")
    numbers = pc.if_else(pc.equal(numbers, ""), pa.scalar(None, pa.string()), numbers)
    return pc.binary_join_element_wise(scope, numbers, "|")


def _parents(
    sheet: Sheet, spec: ReturnSpec, kind: FileKind, linked: dict[str, _Linked], records: pa.Array
) -> tuple[pa.Array, pa.Array]:
    """The record each hangs from, and its header; null where that cannot be told."""
    rows = sheet.rows.num_rows
    table, _ = spec.sources[sheet.table]
    parent = spec.tables[table].parent
    if parent is None:
        return pa.nulls(rows, pa.int64()), records
    headers = next((linked[name] for name in linked if spec.sources[name][0] == spec.root_table), None)
    one_header = headers is None or len(headers.records) == 1
    first = pa.array([1] * rows, pa.int64())
    if parent == spec.root_table and one_header:  # whether or not the files repeat its number
        return first, first
    columns = set(sheet.rows.column_names)
    possible = parent_sources(spec, sheet.table)
    found = next(
        (
            (other, column)
            for other in possible
            for column in id_names(kind, spec.sources[other][1])
            if column in columns
        ),
        None,
    )
    if found is None:
        raise FileRefused(
            "RF-007",
            f"{sheet.place} does not say which {spec.tables[parent].said} each row belongs to; export it again with its"
            " record numbers.",
        )
    other, column = found
    above = linked.get(other, _Linked(pa.array([], pa.string()), pa.array([], pa.int64()), pa.array([], pa.int64())))
    place = pc.index_in(_number(sheet, kind, column), value_set=above.numbers, skip_nulls=True)
    parents, roots = above.records.take(place), above.roots.take(place)
    if one_header:
        return parents, first
    return parents, pc.coalesce(roots, _sender_header(sheet, kind, headers))


def _sender_header(sheet: Sheet, kind: FileKind, headers: "_Linked | None") -> pa.Array:
    """The header whose number is of the same sender as a row that hangs from nothing."""
    if headers is None or kind.numbered_within is None or kind.numbered_within not in sheet.rows.column_names:
        return pa.nulls(sheet.rows.num_rows, pa.int64())
    senders = pc.replace_substring_regex(headers.numbers, r"\|.*$", "")
    place = pc.index_in(_text(sheet, kind.numbered_within), value_set=senders, skip_nulls=True)
    return headers.records.take(place)


def without_blanks(rows: pa.Table) -> pa.Table:
    """Texts without white space around them; blank is null, and a column that is null throughout is left out."""
    kept: dict[str, pa.ChunkedArray] = {}
    for name in rows.column_names:
        column = rows.column(name)
        if name.startswith(RAW_PREFIX):
            if column.null_count == len(column):
                continue
            text = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        kept[name] = column
    return pa.table(kept)


def with_normalised_names(table: pa.Table) -> pa.Table:
    """Columns under their normalised names; of two that become the same the first is kept."""
    kept: dict[str, pa.ChunkedArray] = {}
    for name in table.column_names:
        kept.setdefault(name if name == "source_row" else normalised(name), table.column(name))
    return pa.table(kept)


def unpaired(rows: pa.Table, pairs: Pairs, place: str) -> pa.Table:
    """The one record that a table of pairs holds, a column a normalised name; pairs without a name hold nothing.

    Raises:
        FileRefused: FILE-007 a name has two values.
    """
    names, values = (rows.column(normalised(column)).to_pylist() for column in (pairs.name, pairs.value))
    found: dict[str, str | None] = {}
    for given, value in zip(names, values, strict=True):
        name = normalised(given or "")
        if found.get(name) not in (None, value):
            raise FileRefused("FILE-007", f"{place} gives '{name}' twice with different values; keep the right one.")
        if name:
            found[name] = value
    columns = {name: pa.array([value], pa.string()) for name, value in found.items()}
    return pa.table(columns | {"source_row": pa.array([1], pa.int64())})


def is_marked(record: pa.Table, marker: Marker | None) -> bool:
    """Whether a record of pairs says which return it is of, where it has to."""
    if marker is None:
        return True
    name = normalised(marker.element)
    value = record.column(name)[0].as_py() if name in record.column_names else None
    return (value or "").strip().upper() == marker.value.upper()
