"""What a return is, read from its folder of YAML under `orchestration/returns/specs/`.

`return.yaml` is the return as first supported; `<year>.yaml`, one for each later year, holds what changed. A return of
every term names its terms and census days instead; what only some terms collect says so. A return of every month, of
every quarter of the financial year, or of every year alike, names its first. `local_names.yaml`, where there is one, adds names that local
files give to columns. The same model serves a table of published figures and a return about children; a column that
says nothing of privacy is a fact about a place or a case.
"""

import calendar
import hashlib
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from orchestration.errors import CornerstoneError

SPECS_DIR = Path(__file__).resolve().parent / "specs"

Shape = Literal[
    "ees_csv",
    "figure_csv",
    "appeals_csv",
    "chs_workbook",
    "wait_csv",
    "flat_csv",
    "record_xml",
    "record_csv",
    "record_workbook",
    "record_flat",
]
Sensitivity = Literal["identifier", "quasi_identifier", "attribute"]
Verb = Literal["keep", "vault", "pseudonymise", "month", "area", "presence"]

# What every record of a return about people carries besides its own columns, in the workspace where it is checked.
# `record` numbers the records of a table within a submission; `person_record` is null outside a person.
RECEIVED_PLUMBING = {
    "submission_id": "VARCHAR",
    "source_file": "VARCHAR",
    "source_row": "BIGINT",
    "record": "BIGINT",
    "parent_record": "BIGINT",
    "person_record": "BIGINT",
}
# Free text in the place of a code could hold anything; only what is short enough to be one lands.
RAW_CODE_LENGTH = 5
AGE_REFERENCE = "31_august_before_census"
AGE_ON_CENSUS_DAY = "census_day"
REPORTABLE = "is_reportable"


@lru_cache(maxsize=4096)
def normalised(name: str) -> str:
    """A name as files are compared by: lower case, letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


class _Strict(BaseModel):
    """A misspelt key in a spec is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LandedColumn(_Strict):
    """A column of the landed Parquet."""

    type: str
    description: str


class CopiedFrom(_Strict):
    """A value that another record of the same parent holds in this year."""

    table: str
    column: str
    where_column: str
    equals: str


class Column(_Strict):
    """One column; `type` is its DuckDB type. See `return.yaml` of a return about people for the privacy verbs."""

    type: str
    description: str
    source: str | None = None  # pattern of the column's name in a flat file, whole name, any case
    required: bool = False  # a flat file without this column is not one of this return; one of records is refused
    names: list[str] = Field(default_factory=list)
    is_text: bool = False  # a workbook that holds it as a number has lost part of it
    codes: str | None = None
    pattern: str | None = None
    collected: Literal["mandatory", "voluntary"] = "mandatory"
    terms: list[str] = Field(default_factory=list)  # those that collect it; none named: all
    sensitivity: Sensitivity = "attribute"
    privacy: Verb = "keep"
    scheme: str | None = None  # numbers of one scheme have one pseudonym, in whatever column or return they stand
    scope: str | None = (
        None  # column of the same table that says whose numbers these are, where others use the same ones
    )
    lands: dict[str, LandedColumn] = Field(default_factory=dict)
    age_at: str | None = None
    copied_from: CopiedFrom | None = None
    amount: bool = False  # read however people write numbers; whole where the type is
    first_asked: int | None = None  # quarter of the year in which it is first filled
    counts_rows_of: str | None = (
        None  # of a header: the sender's count of a table's rows, less what was taken out since
    )

    @model_validator(mode="after")
    def _is_protected(self) -> "Column":
        if self.amount and not self.type.startswith(("BIGINT", "INTEGER", "DECIMAL")):
            raise ValueError(f"an amount is BIGINT, INTEGER or DECIMAL, not {self.type}")
        if self.sensitivity == "identifier" and self.privacy in {"keep", "presence"}:
            raise ValueError("an identifier never lands: give it another privacy verb than keep or presence")
        if bool(self.lands) != (self.privacy in {"pseudonymise", "month", "area", "presence"}):
            raise ValueError(f"the privacy verb {self.privacy} does not fit what it says lands")
        if (self.scheme is None) == (self.privacy == "pseudonymise"):
            raise ValueError("a pseudonymised column, and no other, names the scheme of its number")
        if self.sensitivity == "attribute" and self.privacy != "keep":
            raise ValueError("an attribute is kept; what needs protection is an identifier or a quasi-identifier")
        return self

    @property
    def is_checked(self) -> bool:
        """Whether typing can fail, so that the text as received stays beside it as `<column>_raw`."""
        return self.age_at is None and (self.type != "VARCHAR" or self.codes is not None or self.pattern is not None)

    @property
    def must_type(self) -> bool:
        """Whether a row whose text cannot be read as this type is unusable; a wrong code is not."""
        return self.is_checked and self.type != "VARCHAR"


class Pairs(_Strict):
    """The two columns of a table that holds one record as pairs, a row for each of its columns."""

    name: str
    value: str


