"""Delimited text as councils and departments send it, into an Arrow table of text columns."""

import csv
import io
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from orchestration.returns.delivered import DataFile, FileRefused

ROW_NUMBER = "source_row"


@dataclass(frozen=True)
class UnreadableRow:
    """A row that has more or fewer fields than the header. `source_row` counts from 1 after the header."""

    source_row: int
    row_text: str


@dataclass(frozen=True)
class FlatFile:
    """A delimited file read whole: text columns in file order, plus `source_row` (int64, 1 = first data row)."""

    rows: pa.Table
    unreadable: list[UnreadableRow]
    duplicate_columns: list[str]

    @property
    def rows_read(self) -> int:
        """Data rows in the file, readable or not."""
        return int(self.rows.num_rows) + len(self.unreadable)


def decode(file: DataFile, *, utf8_only: bool = False) -> str:
    """The text of a file in UTF-8 (with or without byte-order mark) and, unless it must be that, UTF-16 or Windows-1252.

    Raises:
        FileRefused: FILE-010, the bytes are none of these.
    """
    try:
        if not utf8_only and file.content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            text = file.content.decode("utf-16")
        else:
            try:
                text = file.content.decode("utf-8-sig")
            except UnicodeDecodeError:
                if utf8_only:
                    raise
                text = file.content.decode("cp1252")
    except UnicodeDecodeError as error:
        taken = "UTF-8" if utf8_only else "UTF-8, UTF-16 or Windows-1252"
        raise FileRefused(
            "FILE-010", f"{file.source_file} is in an encoding that is not {taken}; save it as CSV UTF-8."
        ) from error
    # Line ends of any system, and no blank lines before the header.
    return text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")


def read_header(file: DataFile) -> list[str]:
    """Column names of the first row, stripped, blank trailing ones dropped. An empty list when there is no text."""
    first = next(csv.reader(io.StringIO(decode(file)[:65_536])), [])
    names = [name.strip() for name in first]
    while names and not names[-1]:
        names.pop()
    return names


def read_flat_csv(file: DataFile, *, may_be_empty: bool = False, utf8_only: bool = False) -> FlatFile:
    """Read a comma-separated file with one header row; every value stays text and blank becomes null.

    Column names are lower-cased. Of columns that share a name and every value, one is kept and the name reported.

    Args:
        file: the file.
        may_be_empty: whether a header without rows is an empty table (one of a set of files) or a fault.
        utf8_only: whether any other encoding is a fault.

    Raises:
        FileRefused: FILE-006 no data row, FILE-007 columns share a name but not their values, FILE-010 encoding, FILE-011 an
            unclosed quote.
    """
    text = decode(file, utf8_only=utf8_only)
    if text.count('"') % 2:
        raise FileRefused(
            "FILE-011", f"{file.source_file} has a quotation mark that is never closed; correct it and send it again."
        )
    width = len(next(csv.reader(io.StringIO(text[:65_536])), []))
    unreadable: list[UnreadableRow] = []

    def keep_unreadable(row: pacsv.InvalidRow) -> str:
        unreadable.append(UnreadableRow(row.number - 1, row.text))
        return "skip"

    positions = [f"column_{position}" for position in range(width)]
    try:
        table = pacsv.read_csv(
            io.BytesIO(text.encode("utf-8")),
            # One thread: only then does Arrow know the number of a row it cannot read.
            read_options=pacsv.ReadOptions(
                use_threads=False, column_names=positions, skip_rows=1, block_size=max(len(text) * 4, 1 << 20)
            ),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep_unreadable),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(positions, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid as error:
        if text.partition("\n")[2].strip():
            raise FileRefused(
                "FILE-011",
                f"{file.source_file} cannot be read as a table of comma-separated values; save it as CSV again.",
            ) from error
        table = pa.table({name: pa.array([], pa.string()) for name in positions})
    if table.num_rows + len(unreadable) == 0 and not may_be_empty:
        raise FileRefused("FILE-006", f"{file.source_file} has a header but no rows; ask for the data.")
    table, duplicates = _drop_identical_columns(table, read_header(file), file)
    bad = np.array([row.source_row for row in unreadable], dtype=np.int64)
    source_row = np.setdiff1d(np.arange(1, table.num_rows + len(unreadable) + 1, dtype=np.int64), bad)
    return FlatFile(table.append_column(ROW_NUMBER, pa.array(source_row)), unreadable, duplicates)


def _drop_identical_columns(table: pa.Table, header: list[str], file: DataFile) -> tuple[pa.Table, list[str]]:
    """Name the columns; drop unnamed empty ones and repeats that hold the same values."""
    names = [name.lower() for name in header]
    # A blank name is a stray delimiter as long as its column is empty.
    unnamed = [table.column(i) for i in range(table.num_columns) if i >= len(names) or not names[i]]
    if any(column.null_count < len(column) for column in unnamed):
        raise FileRefused(
            "FILE-011", f"{file.source_file} has values under a column without a name; name it or remove it."
        )
    if ROW_NUMBER in names:
        raise FileRefused(
            "FILE-011",
            f"{file.source_file} has a column called {ROW_NUMBER}, which is this reader's own word; rename it.",
        )
    keep: dict[str, pa.ChunkedArray] = {}
    for position, name in enumerate(names):
        if not name:
            continue
        column = table.column(position)
        if name in keep:
            same = pc.equal(pc.fill_null(column, ""), pc.fill_null(keep[name], ""))
            if not pc.all(same).as_py():
                raise FileRefused(
                    "FILE-007",
                    f"{file.source_file} has the column '{name}' twice with different values; it cannot be told which one is meant.",
                )
            continue
        keep[name] = column
    repeated = [name for name, times in Counter(name for name in names if name).items() if times > 1]
    return pa.table(keep), repeated
