"""The rules of DfE's Explore Education Statistics (EES) for open data files, checked on the files as they were written.

Source of the rules: DfE, "Explore education statistics: open data standards"; EES-30 and the severity of EES-03 are our
own. The files are read as the Department's own screener reads them, with no knowledge of what wrote them.
"""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.sql_text import literal, quoted

TIME = ["time_period", "time_identifier"]
LOCAL_AUTHORITY = ["region_code", "region_name", "old_la_code", "new_la_code", "la_name"]
PLACE = ["geographic_level", "country_code", "country_name", *LOCAL_AUTHORITY]
ALWAYS = [*TIME, "geographic_level", "country_code", "country_name"]
# What each level fills, its own columns last; the columns of the levels below stay blank.
LEVELS = {
    "National": [["country_code", "country_name"]],
    "Regional": [["country_code", "country_name"], ["region_code", "region_name"]],
    "Local authority": [
        ["country_code", "country_name"],
        ["region_code", "region_name"],
        ["old_la_code", "new_la_code", "la_name"],
    ],
}
COUNTRY = ("E92000001", "England")
REGIONS = {
    "E12000001": "North East",
    "E12000002": "North West",
    "E12000003": "Yorkshire and The Humber",
    "E12000004": "East Midlands",
    "E12000005": "West Midlands",
    "E12000006": "East of England",
    "E12000007": "London",
    "E12000008": "South East",
    "E12000009": "South West",
    "E13000001": "Inner London",
    "E13000002": "Outer London",
}
UNKNOWN_CODE, UNKNOWN_NAME = "x", "Not available"

TERMS = ["Autumn term", "Spring term", "Summer term", "Autumn and spring term"]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
# A file holds one family of time identifiers; value: the identifiers of the family, and the digits of its periods.
IDENTIFIER_FAMILIES: dict[str, tuple[list[str], int]] = {
    "academic_year": (["Academic year"], 6),
    "calendar_year": (["Calendar year"], 4),
    "financial_year": (["Financial year"], 6),
    "tax_year": (["Tax year"], 6),
    "reporting_year": (["Reporting year"], 4),
    "quarter": ([f"Financial year Q{quarter}" for quarter in range(1, 5)], 6),
    "term": (TERMS, 6),
    "month": (MONTHS, 4),
    "week": ([f"Week {week}" for week in range(1, 54)], 4),
}

META_COLUMNS = [
    "col_name",
    "col_type",
    "label",
    "indicator_grouping",
    "indicator_unit",
    "indicator_dp",
    "filter_hint",
    "filter_grouping_column",
]
OPTIONAL_META_COLUMNS = ["filter_default", "parent_filter"]
UNITS = ["", "%", "pp", "£", "£m", "numberstring"]
SYMBOLS = ["z", "x", "c", "low", "k", "u"]
# Text in place of a number that files carry by mistake; EES-29 warns of the second kind.
FORBIDDEN_CELLS = ["", "~", ":", "null", "na"]
DISCOURAGED_CELLS = ["n/a", ".", "..", "-"]
# The last word of an indicator's name, which says what kind of number it is.
STATISTICS = {
    *("amount", "average", "balance", "cases", "change", "cost", "count", "difference", "gap", "growth", "index"),
    *("mean", "median", "number", "pct", "percent", "pp", "rank", "rate", "ratio", "share", "spend", "sum", "total"),
    *("variance", "weeks", "days", "years"),
}
STEM_LENGTH, FILTER_ITEMS = 50, 25_000
LENGTHS = {"label": 80, "column name": 50, "item": 120, "location code": 30}
NUMBER = r"-?[0-9]+([.][0-9]+)?"
SHOWN = 3  # cases that a sentence names

Severity = Literal["fail", "warn"]


@dataclass(frozen=True)
class Finding:
    """What breaks a rule, in one sentence that a person can act on; `file` is a name without a folder."""

    rule_id: str
    severity: Severity
    file: str
    sentence: str