class Source(_Strict):
    """A table as files hold it.

    `elements` are what XML calls one record, where that is not unique with what it stands in: `TermlyAttendance/
    SessionDetail`. `sets` gives every record of it a text under a name of one of the table's columns. `marks` are columns by
    which a file that holds no record numbers is told to be of this table, under any of their names.
    """

    elements: list[str]
    titles: list[str]
    terms: list[str] = Field(default_factory=list)
    sets: dict[str, str] = Field(default_factory=dict)
    marks: list[str] = Field(default_factory=list)
    pairs: Pairs | None = None

    @property
    def normalised_titles(self) -> list[str]:
        """What the table is called in files, its elements included."""
        return list(dict.fromkeys(normalised(title) for title in [*self.titles, *self.elements] if title))


class LeftOut(_Strict):
    """What files hold and is not read, so that it neither lands nor counts as unknown, and why not."""

    names: list[str]
    reason: str


class LandedTable(_Strict):
    """A table that landing writes as Parquet, with its grain in one sentence.

    A table with a `key` holds records: one XML element, one row of a COLLECT module or of a sheet. Where files hold its
    records in several tables, `sources` names these; else `element` and `titles` say what files call it. One that
    `says_reportable` lands with a column of that: no rule finds an error in the row.
    """

    grain: str
    columns: dict[str, Column]
    cell: str | None = None  # SQL that names one figure within a source row, where a row holds several
    element: str = ""
    titles: list[str] = Field(default_factory=list)
    sources: dict[str, Source] = Field(default_factory=dict)
    left_out: list[LeftOut] = Field(default_factory=list)
    parent: str | None = None
    key: str = ""
    says_reportable: bool = False

    @model_validator(mode="after")
    def _sets_what_it_has(self) -> "LandedTable":
        known = {name for column in self.columns.values() for name in column.names}
        for name, source in self.sources.items():
            if not set(source.sets) <= known:
                raise ValueError(f"{name} sets a name that no column has")
            if not {normalised(mark) for mark in source.marks} <= set(self.source_names):
                raise ValueError(f"{name} is marked by a name that no column has")
        if strange := {column.scope for column in self.columns.values()} - {None, *self.columns}:
            raise ValueError(f"{strange.pop()} is a scope and no column")
        return self

    @property
    def source_names(self) -> list[str]:
        """Normalised names its columns go under in files, each once."""
        return list(dict.fromkeys(normalised(name) for column in self.columns.values() for name in column.names))

    def names_of(self, name: str) -> set[str]:
        """Normalised names of the column that has this one among its names."""
        wanted = normalised(name)
        known = ({normalised(other) for other in column.names} for column in self.columns.values())
        return next((names for names in known if wanted in names), set())

    @property
    def left_out_names(self) -> set[str]:
        """Normalised names of columns that are not read."""
        return {normalised(name) for entry in self.left_out for name in entry.names}

    @property
    def said(self) -> str:
        """What a message calls one of its records."""
        return self.element or next(iter(self.sources.values())).elements[0]

    @property
    def received_types(self) -> dict[str, str]:
        """Columns of the table in the workspace, where identifiers are still in clear."""
        if not self.key:
            return {name: column.type for name, column in self.columns.items()}
        types = dict(RECEIVED_PLUMBING)
        for name, column in self.columns.items():
            if column.age_at is None:
                types[name] = column.type
                if column.is_checked:
                    types[f"{name}_raw"] = "VARCHAR"
        return types

    @property
    def received_sql(self) -> str:
        """The column list of its `create table` in the workspace."""
        return _column_list(self.received_types)

    @property
    def column_sql(self) -> str:
        """The column list of a `create table` like the landed Parquet, of a table that holds no records."""
        assert not self.key
        return _column_list(self.landed_types([]))

    def landed_types(self, keys: list[str]) -> dict[str, str]:
        """Columns of the landed Parquet; `keys` are its own, its parent's and its person's."""
        if not self.key:
            return {name: column.type for name, column in self.columns.items()}
        types = {"submission_id": "VARCHAR", "source_file": "VARCHAR", "source_row": "BIGINT"}
        types |= dict.fromkeys(keys, "VARCHAR")
        for name, column in self.columns.items():
            if column.privacy == "keep":
                types[name] = column.type
                # A date or number that could not be read is in the vault, so its text never lands.
                if column.is_checked and not column.must_type:
                    types[f"{name}_raw"] = "VARCHAR"
            types |= {landed: made.type for landed, made in column.lands.items()}
        if self.says_reportable:
            types[REPORTABLE] = "BOOLEAN"
        return types


def _column_list(types: dict[str, str]) -> str:
    return ", ".join(f'"{name}" {type_}' for name, type_ in types.items())


class CodeSet(_Strict):
    """Codes with their labels; `accept` reads another spelling (upper case) as a code."""

    codes: dict[str, str]
    accept: dict[str, str] = Field(default_factory=dict)


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


class Take(_Strict):
    """A value taken from the first of some columns that gives one; `pattern` has the part that counts as its group `text`."""

    names: list[str]
    pattern: str = "(?s)(?P<text>.+)"


class FlatPart(_Strict):
    """Records that the rows of a file of one table hold, one a row: which table as files hold it, and in which columns.

    Columns that bear a name of the table's own need no mention. A row without a value in any of `columns`, or in any of
    its columns where none are named, holds no record; `distinct` makes one record of equal rows.
    """

    source: str
    columns: dict[str, Take] = Field(default_factory=dict)
    sets: dict[str, str] = Field(default_factory=dict)
    distinct: bool = False


