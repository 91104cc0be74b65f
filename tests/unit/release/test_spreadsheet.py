"""The spreadsheet of open KPIs keeps the habits of accessible spreadsheets, and shows what kpi_open shows."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from openpyxl import load_workbook
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from orchestration.release import spreadsheet
from orchestration.release.ees import UNITS
from orchestration.release.spreadsheet import SheetContent, read_contents, sheet_label, write_spreadsheet

RELEASE = {
    "release_id": "20260302T090000Z-0123abcd",
    "created_at": datetime(2026, 3, 2, 9, 0),
    "people": "invented people; published figures are real",
}
# Beside the values of the small warehouse: the same count by own returns, an estimate, money below zero, a symbol of each
# kind, text that a spreadsheet would take for a formula, and a comparison.
MORE = """
delete from kpi_open.kpi_value where breakdown = 'Female';
insert into kpi_open.kpi_value by name
select
    kpi_value_key, kpi_id, 'local_authority' as area_level, 'own_authority' as area_role, 'E08000018' as area_code,
    'Rotherham' as area_name, '372' as la_code, identifier as time_identifier, period as time_period, topic as breakdown_topic,
    item as breakdown, value, unit, symbol, basis as value_basis, label as value_label, ends as period_end
from (values
    ('own', 'ehc_requests', 'Calendar year', '2024', null, null, 961, 'count', null, 'local', null, date '2024-12-31'),
    ('few', 'ehc_requests', 'Calendar year', '2024', 'Sex', '=Female', null, 'count', 'c', 'local', null, date '2024-12-31'),
    ('gone', 'ehc_requests', 'Calendar year', '2023', null, null, null, 'count', 'x', 'published', null, date '2023-12-31'),
    ('none', 'plans_20_weeks_pct', 'Calendar year', '2024', 'Sex', 'Unknown', null, 'percent', 'z', 'local', null, date '2024-12-31'),
    ('low', 'plans_20_weeks_pct', 'Calendar year', '2024', 'Sex', 'Male', null, 'percent', 'low', 'local', null, date '2024-12-31'),
    ('guess', 'therapy_weeks', 'May', '2025', null, null, 12.25, 'weeks', 'u', 'local', null, date '2025-05-31'),
    ('term', 'therapy_weeks', 'Autumn term', '202526', null, null, 9, 'weeks', null, 'local', null, date '2025-12-31'),
    ('spend', 'spend_variance', 'Financial year Q3', '202526', null, null, -1234567.5, 'gbp', null, 'local', 'adverse', date '2025-12-31')
) as given (kpi_value_key, kpi_id, identifier, period, topic, item, value, unit, symbol, basis, label, ends);
insert into kpi_open.kpi_catalogue by name
from (values
    ('therapy_weeks', 'Weeks waited', 'therapy_waits', 'Median wait.', 'weeks'),
    ('spend_variance', 'Spend against plan', 'finance_safety_valve', null, 'gbp')
) as given (kpi_id, title, family, definition, unit);
insert into kpi_open.kpi_comparison by name
select comparator || kpi_value_key as kpi_comparison_key, kpi_value_key, kind as comparator_type, value as comparator_value,
    if(kind = 'statistical_neighbour', 2, null) as neighbour_rank, if(kind = 'statistical_neighbour', 4, null) as neighbour_count