@dataclass(frozen=True)
class Context:
    """What is known beside the files.

    `authorities`: (DfE code, ONS code, name) of authorities that are known, a code that is not as x. `suppressed`: how many values of a KPI
    are suppressed by (column, time identifier); None where this is not known, so that EES-30 cannot be judged.
    """

    authorities: Collection[tuple[str, str, str]] = ()
    suppressed: Mapping[tuple[str, str], int] | None = None


@dataclass(frozen=True)
class Pair:
    """One data file, loaded as text into table `data` of `connection` (absent places blank), and its meta file."""

    stem: str
    connection: duckdb.DuckDBPyConnection
    header: list[str]
    meta_header: list[str]
    meta: list[dict[str, str]]
    context: Context

    @property
    def filters(self) -> list[dict[str, str]]:
        """Meta rows of the filters that the data file has."""
        return [row for row in self.meta if row["col_type"] == "Filter" and row["col_name"] in self.header]

    @property
    def indicators(self) -> list[dict[str, str]]:
        """Meta rows of the indicators that the data file has."""
        return [row for row in self.meta if row["col_type"] == "Indicator" and row["col_name"] in self.header]

    @property
    def key(self) -> list[str]:
        """Columns of time, place and filters."""
        return [*TIME, *PLACE, *(row["col_name"] for row in self.filters)]

    def ask(self, sql: str) -> list[tuple[str, ...]]:
        """Rows of a query on `data`."""
        return self.connection.execute(sql).fetchall()

    def items(self, column: str) -> list[str]:
        """Distinct values of a column."""
        return [item for (item,) in self.ask(f"select distinct {quoted(column)} from data order by all")]


Check = Callable[[Pair], Iterator[str]]


class Note(str):
    """A sentence that only warns, of a rule that otherwise fails."""

    __slots__ = ()


@dataclass(frozen=True)
class Rule:
    """A numbered rule; `check` yields a sentence for each way in which a pair of files breaks it."""

    rule_id: str
    severity: Severity
    requirement: str
    check: Check = field(repr=False)


def _judged_by_folder(_: Pair) -> Iterator[str]:
    yield from ()


# EES-01 and EES-30 are judged for the folder (`_unpaired`, `_unhidden`); the others register below.
RULES: dict[str, Rule] = {
    "EES-01": Rule(
        "EES-01",
        "fail",
        "Each data file has a meta file of the same name, and each meta file a data file.",
        _judged_by_folder,
    ),
    "EES-30": Rule("EES-30", "fail", "A suppressed value is written c, never 0.", _judged_by_folder),
}