class Marker(_Strict):
    """An element whose text says which return an XML file is, or a name whose value says it of pairs."""

    element: str
    value: str


class FileKind(_Strict):
    """A kind of file the return accepts: its shape (which reader) and what it lands in.

    Files of records land in every table of the return: `required` tables make a set of files complete, `record_ids` are
    the names of a table's own record number, in which `{title}` and `{element}` stand for what the table is called.
    `own_columns` are further names that no table but that of the title has. Numbers are unique among records that agree
    in `numbered_within`. `holds_several`: each header is a submission. `marks` are columns that tell a file of one table,
    `flat` what its rows hold. Text in another encoding than UTF-8 is refused where it is `utf8_only`.
    """

    shape: Shape
    table: str = ""
    supplier: str = ""
    publisher: str = ""
    dataset: str = ""
    release_name: str = ""
    series: dict[str, Series] | str = Field(default_factory=dict)
    cyp_lines: list[str] = Field(default_factory=list)
    suppressed_lines: list[str] = Field(default_factory=list)
    root: str = ""
    marker: Marker | None = None
    elements: list[str] = Field(default_factory=list)
    record_ids: list[str] = Field(default_factory=list)
    own_columns: list[str] = Field(default_factory=list)
    numbered_within: str | None = None
    holds_several: bool = False
    required: list[str] = Field(default_factory=list)
    marks: list[str] = Field(default_factory=list)
    flat: list[FlatPart] = Field(default_factory=list)
    utf8_only: bool = False

    @property
    def holds_records(self) -> bool:
        """Whether its reader gives records as received, to be typed by the spec of the year."""
        return self.shape.startswith("record_")


class NotRead(_Strict):
    """A kind of file that people have of the return and that is not read: its headings, and what to send instead.

    Without headings it is every file of that kind which no reader of the return knows.
    """

    kind: Literal["text", "workbook"]
    marks: list[str] = Field(default_factory=list)
    what: str
    instead: str


class SubmissionColumns(_Strict):
    """Columns of the header table that say which submission a file is, and which of two counts.

    The texts of `supplier` together name the sender. `file_names` are patterns of names that carry the period, in groups
    `year` and `term`, or the `supplier`: a name that fits one and says otherwise than the header is an error. A submission
    whose sequence is not above that of the last one accepted is refused by the `sequence_rule`, where one is named. The
    period of a return of every month is the month of a date.
    """

    header: str
    period: str
    term: str | None = None
    supplier: list[str]
    supplier_prefix: str
    sequence: list[str]
    sequence_rule: str | None = None
    census_day: str | None = None  # where the header says the day the return describes
    file_names: list[str] = Field(default_factory=list)

    @property
    def is_authoritys(self) -> bool:
        """Whether the authority's DfE code alone names the sender: not a school, not a trust."""
        return self.supplier == ["lea_code"]


class Term(_Strict):
    """A term whose return is made: the month of its census day, what the header and what file names call it."""

    month: int
    code: str
    words: list[str]


class PersonColumns(_Strict):
    """Columns of the table of persons that identify one; null where the return does not have it.

    A return names its persons, with their birth dates, or it knows them by a number that other returns give too.
    """

    table: str
    surname: str | None = None
    forename: str | None = None
    birth_date: str | None = None
    other_surnames: list[str] = Field(default_factory=list)  # what the person is called besides, or was called before
    sex: str | None = None  # lands; every other column stays in the vault
    upn: str | None = None
    uln: str | None = None
    nhs_number: str | None = None
    postcode: str | None = None  # of the table `addresses`, where there is one
    addresses: str | None = None  # a table of the homes of each person
    repeats_by: str | None = None  # rows of one person can differ in this column within a submission
    one_by: str | None = None  # rows of a submission, where nobody is named of all, that agree in it are of one person

    @model_validator(mode="after")
    def _tells_who(self) -> "PersonColumns":
        named = {column is not None for column in (self.surname, self.forename, self.birth_date)}
        if len(named) > 1 or (self.other_surnames and not self.is_named):
            raise ValueError("a person has surname, forename and birth_date, or none of them")
        if not self.is_named and {self.upn, self.uln, self.nhs_number} == {None}:
            raise ValueError("a person without a name has a number that other returns give: upn, uln or nhs_number")
        return self

    @property
    def naming(self) -> tuple[str, str, str] | None:
        """Columns of surname, forename and birth date; none where rows name nobody."""
        if self.surname is None or self.forename is None or self.birth_date is None:
            return None
        return self.surname, self.forename, self.birth_date

    @property
    def is_named(self) -> bool:
        """Whether rows name the person."""
        return self.naming is not None


class InventedMark(_Strict):
    """How the content of an invented file says so: SQL over a table, true of every row of theirs and of no real one."""

    table: str
    condition: str


class DraftMark(_Strict):
    """How a submission says that it is a draft, whose errors are flagged: SQL over a table."""

    table: str
    condition: str


Cells = dict[str, list[str]]
"""Rows of a table: those that hold one of the values given in each of the columns."""


