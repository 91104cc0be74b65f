"""Which return a data file is, from its content first and its name last."""

import csv
from typing import Protocol

import duckdb
import pyarrow as pa
from lxml import etree
from python_calamine import CalamineError

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers import (
    appeals_csv,
    chs_workbook,
    ees_csv,
    figure_csv,
    flat_table,
    record_csv,
    record_flat,
    record_workbook,
    record_xml,
    wait_csv,
)
from orchestration.returns.readers.flat_csv import read_header
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.readers.records import HeldRecords, Keep, RecordsRead
from orchestration.returns.spec import FileKind, ReturnSpec, load_spec, normalised, return_ids

# What parsing bytes of any origin can raise, from the standard library, Arrow, DuckDB and the workbook and XML readers.
# One such file must not keep the others, or the next run, from landing.
PARSING_ERRORS = (
    csv.Error, pa.ArrowException, duckdb.Error, CalamineError, etree.LxmlError, ValueError, LookupError, ArithmeticError,
    TypeError, AttributeError,
)  # fmt: skip
UNREADABLE_FILE = "FILE-014"


class Reader(Protocol):
    """What the module of a file shape offers whose rows are those of a landed table."""

    def recognise(self, file: DataFile, kind: FileKind, spec: ReturnSpec) -> str | None:
        """What the file holds, or None when it is not of this kind."""
        ...

    def read(self, file: DataFile, kind: FileKind, spec: ReturnSpec, recognised: str) -> ReadFile:
        """The file's rows in the shape of the landed table."""
        ...


class RecordReader(Protocol):
    """What the module of a file shape offers whose rows are records of several tables, in one file or a set of them."""

    def recognise(self, file: DataFile, kind: FileKind, spec: ReturnSpec) -> HeldRecords | None:
        """What the file holds, or None when it is not of this kind."""
        ...

    def read(
        self, files: list[tuple[DataFile, HeldRecords]], kind: FileKind, spec: ReturnSpec, keep: Keep
    ) -> RecordsRead:
        """Hand over the records as text, linked to their parents."""
        ...


# Every file shape and the module that reads it; a spec names the shape.
READERS: dict[str, Reader] = {
    "ees_csv": ees_csv,
    "figure_csv": figure_csv,
    "appeals_csv": appeals_csv,
    "chs_workbook": chs_workbook,
    "wait_csv": wait_csv,
    "flat_csv": flat_table,
}
RECORD_READERS: dict[str, RecordReader] = {
    "record_xml": record_xml,
    "record_csv": record_csv,
    "record_flat": record_flat,
    "record_workbook": record_workbook,
}


def unreadable_file(source_file: str, error: Exception) -> FileRefused:
    """The sentence for a file on which a reader broke with one of `PARSING_ERRORS`."""
    # The kind of error and no more: its words can hold a value of the file.
    what = f"{source_file} cannot be read ({type(error).__name__}); save or download it again."
    return FileRefused(UNREADABLE_FILE, what)


def _recognise(file: DataFile, spec: ReturnSpec) -> tuple[str, str | HeldRecords] | None:
    for name, kind in spec.files.items():
        found = (
            RECORD_READERS[kind.shape].recognise(file, kind, spec)
            if kind.holds_records
            else READERS[kind.shape].recognise(file, kind, spec)
        )
        if found is not None:
            return name, found
    return None


def _is_of(file: DataFile, spec: ReturnSpec) -> bool:
    """Whether a file is of a return into whose inbox it was not dropped; what its readers refuse it for is not said."""
    try:
        return _recognise(file, spec) is not None
    except FileRefused:
        return False


def likely_return(file: DataFile) -> str | None:
    """The return that a data file is of; where a reader breaks on looking into it, the return whose reader says why.

    None: no return knows it.
    """
    broken = None
    for return_id in return_ids():
        try:
            if _recognise(file, load_spec(return_id)) is not None:
                return return_id
        except (FileRefused, *PARSING_ERRORS):
            broken = broken or return_id
    return broken


def nobodys(file: DataFile) -> FileRefused:
    """The sentence for a file that no return knows."""
    if separator := _other_separator(file):
        return _wrongly_separated(file, separator)
    for return_id in return_ids():
        if refused := _not_read(file, load_spec(return_id), by_marks_alone=True):
            return refused
    titles = ", ".join(load_spec(return_id).title for return_id in return_ids())
    return FileRefused("FILE-008", f"{file.source_file} is not a file of any return that is known here: {titles}.")


def _not_read(file: DataFile, spec: ReturnSpec, *, by_marks_alone: bool = False) -> FileRefused | None:
    """The sentence for a file of the return that is known and not read."""
    for known in spec.not_read:
        if file.kind != known.kind or (by_marks_alone and not known.marks):
            continue
        header = {normalised(name) for name in read_header(file)} if known.marks else set()
        if {normalised(mark) for mark in known.marks} <= header:
            return FileRefused(
                "FILE-008", f"{file.source_file} is {known.what}, which is not read for {spec.title}: {known.instead}"
            )
    return None


def _wrongly_separated(file: DataFile, separator: str) -> FileRefused:
    return FileRefused(
        "FILE-008", f"{file.source_file} has its values separated by {separator}; save it as comma-separated CSV."
    )


def _other_separator(file: DataFile) -> str | None:
    """What separates the values of a text file that is not comma-separated."""
    header = read_header(file) if file.kind == "text" else []
    if len(header) != 1:
        return None
    return next(
        (name for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")) if sign in header[0]), None
    )


def recognise_data_file(file: DataFile, spec: ReturnSpec) -> tuple[str, str | HeldRecords]:
    """The kind of file of the return that a data file is, and what it holds.

    Raises:
        FileRefused: FILE-008 it is nobody's, FILE-009 it is another return's, or what a reader raises on looking into it.
    """
    recognised = _recognise(file, spec)
    if recognised is not None:
        return recognised
    for other in (load_spec(return_id) for return_id in return_ids() if return_id != spec.return_id):
        if _is_of(file, other):
            raise FileRefused(
                "FILE-009",
                f"{file.source_file} is a file of {other.title}, not of {spec.title}; drop it in raw/inbox/{other.return_id}/.",
            )
    if separator := _other_separator(file):
        raise _wrongly_separated(file, separator)
    if refused := _not_read(file, spec):
        raise refused
    what = "its elements are not known" if file.kind == "xml" else "neither its columns nor its sheets are known"
    raise FileRefused("FILE-008", f"{file.source_file} is not a file of {spec.title}: {what}.")


def read_recognised(file: DataFile, spec: ReturnSpec, kind_name: str, found: str) -> ReadFile:
    """Read a recognised file whose rows are those of a landed table.

    Raises:
        FileRefused: what its reader raises.
    """
    kind = spec.files[kind_name]
    return READERS[kind.shape].read(file, kind, spec, found)


def read_data_file(file: DataFile, spec: ReturnSpec) -> ReadFile:
    """Recognise a data file as one of the return's and read it.

    Raises:
        FileRefused: FILE-008 it is nobody's, FILE-009 it is another return's, or what its reader raises.
    """
    kind_name, found = recognise_data_file(file, spec)
    assert isinstance(found, str)
    return read_recognised(file, spec, kind_name, found)


def read_records(
    files: list[tuple[DataFile, HeldRecords]], spec: ReturnSpec, kind_name: str, keep: Keep
) -> RecordsRead:
    """Read the files of one delivery of records.

    Raises:
        FileRefused: what their reader raises.
    """
    kind = spec.files[kind_name]
    return RECORD_READERS[kind.shape].read(files, kind, spec, keep)