def _rule(rule_id: str, severity: Severity, requirement: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        RULES[rule_id] = Rule(rule_id, severity, requirement, check)
        return check

    return register


def check_open_data(folder: Path, context: Context | None = None) -> list[Finding]:
    """Check every pair of files of a folder.

    Args:
        folder: holds `name.csv` and `name.meta.csv`, and nothing else.
        context: what is known beside the files.

    Returns:
        What breaks a rule, by file and rule; nothing where all is well.
    """
    context = context or Context()
    findings = list(_unpaired(folder))
    unpaired = {finding.file for finding in findings}
    known = set(context.authorities)
    written: dict[tuple[str, str], int] = {}
    with duckdb.connect() as connection:
        for path in sorted(folder.glob("*.csv")):
            if path.name.endswith(".meta.csv") or path.name in unpaired:
                continue
            findings += _check_pair(connection, path, Context(sorted(known), context.suppressed))
            # An authority has the same codes and name in every file.
            known |= _authorities(connection)
            for kpi_id, identifier, number in _confidential(connection, context.suppressed or {}):
                written[kpi_id, identifier] = written.get((kpi_id, identifier), 0) + number
    return [*findings, *_unhidden(written, context.suppressed or {})]


def read_lines(path: Path) -> list[list[str]] | None:
    """The records of a CSV file, or None where it is not UTF-8."""
    try:
        return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8"), newline="")))
    except UnicodeDecodeError:
        return None


def holds_item(name: str, item: str) -> bool:
    """Whether a column's name holds an item of a filter as whole words: `pupil_count_male` holds Male, not Female."""
    words = re.sub(r"[^a-z0-9]+", "_", item.lower()).strip("_")
    return bool(words) and words != "total" and f"_{words}_" in f"_{name.lower()}_"


def _check_pair(connection: duckdb.DuckDBPyConnection, path: Path, context: Context) -> list[Finding]:
    meta_path = path.with_suffix(".meta.csv")
    connection.execute("create or replace table data as select * from (values ('')) as none (nothing) where false")
    faults = [
        Finding("EES-03", "fail", unread.name, fault)
        for unread in (path, meta_path)
        if (fault := _layout_fault(unread))
    ]
    if faults:
        return faults
    header = _head(path)
    columns = ", ".join(f"coalesce({quoted(name)}, '') as {quoted(name)}" for name in header)
    absent = "".join(f", '' as {quoted(name)}" for name in [*TIME, *PLACE] if name not in header)
    typed = ", ".join(f"{literal(name)}: 'varchar'" for name in header)
    connection.execute(
        f"create or replace table data as select {columns}{absent} from read_csv({literal(str(path))}, header = true, "
        f"auto_detect = false, delim = ',', quote = '\"', escape = '\"', columns = {{{typed}}})"
    )
    meta_header, *lines = read_lines(meta_path) or [[]]
    meta = [dict.fromkeys(META_COLUMNS, "") | dict(zip(meta_header, line, strict=True)) for line in lines]
    pair = Pair(path.stem, connection, header, meta_header, meta, context)
    found = []
    for rule in RULES.values():
        about_meta = rule.rule_id in ("EES-13", "EES-14", "EES-15", "EES-16", "EES-17")
        found += [
            Finding(
                rule.rule_id,
                "warn" if isinstance(sentence, Note) else rule.severity,
                meta_path.name if about_meta else path.name,
                str(sentence),
            )
            for sentence in rule.check(pair)
        ]
        if found and rule.rule_id in ("EES-04", "EES-13") and found[-1].rule_id == rule.rule_id:
            break  # the rules that follow read the columns that are missing
    return found


def _head(path: Path) -> list[str]:
    lines = read_lines(path)
    return lines[0] if lines else []


def _listed(cases: Collection[object]) -> str:
    """Up to three cases, and how many more."""
    told = [str(case) if str(case) else "a blank" for case in cases]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return ", ".join(told[:SHOWN]) + more


# --- the pair and its layout ------------------------------------------------------------------------------------


def _unpaired(folder: Path) -> Iterator[Finding]:
    names = {path.name for path in folder.iterdir()}
    for name in sorted(names):
        if name.endswith(".meta.csv"):
            partner = f"{name.removesuffix('.meta.csv')}.csv"
        elif name.endswith(".csv"):
            partner = f"{name.removesuffix('.csv')}.meta.csv"
        else:
            yield Finding("EES-01", "fail", name, "is neither a data file (.csv) nor a meta file (.meta.csv)")
            continue
        if partner not in names:
            yield Finding("EES-01", "fail", name, f"has no {partner} beside it")


@_rule(
    "EES-02",
    "warn",
    f"A file's name has lower-case letters, digits, underscores and hyphens, at most {STEM_LENGTH} of them, and names "
    "neither period nor place.",
)
def _ees_02(pair: Pair) -> Iterator[str]:
    if not re.fullmatch(r"[a-z0-9_-]+", pair.stem):
        yield "the file's name has other characters than lower-case letters, digits, underscores and hyphens"
    if len(pair.stem) > STEM_LENGTH:
        yield f"the file's name has {len(pair.stem)} characters; {STEM_LENGTH} are allowed"
    if re.search(r"(?<![0-9])(19|20)[0-9]{2}([0-9]{2})?(?![0-9])", pair.stem):
        yield "the file's name names a period"
    places = [COUNTRY[1], *REGIONS.values(), *pair.items("la_name")]
    if named := [place for place in places if holds_item(pair.stem, place)]:
        yield f"the file's name names a place ({_listed(named)})"


@_rule("EES-03", "fail", "A file is UTF-8 text, separated by commas, with one header row.")
def _ees_03(pair: Pair) -> Iterator[str]:
    # The layout is judged before a file is loaded (`_layout_fault`); a header can come again further down.
    first = pair.header[0]
    if pair.ask(f"select 1 from data where {quoted(first)} = {literal(first)} limit 1"):
        yield "the header row comes twice"


def _layout_fault(path: Path) -> str | None:
    lines = read_lines(path)
    if lines is None:
        return "the file is not UTF-8 text"
    if not lines or not any(lines[0]):
        return "the file has no header row"
    header = lines[0]
    if len(header) == 1:
        return "the file has one column: it is not separated by commas"
    if "" in header or len(set(header)) < len(header):
        return "the header row has blank or repeated names"
    if ragged := [number for number, line in enumerate(lines, 1) if len(line) != len(header)]:
        return f"rows have another number of columns than the header (line {_listed(ragged)})"
    return None


@_rule("EES-04", "fail", f"Every file has the columns {', '.join(ALWAYS)}.")
def _ees_04(pair: Pair) -> Iterator[str]:
    if absent := [name for name in ALWAYS if name not in pair.header]:
        yield f"the file has no column {_listed(absent)}"


# --- places -----------------------------------------------------------------------------------------------------


@_rule("EES-05", "fail", f"A file with rows of local authorities has the columns {', '.join(LOCAL_AUTHORITY)}.")
def _ees_05(pair: Pair) -> Iterator[str]:
    absent = [name for name in LOCAL_AUTHORITY if name not in pair.header]
    if absent and "Local authority" in pair.items("geographic_level"):
        yield f"there are rows of local authorities and no column {_listed(absent)}"


@_rule("EES-06", "fail", "A row names the places its own place lies in, and leaves the places below blank.")
def _ees_06(pair: Pair) -> Iterator[str]:
    if unknown := [level for level in pair.items("geographic_level") if level not in LEVELS]:
        yield f"{_listed(unknown)} is no geographic level of these files"
    for level, columns in LEVELS.items():
        filled = [name for names in columns for name in names]
        parents = [name for names in columns[:-1] for name in names]
        below = [name for name in LOCAL_AUTHORITY if name not in filled]
        for names, state, condition in ((parents, "blank", "= ''"), (below, "filled", "<> ''")):
            for name in names:
                if pair.ask(
                    f"select 1 from data where geographic_level = {literal(level)} and {name} {condition} limit 1"
                ):
                    yield f"{level} rows have {name} {state}"


@_rule(
    "EES-07",
    "fail",
    f"A row's own place has its codes and its name; one that is not known is {UNKNOWN_NAME!r} with code {UNKNOWN_CODE}.",
)
def _ees_07(pair: Pair) -> Iterator[str]:
    for level, columns in LEVELS.items():
        for name in columns[-1]:
            if pair.ask(f"select 1 from data where geographic_level = {literal(level)} and {name} = '' limit 1"):
                yield f"{level} rows have {name} blank"
    for codes, name in ((["region_code"], "region_name"), (["old_la_code", "new_la_code"], "la_name")):
        is_unknown = " and ".join(f"{code} = {literal(UNKNOWN_CODE)}" for code in codes)
        wrong = pair.ask(
            f"select distinct {name} from data where ({name} = {literal(UNKNOWN_NAME)}) <> ({is_unknown}) order by all"
        )
        if wrong:
            yield f"{name} {_listed([case for (case,) in wrong])} and its code do not both say that the place is not known"


@_rule("EES-08", "fail", "Codes and names of places are those of the reference lists, and the same in every file.")
def _ees_08(pair: Pair) -> Iterator[str]:
    pairs = {
        "country": ("country_code, country_name", [COUNTRY]),
        "region": ("region_code, region_name", [*REGIONS.items(), (UNKNOWN_CODE, UNKNOWN_NAME), ("", "")]),
    }
    for kind, (columns, known) in pairs.items():
        given = pair.ask(f"select distinct {columns} from data where country_code <> '' order by all")
        if wrong := [" ".join(case) for case in given if case not in known]:
            yield f"{_listed(wrong)} is no {kind} of the reference list"
    for old, new, name in sorted(_authorities(pair.connection)):
        if not re.fullmatch(r"[0-9]{3}|x", old) or not re.fullmatch(r"E(06|07|08|09|10)[0-9]{6}|x", new):
            yield f"{old} {new} {name} is no local authority: codes are like 372 and E08000018"
        for authority in pair.context.authorities:
            both = [
                (one, other)
                for one, other in zip((old, new, name), authority, strict=True)
                if UNKNOWN_CODE not in (one, other)
            ]
            if any(one == other for one, other in both) and any(one != other for one, other in both):
                yield f"{old} {new} {name} is elsewhere {' '.join(authority)}"
                break


def _authorities(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str, str]]:
    columns = {name for (name,) in connection.execute("select column_name from (describe data)").fetchall()}
    if not set(PLACE) <= columns:
        return set()
    return set(
        connection.execute(
            "select distinct old_la_code, new_la_code, la_name from data where geographic_level = 'Local authority' "
            f"and la_name not in ('', {literal(UNKNOWN_NAME)})"
        ).fetchall()
    )