class Calculation(_Strict):
    """What cells of a table are made of, so that nobody enters them; `rule` finds where a file says otherwise.

    Either cells of whole `rows`: in each of `columns` the sum of the rows that it `adds` less those that it `takes`, which
    agree with it in the columns of `same`. Or one `column` of every row, from two others of the row.
    """

    table: str
    rule: str
    rows: Cells = Field(default_factory=dict)
    same: list[str] = Field(default_factory=list)
    adds: Cells = Field(default_factory=dict)
    takes: Cells = Field(default_factory=dict)
    columns: list[str] = Field(default_factory=list)
    column: str | None = None
    quotient: tuple[str, str] | None = None  # rounded to the whole
    difference: tuple[str, str] | None = None
    product: tuple[str, str] | None = None

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> "Calculation":
        of_column = [pair for pair in (self.quotient, self.difference, self.product) if pair is not None]
        if (self.column is not None) != (len(of_column) == 1) or (self.column is None) != bool(self.rows and self.adds):
            raise ValueError("it is of rows, with what it adds, or of a column, with one way to make it")
        return self

    @property
    def operands(self) -> tuple[str, str]:
        """The two columns a column is made of."""
        [pair] = [pair for pair in (self.quotient, self.difference, self.product) if pair is not None]
        return pair

    @property
    def named_columns(self) -> set[str]:
        """Every column it speaks of."""
        cells = {*self.rows, *self.adds, *self.takes, *self.same, *self.columns}
        return cells | ({self.column, *self.operands} if self.column else set())


class LeftBlank(_Strict):
    """Cells of rows that have no figure there."""

    rows: Cells
    columns: list[str]


class TemplateTable(_Strict):
    """A table of the blank workbook: which one, where its first cell stands, and the lines it has before anyone fills it in.

    Each entry of `rows` is a line for every combination of its values; `blank` lines follow. `labels` fills a column with
    the label of the code in another. `notes` are said beside a line, by column and the code in it. What stands in lines is
    locked, save in the columns that `may_change`. Where lines differ from quarter to quarter, the columns `carried` begin
    with what the column named said in the last accepted return. The columns `kept` begin as the last accepted return of the
    year has them.
    """

    source: str
    anchor: str
    rows: list[Cells] = Field(default_factory=list)
    blank: int = 0
    labels: dict[str, str] = Field(default_factory=dict)
    notes: dict[str, dict[str, str]] = Field(default_factory=dict)
    left_blank: list[LeftBlank] = Field(default_factory=list)
    may_change: list[str] = Field(default_factory=list)
    carried: dict[str, str] = Field(default_factory=dict)
    kept: list[str] = Field(default_factory=list)


class TemplateSheet(_Strict):
    """A sheet of the blank workbook."""

    name: str
    title: str
    guidance: str
    tables: list[TemplateTable]


class Template(_Strict):
    """The blank workbook of a return whose files are made by hand: `cover` is what the header says from the start, by
    column, `ons_code` its column for that code of the authority, `conventions` what holds on every sheet."""

    file_name: str
    ons_code: str
    conventions: list[str]
    cover: dict[str, str]
    sheets: list[TemplateSheet]


class Retention(_Strict):
    """How long what a return says of persons is kept: years after the day it describes, on what basis, and why so long."""

    years: int = Field(ge=1)
    basis: Literal["statutory", "agreed", "assumption"]
    reason: str


class Lookup(_Strict):
    """A landed table of a reference return and what is taken from it."""

    return_id: str
    table: str
    key: str
    columns: list[str]


class AreaLookup(_Strict):
    """Where the areas of a postcode come from."""

    postcode: Lookup
    neighbourhood: Lookup


class PeriodForm(NamedTuple):
    """How a return's periods are written: a regular expression, and the same for a person."""

    pattern: str
    said: str