from (values
    ('4', 'england', 'England', 46.44), ('4', 'statistical_neighbour', 'Barnsley', 60.0),
    ('4', 'statistical_neighbour', 'Doncaster', 70.5), ('4', 'statistical_neighbour', 'Dudley', 90.0)
) as given (kpi_value_key, kind, comparator, value);
"""


@pytest.fixture
def content(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> dict[str, SheetContent]:
    warehouse.execute(MORE)
    return write_spreadsheet(warehouse, tmp_path / "kpis.xlsx", RELEASE)


@pytest.fixture
def book(content: dict[str, SheetContent], tmp_path: Path) -> Iterator[Workbook]:
    assert content
    opened = load_workbook(tmp_path / "kpis.xlsx")
    yield opened
    opened.close()


def table_of(sheet: Worksheet) -> list[list[Any]]:
    [table] = sheet.tables.values()
    return [[cell.value for cell in row] for row in sheet[table.ref]]


def records(sheet: Worksheet) -> list[dict[str, Any]]:
    header, *rows = table_of(sheet)
    return [dict(zip(header, row, strict=True)) for row in rows]


# --- habits -----------------------------------------------------------------------------------------------------


def test_sheets_come_as_cover_contents_notes_summary_families_definitions(book: Workbook) -> None:
    assert book.sheetnames == [
        "Cover",
        "Contents",
        "Notes",
        "Summary",
        "EHCP process",
        "Finance safety valve",
        "Therapy waits",
        "Definitions",
    ]
    assert all(len(name) <= 31 for name in book.sheetnames)
    assert all(sheet.sheet_state == "visible" for sheet in book.worksheets)


def test_the_cover_says_what_it_is_whose_people_and_under_which_licence(book: Workbook) -> None:
    lines = [cell.value for cell in book["Cover"]["A"]]
    assert lines[0] == "Special educational needs and disability: key performance indicators, Rotherham"
    assert "Release 20260302T090000Z-0123abcd, made on 2 March 2026." in lines
    assert "Contains public sector information licensed under the Open Government Licence v3.0." in lines
    assert (
        "The people behind the local figures are invented: nobody in this file exists. Published figures are real."
        in lines
    )
    assert lines[lines.index("Contact") + 1].startswith("The performance and intelligence lead")
    assert book["Cover"].max_column == 1
    assert None not in lines


def test_a_workbook_about_real_people_does_not_call_them_invented(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write_spreadsheet(warehouse, tmp_path / "real.xlsx", RELEASE | {"people": "real people"})
    cover = load_workbook(tmp_path / "real.xlsx")["Cover"]
    assert not [cell.value for cell in cover["A"] if "invented" in cell.value]


def test_contents_list_and_link_every_table(book: Workbook) -> None:
    sheet = book["Contents"]
    listed = [row["Sheet name"] for row in records(sheet)]
    assert listed == book.sheetnames[3:]
    targets = {cell.value: cell.hyperlink.location for row in sheet.iter_rows() for cell in row if cell.hyperlink}
    assert targets == {name: f"'{name}'!A1" for name in listed}
    assert [row["Table description"] for row in records(sheet)] == [book[name]["A1"].value for name in listed]


def test_every_sheet_but_the_cover_has_a_title_and_one_whole_table(book: Workbook) -> None:
    for sheet in book.worksheets[1:]:
        [table] = sheet.tables.values()
        first, last = table.ref.split(":")
        head = int(re.sub("[A-Z]", "", first))
        assert sheet["A1"].value
        assert sheet["A1"].font.bold
        assert sheet["A2"].value == "This worksheet contains one table."
        # Nothing beside, below or between: the lines above touch the table, which ends the sheet.
        assert first == f"A{head}"
        assert last == f"{sheet.cell(1, sheet.max_column).column_letter}{sheet.max_row}"
        assert all(sheet.cell(row, 1).value for row in range(1, head))
        assert table.headerRowCount in (None, 1)
        assert [column.name for column in table.tableColumns] == table_of(sheet)[0]
        assert all(value is not None and value != "" for row in table_of(sheet) for value in row)


def test_nothing_is_merged_hidden_or_out_of_sight(book: Workbook) -> None:
    for sheet in book.worksheets:
        assert not sheet.merged_cells.ranges
        assert not [row for row in sheet.row_dimensions.values() if row.hidden]
        assert not [column for column in sheet.column_dimensions.values() if column.hidden]
    for sheet in book.worksheets[1:]:
        [table] = sheet.tables.values()
        head = int(re.sub("[A-Z]", "", table.ref.split(":")[0]))
        assert sheet.freeze_panes == f"A{head + 1}"
        widths = {
            number: dimension.width
            for dimension in sheet.column_dimensions.values()
            for number in range(dimension.min, dimension.max + 1)
        }
        assert all(widths[cell.column] >= 16 for cell in sheet[head])
        assert all(cell.alignment.wrap_text for row in sheet[table.ref] for cell in row)


def test_properties_name_title_and_language(book: Workbook) -> None:
    assert book.properties.title == "Special educational needs and disability: key performance indicators, Rotherham"
    assert book.properties.created == RELEASE["created_at"]
    assert [(item.name, item.value) for item in book.custom_doc_props.props] == [("Language", "en-GB")]


def test_every_symbol_and_note_that_is_used_is_explained(book: Workbook) -> None:
    notes = {row["Note number"]: row["Note text"] for row in records(book["Notes"])}
    explained = {match for text in notes.values() for match in re.findall(r"^\[\w+\]", text)}
    cells = [cell.value for sheet in book.worksheets[3:] for row in sheet.iter_rows() for cell in row]
    texts = [value for value in cells if isinstance(value, str)]
    referred = {int(number) for text in texts for number in re.findall(r"\[note (\d+)\]", text)}
    assert referred == set(notes)
    brackets = {match for text in texts for match in re.findall(r"\[\w+\]", text)}
    assert brackets == explained == {"[c]", "[low]", "[u]", "[x]", "[z]"}
    # A symbol without its brackets would be taken for text.
    assert not {"c", "x", "z", "u", "low"} & set(texts)


# --- values -----------------------------------------------------------------------------------------------------


def test_a_family_shows_own_returns_beside_what_is_published_in_order_of_time(book: Workbook) -> None:
    assert table_of(book["EHCP process"])[0] == [
        "KPI",
        "Period",
        "Breakdown topic",
        "Breakdown",
        "Unit",
        "Rotherham, own returns",
        "Rotherham, published",
        "Yorkshire and The Humber",
        "England",
        "Remarks",
    ]
    rows = {
        (row["KPI"], row["Period"], row["Breakdown"]): list(row.values())[5:] for row in records(book["EHCP process"])
    }
    requests, issued = "Requests for assessment", "New plans issued in 20 weeks"
    assert list(rows.items()) == [
        ((issued, "Calendar year 2024", "Total"), ["[x]", 77.7, 61.3, "[x]", "None"]),  # 61.25 rounds half up
        ((issued, "Calendar year 2024", "Male"), ["[low]", "[x]", "[x]", "[x]", "None"]),
        ((issued, "Calendar year 2024", "Unknown"), ["[z]", "[x]", "[x]", "[x]", "None"]),
        ((requests, "Calendar year 2023", "Total"), ["[x]", "[x]", "[x]", "[x]", "None"]),
        ((requests, "Calendar year 2024", "Total"), [961, 959, "[x]", 154489, "None"]),
        ((requests, "Financial year 2024/25", "Total"), ["[x]", 940, "[x]", "[x]", "None"]),
        ((requests, "Calendar year 2024", "=Female"), ["[c]", "[x]", "[x]", "[x]", "None"]),
    ]


def test_periods_are_told_in_words_and_estimates_are_remarked(book: Workbook) -> None:
    waits = {(row["KPI"], row["Period"]): row for row in records(book["Therapy waits"])}
    assert list(waits) == [
        ("Children waiting", "October 2025"),
        ("Weeks waited", "May 2025"),
        ("Weeks waited", "Autumn term 2025/26"),
    ]
    estimate = waits["Weeks waited", "May 2025"]
    assert (estimate["Rotherham, own returns"], estimate["Remarks"]) == (12.3, "Rotherham: [u]")
    [spend] = records(book["Finance safety valve"])
    assert (spend["Period"], spend["Rotherham, own returns"]) == ("Financial year 2025/26, quarter 3", -1234568)
    assert spend["Remarks"] == "Rotherham: adverse"


def test_numbers_are_numbers_with_the_format_of_their_unit(book: Workbook) -> None:
    formats = {
        (type(cell.value).__name__, sheet.title, cell.number_format)
        for sheet in book.worksheets[4:7]
        for row in sheet[next(iter(sheet.tables.values())).ref][1:]
        for cell in row
        if not isinstance(cell.value, str)
    }
    assert formats == {
        ("int", "EHCP process", "#,##0"),
        ("float", "EHCP process", "#,##0.0"),
        ("int", "Finance safety valve", "#,##0"),
        ("int", "Therapy waits", "#,##0"),
        ("int", "Therapy waits", "#,##0.0"),
        ("float", "Therapy waits", "#,##0.0"),
    }
    text = next(cell for cell in book["EHCP process"]["D"] if cell.value == "=Female")
    assert text.data_type == "s"


def test_the_summary_has_each_latest_total_and_the_last_that_can_be_compared(book: Workbook) -> None:
    rows = {row["KPI"]: row for row in records(book["Summary"])}
    assert list(rows) == [
        "New plans issued in 20 weeks",
        "Requests for assessment",
        "Spend against plan",
        "Weeks waited",
    ]
    assert list(rows["New plans issued in 20 weeks"].values()) == [
        "EHCP process",
        "New plans issued in 20 weeks",
        "Percent",
        "Calendar year 2024",
        "Published",
        "Calendar year 2024",
        77.7,
        77.7,
        "[x]",
        46.4,
        70.5,
        2,
        4,
        "No figure is held of the region.",
    ]
    latest = rows["Requests for assessment"]
    assert (latest["Latest period"], latest["Rotherham, latest"], latest["Compared in"]) == (
        "Financial year 2024/25",
        940,
        "[x]",
    )
    assert latest["Remarks"] == "No figure of another area is held."


def test_the_summary_says_why_a_cell_is_empty(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    warehouse.execute(MORE)
    warehouse.execute(
        """
        update kpi_open.kpi_value set value = null, symbol = 'c' where kpi_id = 'ehc_requests' and breakdown is distinct from 'Female';
        update kpi_open.kpi_value set coverage_note = 'Part of the year.' where kpi_id = 'plans_20_weeks_pct';
        update kpi_open.kpi_comparison set neighbour_rank = null, neighbour_count = null;
        """
    )
    write_spreadsheet(warehouse, tmp_path / "empty.xlsx", RELEASE)
    remarks = {row["KPI"]: row["Remarks"] for row in records(load_workbook(tmp_path / "empty.xlsx")["Summary"])}
    assert remarks["Requests for assessment"] == (
        "The latest figure is withheld: it could tell of too few children. No figure of another area is held."
    )
    assert remarks["New plans issued in 20 weeks"] == (
        "Part of the year. No figure is held of the region. Not ranked, because there is no own figure to rank."
    )


def test_definitions_cover_the_catalogue_and_say_what_is_missing(book: Workbook) -> None:
    rows = {row["KPI id"]: row for row in records(book["Definitions"])}
    assert set(rows) == {"ehc_requests", "plans_20_weeks_pct", "therapy_waiting", "therapy_weeks", "spend_variance"}
    assert rows["ehc_requests"]["Definition"] == "Requests received in the year."
    assert rows["spend_variance"]["Definition"] == "[x]"
    assert rows["ehc_requests"]["In this release"].endswith("numbers")


def test_only_the_open_schema_is_read(
    warehouse: duckdb.DuckDBPyConnection, content: dict[str, SheetContent], tmp_path: Path
) -> None:
    copy = duckdb.connect()
    copy.execute("create schema kpi_open")
    for table in ("kpi_value", "kpi_catalogue", "kpi_comparison", "kpi_availability"):
        frame = warehouse.execute(f"from kpi_open.{table}").to_arrow_table()
        assert frame.num_rows
        copy.execute(f"create table kpi_open.{table} as from frame")
    assert write_spreadsheet(copy, tmp_path / "alone.xlsx", RELEASE) == content


def test_what_is_written_is_what_is_read_back(content: dict[str, SheetContent], tmp_path: Path) -> None:
    read = read_contents(tmp_path / "kpis.xlsx")
    assert {label: read[label] for label in content} == content
    assert content["EHCP process"] == SheetContent(rows=7, numbers=6, confidential=1)


def test_a_second_writing_of_the_same_values_is_byte_identical(
    warehouse: duckdb.DuckDBPyConnection, content: dict[str, SheetContent], tmp_path: Path
) -> None:
    assert content
    write_spreadsheet(warehouse, tmp_path / "again.xlsx", RELEASE)
    assert (tmp_path / "again.xlsx").read_bytes() == (tmp_path / "kpis.xlsx").read_bytes()


def test_a_sheet_that_would_be_too_long_leaves_out_its_oldest_periods_and_says_so(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.execute(MORE)
    monkeypatch.setattr(spreadsheet, "ROW_LIMIT", 6)
    content = write_spreadsheet(warehouse, tmp_path / "kpis.xlsx", RELEASE)
    sheet = load_workbook(tmp_path / "kpis.xlsx")["EHCP process"]
    assert content["EHCP process"].rows == len(records(sheet)) == 6
    assert "Calendar year 2023" not in {row["Period"] for row in records(sheet)}
    assert "The 1 oldest values are in the CSV files only." in sheet["A5"].value


def test_without_values_of_the_authority_there_is_no_summary(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    warehouse.execute("delete from kpi_open.kpi_value where area_level = 'local_authority'")
    write_spreadsheet(warehouse, tmp_path / "kpis.xlsx", RELEASE)
    book = load_workbook(tmp_path / "kpis.xlsx")
    assert book.sheetnames == ["Cover", "Contents", "Notes", "EHCP process", "Therapy waits", "Definitions"]
    assert book["Cover"]["A1"].value == "Special educational needs and disability: key performance indicators"
    assert len(records(book["Notes"])) == 7


def test_every_unit_has_a_name() -> None:
    assert set(spreadsheet.UNIT_NAMES) == set(UNITS)


@pytest.mark.parametrize(
    ("family", "label"),
    [("ehcp_stock", "EHCP stock"), ("therapy_waits", "Therapy waits"), ("a" * 40, "A" + "a" * 30)],
)
def test_a_sheet_is_named_for_its_family(family: str, label: str) -> None:
    assert sheet_label(family) == label