# --- time -------------------------------------------------------------------------------------------------------


@_rule("EES-09", "fail", "A period is written in digits alone; six digits are two years that follow each other.")
def _ees_09(pair: Pair) -> Iterator[str]:
    periods = pair.items("time_period")
    if wrong := [period for period in periods if not re.fullmatch(r"[0-9]+", period)]:
        yield f"time_period {_listed(wrong)} is not digits alone"
    six = [period for period in periods if re.fullmatch(r"[0-9]{6}", period)]
    if wrong := [period for period in six if (int(period[2:4]) + 1) % 100 != int(period[4:])]:
        yield f"time_period {_listed(wrong)} is not two years that follow each other"


def _misfits(pair: Pair, *, of_terms: bool) -> Iterator[str]:
    digits = {name: count for names, count in IDENTIFIER_FAMILIES.values() for name in names}
    for identifier, period in pair.ask("select distinct time_identifier, time_period from data order by all"):
        expected = digits.get(identifier)
        if expected is not None and (identifier in TERMS) == of_terms and len(period) != expected:
            yield f"{identifier} {period}"


@_rule("EES-10", "fail", "Time identifiers are those EES knows; their periods have the four or six digits each takes.")
def _ees_10(pair: Pair) -> Iterator[str]:
    known = {name for names, _ in IDENTIFIER_FAMILIES.values() for name in names}
    if unknown := [name for name in pair.items("time_identifier") if name not in known]:
        yield f"{_listed(unknown)} is no time identifier"
    if wrong := list(_misfits(pair, of_terms=False)):
        yield f"{_listed(wrong)} has the wrong number of digits"


