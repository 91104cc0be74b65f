"""What a reader hands back for one data file."""

from dataclasses import dataclass, field

import pyarrow as pa

from orchestration.returns.readers.flat_csv import UnreadableRow


@dataclass(frozen=True)
class ReadFile:
    """Rows of one data file in the shape of one landed table, not yet landed.

    `rows` has the landed table's columns except `submission_id` and `source_file`. `period` is what the content says;
    `file_period` what the file name says, null where it says nothing. `sequence` orders resubmissions as text; where it
    is equal the later receipt counts.
    """

    table: str
    supplier: str
    period: str
    rows: pa.Table
    sequence: str = ""
    file_period: str | None = None
    unreadable: list[UnreadableRow] = field(default_factory=list)
    duplicate_columns: list[str] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)

    @property
    def rows_read(self) -> int:
        """Rows in the file, readable or not."""
        return int(self.rows.num_rows) + len(self.unreadable)
