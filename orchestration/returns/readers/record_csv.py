"""Returns as a set of CSV files, one a module: the export of COLLECT, or a case system's."""

import re
from pathlib import PurePosixPath

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.flat_csv import read_flat_csv, read_header
from orchestration.returns.readers.records import (
    HeldRecords,
    Keep,
    RecordsRead,
    Sheet,
    best_table,
    id_names,
    is_marked,
    keep_linked,
    own_column_names,
    parent_sources,
    unpaired,
    with_normalised_names,
)
from orchestration.returns.spec import FileKind, ReturnSpec, Source, normalised

_YEAR = re.compile(r"\d{4}(\.0)?")
_NUMBERING = re.compile(r"^\d{1,2}[ ._-]+|module[ ._-]*\d+", re.IGNORECASE)


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> HeldRecords | None:
    """The table a file holds, known by its own record number or its marks, and the set of files it belongs to."""
    if file.kind != "text":
        return None
    names = {normalised(name) for name in read_header(file)}
    if not kind.record_ids:
        table = _table_of_marks(file, names, kind, spec)
    else:
        table = _marked_table(names, kind, spec) if kind.own_columns else _numbered_table(names, kind, spec)
    if table is None:
        return None
    if table in spec.left_out:
        return HeldRecords((table,), _set_name(file, [normalised(table)]))
    of_table, source = spec.sources[table]
    periods = _periods(file, spec) if of_table == spec.root_table and source.pairs is None else ()
    return HeldRecords((table,), _set_name(file, source.normalised_titles), periods=periods)


def _table_of_marks(file: DataFile, names: set[str], kind: FileKind, spec: ReturnSpec) -> str | None:
    """The table, of those whose records have no number in files, all of whose marks a file has under any of their names."""
    for table, (of_table, source) in spec.sources.items():
        if source.pairs is not None:
            if {normalised(source.pairs.name), normalised(source.pairs.value)} <= names:
                rows = with_normalised_names(read_flat_csv(file, may_be_empty=True).rows)
                return table if is_marked(unpaired(rows, source.pairs, file.source_file), kind.marker) else None
        elif source.marks and all(spec.tables[of_table].names_of(mark) & names for mark in source.marks):
            return table
    return None


def _marked_table(names: set[str], kind: FileKind, spec: ReturnSpec) -> str | None:
    """The one table, of those left out too, that has its own number and all columns that only it can have."""
    held = {name: source for name, (_, source) in spec.sources.items()}
    held |= {name: Source(elements=[name], titles=[name]) for name in spec.left_out}
    return next(
        (
            name
            for name, source in held.items()
            if names & set(id_names(kind, source)) and own_column_names(kind, source) & names
        ),
        None,
    )


def _numbered_table(names: set[str], kind: FileKind, spec: ReturnSpec) -> str | None:
    named = [table for table, (_, source) in spec.sources.items() if names & set(id_names(kind, source))]
    linked = [table for table in named if set(parent_sources(spec, table)) & set(named)]
    if linked:  # its own number and its parent's
        return linked[0] if len(linked) == 1 else best_table(names, spec, linked)
    if named:  # one number: the table's own, or that of the parent of a table that has none
        children = [child for child in spec.sources if set(parent_sources(spec, child)) & set(named)]
        return best_table(names, spec, [*named, *children])
    # A case system's header has no number; that of a COLLECT export always has.
    table = spec.root_table
    if table in kind.required or not names or not names <= set(spec.tables[table].source_names):
        return None
    return table


def _periods(file: DataFile, spec: ReturnSpec) -> tuple[str, ...]:
    """The periods that the headers in a file say they are of; none where it cannot be read, which reading it will say."""
    assert spec.submission is not None
    columns = spec.tables[spec.root_table].columns
    try:
        rows = with_normalised_names(read_flat_csv(file, may_be_empty=True).rows)
    except FileRefused:
        return ()

    def given(name: str | None) -> list[str | None]:
        held = [normalised(other) for other in columns[name].names] if name else []
        found = next((other for other in held if other in rows.column_names), None)
        texts = rows.column(found).to_pylist() if found else [None] * rows.num_rows
        return [text and text.strip() for text in texts]

    pairs = zip(given(spec.submission.period), given(spec.submission.term), strict=True)
    found = {spec.period_of(int(year[:4]), term) for year, term in pairs if year and _YEAR.fullmatch(year)}
    return tuple(sorted(period for period in found if period in spec.periods))


def _set_name(file: DataFile, titles: list[str]) -> str:
    """What the files of one export share: their folder or archive, and their name without the table's.

    Of files whose names do not say which table they hold, those of one folder or archive are one export.
    """
    path = PurePosixPath(file.source_file)
    stem = normalised(_NUMBERING.sub("", path.stem))
    shared = ""
    for title in sorted(titles, key=len, reverse=True):
        if title in stem:
            shared = stem.removesuffix(title) if stem.endswith(title) else stem.replace(title, "", 1)
            break
    return f"{path.parent}/{shared}"


def read(files: list[tuple[DataFile, HeldRecords]], kind: FileKind, spec: ReturnSpec, keep: Keep) -> RecordsRead:
    """Read a complete set of files into linked records.

    Raises:
        FileRefused: RF-007 a file does not say which record its rows belong to, and what `keep_linked` and `read_flat_csv`
            raise.
    """
    result = RecordsRead()
    sheets = []
    for file, held in files:
        if held.tables[0] in spec.left_out:
            continue
        flat = read_flat_csv(file, may_be_empty=True, utf8_only=kind.utf8_only)
        [table] = held.tables
        rows, pairs = with_normalised_names(flat.rows), spec.sources[table][1].pairs
        if pairs is not None:
            rows = unpaired(rows, pairs, file.source_file)
        sheets.append(Sheet(table, file.source_file, file.source_file, rows))
        if flat.unreadable:
            of_table = result.unreadable.setdefault(spec.sources[table][0], [])
            of_table += [(file.source_file, row) for row in flat.unreadable]
    keep_linked(sheets, spec, kind, keep, result)
    return result