@_rule("EES-11", "fail", "A term belongs to an academic year, of six digits.")
def _ees_11(pair: Pair) -> Iterator[str]:
    if wrong := list(_misfits(pair, of_terms=True)):
        yield f"{_listed(wrong)} is not of an academic year"


@_rule("EES-12", "fail", "The periods of a file are of one kind.")
def _ees_12(pair: Pair) -> Iterator[str]:
    given = set(pair.items("time_identifier"))
    families = [family for family, (names, _) in IDENTIFIER_FAMILIES.items() if given & set(names)]
    if len(families) > 1:
        yield f"the file mixes kinds of period ({_listed(families)})"


# --- the meta file ----------------------------------------------------------------------------------------------


@_rule(
    "EES-13",
    "fail",
    f"A meta file has the columns {', '.join(META_COLUMNS)}; {' and '.join(OPTIONAL_META_COLUMNS)} may follow.",
)
def _ees_13(pair: Pair) -> Iterator[str]:
    if absent := [name for name in META_COLUMNS if name not in pair.meta_header]:
        yield f"the meta file has no column {_listed(absent)}"
    if other := [name for name in pair.meta_header if name not in (*META_COLUMNS, *OPTIONAL_META_COLUMNS)]:
        yield f"the meta file has the column {_listed(other)}, which EES does not know"


