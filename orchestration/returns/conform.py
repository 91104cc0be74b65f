"""Records as received become typed rows by the spec of their year, inside DuckDB.

Every typed column holds only what is valid; what was given instead stays beside it as text in `<column>_raw`. Nothing is
corrected and nothing is dropped: what cannot be typed or linked is reported by place.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from orchestration.returns.readers.records import RAW_PREFIX, Batch
from orchestration.returns.spec import Column, ReturnSpec, normalised
from orchestration.returns.working_days import bank_holidays

# Dates as returns are known to write them: ISO, COLLECT's export (2022-Sep-28 00:00:00), and British ones.
_DATE_FORMATS = (
    "%Y-%m-%d", "%Y-%b-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%b-%d", "%d/%m/%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d-%b-%Y", "%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M",
    "%d-%m-%Y", "%d %B %Y", "%d %b %Y", "%Y-%m-%d %H:%M",
)  # fmt: skip
# Days since 30 December 1899, as spreadsheets count them; these run from 1927 to 2064.
_EXCEL_SERIAL = r"[1-5]\d{4}(\.\d+)?"
_PLAUSIBLE_YEARS = (1900, 2100)
# An amount: its digits, in threes or not, and the signs beside them. Spaces are of any width; so is the minus.
_DIGITS = r"(\d+|\d{1,3}(,\d{3})+|\d{1,3}( \d{3})+)(\.\d+)?"
_WRITTEN_NUMBER = (
    r"regexp_replace(trim(regexp_replace(regexp_replace(regexp_replace(as_narrow(given),"
    r" '[\s\p{Z}\x{200B}\x{2060}\x{FEFF}]', ' ', 'g'), '[\x{2010}-\x{2015}\x{2212}\x{FE63}]', '-', 'g'),"
    r" '[£\x{FFE1}]', '')), '(^|[-+(]) +| +($|[-)])', '\1\2', 'g')"
)
_BETWEEN_DIGITS = r"(?:,|[\s\p{Z}\p{Pd}\p{Cf}\x{2212}._/·•|]{0,3})"
_NHS_NUMBER = (
    rf"(?:^|[^0-9,£]|(?:^|[^0-9]),)[0-9]{{3}}{_BETWEEN_DIGITS}[0-9]{{3}}{_BETWEEN_DIGITS}[0-9]{{4}}(?:\b|[A-Za-z_])"
)
UNLINKED_ROW = "RF-008"
UNTYPABLE_ROW = "RF-009"
UNIT_RECORDS = 1_000_000_000  # more than one file, or a set of them, can hold
"""Records of files read together are numbered apart: those of each file, or set, come after a multiple of this."""


def define_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """The functions that typing uses; the rules of a return may use them too."""
    formats = ", ".join(f"'{text}'" for text in _DATE_FORMATS)
    connection.execute(
        f"""
        create or replace macro as_any_moment(given) as (
            case
                when regexp_full_match(given, '{_EXCEL_SERIAL}')
                    then timestamp '1899-12-30 00:00:00' + to_seconds(round(cast(given as double) * 86400))
                when year(try_strptime(given, [{formats}])) between {_PLAUSIBLE_YEARS[0]} and {_PLAUSIBLE_YEARS[1]}
                    then try_strptime(given, [{formats}])
            end
        )
        """
    )
    # Nearly all dates are ISO: tried first, the others only where it fails.
    connection.execute(
        """
        create or replace macro as_moment(given) as (
            coalesce(
                case
                    when length(given) = 10 and (starts_with(given, '19') or starts_with(given, '20'))
                        then try_strptime(given, '%Y-%m-%d')
                end,
                as_any_moment(given)
            )
        )
        """
    )
    connection.execute(
        """
        -- Complete years lived on a day: someone born on 29 February is a year older on 1 March.
        create or replace macro age_on(birth_date, event_date) as (
            case
                when event_date >= birth_date
                    then year(event_date) - year(birth_date)
                        - cast(strftime(event_date, '%m%d') < strftime(birth_date, '%m%d') as integer)
            end
        )
        """
    )
    holidays = ", ".join(f"date '{day}'" for day in bank_holidays(range(_PLAUSIBLE_YEARS[0], _PLAUSIBLE_YEARS[1] + 1)))
    connection.execute(
        f"""
        -- Days after the first, up to the last: Monday to Friday but for the bank holidays of England.
        create or replace macro working_days_between(first_day, last_day) as len(
            list_filter(
                generate_series(cast(first_day as date) + 1, cast(last_day as date), interval 1 day),
                lambda day: isodow(day) <= 5 and not list_contains([{holidays}], cast(day as date))
            )
        )
        """
    )

    # Full-width digits, letters and signs as the ordinary ones.
    wide, narrow = ("".join(map(chr, range(first, first + 94))) for first in (0xFF01, 0x21))
    connection.execute(f"create or replace macro as_narrow(given) as translate(given, {_text(wide)}, {_text(narrow)})")
    # A number however people write it: 1234, 1,234, 1 234, £1,234.00, -1,234, 1,234-, (1,234). Null where it is none.
    connection.execute(
        r"""
        create or replace macro as_plain_number(given) as (
            case
                when regexp_full_match(_written(given), '[-+]?' || _digits() || '|' || _digits() || '-|\(' || _digits() || '\)')
                    then if(regexp_matches(_written(given), '[-(]'), '-', '') || regexp_replace(_written(given), '[^0-9.]', '', 'g')
            end
        )
        """.replace("_written(given)", _WRITTEN_NUMBER).replace("_digits()", _text(_DIGITS))
    )
    # The NHS numbers in a text: ten digits in threes and four, whatever stands between, of which the last is the check digit
    # of the nine before. Numbers from 999 000 0000 on were never issued: they count whatever their check digit.
    connection.execute(
        r"""
        create or replace macro nhs_numbers_in(words) as list_filter(
            list_transform(
                regexp_extract_all(as_narrow(words), '{pattern}'), candidate -> regexp_replace(candidate, '[^0-9]', '', 'g')
            ),
            number -> starts_with(number, '999') or (
                (11 - list_sum(list_transform(range(1, 10), place -> cast(number[place] as integer) * (11 - place))) % 11) % 11
                = cast(number[10] as integer)
            )
        )
        """.replace("{pattern}", _NHS_NUMBER)
    )


@dataclass(frozen=True)
class Held:
    """Records as received, in relations `<prefix>_<table>`; `names` gives by table the normalised names of its columns."""

    prefix: str
    names: Mapping[str, frozenset[str]]


def create_raw_tables(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> None:
    """Empty tables for records as received, one a table of the return."""
    for name, table in spec.tables.items():
        fields = "".join(f', "{RAW_PREFIX}{column}" varchar' for column in table.source_names)
        connection.execute(
            f'create or replace temp table "raw_{name}"'
            f" (source_file varchar, source_row bigint, record bigint, parent_record bigint, root_record bigint{fields})"
        )


def in_raw_tables(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> Held:
    """What the tables of `create_raw_tables` hold: every name of those that have rows."""
    filled = {
        name: frozenset(table.source_names)
        for name, table in spec.tables.items()
        if connection.execute(f'select 1 from "raw_{name}" limit 1').fetchone()
    }
    return Held("raw", filled)


@contextmanager
def batch_in_view(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, batch: Batch) -> Iterator[Held]:
    """A batch of records as typing reads it, in place of tables; yields what it holds."""
    no_links = pa.table({"record": pa.array([], pa.int64()), "parent_record": pa.array([], pa.int64())})
    for name in spec.tables:
        connection.register(f"batch_{name}", batch.get(name, no_links))
    try:
        yield Held(
            "batch",
            {
                name: frozenset(column.removeprefix(RAW_PREFIX) for column in rows.column_names)
                for name, rows in batch.items()
            },
        )
    finally:
        for name in spec.tables:
            connection.unregister(f"batch_{name}")


@dataclass(frozen=True)
class Header:
    """A header as received: its record, its file, and the period it says it is for, None where that is no known one.

    `said` is what it gives as year and term.
    """

    record: int
    source_file: str
    period: str | None
    said: str


def of_unit(after: int) -> str:
    """SQL that is true for the records as received of the file, or set of files, whose numbers come after `after`."""
    return f"record > {after} and record <= {after + UNIT_RECORDS}"


def headers_received(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, condition: str = "true") -> list[Header]:
    """The headers among the records received that meet a condition (SQL), in file order."""
    assert spec.submission is not None
    columns = spec.tables[spec.submission.header].columns
    names = frozenset(spec.tables[spec.submission.header].source_names)
    given = _given(columns[spec.submission.period], names)
    year = f"try_cast({given} as integer)"
    if spec.first_month:
        year = f"strftime(as_moment({given}), '%Y-%m')"
    term = _given(columns[spec.submission.term], names) if spec.submission.term else "null"
    rows = connection.execute(
        f"select record, source_file, {year}, {term}"
        f' from "raw_{spec.submission.header}" as received where {condition} order by record'
    ).fetchall()
    if spec.first_month:
        return [Header(record, source_file, month, month or "") for record, source_file, month, _ in rows]
    return [
        Header(
            record,
            source_file,
            None if year is None else spec.period_of(year, term),
            "" if year is None else f"{term or ''} {year}".strip(),
        )
        for record, source_file, year, term in rows
    ]


def complete_headers(
    connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, source_file: str, period: str, la_code: str, after: int
) -> None:
    """Give files without a header, or with one that says no period, what their name and the setting imply.

    The records of the files are numbered after `after`.
    """
    assert spec.submission is not None
    columns = spec.tables[spec.submission.header].columns
    header = f'"raw_{spec.submission.header}"'
    implied = {spec.submission.period: period[:4], spec.submission.supplier[0]: la_code}
    if spec.submission.term:
        implied[spec.submission.term] = next(t.code for t in spec.terms.values() if t.month == int(period[5:]))
    census_day = spec.for_period(period).census_day
    if spec.submission.census_day and census_day:
        implied[spec.submission.census_day] = census_day.isoformat()
    named = {f'"{RAW_PREFIX}{normalised(columns[name].names[0])}"': text for name, text in implied.items()}
    if connection.execute(f"select 1 from {header} where {of_unit(after)}").fetchone() is None:
        connection.execute(
            f"insert into {header} (source_file, source_row, record, root_record) values ($1, 0, $2, $2)",
            [source_file, after + 1],
        )
    for column, text in named.items():
        connection.execute(f"update {header} set {column} = ? where {column} is null and {of_unit(after)}", [text])


def name_submissions(connection: duckdb.DuckDBPyConnection, submissions: list[tuple[int, str, str]]) -> None:
    """Say which submission (header record, submission_id, period) records belong to; those of no header named stay out."""
    connection.execute(
        "create or replace temp table root_submission (root_record bigint, submission_id varchar, period varchar)"
    )
    if submissions:
        connection.executemany("insert into root_submission values (?, ?, ?)", [list(one) for one in submissions])


def forget_records(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, after: int) -> None:
    """Let go of the records received whose numbers come after `after`."""
    for name in spec.tables:
        connection.execute(f'delete from "raw_{name}" where {of_unit(after)}')


_ROOT_JOIN = (
    "inner join root_submission as root on root.root_record = received.root_record and list_contains(?, root.period)"
)


def conform(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, periods: Sequence[str], held: Held) -> None:
    """Type the records held of submissions of some periods, which are collected alike, into the workspace tables.

    What stands under names that the return knows, but not in these periods, goes to `unknown_text`.
    """
    of_period = spec.for_period(periods[0])
    for name, names in held.names.items():
        typed, columns = _received_columns(of_period, name, names)
        connection.execute(
            f"""
            insert into "{name}" by name
            select submission_id, {", ".join(columns)}
            from (
                select root.submission_id, {", ".join(typed)}
                from "{held.prefix}_{name}" as received
                {_ROOT_JOIN}
                {_person_join(spec, name, held.prefix)}
            )
            """,
            [periods],
        )
        for column in sorted(names & set(spec.tables[name].source_names) - set(of_period.tables[name].source_names)):
            given = f'received."{RAW_PREFIX}{column}"'
            connection.execute(
                f"""
                insert into unknown_text by name
                select root.submission_id, '{name}' as table_name, source_file, source_row, '{column}' as column_name, {given} as given
                from "{held.prefix}_{name}" as received
                {_ROOT_JOIN}
                where {given} is not null
                """,
                [periods],
            )


def _given(column: Column, held: frozenset[str]) -> str:
    """SQL of the text received for a column under any of its names; null where it was not received."""
    names = list(dict.fromkeys(normalised(name) for name in column.names))
    texts = [f'received."{RAW_PREFIX}{name}"' for name in names if name in held]
    if not texts:
        return "null::varchar"
    return texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})"


def _received_columns(spec: ReturnSpec, name: str, held: frozenset[str]) -> tuple[list[str], list[str]]:
    """What is selected of the records received: first each text and its typed value, then the text where that is null."""
    plumbing = ["source_file", "source_row", "record", "parent_record"]
    typed = [*(f"received.{column}" for column in plumbing), f"{_person_record(spec, name)} as person_record"]
    columns = [*plumbing, "person_record"]
    for column_name, column in spec.tables[name].columns.items():
        if not column.names:
            continue
        given = _given(column, held)
        columns.append(f'"{column_name}"')
        if not column.is_checked:
            typed.append(f'{given} as "{column_name}"')
            continue
        typed.append(f'{_typed(spec, column, given)} as "{column_name}"')
        typed.append(f'{given} as "{column_name}_given"')
        columns.append(f'case when "{column_name}" is null then "{column_name}_given" end as "{column_name}_raw"')
    return typed, columns


def _typed(spec: ReturnSpec, column: Column, given: str) -> str:
    if column.codes is not None or column.pattern is not None:
        # Spreadsheets write the code 1 as 1.0.
        given = f"case when ends_with({given}, '.0') then left({given}, length({given}) - 2) else {given} end"
    if column.codes is not None:
        code_set = spec.codes[column.codes]
        code = f"upper({given})"
        if code_set.accept:
            accepted = " ".join(f"when {_text(other)} then {_text(code)}" for other, code in code_set.accept.items())
            code = f"case {code} {accepted} else {code} end"
        return f"case when {code} in ({', '.join(map(_text, code_set.codes))}) then {code} end"
    if column.pattern is not None:
        return f"case when regexp_full_match(upper({given}), {_text(column.pattern)}) then upper({given}) end"
    if column.type == "DATE":
        return f"cast(as_moment({given}) as date)"
    if column.type == "TIMESTAMP":
        return f"as_moment({given})"
    if column.amount:
        plain = f"as_plain_number({given})"
        if not column.type.startswith("DECIMAL"):  # a cast would round what has pence
            plain = f"regexp_extract({plain}, '^(-?\\d+)(\\.0*)?$', 1)"
        return f"try_cast(nullif({plain}, '') as {column.type})"
    return f"try_cast({given} as {column.type})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _chain(spec: ReturnSpec, name: str) -> list[str]:
    """The tables from this one up to that of persons; empty outside a person."""
    if spec.person is None:
        return []
    chain = [name]
    while chain[-1] != spec.person.table:
        parent = spec.tables[chain[-1]].parent
        if parent is None:
            return []
        chain.append(parent)
    return chain


def _person_record(spec: ReturnSpec, name: str) -> str:
    chain = _chain(spec, name)
    if not chain:
        return "null::bigint"
    return "received.record" if len(chain) == 1 else f"ancestor_{len(chain) - 1}.record"


def _person_join(spec: ReturnSpec, name: str, prefix: str) -> str:
    """Left joins up to the person; many records to one ancestor each."""
    joins = []
    child = "received"
    for level, ancestor in enumerate(_chain(spec, name)[1:], start=1):
        joins.append(
            f'left join "{prefix}_{ancestor}" as ancestor_{level} on ancestor_{level}.record = {child}.parent_record'
        )
        child = f"ancestor_{level}"
    return " ".join(joins)


def copy_from_siblings(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, periods: Sequence[str]) -> None:
    """Give typed records the values that another record of the same parent, or the parent, holds in these periods."""
    for name, table in spec.for_period(periods[0]).tables.items():
        for column_name, column in table.columns.items():
            source = column.copied_from
            if source is None:
                continue
            assert table.parent == source.table
            connection.execute(
                f"""
                update "{name}" as own
                set "{column_name}" = holder."{source.column}", "{column_name}_raw" = holder."{source.column}_raw"
                from "{source.table}" as holder
                where own.submission_id in {_of_periods()} and holder.submission_id = own.submission_id
                    and holder.record = own.parent_record and own."{source.where_column}" = ?
                """,
                [periods, source.equals],
            )


def _of_periods() -> str:
    return "(select submission_id from root_submission where list_contains(?, period))"


def find_unusable(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, periods: Sequence[str]) -> None:
    """Record in `unusable_row` the rows that hang from nothing, and those whose date or number cannot be read.

    The header is never set aside: without it nothing could be said of the rest.
    """
    of_period = spec.for_period(periods[0])
    for name, table in spec.tables.items():
        if table.parent is None:
            continue
        connection.execute(
            f"""
            insert into unusable_row
            select own.submission_id, own.source_file, own.source_row, '{name}', '{UNLINKED_ROW}'
            from "{name}" as own
            anti join "{table.parent}" as parent
                on parent.submission_id = own.submission_id and parent.record = own.parent_record
            where own.submission_id in {_of_periods()}
            """,
            [periods],
        )
        typed = [column_name for column_name, column in of_period.tables[name].columns.items() if column.must_type]
        if typed:
            wrong = " or ".join(f'"{column_name}_raw" is not null' for column_name in typed)
            connection.execute(
                f"insert into unusable_row select submission_id, source_file, source_row, '{name}', '{UNTYPABLE_ROW}'"
                f' from "{name}" where submission_id in {_of_periods()} and ({wrong})',
                [periods],
            )


def drop_raw_tables(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec) -> None:
    """Let go of the records as received."""
    for name in spec.tables:
        connection.execute(f'drop table if exists "raw_{name}"')