class ReturnSpec(_Strict):
    """A return: what it is, whose it is, what it lands, and the files it comes in.

    As `load_spec` gives it, it spans all years: every column and code ever collected, as last defined. `for_year` is
    what one year collected.
    """

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
    first_year: int | None = None
    every_year_since: int | None = None  # of a return of every year that has no file for each
    first_month: str | None = None  # of a return of every month
    first_quarter: str | None = None  # of a return of every quarter of the financial year, 2021-22Q1
    census_day: date | None = None  # of a return of every month or quarter, its last day
    terms: dict[str, Term] = Field(default_factory=dict)  # in the order of the calendar year
    census_days: list[date] = Field(default_factory=list)  # of a return of every term
    left_out: dict[str, LeftOut] = Field(default_factory=dict)  # tables, by what files call them; names: of elements
    not_read: list[NotRead] = Field(default_factory=list)
    submission: SubmissionColumns | None = None
    person: PersonColumns | None = None
    retention: Retention | None = None
    area_lookup: AreaLookup | None = None
    invented: InventedMark | None = None  # returns that nobody invents have none
    draft: DraftMark | None = None
    calculated: dict[str, Calculation] = Field(default_factory=dict)  # in the order in which they are made
    template: Template | None = None
    by_authority: bool = (
        False  # whether authorities, each in a folder of its code in the inbox, can be landed beside each other
    )
    reader_rules: dict[str, str] = Field(default_factory=dict)  # rules of its own that restate those of readers
    codes: dict[str, CodeSet] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> "ReturnSpec":
        for name, table in self.tables.items():
            for column_name, column in table.columns.items():
                where = f"{name}.{column_name}"
                if column.age_at is not None and (self.person is None or self.person.birth_date is None):
                    raise ValueError(f"{where}: nobody's birth date is given, so that there is no age")
                if column.codes is not None and column.codes not in self.codes:
                    raise ValueError(f"{where}: no code set is called {column.codes}")
                source = column.copied_from
                if source and source.column not in self.tables[source.table].columns:
                    raise ValueError(f"{where}: {source.table} has no column {source.column}")
            if table.parent is not None and table.parent not in self.tables:
                raise ValueError(f"{name}: its parent {table.parent} is no table")
        self._require_a_number_of_the_case()
        if self.invented is not None and self.invented.table not in self.tables:
            raise ValueError(f"invented: there is no table {self.invented.table}")
        self._require_its_own_tables()
        for name, kind in self.files.items():
            named = [*kind.required, *(part.source for part in kind.flat)]
            if strangers := [source for source in named if source not in self.sources]:
                raise ValueError(f"{name} names {strangers[0]}, which is no table as files hold it")
        named_terms = {
            term for table in self.tables.values() for column in table.columns.values() for term in column.terms
        }
        named_terms |= {term for _, source in self.sources.values() for term in source.terms}
        if strange := sorted(named_terms - set(self.terms)):
            raise ValueError(f"{strange[0]} is no term of this return")
        identifies = any(c.sensitivity == "identifier" for t in self.tables.values() for c in t.columns.values())
        if identifies != (self.personal_data == "identifiers"):
            raise ValueError("personal_data does not fit the sensitivity of the columns")
        if identifies != (self.retention is not None):
            raise ValueError("a return about persons says how long it is kept, and no other does")
        return self

    def _require_its_own_tables(self) -> None:
        """Drafts, calculations and the template speak of tables and columns there are."""
        if self.draft is not None and self.draft.table not in self.tables:
            raise ValueError(f"draft: there is no table {self.draft.table}")
        for name, calculation in self.calculated.items():
            if calculation.table not in self.tables:
                raise ValueError(f"{name}: there is no table {calculation.table}")
            if unknown := calculation.named_columns - set(self.tables[calculation.table].columns):
                raise ValueError(f"{name}: {calculation.table} has no column {min(unknown)}")
        for sheet in self.template.sheets if self.template else []:
            for table in sheet.tables:
                if table.source not in self.sources:
                    raise ValueError(f"template: {table.source} is no table as files hold it")
                columns = self.tables[self.sources[table.source][0]].columns
                named = {column for cells in table.rows for column in cells} | {*table.labels, *table.labels.values()}
                named |= {*table.notes, *table.may_change, *table.carried, *table.carried.values()}
                named |= {column for blank in table.left_blank for column in [*blank.rows, *blank.columns]}
                if strange := named - set(columns):
                    raise ValueError(f"template: {table.source} has no column {min(strange)}")

    @property
    def holds_records(self) -> bool:
        """Whether files of this return are records that hang from a header."""
        return self.submission is not None

    @property
    def has_amounts(self) -> bool:
        """Whether it has columns that are read however people write numbers."""
        return any(column.amount for table in self.tables.values() for column in table.columns.values())

    @property
    def looks_up(self) -> list[str]:
        """Reference returns whose landed tables it takes areas from; they land before it."""
        lookup = self.area_lookup
        return [lookup.postcode.return_id, lookup.neighbourhood.return_id] if lookup else []

    @property
    def sources(self) -> dict[str, tuple[str, Source]]:
        """Every table as files hold it, by its name, with the table its records land in; parents first."""
        found: dict[str, tuple[str, Source]] = {}
        for name, table in self.tables.items():
            if table.sources:
                found |= {source: (name, held) for source, held in table.sources.items()}
            elif table.element:
                found[name] = (name, Source(elements=[table.element], titles=table.titles))
        return found

    @property
    def comes_in_sets(self) -> bool:
        """Whether a delivery can be a set of files, of which some may be the same as in an earlier one."""
        return any(kind.shape == "record_csv" for kind in self.files.values())

    @property
    def root_table(self) -> str:
        """The table that has no parent."""
        return next(name for name, table in self.tables.items() if table.parent is None)

    def children(self, table: str) -> list[str]:
        """Tables whose records hang from a record of this one."""
        return [name for name, other in self.tables.items() if other.parent == table]

    def _require_a_number_of_the_case(self) -> None:
        if self.person is None or self.person.is_named or self.person.one_by is None:
            return
        column = self.tables[self.person.table].columns[self.person.one_by]
        if column.scheme is None or column.scope is not None:
            raise ValueError(
                f"person: where nobody is named, {self.person.one_by} is a number that means the same in every submission: it has a"
                " scheme and no scope"
            )

    @property
    def names_persons(self) -> bool:
        """Whether it is about persons, and names them."""
        return self.person is not None and self.person.is_named

    @property
    def case_scheme(self) -> str | None:
        """Scheme of the number, of a case or plan, by which rows that name nobody are of one person, in whatever submission."""
        if self.person is None or self.person.is_named or self.person.one_by is None:
            return None
        return self.tables[self.person.table].columns[self.person.one_by].scheme

    def is_in_person(self, table: str) -> bool:
        """Whether the table's records belong to a person."""
        current: str | None = table
        while current is not None and self.person is not None:
            if current == self.person.table:
                return True
            current = self.tables[current].parent
        return False

    def keys(self, table: str) -> list[str]:
        """Key columns a landed row carries: its person's, its parent's and its own, each once."""
        found = []
        if self.person is not None and self.is_in_person(table):
            found.append(self.tables[self.person.table].key)
        parent = self.tables[table].parent
        if parent is not None:
            found.append(self.tables[parent].key)
        return list(dict.fromkeys([*found, self.tables[table].key]))

    def landed_types(self, table: str) -> dict[str, str]:
        """Columns of a table's landed Parquet, name to DuckDB type."""
        found = self.tables[table]
        return found.landed_types(self.keys(table) if found.key else [])

    def landed_sql(self, table: str) -> str:
        """The column list of a `create table` like the landed Parquet."""
        return _column_list(self.landed_types(table))

    @property
    def periods(self) -> list[str]:
        """Periods there is a spec for: `2025`, or `2025-01` where a return is made every term; none where the spec is the
        same in all of an endless number of years, months or quarters."""
        return sorted(_periods(self.return_id))

    def knows_period(self, period: str) -> bool:
        """Whether there is a spec for a period."""
        first = self.first_period
        return first <= period if first else period in _periods(self.return_id)

    @property
    def first_period(self) -> str | None:
        """The first of an endless number of years, months or quarters."""
        return str(self.every_year_since) if self.every_year_since else self.first_month or self.first_quarter

    @property
    def years(self) -> list[int]:
        """Years there is a spec for."""
        return sorted({int(period[:4]) for period in self.periods})

    @property
    def period_form(self) -> PeriodForm:
        """How periods are written where a person gives one; a year alone stands for all of its periods."""
        if self.terms:
            terms = sorted((known.month, name) for name, known in self.terms.items())
            months = "|".join(f"{month:02d}" for month, _ in terms)
            said = ", ".join(f"2025-{month:02d} ({name})" for month, name in terms)
            return PeriodForm(rf"20\d\d(-({months}))?", f"a term as {said}, or a year")
        if self.first_month:
            return PeriodForm(r"20\d\d(-(0[1-9]|1[0-2]))?", "a month as 2025-10, or a year")
        if self.first_quarter:
            return PeriodForm(r"20\d\d-\d\d(Q[1-4])?", "a quarter as 2025-26Q3, or a financial year as 2025-26")
        if self.holds_records:
            return PeriodForm(r"20\d\d", "a year as 2025")
        return PeriodForm(r"20\d\d(-(0[1-9]|1[0-2])(-\d\d)?)?", "a year as 2025, or a month as 2025-10")

    def for_period(self, period: str) -> "ReturnSpec":
        """The return as collected in one period.

        Raises:
            KeyError: there is no spec for the period.
        """
        if self.every_year_since:
            return load_spec(self.return_id)
        if self.first_month:
            return _of_month(self.return_id, period)
        return _of_quarter(self.return_id, period) if self.first_quarter else _periods(self.return_id)[period]

    def collected_alike(self, periods: Iterable[str]) -> list[list[str]]:
        """Periods in order, those together in which the same columns and codes are collected.

        Raises:
            KeyError: there is no spec for one of the periods.
        """
        alike: list[list[str]] = []
        for period in sorted(periods):
            own = self.for_period(period)
            for others in alike:
                first = self.for_period(others[0])
                if own.tables == first.tables and own.codes == first.codes:
                    others.append(period)
                    break
            else:
                alike.append([period])
        return alike

    def for_year(self, year: int) -> "ReturnSpec":
        """The return as collected in one year, where it is made once a year.

        Raises:
            KeyError: there is no spec for the year.
        """
        return self.for_period(str(year))

    def period_of(self, year: int, term: str | None) -> str | None:
        """The period of a year, and of a term under whatever name; None where the term is not known, or the month."""
        if self.first_month:
            return None
        if self.first_quarter:
            return quarter_period(f"{year:06d}", term or "")
        if not self.terms:
            return str(year)
        for name, known in self.terms.items():
            if term is not None and term.lower() in {name, known.code.lower(), *known.words}:
                return f"{year}-{known.month:02d}"
        return None

    def said_period(self, period: str) -> str:
        """A period as a message says it."""
        year, _, month = period.partition("-")
        term = next((name for name, known in self.terms.items() if month and known.month == int(month)), None)
        return f"{term} {year}" if term else period

    def of_term(self, term: str) -> "ReturnSpec":
        """What is collected in a term."""

        def is_collected(made: Column | Source) -> bool:
            return not made.terms or term in made.terms

        tables = {
            name: table.model_copy(
                update={
                    "columns": {column: made for column, made in table.columns.items() if is_collected(made)},
                    "sources": {source: held for source, held in table.sources.items() if is_collected(held)},
                }
            )
            for name, table in self.tables.items()
        }
        collected = {source for table in tables.values() for source in table.sources}
        files = {
            name: kind.model_copy(update={"required": [source for source in kind.required if source in collected]})
            for name, kind in self.files.items()
        }
        return self.model_copy(update={"tables": tables, "files": files})

    def code_validity(self) -> Iterator[dict[str, str | int | None]]:
        """Every code of every period: code_set, code, label (the latest), valid_from and valid_to (null: still valid),
        years as numbers, periods of a term, a month or a quarter as text."""
        if self.first_period:
            for set_name, code_set in self.codes.items():
                for code, label in code_set.codes.items():
                    yield {
                        "code_set": set_name,
                        "code": code,
                        "label": label,
                        "valid_from": self.first_period,
                        "valid_to": None,
                    }
            return
        periods = {period: self.for_period(period) for period in self.periods}
        last = max(periods)

        def said(period: str) -> str | int:
            return period if self.terms else int(period)

        for set_name, code_set in self.codes.items():
            for code, label in code_set.codes.items():
                valid = [
                    p for p, spec in periods.items() if set_name in spec.codes and code in spec.codes[set_name].codes
                ]
                yield {
                    "code_set": set_name,
                    "code": code,
                    "label": label,
                    "valid_from": said(min(valid)),
                    "valid_to": said(max(valid)) if max(valid) < last else None,
                }


