"""Returns as an extract of one table, as councils make their own: a row holds a person with what hangs from it."""

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.returns.delivered import DataFile
from orchestration.returns.readers.flat_csv import read_flat_csv, read_header
from orchestration.returns.readers.records import (
    RAW_PREFIX,
    Batch,
    HeldRecords,
    Keep,
    RecordsRead,
    add_records,
    with_normalised_names,
)
from orchestration.returns.spec import FileKind, FlatPart, ReturnSpec, Take, normalised


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> HeldRecords | None:
    """The tables that the rows hold, when the header has every mark of the kind."""
    if file.kind != "text":
        return None
    names = {normalised(name) for name in read_header(file)}
    if not {normalised(mark) for mark in kind.marks} <= names:
        return None
    return HeldRecords(tuple(dict.fromkeys(part.source for part in kind.flat)))


def read(files: list[tuple[DataFile, HeldRecords]], kind: FileKind, spec: ReturnSpec, keep: Keep) -> RecordsRead:
    """Read an extract into linked records; `source_row` of each is the row it was taken from.

    Raises:
        FileRefused: what `read_flat_csv` raises.
    """
    [(file, _)] = files
    result = RecordsRead()
    flat = read_flat_csv(file)
    rows = with_normalised_names(flat.rows)
    if flat.unreadable:
        result.unreadable[spec.sources[kind.flat[0].source][0]] = [(file.source_file, row) for row in flat.unreadable]
    record_of: dict[str, pa.Array] = {}  # by table: the record that each row of the file is, or is in
    counts: dict[str, int] = {}
    used = {"source_row"}
    batch: Batch = {}
    for part in kind.flat:
        table_name, source = spec.sources[part.source]
        table = spec.tables[table_name]
        texts = _texts(part, table.source_names, rows, used)
        held = _is_record(part, texts, rows.num_rows)
        records = _numbered(texts, held, distinct=part.distinct, after=counts.get(table_name, 0))
        counts[table_name] = max(counts.get(table_name, 0), pc.max(records).as_py() or 0)
        sets = source.sets | part.sets
        texts |= {normalised(name): pa.array([text] * rows.num_rows, pa.string()) for name, text in sets.items()}
        above = record_of.get(table.parent or "", pa.nulls(rows.num_rows, pa.int64()))
        root = records if table.parent is None else record_of[spec.root_table]
        first = held if not part.distinct else pc.and_(held, _is_first(records))
        found = pa.table(
            {
                "source_row": rows.column("source_row"),
                "record": records,
                "parent_record": above,
                "root_record": root,
                **{RAW_PREFIX + name: column for name, column in texts.items()},
            }
        ).filter(first)
        source_file = pa.array([file.source_file] * found.num_rows, pa.string())
        add_records(batch, table_name, found.append_column("source_file", source_file))
        record_of.setdefault(table_name, records)
    keep(batch)
    left_out = {name for table in spec.tables.values() for name in table.left_out_names}
    table_name = spec.sources[kind.flat[0].source][0]
    for name in sorted(set(rows.column_names) - used - left_out - {"nativeid"}):
        result.keep_unknown(table_name, file.source_file, rows.column("source_row"), name, rows.column(name))
    return result


def _taken(take: Take, rows: pa.Table, used: set[str]) -> pa.ChunkedArray:
    """The first column that gives a value, of those a text is taken from."""
    found = pa.chunked_array([pa.nulls(rows.num_rows, pa.string())])
    for name in map(normalised, take.names):
        if name in rows.column_names:
            used.add(name)
            part = pc.extract_regex(pc.utf8_trim_whitespace(rows.column(name)), pattern=take.pattern)
            found = pc.coalesce(found, pc.struct_field(part, "text"))
    return found


def _texts(part: FlatPart, names: list[str], rows: pa.Table, used: set[str]) -> dict[str, pa.ChunkedArray]:
    """The texts of a part by the normalised name they go under in its table."""
    texts = {normalised(name): _taken(take, rows, used) for name, take in part.columns.items()}
    for name in names:
        if name in rows.column_names and name not in texts and not (part.distinct or part.columns):
            used.add(name)
            texts[name] = rows.column(name)
    return texts


def _is_record(part: FlatPart, texts: dict[str, pa.ChunkedArray], rows: int) -> pa.Array:
    """Whether each row holds a record: it has a text in one of the part's columns."""
    held = pa.chunked_array([pa.array([False] * rows)])
    for text in texts.values():
        held = pc.or_(held, pc.not_equal(pc.fill_null(pc.utf8_trim_whitespace(text), ""), ""))
    return held


def _numbered(
    texts: dict[str, pa.ChunkedArray], held: pa.ChunkedArray, *, distinct: bool, after: int
) -> pa.ChunkedArray:
    """The record number of each row, equal for equal rows where these are one record; null where a row holds none."""
    if distinct:
        joined = pc.binary_join_element_wise(*(pc.fill_null(text, "") for text in texts.values()), "\x1f")
        codes = joined.combine_chunks().dictionary_encode().indices
        numbers = pc.add(pc.cast(codes, pa.int64()), 1 + after)
    else:
        numbers = pc.add(pc.cumulative_sum(pc.cast(held.combine_chunks(), pa.int64())), after)
    return pc.if_else(held, numbers, pa.scalar(None, pa.int64()))


def _is_first(records: pa.ChunkedArray) -> pa.Array:
    """Whether each row is the first of its record."""
    numbers = records.combine_chunks()
    positions = pa.array(range(len(numbers)), pa.int64())
    firsts = pa.table({"record": numbers, "at": positions}).group_by("record").aggregate([("at", "min")])
    return pc.is_in(positions, value_set=firsts.column("at_min").combine_chunks())
