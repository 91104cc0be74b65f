"""Where in its file a failing row is: line, path, sheet; and, only when asked, whom it is about."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

import duckdb

from orchestration.check.report import CheckedTable, FilledColumn, Location
from orchestration.returns.assess import Assessed
from orchestration.returns.delivered import DataFile
from orchestration.returns.places import module_of, place_of, spreadsheet_row
from orchestration.returns.spec import LandedTable, ReturnSpec, normalised
from orchestration.sql_text import quoted

_NOT_OF_THE_FILE = {"submission_id", "source_file", "source_row"}

Lines = Mapping[str, list[int]]


def find_locations(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    assessed: Assessed,
    xml: DataFile | None,
    *,
    show_identifiers: bool,
) -> dict[str, list[Location]]:
    """Every place where a rule fails in one submission, by rule, in file order.

    Args:
        connection: the workspace in which it was assessed.
        spec: its return.
        assessed: the submission.
        xml: its file, where it is XML.
        show_identifiers: whether names and numbers of the person are read beside each place.
    """
    found: dict[str, list[Location]] = defaultdict(list)
    # A table of its own only where rows can be told from each other; rules about the whole file name none.
    order = {name: position for position, name in enumerate(spec.tables)}
    tables = sorted({failure.table_name for failure in assessed.failures}, key=lambda name: order.get(name, -1))
    lines = _lines_of(xml, spec, assessed) if xml is not None else {}
    for table in tables:
        if table in spec.tables and spec.tables[table].key:
            rows = _record_rows(connection, spec, assessed.submission_id, table, xml is not None, show_identifiers)
        else:
            rows = [
                (failure.rule_id, failure.source_file, failure.source_row, failure.cell, None, None, None)
                for failure in assessed.failures
                if failure.table_name == table
            ]
        for rule_id, file, row, cell, path, person_row, names in rows:
            place = place_of(spec, table, row, cell)
            found[rule_id].append(
                Location(
                    file=file,
                    table=place.table,
                    module=module_of(spec, place.table),
                    row=place.row,
                    line=_line(spec, assessed, place.table, place.row, lines),
                    sheet=assessed.sheets.get(place.table),
                    path=path,
                    person_line=_line(spec, assessed, spec.person.table, person_row, lines) if spec.person else None,
                    cell=place.cell,
                    identifiers=names,
                )
            )
    return found


def _line(spec: ReturnSpec, assessed: Assessed, table: str, row: int | None, lines: Lines) -> int | None:
    if not row:
        return None
    shape = spec.files[assessed.kind].shape
    if shape == "record_xml":
        known = lines.get(table)
        return known[row - 1] if known else None
    return spreadsheet_row(shape, row)


def _record_rows(
    connection: duckdb.DuckDBPyConnection,
    spec: ReturnSpec,
    submission_id: str,
    table: str,
    with_path: bool,
    show_identifiers: bool,
) -> list[tuple[Any, ...]]:
    """(rule_id, source_file, source_row, cell, path, person's row, identifiers) of a table of records."""
    path = "null"
    if with_path:
        _number_siblings(connection, spec, submission_id, table)
        path = "place.path"
    join = f"left join {quoted('path_' + table)} as place on place.record = own.record" if with_path else ""
    person_row, names = "null", "null"
    if spec.person is not None and spec.is_in_person(table):
        join += (
            f" left join {quoted(spec.person.table)} as person"
            " on person.submission_id = own.submission_id and person.record = own.person_record"
        )
        if table != spec.person.table:
            person_row = "person.source_row"
        named = {
            name: column
            for name in ("surname", "forename", "upn", "uln")
            if (column := getattr(spec.person, name)) is not None
        }
        if show_identifiers and named:
            names = (
                f"struct_pack({', '.join(f'{name} := {_as_given(spec, column)}' for name, column in named.items())})"
            )
    return connection.execute(
        f"""
        select failed.rule_id, failed.source_file, failed.source_row, failed.cell, {path}, {person_row}, {names}
        from landing_failure as failed
        left join {quoted(table)} as own
            on own.submission_id = failed.submission_id
            and own.source_file = failed.source_file
            and own.source_row = failed.source_row
        {join}
        where failed.table_name = ? and failed.submission_id = ?
        order by failed.source_file, failed.source_row nulls first, failed.cell, failed.rule_id
        """,
        [table, submission_id],
    ).fetchall()


def _as_given(spec: ReturnSpec, column: str) -> str:
    """SQL of an identifier of the person as the file has it, valid or not."""
    assert spec.person is not None
    is_checked = spec.tables[spec.person.table].columns[column].is_checked
    given = f"cast(person.{quoted(column)} as varchar)"
    return f"coalesce({given}, person.{quoted(column + '_raw')})" if is_checked else given


def _number_siblings(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, submission_id: str, table: str) -> None:
    """Make `path_<table>`: record and `Person[12]/Requests[1]`, for this table and those above it."""
    own, module = spec.tables[table], module_of(spec, table)
    above = own.parent if own.parent is not None and own.parent != spec.root_table else None
    if above is not None:
        _number_siblings(connection, spec, submission_id, above)
    prefix, join = "", ""
    if above is not None:
        prefix = "coalesce(above.path || '/', '') || "
        join = f"left join {quoted('path_' + above)} as above on above.record = own.parent_record"
    connection.execute(
        f"""
        create or replace temp table {quoted("path_" + table)} as
        select
            own.record,
            {prefix}'{module}[' || row_number() over (partition by own.parent_record order by own.record) || ']' as path
        from {quoted(table)} as own {join}
        where own.submission_id = ?
        """,
        [submission_id],
    )


def _lines_of(xml: DataFile, spec: ReturnSpec, assessed: Assessed) -> Lines:
    """The line on which each record of each table starts, in the order in which the reader numbers records.

    A second look at a file that was read: libxml2 counts lines up to 65,535 alone. A table is left out where the two
    looks count differently, or could.
    """
    assert spec.person is not None
    tables = {
        normalised(element.rsplit("/", 1)[-1]): table
        for table, source in spec.sources.values()
        for element in source.elements
    }
    found: dict[str, list[int]] = defaultdict(list)
    persons = {name for name, table in tables.items() if table == spec.person.table}
    spellings: dict[str, set[str]] = defaultdict(set)
    open_persons = 0
    parser = expat.ParserCreate()

    def start(tag: str, _attributes: dict[str, str]) -> None:
        nonlocal open_persons
        local = tag.rsplit(":", 1)[-1]
        name = normalised(local)
        if name in persons:
            open_persons += 1
            spellings[name].add(local)
        table = tables.get(name)
        if table is not None and (open_persons or table == spec.root_table):
            found[table].append(parser.CurrentLineNumber)

    def end(tag: str) -> None:
        nonlocal open_persons
        open_persons -= normalised(tag.rsplit(":", 1)[-1]) in persons

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        with xml.open() as stream:
            parser.ParseFile(stream)
    except (expat.ExpatError, LookupError, ValueError):  # an encoding that libxml2 knows and expat does not
        return {}
    if any(
        len(written) > 1 for written in spellings.values()
    ):  # the reader numbers persons spelt as no other after all others
        return {}
    return {table: lines for table, lines in found.items() if len(lines) == assessed.tables[table].rows_read}


def describe_tables(connection: duckdb.DuckDBPyConnection, spec: ReturnSpec, assessed: Assessed) -> list[CheckedTable]:
    """Rows and completeness of every table, by what the period collects."""
    of_period = spec.for_period(assessed.period) if spec.holds_records else spec
    described = []
    for name, rows in assessed.tables.items():
        table = of_period.tables.get(name, spec.tables[name])
        described.append(
            CheckedTable(
                table=name,
                module=module_of(spec, name),
                rows_read=rows.rows_read,
                rows_usable=rows.rows_landed,
                rows_set_aside=rows.rows_quarantined,
                columns=_filled(connection, table, name, assessed.submission_id),
            )
        )
    return described


def _filled(
    connection: duckdb.DuckDBPyConnection, table: LandedTable, name: str, submission_id: str
) -> list[FilledColumn]:
    columns = {
        column_name: column
        for column_name, column in table.columns.items()
        if column_name not in _NOT_OF_THE_FILE and (column.names or not table.key)
    }
    counts = []
    for column_name, column in columns.items():
        raw = f"count({quoted(column_name + '_raw')})" if table.key and column.is_checked else "0"
        counts += [f"count({quoted(column_name)}) + {raw}", raw]
    row = connection.execute(
        f"select {', '.join(counts)} from {quoted(name)} where submission_id = ?", [submission_id]
    ).fetchone()
    assert row is not None
    return [
        FilledColumn(column_name, column.names[0] if column.names else column_name, row[2 * i], row[2 * i + 1])
        for i, (column_name, column) in enumerate(columns.items())
    ]