@_rule("EES-14", "fail", "A column is a Filter or an Indicator; units are %, pp, £, £m, numberstring or blank.")
def _ees_14(pair: Pair) -> Iterator[str]:
    if wrong := [row["col_name"] for row in pair.meta if row["col_type"] not in ("Filter", "Indicator")]:
        yield f"col_type of {_listed(wrong)} is neither Filter nor Indicator"
    if wrong := [
        f"{row['col_name']} ({row['indicator_unit']})" for row in pair.meta if row["indicator_unit"] not in UNITS
    ]:
        yield f"indicator_unit of {_listed(wrong)} is no unit of EES"


@_rule("EES-15", "fail", "A filter has no grouping, unit or decimal places of indicators.")
def _ees_15(pair: Pair) -> Iterator[str]:
    of_indicators = ("indicator_grouping", "indicator_unit", "indicator_dp")
    filters = [row for row in pair.meta if row["col_type"] == "Filter"]
    if wrong := [row["col_name"] for row in filters if any(row[name] for name in of_indicators)]:
        yield f"filter {_listed(wrong)} has what only indicators have"


@_rule("EES-16", "fail", "Decimal places of an indicator are a whole number from 0; unset, this is a warning.")
def _ees_16(pair: Pair) -> Iterator[str]:
    given = {row["col_name"]: row["indicator_dp"] for row in pair.meta if row["col_type"] == "Indicator"}
    if wrong := [name for name, places in given.items() if places and not re.fullmatch(r"[0-9]+", places)]:
        yield f"indicator_dp of {_listed(wrong)} is not a whole number"
    if unset := [name for name, places in given.items() if not places]:
        yield Note(f"indicator_dp of {_listed(unset)} is not set")


@_rule("EES-17", "fail", "Every column has a label, and no two the same.")
def _ees_17(pair: Pair) -> Iterator[str]:
    labels = [row["label"] for row in pair.meta]
    if blank := [row["col_name"] for row in pair.meta if not row["label"].strip()]:
        yield f"{_listed(blank)} has no label"
    if twice := sorted({label for label in labels if label.strip() and labels.count(label) > 1}):
        yield f"the label {_listed(twice)} comes twice"


@_rule("EES-18", "fail", "The meta file describes each data column but those of time and place once, and no other.")
def _ees_18(pair: Pair) -> Iterator[str]:
    described = [row["col_name"] for row in pair.meta]
    fixed = {*TIME, *PLACE}
    grouping = {row["filter_grouping_column"] for row in pair.meta} - {""}
    if wrong := [name for name in described if name in fixed]:
        yield f"the meta file describes {_listed(wrong)}, a column of time or place"
    if twice := sorted({name for name in described if described.count(name) > 1}):
        yield f"the meta file describes {_listed(twice)} twice"
    if absent := [name for name in pair.header if name not in fixed | grouping | set(described)]:
        yield f"the meta file does not describe {_listed(absent)}"
    if extra := [name for name in [*described, *sorted(grouping)] if name not in pair.header and name not in fixed]:
        yield f"the meta file describes {_listed(extra)}, which the data file does not have"


# --- filters ----------------------------------------------------------------------------------------------------


@_rule("EES-19", "fail", "A filter has at least two items, and none of them is blank.")
def _ees_19(pair: Pair) -> Iterator[str]:
    for row in pair.filters:
        items = pair.items(row["col_name"])
        if len(items) < 2:
            yield f"filter {row['col_name']} has one item; drop the column"
        if "" in items:
            yield f"filter {row['col_name']} has blank items"


@_rule("EES-20", "warn", "A filter has the item Total, or filter_default names the item that is shown first.")
def _ees_20(pair: Pair) -> Iterator[str]:
    for row in pair.filters:
        default = row.get("filter_default") or "Total"
        if default not in pair.items(row["col_name"]):
            yield f"filter {row['col_name']} has no item {default}"


