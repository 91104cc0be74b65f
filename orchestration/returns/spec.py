"""What a return is, read from its folder of YAML under `orchestration/returns/specs/`."""

import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestration.errors import CornerstoneError

SPECS_DIR = Path(__file__).resolve().parent / "specs"


class _Strict(BaseModel):
    """A misspelt key in a spec is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One column of a landed table; `type` is the DuckDB type it is stored as."""

    type: str
    description: str
    source: str | None = None  # pattern of the column's name in a flat file, whole name, any case
    required: bool = False  # a flat file without this column is not one of this return


class LandedTable(_Strict):
    """A table that landing writes as Parquet, with its grain in one sentence."""

    grain: str
    columns: dict[str, Column]
    cell: str | None = None  # SQL that names one figure within a source row, where a row holds several

    @property
    def column_sql(self) -> str:
        """The column list of a `create table`."""
        return ", ".join(f'"{name}" {column.type}' for name, column in self.columns.items())


class Series(_Strict):
    """One published table, known by column names (patterns, whole name, any case)."""

    columns: list[str]
    years_after: int
    time_identifier: str | None = None
    topic: str | None = None
    topic_column: str | None = None
    breakdown: str = "breakdown"

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern, re.IGNORECASE) for pattern in self.columns]

    def has_columns(self, header: list[str]) -> bool:
        """Whether every pattern matches some column of `header`."""
        return all(any(pattern.fullmatch(name) for name in header) for pattern in self._patterns)


class FileKind(_Strict):
    """A kind of file the return accepts: its shape (which reader) and what it lands in."""

    shape: Literal["ees_csv", "figure_csv", "appeals_csv", "chs_workbook", "flat_csv"]
    table: str
    supplier: str
    publisher: str = ""
    dataset: str = ""
    release_name: str = ""
    series: dict[str, Series] | str = Field(default_factory=dict)
    cyp_lines: list[str] = Field(default_factory=list)
    suppressed_lines: list[str] = Field(default_factory=list)


class ReturnSpec(_Strict):
    """A return: what it is, whose it is, what it lands, and the files it comes in."""

    return_id: str
    title: str
    description: str
    owner: str
    publishers: list[str]
    personal_data: Literal["none", "identifiers"]
    frequency: str
    feeds: str  # what is left out, and says so, while nothing has arrived
    links: list[str]
    spec_version: str
    tables: dict[str, LandedTable]
    files: dict[str, FileKind]


@lru_cache
def load_spec(return_id: str) -> ReturnSpec:
    """The spec of one return.

    Raises:
        CornerstoneError: the return is unknown, or its YAML is not a spec.
    """
    path = SPECS_DIR / return_id / "return.yaml"
    if not path.is_file():
        raise CornerstoneError(f"No return is called '{return_id}'; the returns are {', '.join(return_ids())}.")
    try:
        return ReturnSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise CornerstoneError(f"The spec {path.name} of {return_id} cannot be used: {error}") from error


def return_ids() -> list[str]:
    """Every return this checkout knows: one folder of YAML each, and no list anywhere else."""
    return sorted(folder.parent.name for folder in SPECS_DIR.glob("*/return.yaml"))