class Change(_Strict):
    """One change of a year: exactly one verb with the dotted path it acts on, why, and who says so; `term` is the one it
    begins with, where that is not the first of the year."""

    add: str | None = None
    rename: str | None = None
    remove: str | None = None
    modify: str | None = None
    value: Any = None
    term: str | None = None
    reason: str
    source: str

    @model_validator(mode="after")
    def _has_one_verb(self) -> "Change":
        if sum(path is not None for path in (self.add, self.rename, self.remove, self.modify)) != 1:
            raise ValueError("a change has exactly one of add, rename, remove and modify")
        if (self.remove is None) != ("value" in self.model_fields_set):
            raise ValueError("every change but a removal gives a value")
        return self

    @property
    def path(self) -> list[str]:
        """Where it acts."""
        return str(self.add or self.rename or self.remove or self.modify).split(".")


class YearChanges(_Strict):
    """What changed in one year."""

    year: int
    changes: list[Change]


def _apply(document: dict[str, Any], change: Change, *, keep_removed: bool) -> None:
    """Apply one change in place.

    Raises:
        ValueError: an addition is there already, or what is to change is not.
    """
    *folders, last = change.path
    place: Any = document
    for folder in folders:
        if not isinstance(place, dict) or folder not in place:
            raise ValueError(f"there is no {'.'.join(change.path)} to change")
        place = place[folder]
    if (last in place) == (change.add is not None):
        raise ValueError(f"{'.'.join(change.path)} is {'there already' if change.add else 'not there'}")
    if change.remove is None:
        place[last] = _with_earlier_names(place.get(last), change.value) if keep_removed else change.value
    elif not keep_removed:
        del place[last]