@_rule(
    "EES-21",
    "warn",
    "Every combination of filter items is there for every period and place; one that cannot exist carries a symbol.",
)
def _ees_21(pair: Pair) -> Iterator[str]:
    if not pair.filters:
        return
    # Items of a filter with a parent exist under their own parent item only.
    groups: dict[str, list[str]] = {}
    parents = {row["col_name"]: row.get("parent_filter", "") for row in pair.filters}
    for name in parents:
        root = name
        while parents.get(parents[root]) is not None:
            root = parents[root]
        groups.setdefault(root, []).append(name)
    where = ", ".join([*TIME, *PLACE])
    expected = " * ".join(
        f"(select count(*) from (select distinct {', '.join(map(quoted, names))} from data))"
        for names in groups.values()
    )
    filters = ", ".join(quoted(row["col_name"]) for row in pair.filters)
    gaps = pair.ask(
        f"""
        select
            (select {expected}) - count(*), time_identifier, time_period,
            coalesce(nullif(la_name, ''), nullif(region_name, ''), country_name)
        from (select distinct {where}, {filters} from data)
        group by {where}
        having count(*) < (select {expected})
        order by all
        """
    )
    if gaps:
        missing, *place = gaps[0]
        yield (
            f"combinations of filter items are missing in {len(gaps)} combinations of period and place "
            f"({missing} in {' '.join(map(str, place))})"
        )


@_rule("EES-22", "fail", "Columns of time and place hold neither Total nor All.")
def _ees_22(pair: Pair) -> Iterator[str]:
    for name in [*TIME, *PLACE]:
        if {item.strip().lower() for item in pair.items(name)} & {"total", "all"}:
            yield f"{name} holds Total or All"


@_rule("EES-23", "fail", "No two rows are about the same period, place and filter items.")
def _ees_23(pair: Pair) -> Iterator[str]:
    key = ", ".join(map(quoted, pair.key))
    twice = pair.ask(f"select {key} from data group by {key} having count(*) > 1 order by all")
    if twice:
        yield f"{len(twice)} rows come twice (one is {' '.join(value for value in twice[0] if value)})"


@_rule("EES-24", "fail", "An indicator's name holds no item of a filter: items make rows.")
def _ees_24(pair: Pair) -> Iterator[str]:
    # The items of a parent filter are headings (`Primary need`), not groups of children.
    headings = {row.get("parent_filter", "") for row in pair.filters}
    for row in pair.filters:
        if row["col_name"] not in headings:
            items = pair.items(row["col_name"])
            for indicator in pair.indicators:
                if held := [item for item in items if holds_item(indicator["col_name"], item)]:
                    yield f"indicator {indicator['col_name']} holds the item {_listed(held)} of filter {row['col_name']}"


@_rule("EES-25", "fail", f"A filter has at most {FILTER_ITEMS:,} items.")
def _ees_25(pair: Pair) -> Iterator[str]:
    for row in pair.filters:
        [(count,)] = pair.ask(f"select count(distinct {quoted(row['col_name'])}) from data")
        if int(count) > FILTER_ITEMS:
            yield f"filter {row['col_name']} has {int(count):,} items"


@_rule(
    "EES-26",
    "warn",
    "Column names are lower-case words joined by underscores; the last word of an indicator says which statistic it is.",
)
def _ees_26(pair: Pair) -> Iterator[str]:
    if wrong := [name for name in pair.header if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)]:
        yield f"{_listed(wrong)} is not lower-case words joined by underscores"
    names = [row["col_name"] for row in pair.indicators]
    if unsaid := [name for name in names if name.rsplit("_", 1)[-1] not in STATISTICS]:
        yield f"the name of indicator {_listed(unsaid)} does not end with the statistic it is"


# --- cells ------------------------------------------------------------------------------------------------------


