"""Returns as a set of CSV files, one a module: the export of COLLECT, or a case system's."""

import re
from pathlib import PurePosixPath

from orchestration.returns.delivered import DataFile
from orchestration.returns.readers.flat_csv import read_flat_csv, read_header
from orchestration.returns.readers.records import (
    HeldRecords,
    Keep,
    RecordsRead,
    Sheet,
    best_table,
    id_names,
    keep_linked,
    with_normalised_names,
)
from orchestration.returns.spec import FileKind, ReturnSpec, normalised

_NUMBERING = re.compile(r"^\d{1,2}[ ._-]+|module[ ._-]*\d+", re.IGNORECASE)


def recognise(file: DataFile, kind: FileKind, spec: ReturnSpec) -> HeldRecords | None:
    """The table a file holds, known by its own record number, and the set of files it belongs to."""
    if file.kind != "text":
        return None
    names = {normalised(name) for name in read_header(file)}
    named = [table for table, found in spec.tables.items() if names & set(id_names(kind, found))]
    linked = [table for table in named if spec.tables[table].parent in named]
    if linked:  # its own number and its parent's
        table = linked[0] if len(linked) == 1 else best_table(names, spec, linked)
    elif named:  # one number: the table's own, or that of the parent of a table that has none
        candidates = [*named, *(child for table in named for child in spec.children(table))]
        table = best_table(names, spec, candidates)
    else:  # a case system's header has no number; that of a COLLECT export always has
        table = spec.root_table
        if table in kind.required or not names or not names <= set(spec.tables[table].source_names):
            return None
    return None if table is None else HeldRecords((table,), _set_name(file, spec, table))


def _set_name(file: DataFile, spec: ReturnSpec, table: str) -> str:
    """What the files of one export share: their folder or archive, and their name without the table's."""
    path = PurePosixPath(file.source_file)
    stem = normalised(_NUMBERING.sub("", path.stem))
    shared = stem
    for title in sorted(spec.tables[table].normalised_titles, key=len, reverse=True):
        if title in stem:
            shared = stem.removesuffix(title) if stem.endswith(title) else stem.replace(title, "", 1)
            break
    return f"{path.parent}/{shared}"


def read(files: list[tuple[DataFile, HeldRecords]], kind: FileKind, spec: ReturnSpec, keep: Keep) -> RecordsRead:
    """Read a complete set of files into linked records.

    Raises:
        FileRefused: RF-007 a file does not say which record its rows belong to, and what `read_flat_csv` raises.
    """
    result = RecordsRead()
    sheets = []
    for file, held in files:
        flat = read_flat_csv(file, may_be_empty=True)
        [table] = held.tables
        sheets.append(Sheet(table, file.source_file, file.source_file, with_normalised_names(flat.rows)))
        if flat.unreadable:
            result.unreadable[table] = [(file.source_file, row) for row in flat.unreadable]
    keep_linked(sheets, spec, kind, keep, result)
    return result