def _with_earlier_names(earlier: Any, later: Any) -> Any:
    """A later definition that still knows what files called the column before."""
    if isinstance(earlier, list) and isinstance(later, list):
        return list(dict.fromkeys([*later, *earlier]))
    if isinstance(earlier, dict) and isinstance(later, dict) and "names" in earlier:
        return {**later, "names": _with_earlier_names(earlier["names"], later.get("names", []))}
    return later


def _read_yaml(path: Path, return_id: str) -> dict[str, Any]:
    try:
        # libyaml's safe loader: ten times as fast as the one in Python, and specs are read by every command.
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise CornerstoneError(f"The spec {path.name} of {return_id} is not valid YAML: {error}") from error
    if not isinstance(document, dict):
        raise CornerstoneError(f"The spec {path.name} of {return_id} is not a mapping of keys.")
    return {key: _unshared(value) for key, value in document.items()}


def _unshared(node: Any) -> Any:
    """A copy in which what YAML anchors share is separate, so that a change touches one place alone."""
    if isinstance(node, dict):
        return {key: _unshared(value) for key, value in node.items()}
    return [_unshared(value) for value in node] if isinstance(node, list) else node


_LOCAL_NAMES = TypeAdapter(dict[str, dict[str, list[str]]])  # by table and column


@lru_cache
def _load(return_id: str) -> tuple[ReturnSpec, dict[str, ReturnSpec]]:
    """The return over all its periods, and as it was in each."""
    folder = SPECS_DIR / return_id
    path = folder / "return.yaml"
    if not path.is_file():
        raise CornerstoneError(f"No return is called '{return_id}'; the returns are {', '.join(return_ids())}.")
    try:
        current = _read_yaml(path, return_id)
        if (local := folder / "local_names.yaml").is_file():
            path = local
            _add_names(current, _LOCAL_NAMES.validate_python(_read_yaml(local, return_id)))
            path = folder / "return.yaml"
        spanning = deepcopy(current)
        base = ReturnSpec.model_validate(current)
        diffs: dict[int, YearChanges] = {}
        for path in sorted(folder.glob("[0-9][0-9][0-9][0-9].yaml")):
            diff = YearChanges.model_validate(_read_yaml(path, return_id))
            before = max(diffs, default=base.first_year or diff.year)
            if str(diff.year) != path.stem or (diff.year != before + 1 and not base.terms):
                raise ValueError(f"it is for {diff.year}, which does not follow the year before")
            diffs[diff.year] = diff
        made = _by_term if base.terms else _by_year
        periods = made(base, current, spanning, diffs)
        return ReturnSpec.model_validate(spanning), periods
    except (ValidationError, ValueError) as error:
        raise CornerstoneError(f"The spec {path.name} of {return_id} cannot be used: {error}") from error