@_rule("EES-27", "warn", "A percentage runs to 100: 79 with the unit %, not 0.79.")
def _ees_27(pair: Pair) -> Iterator[str]:
    for row in pair.indicators:
        if row["indicator_unit"] == "%":
            name = quoted(row["col_name"])
            [(largest, are_fractions)] = pair.ask(
                f"select max(abs(value)), bool_or(value <> trunc(value)) from "
                f"(select try_cast({name} as double) as value from data)"
            )
            if largest is not None and float(largest) <= 1 and are_fractions:
                yield f"no value of {row['col_name']} is above 1 although its unit is %"


@_rule("EES-28", "fail", "A cell of an indicator is a number or a symbol: never blank, ~, :, NULL, NA or other text.")
def _ees_28(pair: Pair) -> Iterator[str]:
    for row in pair.indicators:
        if wrong := _other_cells(pair, row, excluded=DISCOURAGED_CELLS):
            yield f"{row['col_name']} holds {_listed(wrong)}, neither a number nor a symbol"


@_rule("EES-29", "warn", "A cell of an indicator is not N/A, a dot, two dots or a dash.")
def _ees_29(pair: Pair) -> Iterator[str]:
    for row in pair.indicators:
        if wrong := [item for item in _other_cells(pair, row, excluded=[]) if item.lower() in DISCOURAGED_CELLS]:
            yield f"{row['col_name']} holds {_listed(wrong)}; use a symbol"


def _other_cells(pair: Pair, row: dict[str, str], *, excluded: list[str]) -> list[str]:
    """Cells that are neither a number nor a symbol; of a numberstring, the forbidden ones."""
    name, lists = quoted(row["col_name"]), ", ".join(map(literal, excluded)) or "null"
    if row["indicator_unit"] == "numberstring":
        wrong = f"lower({name}) in ({', '.join(map(literal, [*FORBIDDEN_CELLS, *DISCOURAGED_CELLS]))})"
    else:
        symbols = ", ".join(map(literal, SYMBOLS))
        wrong = f"not regexp_full_match({name}, {literal(NUMBER)}) and {name} not in ({symbols})"
    cells = pair.ask(
        f"select distinct {name} from data where {wrong} and coalesce(lower({name}) not in ({lists}), true) order by all"
    )
    return [cell for (cell,) in cells]


def _confidential(
    connection: duckdb.DuckDBPyConnection, suppressed: Mapping[tuple[str, str], int]
) -> list[tuple[str, str, int]]:
    """(column, time identifier, cells that say c) of the file that is loaded, for columns that have suppressed values."""
    header = {name for (name,) in connection.execute("select column_name from (describe data)").fetchall()}
    columns = sorted({kpi_id for kpi_id, _ in suppressed} & header)
    if not columns or "time_identifier" not in header:
        return []
    counts = ", ".join(f"count(*) filter ({quoted(name)} = 'c')" for name in columns)
    rows = connection.execute(f"select time_identifier, {counts} from data group by time_identifier").fetchall()
    return [(name, row[0], number) for row in rows for name, number in zip(columns, row[1:], strict=True)]


def _unhidden(written: Mapping[tuple[str, str], int], suppressed: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
    for (name, identifier), number in sorted(suppressed.items()):
        found = written.get((name, identifier), 0)
        if found != number:
            yield Finding(
                "EES-30",
                "fail",
                "every file",
                f"{name} has {number} suppressed values of {identifier}, and c is written {found} times",
            )


@_rule(
    "EES-31",
    "warn",
    f"Labels have at most {LENGTHS['label']} characters, column names {LENGTHS['column name']}, items "
    f"{LENGTHS['item']}, codes of places {LENGTHS['location code']}.",
)
def _ees_31(pair: Pair) -> Iterator[str]:
    codes = [name for name in PLACE if name.endswith("_code")]
    texts = {
        "label": [row["label"] for row in pair.meta],
        "column name": pair.header,
        "item": [item for row in pair.filters for item in pair.items(row["col_name"])],
        "location code": [code for name in codes for code in pair.items(name)],
    }
    for kind, given in texts.items():
        if long := [text for text in given if len(text) > LENGTHS[kind]]:
            yield f"{kind} {_listed(long)} has more than {LENGTHS[kind]} characters"
