"""Whose return a file holds and of when: what its headers say, what its name says, and that the two agree."""

import re
from collections.abc import Collection
from pathlib import PurePosixPath

import duckdb

from orchestration.returns.conform import Header, complete_headers, headers_received, of_unit
from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.gather import Unit
from orchestration.returns.readers.records import HeldRecords
from orchestration.returns.spec import ReturnSpec
from orchestration.returns.submission import part_id_of

_DATE_IN_NAME = re.compile(r"\d{1,2}[-_. ]\d{1,2}[-_. ]\d{4}|\d{4}[-_. ]\d{1,2}[-_. ]\d{1,2}|\d{8,}")
_YEAR_IN_NAME = re.compile(r"(?<!\d)20\d{2}(?!\d)")


def has_header(found: list[HeldRecords], spec: ReturnSpec) -> bool:
    """Whether any of the files has a header of its own."""
    headers = {source for source, (table, _) in spec.sources.items() if table == spec.root_table}
    return any(headers & set(held.tables) for held in found)


def period_in_name(spec: ReturnSpec, unit: Unit) -> str | None:
    """The one period that the names of the files carry, dates aside; of a return made every year, the year, and of one with
    an endless number of periods, none."""
    if spec.first_period:
        return None
    if spec.terms:
        periods = {period for file in unit.files if (period := _said_by_name(spec, file).get("period"))}
    else:
        periods = {
            year for file in unit.files for year in _YEAR_IN_NAME.findall(_DATE_IN_NAME.sub(" ", file.source_file))
        }
    return periods.pop() if len(periods) == 1 else None


def _said_by_name(spec: ReturnSpec, file: DataFile) -> dict[str, str]:
    """What the patterns of the spec find in a file's name: its period, its supplier."""
    assert spec.submission is not None
    name = PurePosixPath(file.source_file).name
    for pattern in spec.submission.file_names:
        if found := re.search(pattern, name, re.IGNORECASE):
            parts = found.groupdict()
            year = int(parts["year"]) + (2000 if len(parts["year"]) == 2 else 0)
            said = {"supplier": parts.get("supplier"), "period": spec.period_of(year, parts["term"])}
            return {what: text for what, text in said.items() if text}
    return {}


def dated_headers(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    unit: Unit,
    after: int,
    headers: list[Header],
    la_code: str,
) -> list[Header]:
    """The headers received of a unit, each of a known period; where files have none that says one, that of their name.

    Args:
        connection: the workspace, which holds the records as received.
        spec: the return.
        unit: the files.
        after: the number that those of the unit's records come after.
        headers: the headers among them, in file order.
        la_code: the authority whose files are that do not say whose.

    Raises:
        FileRefused: RF-005 no period is said, RF-006 there are too many headers, RF-011 the period is not a known one.
    """
    file_period = period_in_name(spec, unit)
    if len(headers) > 1 and not spec.files[unit.kind].holds_several:
        raise FileRefused("RF-006", f"{unit.source_file} holds {len(headers)} headers; send one return at a time.")
    has_none = not headers or (spec.files[unit.kind].flat and not any(header.said for header in headers))
    if has_none and file_period is not None:
        if not spec.knows_period(file_period):
            raise _unknown_period(spec, unit, file_period)
        complete_headers(connection, spec, unit.source_file, file_period, la_code, after)
        headers = headers_received(connection, spec, of_unit(after))
    when = "month" if spec.first_month else "financial year and quarter" if spec.first_quarter else ""
    when = when or ("term and year" if spec.terms else "year")
    for header in headers:
        if header.period is not None and not spec.knows_period(header.period):
            raise _unknown_period(spec, unit, header.period)
    if not headers or any(header.period is None for header in headers):
        other = "" if spec.first_period else f", or name the {when} in its file name"
        raise FileRefused(
            "RF-005",
            f"{unit.source_file} does not say which {when} it is for; give it a header with the {when}{other}.",
        )
    return headers


def _unknown_period(spec: ReturnSpec, unit: Unit, period: str) -> FileRefused:
    if spec.first_period:
        known = f"begins with {spec.first_period}"
    else:
        known = "is " + " to ".join(spec.said_period(known) for known in (min(spec.periods), max(spec.periods)))
    return FileRefused(
        "RF-011", f"{unit.source_file} is for {spec.said_period(period)}; what is known of {spec.title} {known}."
    )


def submissions_of(unit: Unit, headers: list[Header], seen: Collection[str]) -> dict[str, Header]:
    """The submissions that headers make, without those of `seen`, in the order in which they are to be committed."""
    ids = [part_id_of(unit.submission_id, header.record) for header in headers[:-1]]
    named = dict(zip([*ids, unit.submission_id], headers, strict=True))
    return {submission_id: header for submission_id, header in named.items() if submission_id not in seen}


def senders_of(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> dict[str, tuple[str, str]]:
    """By submission being read, the supplier and the sequence that its header gives; numbers are padded so that text
    orders them."""
    assert spec.submission is not None
    header = spec.submission
    columns = spec.tables[header.header].columns
    parts = {
        "INTEGER": "lpad(cast({} as varchar), 10, '0')",
        "TIMESTAMP": "strftime({}, '%Y-%m-%dT%H:%M:%S')",
        "DATE": "strftime({}, '%Y-%m-%d')",
        "VARCHAR": "{}",
    }
    texts = [f"coalesce({parts[columns[name].type].format(name)}, '')" for name in header.sequence]
    rows = connection.execute(
        f"select submission_id, coalesce({' || '.join(header.supplier)}, 'unknown'), concat_ws('#', {', '.join(texts)})"
        f' from "{header.header}" where submission_id in (select submission_id from root_submission)',
    ).fetchall()
    return {
        submission_id: (f"{header.supplier_prefix}{supplier}", str(sequence))
        for submission_id, supplier, sequence in rows
    }


def require_named_so(
    spec: ReturnSpec, unit: Unit, of_header: dict[str, Header], senders: dict[str, tuple[str, str]]
) -> None:
    """A name that says whose or of when its file is says what the header says.

    Raises:
        FileRefused: RF-014 it does not.
    """
    assert spec.submission is not None
    prefix = spec.submission.supplier_prefix
    suppliers = {senders[submission_id][0].removeprefix(prefix) for submission_id in of_header}
    periods = {str(header.period) for header in of_header.values()}
    for file in unit.files:
        said = _said_by_name(spec, file)
        for what, held in (("period", periods), ("supplier", suppliers)):
            if what in said and said[what] not in held:
                [named, headed] = [
                    ", ".join(sorted(spec.said_period(one) if what == "period" else one for one in texts))
                    for texts in ({said[what]}, held)
                ]
                raise FileRefused(
                    "RF-014",
                    f"{file.source_file} is named for {named}, but its header says {headed}; find out which is right,"
                    " and correct the header or the name.",
                )
