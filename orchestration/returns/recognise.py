"""Which return a data file is, from its content first and its name last."""

from typing import Protocol

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers import appeals_csv, chs_workbook, ees_csv, figure_csv, flat_table
from orchestration.returns.readers.flat_csv import read_header
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.spec import FileKind, ReturnSpec, load_spec, return_ids


class Reader(Protocol):
    """What the module of a file shape offers."""

    def recognise(self, file: DataFile, kind: FileKind, spec: ReturnSpec) -> str | None:
        """What the file holds, or None when it is not of this kind."""
        ...

    def read(self, file: DataFile, kind: FileKind, spec: ReturnSpec, recognised: str) -> ReadFile:
        """The file's rows in the shape of the landed table."""
        ...


# Every file shape and the module that reads it; a spec names the shape.
READERS: dict[str, Reader] = {
    "ees_csv": ees_csv,
    "figure_csv": figure_csv,
    "appeals_csv": appeals_csv,
    "chs_workbook": chs_workbook,
    "flat_csv": flat_table,
}


def _recognise(file: DataFile, spec: ReturnSpec) -> tuple[FileKind, str] | None:
    for kind in spec.files.values():
        found = READERS[kind.shape].recognise(file, kind, spec)
        if found is not None:
            return kind, found
    return None


def _other_separator(file: DataFile) -> str | None:
    """What separates the values of a text file that is not comma-separated."""
    header = read_header(file) if file.kind == "text" else []
    if len(header) != 1:
        return None
    return next(
        (name for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")) if sign in header[0]), None
    )


def read_data_file(file: DataFile, spec: ReturnSpec) -> ReadFile:
    """Recognise a data file as one of the return's and read it.

    Raises:
        FileRefused: FILE-008 it is nobody's, FILE-009 it is another return's, or what its reader raises.
    """
    recognised = _recognise(file, spec)
    if recognised is None:
        for other in (load_spec(return_id) for return_id in return_ids() if return_id != spec.return_id):
            if _recognise(file, other):
                raise FileRefused(
                    "FILE-009",
                    f"{file.source_file} is a file of {other.title}, not of {spec.title}; drop it in raw/inbox/{other.return_id}/.",
                )
        if separator := _other_separator(file):
            raise FileRefused(
                "FILE-008",
                f"{file.source_file} has its values separated by {separator}; save it as comma-separated CSV.",
            )
        raise FileRefused(
            "FILE-008",
            f"{file.source_file} is not a file of {spec.title}: neither its columns nor its sheets are known.",
        )
    kind, found = recognised
    return READERS[kind.shape].read(file, kind, spec, found)