def _add_names(document: dict[str, Any], local: dict[str, dict[str, list[str]]]) -> None:
    """Add the names that local files give to columns; what was read without them is not the same submission.

    Raises:
        ValueError: there is no such column.
    """
    for table, columns in local.items():
        for column, names in columns.items():
            known = document["tables"].get(table, {}).get("columns", {}).get(column, {}).get("names")
            if known is None:
                raise ValueError(f"there is no {table}.{column} to name")
            known += [name for name in names if name not in known]
    document["spec_version"] += "+" + hashlib.sha256(repr(sorted(local.items())).encode()).hexdigest()[:8]


def _by_year(
    base: ReturnSpec, current: dict[str, Any], spanning: dict[str, Any], diffs: dict[int, YearChanges]
) -> dict[str, ReturnSpec]:
    """The return of each year: the one before with the changes; they are applied to `spanning` too."""
    periods = {str(base.first_year): base} if base.first_year is not None else {}
    for year, diff in diffs.items():
        current = deepcopy(current)
        for change in diff.changes:
            _apply(current, change, keep_removed=False)
            _apply(spanning, change, keep_removed=True)
        periods[str(year)] = ReturnSpec.model_validate(current)
    return periods


def _by_term(
    base: ReturnSpec, current: dict[str, Any], spanning: dict[str, Any], diffs: dict[int, YearChanges]
) -> dict[str, ReturnSpec]:
    """The return of each term that has a census day, from the changes begun by then; `spanning` gets all of them.

    Raises:
        ValueError: a census day lies in no term's month, or a change begins with no term or after the last census day.
    """
    periods: dict[str, ReturnSpec] = {}
    latest = base
    term_of = {term.month: name for name, term in base.terms.items()}
    if strange := {change.term for diff in diffs.values() for change in diff.changes} - {None, *base.terms}:
        raise ValueError(f"a change begins with {strange.pop()}, which is no term of this return")
    begins_with = [
        (f"{year}-{base.terms[change.term].month if change.term else min(term_of):02d}", change)
        for year, diff in diffs.items()
        for change in diff.changes
    ]
    waiting = sorted(begins_with, key=lambda entry: entry[0])
    for day in sorted(base.census_days):
        if day.month not in term_of:
            raise ValueError(f"{day} lies in the month of no term")
        period = f"{day:%Y-%m}"
        # A change that was to begin with a census that was not held begins with the next.
        begun = [change for begins, change in waiting if begins <= period]
        if begun:
            current = deepcopy(current)
            for change in begun:
                _apply(current, change, keep_removed=False)
                _apply(spanning, change, keep_removed=True)
            latest = ReturnSpec.model_validate(current)
            waiting = waiting[len(begun) :]
        periods[period] = latest.of_term(term_of[day.month]).model_copy(update={"census_day": day})
    if waiting:
        raise ValueError(f"no census day follows {waiting[0][0]}, with which a change begins")
    return periods


def _periods(return_id: str) -> dict[str, ReturnSpec]:
    return _load(return_id)[1]


@lru_cache
def _of_month(return_id: str, period: str) -> ReturnSpec:
    """The return of one month: the same in all of them but for its last day."""
    year, month = int(period[:4]), int(period[5:])
    last = date(year, month, calendar.monthrange(year, month)[1])
    return load_spec(return_id).model_copy(update={"census_day": last})


def quarter_period(financial_year: str, quarter: str) -> str | None:
    """The period of a financial year of six digits and a quarter: `202526` and `4` are 2025-26Q4; None where they are none."""
    if not re.fullmatch(r"20\d{4}", financial_year) or quarter not in {"1", "2", "3", "4"}:
        return None
    follows = (int(financial_year[:4]) + 1) % 100 == int(financial_year[4:])
    return f"{financial_year[:4]}-{financial_year[4:]}Q{quarter}" if follows else None


def quarter_end(period: str) -> date:
    """The last day of a quarter of a financial year, `2025-26Q4`."""
    year, quarter = int(period[:4]), int(period[-1])
    return (date(year, 6, 30), date(year, 9, 30), date(year, 12, 31), date(year + 1, 3, 31))[quarter - 1]


@lru_cache
def _of_quarter(return_id: str, period: str) -> ReturnSpec:
    """The return of one quarter: the same in all of them but for its last day."""
    return load_spec(return_id).model_copy(update={"census_day": quarter_end(period)})


def load_spec(return_id: str) -> ReturnSpec:
    """The spec of one return, over all its years.

    Raises:
        CornerstoneError: the return is unknown, or its YAML is not a spec.
    """
    return _load(return_id)[0]


def return_ids() -> list[str]:
    """Every return this checkout knows: one folder of YAML each, and no list anywhere else."""
    return sorted(folder.parent.name for folder in SPECS_DIR.glob("*/return.yaml"))
