"""Files of records: what their readers share. A record is one XML element, or one row of a module or a sheet.

Readers give text as received; the spec of the year types it. Records keep their place: `record` numbers the records of a
table in file order from 1, `parent_record` is the number of the record they hang from, null where there is none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.flat_csv import UnreadableRow
from orchestration.returns.spec import FileKind, LandedTable, ReturnSpec, normalised

RAW_PREFIX = "in_"
PLUMBING = ("source_file", "source_row", "record", "parent_record")

Batch = dict[str, pa.Table]
"""Records by table: the plumbing columns, and a text column `in_<normalised name>` for each name that is used.

A record and the person it belongs to are in one batch. The header is in the first, where it comes first."""
Keep = Callable[[Batch], None]


@dataclass(frozen=True)
class HeldRecords:
    """What a file holds: tables; where it is one of a set of files, what the set is called; in XML, the ways in which the
    elements of a person and of the header are written; in a workbook, the sheet of each table."""

    tables: tuple[str, ...]
    set_name: str | None = None
    spellings: tuple[str, ...] = ()
    sheets: dict[str, str] = field(default_factory=dict)


@dataclass
class RecordsRead:
    """What a reader could not place: rows it cannot split, and names no table has."""

    unreadable: dict[str, list[tuple[str, UnreadableRow]]] = field(default_factory=dict)
    unknown_columns: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Sheet:
    """One table of a delivery as rows of text: a CSV file, a sheet, or a part of one.

    `place` is how a message names it, `name` the sheet's own where there is one. `rows` has a column a normalised name, and
    `source_row`.
    """

    table: str
    source_file: str
    place: str
    rows: pa.Table
    name: str = ""


def best_table(names: set[str], spec: ReturnSpec, among: list[str]) -> str | None:
    """The table, `among` some, whose columns a header fits best; None when it fits none.

    Tables share columns (a setting named in a plan, a placement), so both what matches and what does not counts.
    """
    scores = {}
    for name in among:
        table = spec.tables[name]
        known = set(table.source_names)
        # One name a column: the synonyms a header does not use count for nothing.
        matched = len(names & known)
        if matched:
            scores[name] = matched / (len(table.columns) + len(names) - matched)
    return max(scores, key=scores.__getitem__) if scores else None


def id_names(kind: FileKind, table: LandedTable) -> list[str]:
    """Normalised names under which a table's record number may stand, in order of preference."""
    found = []
    for template in kind.record_ids:
        for title in table.normalised_titles:
            found.append(normalised(template.format(title=title, element=normalised(table.element))))
    return list(dict.fromkeys(found))


def keep_linked(sheets: list[Sheet], spec: ReturnSpec, kind: FileKind, keep: Keep, read: RecordsRead) -> None:
    """Number the records of a whole delivery, link each to its parent by the files' own numbers, and keep them.

    A number that is blank, or that two records share, links nothing: its records have no key.

    Raises:
        FileRefused: RF-007 a table has no column that names its parent.
    """
    of_table = {sheet.table: sheet for sheet in sheets}
    own_ids: dict[str, pa.Array] = {}
    batch: Batch = {}
    for name, table in spec.tables.items():
        if name not in of_table:
            continue
        sheet = of_table[name]
        columns = set(sheet.rows.column_names)
        ids = next((column for column in id_names(kind, table) if column in columns), None)
        own_ids[name] = _unique_or_null(_text(sheet, ids)) if ids else pa.nulls(sheet.rows.num_rows, pa.string())
        parents = _parent_records(sheet, spec, kind, own_ids)
        fields = {RAW_PREFIX + column: sheet.rows.column(column) for column in table.source_names if column in columns}
        records = pa.array(range(1, sheet.rows.num_rows + 1), pa.int64())
        # A record that others hang from, and whose own number is no key, cannot be used.
        if ids and spec.children(name):
            parents = pc.if_else(pc.is_valid(own_ids[name]), parents, pa.scalar(None, pa.int64()))
        batch[name] = pa.table(
            {
                "source_file": pa.array([sheet.source_file] * sheet.rows.num_rows, pa.string()),
                "source_row": sheet.rows.column("source_row"),
                "record": records,
                "parent_record": parents,
                **fields,
            }
        )
        linking = {column for other in spec.tables.values() for column in id_names(kind, other)}
        known = {*table.source_names, *linking, "source_row", "nativeid", "sourceid"}
        read.unknown_columns |= {
            column for column in columns - known if not column.endswith(("orderseqcolumn", "tableid"))
        }
    keep(batch)


def _text(sheet: Sheet, column: str) -> pa.Array:
    values = sheet.rows.column(column)
    return pc.utf8_trim_whitespace(values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)


def _unique_or_null(ids: pa.Array) -> pa.Array:
    counts = pc.value_counts(ids)
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    usable = pc.and_(pc.is_valid(ids), pc.invert(pc.is_in(ids, value_set=repeated)))
    return pc.if_else(pc.and_(usable, pc.not_equal(pc.fill_null(ids, ""), "")), ids, pa.scalar(None, pa.string()))


def _parent_records(sheet: Sheet, spec: ReturnSpec, kind: FileKind, own_ids: dict[str, pa.Array]) -> pa.Array:
    parent = spec.tables[sheet.table].parent
    if parent is None:
        return pa.nulls(sheet.rows.num_rows, pa.int64())
    if parent == spec.root_table:  # there is one header, whether or not the files repeat its number
        return pa.array([1] * sheet.rows.num_rows, pa.int64())
    columns = set(sheet.rows.column_names)
    named = next((column for column in id_names(kind, spec.tables[parent]) if column in columns), None)
    if named is None:
        raise FileRefused(
            "RF-007",
            f"{sheet.place} does not say which {spec.tables[parent].element} each row belongs to; export it again with its"
            " record numbers.",
        )
    known = own_ids.get(parent, pa.array([], pa.string()))
    found = pc.index_in(_text(sheet, named), value_set=known, skip_nulls=True)
    return pc.add(pc.cast(found, pa.int64()), 1)


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


def said_of(file: DataFile, sheet: str) -> str:
    """How a message names a sheet."""
    return f"{file.source_file}, sheet '{sheet}',"
