"""The blank workbook is what the spec says: tables, lists, formulas, notes, and what the last return leaves to repeat."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from expectations.catalogue import load_catalogue
from orchestration.cli import app
from orchestration.errors import CornerstoneError
from orchestration.returns.land import land_return
from orchestration.returns.spec import load_spec
from orchestration.settings import Settings
from orchestration.template.workbook import template_returns, write_template
from orchestration.warehouse import prepare_store
from tests.invented_safety_valve import CLOSING, area, lines, write_return
from tests.unit.returns.conftest import NOON

SPEC = load_spec("safety_valve")
ANCHORS = {
    "tblCover": ("Cover", "A4"), "tblFinance": ("Financial_Position", "A4"), "tblHighNeeds": ("HN_Expenditure", "A4"),
    "tblMemo": ("HN_Expenditure", "A24"), "tblEhcp": ("EHCP_Placements", "A4"), "tblFlows": ("EHCP_Placements", "A44"),
    "tblUnitCost": ("EHCP_Placements", "A58"), "tblConditions": ("Conditions", "A4"), "tblPlaces": ("Sufficiency", "A4"),
    "tblDemand": ("Sufficiency", "A64"), "tblRisks": ("Risks_Narrative", "A4"), "tblNarrative": ("Risks_Narrative", "A44"),
    "tblSignOff": ("Sign_Off", "A4"),
}  # fmt: skip


def blank(settings: Settings, folder: Path, quarter: str) -> Workbook:
    with write_template(settings, "safety-valve", quarter, folder).path.open("rb") as stream:
        return load_workbook(stream)


@pytest.fixture
def book(settings: Settings, tmp_path: Path) -> Workbook:
    return blank(settings, tmp_path, "2025-26Q3")


def cells(book: Workbook, table: str, *keys: str) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The lines of a table: what stands in the key columns, and the cells by column."""
    sheet, _, columns, _ = area(book, table)
    for key, row in lines(book, table, *keys).items():
        yield key, {column: sheet.cell(row, number) for column, number in columns.items()}


def test_tables_stand_where_they_are_anchored_and_have_the_columns_of_the_spec(book: Workbook) -> None:
    assert book.sheetnames == list(dict.fromkeys(sheet for sheet, _ in ANCHORS.values()))
    found = {name: (sheet.title, ref.split(":")[0]) for sheet in book for name, ref in sheet.tables.items()}
    assert found == ANCHORS
    for name, table in SPEC.tables.items():
        [source] = table.sources.values()
        _, _, columns, _ = area(book, source.titles[0])
        expected = [column.names[0] for column in table.columns.values()] if source.pairs is None else ["key", "value"]
        assert list(columns) == expected, name
    keys = [key for (key,), _ in cells(book, "tblCover", "key")]
    assert keys == list(SPEC.tables["sv_cover"].columns)


def test_the_cover_says_of_when_the_return_is(book: Workbook, tmp_path: Path) -> None:
    cover = {key: line["value"].value for (key,), line in cells(book, "tblCover", "key")}
    assert (cover["return_id"], cover["la_code"], cover["stage"]) == ("RSV", "372", "DRAFT")
    assert (cover["financial_year"], cover["quarter"], cover["version"]) == ("202526", 3, 1)
    assert cover["period_end"].date() == date(2025, 12, 31)
    assert (tmp_path / "rsv_372_202526_Q3_v1.xlsx").is_file()


def test_what_is_entered_is_open_and_what_is_worked_out_is_locked(book: Workbook) -> None:
    finance = dict(cells(book, "tblFinance", "block", "line_code"))
    assert len(finance) == 26
    closing, spent = finance["ALL", "CLOSING"], finance["SB", "EXPENDITURE"]
    assert closing["q3_forecast_gbp"].value == '=IF(COUNT(L5,L26,L27,L28)<4,"",SUM(L5,L26,L27,L28))'
    assert finance["SB", "IN_YEAR"]["plan_gbp"].value == '=IF(COUNT(E6,E7,E8,E9)<4,"",SUM(E6,E7)-SUM(E8,E9))'
    assert closing["q4_forecast_gbp"].value is closing["q1_actual_gbp"].value is None
    assert spent["line_label"].value == "Net expenditure"
    is_open = {column for column, cell in spent.items() if not cell.protection.locked}
    assert is_open == {
        "agreement_gbp", "plan_gbp", "budget_gbp", "q1_actual_gbp", "q1_forecast_gbp", "q2_actual_gbp", "q2_forecast_gbp",
        "q3_actual_gbp", "q3_forecast_gbp", "note",
    }  # fmt: skip
    assert [column for column, cell in closing.items() if not cell.protection.locked] == ["note"]
    colours = {
        closing["plan_gbp"].fill.fgColor.rgb,
        spent["plan_gbp"].fill.fgColor.rgb,
        spent["outturn_gbp"].fill.fgColor.rgb,
    }
    assert len(colours) == 3
    cost = next(line for _, line in cells(book, "tblUnitCost", "placement_code", "cost_basis"))
    assert cost["unit_cost_forecast_gbp"].value == '=IF(COUNT(G59,D59)<2,"",IF(D59>0,ROUND(G59/D59,0),""))'
    assert all(sheet.protection.sheet and sheet.protection.password is None for sheet in book)


def test_every_line_and_column_is_explained_and_choices_are_lists(book: Workbook) -> None:
    for sheet in SPEC.template.sheets if SPEC.template else []:
        for table in sheet.tables:
            _, source = SPEC.sources[table.source]
            if source.pairs is not None:
                continue
            place, top, columns, _ = area(book, source.titles[0])
            assert all(place.cell(top, number).comment for number in columns.values())
            for column in table.notes:
                for row in range(top + 1, top + 1 + sum(1 for key in lines(book, source.titles[0], column) if key[0])):
                    code = place.cell(row, columns[column]).value
                    if code in table.notes[column]:
                        assert table.notes[column][str(code)] in str(
                            place.cell(row, 1).comment and place.cell(row, 1).comment.text
                        )
    ratings = rules_at(book["Conditions"], "H5")
    assert [rule.formula1 for rule in ratings] == ['"R,A,G,C"']
    assert [rule.type for rule in rules_at(book["Financial_Position"], "E6")] == ["whole"]
    assert [rule.type for rule in rules_at(book["Conditions"], "G6")] == ["date"]
    assert [rule.formula1 for rule in rules_at(book["Cover"], "B13")] == ['"DRAFT,SUBMITTED,FINAL"']
    said = [str(row[0].value) for row in book["Cover"].iter_rows(min_row=23, max_col=1)]
    assert sum("deficit" in sentence for sentence in said) == 1


def rules_at(sheet: Worksheet, place: str) -> list[Any]:
    return [rule for rule in sheet.data_validations.dataValidation if place in rule.cells]


def test_sheets_can_be_read_and_printed(book: Workbook) -> None:
    for sheet in book:
        assert sheet.freeze_panes is not None
        assert sheet.page_setup.orientation == "landscape" and sheet.sheet_properties.pageSetUpPr.fitToPage
    assert book["Financial_Position"].freeze_panes == "D5"
    assert book["Financial_Position"].column_dimensions["C"].width >= len("Balance the agreement or plan expects")


def test_figures_of_closed_quarters_are_those_that_were_accepted(settings: Settings, tmp_path: Path) -> None:
    prepare_store(settings)
    rules = load_catalogue(settings.rules_dir)
    changed = {
        ("tblConditions", 1, "rag"): "A",
        ("tblConditions", 1, "comment"): "Slow",
        ("tblConditions", 1, "owner_role"): "DCS",
    }
    write_return(settings.inbox_dir / "safety_valve", settings, "2025-26Q1", changed=changed)
    [submission] = land_return(settings, "safety_valve", rules, now=NOON).committed
    assert (submission.status, submission.failures) == ("accepted", {})
    written = write_template(settings, "safety-valve", "2025-26Q2", tmp_path)
    assert (written.repeats, written.path.name) == ("2025-26Q1", "rsv_372_202526_Q2_v1.xlsx")
    with written.path.open("rb") as stream:
        book = load_workbook(stream)
    spent = dict(cells(book, "tblFinance", "block", "line_code"))["SB", "EXPENDITURE"]
    assert (spent["q1_actual_gbp"].value, spent["q1_forecast_gbp"].value) == (238_850_756 // 5, 238_850_756)
    assert spent["q2_actual_gbp"].value is spent["note"].value is None
    # Plan and budget go on until they are approved anew: they are there, and open.
    assert spent["plan_gbp"].value == spent["budget_gbp"].value == 238_850_756
    assert spent["plan_gbp"].fill.fgColor.rgb == spent["q2_actual_gbp"].fill.fgColor.rgb
    assert not spent["plan_gbp"].protection.locked
    assert dict(cells(book, "tblHighNeeds", "line_code"))["1.2.3",]["budget_gbp"].value == 3_700_123
    assert dict(cells(book, "tblMemo", "line_code"))["1.4.11",]["plan_gbp"].value == 1_234_567
    placements = dict(cells(book, "tblEhcp", "measure_group", "category_code"))
    assert placements["PLACEMENT", "NMISS"]["plan_count"].value == 120
    costs = dict(cells(book, "tblUnitCost", "placement_code", "cost_basis"))["NMISS", "FULL"]
    assert costs["cost_plan_gbp"].value is not None and costs["cost_forecast_gbp"].value is None
    assert spent["q1_actual_gbp"].fill.fgColor.rgb != spent["q2_actual_gbp"].fill.fgColor.rgb
    assert not spent["q1_actual_gbp"].protection.locked
    flows = dict(cells(book, "tblFlows", "flow_code"))
    assert [flows["ISSUED",][column].value for column in ("q1", "q2", "year_forecast")] == [100, None, None]
    conditions = [line for _, line in cells(book, "tblConditions", "condition_id")]
    first = {column: cell.value for column, cell in conditions[0].items()}
    assert (first["condition_id"], first["rag_previous"], first["rag"], first["comment"]) == ("SVC-01", "A", None, None)
    assert first["owner_role"] == "DCS"
    assert [role for (role,), _ in cells(book, "tblSignOff", "role_code")][:2] == ["S151", "DCS"]
    # The same quarter again starts from the whole of what was accepted, as the next version.
    again = blank(settings, tmp_path, "2025-26Q1")
    assert {key: line["value"].value for (key,), line in cells(again, "tblCover", "key")}["version"] == 2
    spent = dict(cells(again, "tblFinance", "block", "line_code"))["SB", "EXPENDITURE"]
    assert spent["plan_gbp"].value == 238_850_756
    assert str(dict(cells(again, "tblFinance", "block", "line_code"))["ALL", "CLOSING"]["plan_gbp"].value).startswith(
        "="
    )
    narrative = dict(cells(again, "tblNarrative", "section_code"))
    assert "section N3" in narrative["N3",]["text"].value
    # Another year repeats no figure; its conditions, which may only be closed, are those of the last return.
    written = write_template(settings, "safety-valve", "2026-27Q2", tmp_path)
    assert written.repeats is None
    with written.path.open("rb") as stream:
        book = load_workbook(stream)
    assert next(line for _, line in cells(book, "tblConditions", "condition_id"))["owner_role"].value == "DCS"
    assert dict(cells(book, "tblFinance", "block", "line_code"))["SB", "EXPENDITURE"]["q1_actual_gbp"].value is None
    assert dict(cells(book, "tblFinance", "block", "line_code"))["SB", "EXPENDITURE"]["budget_gbp"].value is None


def test_the_cover_has_the_code_of_the_authority_whose_return_it_is(settings: Settings, tmp_path: Path) -> None:
    own = settings.model_copy(update={"la_code": "370", "la_ons_code": "E08000016"})
    written = write_template(own, "safety-valve", "2025-26Q1", tmp_path)
    with written.path.open("rb") as stream:
        cover = {key: line["value"].value for (key,), line in cells(load_workbook(stream), "tblCover", "key")}
    assert (cover["la_code"], cover["la_ons_code"]) == ("370", "E08000016")


def test_a_column_that_is_kept_is_one_of_the_table() -> None:
    spec = load_spec("safety_valve")
    assert spec.template is not None
    for table in (table for sheet in spec.template.sheets for table in sheet.tables):
        columns = spec.tables[spec.sources[table.source][0]].columns
        assert set(table.kept) <= set(columns)
        assert all(columns[name].first_asked is None for name in table.kept)  # those of quarters are repeated anyway


def test_a_quarter_that_was_restated_later_is_repeated_as_it_was_restated(settings: Settings, tmp_path: Path) -> None:
    prepare_store(settings)
    rules = load_catalogue(settings.rules_dir)
    inbox = settings.inbox_dir / "safety_valve"
    for quarter in (1, 2, 3):
        write_return(inbox, settings, f"2025-26Q{quarter}")
    first = land_return(settings, "safety_valve", rules, now=NOON).committed
    changed = {
        ("tblFinance", ("SB", "EXPENDITURE"), "q1_actual_gbp"): 47_770_000,
        ("tblFinance", ("SB", "EXPENDITURE"), "note"): "Late invoice of June",
        ("tblSignOff", "DCS", "statement_code"): "RESTATE",
    }
    said = {"submission_type": "RESTATED", "restates_version": 1, "restatement_reason": "Late invoice"}
    write_return(inbox, settings, "2025-26Q1", version=2, changed=changed, **said)
    second = land_return(settings, "safety_valve", rules, now=NOON.replace(hour=13)).committed
    assert [one.status for one in [*first, *second]] == ["accepted"] * 4
    assert second[0].failures == {"RSV-132": 1}  # of what it says nothing, nothing became blank
    spent = dict(cells(blank(settings, tmp_path, "2025-26Q4"), "tblFinance", "block", "line_code"))["SB", "EXPENDITURE"]
    assert spent["q1_actual_gbp"].value == 47_770_000
    assert spent["q2_actual_gbp"].value == 238_850_756 * 2 // 5


def test_the_command_writes_the_workbook_under_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORNERSTONE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("CORNERSTONE_KEY_FILE", str(tmp_path / "key"))
    arguments = ["template", "safety-valve", "--quarter", "2024-25Q2", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.exception) == (0, None)
    path = tmp_path / "rsv_372_202425_Q2_v1.xlsx"
    assert path.is_file() and done.stdout.strip() == f"written to {path}"
    assert isinstance(CliRunner().invoke(app, arguments).exception, CornerstoneError)  # never over a file


def test_a_table_that_has_grown_moves_the_next(settings: Settings, tmp_path: Path) -> None:
    prepare_store(settings)
    provision = {"provision_name": "Invented Primary", "provision_type": "RP", "phase": "PRIMARY"}
    places = provision | {"places_commissioned": 1, "places_occupied": 1}
    path = write_return(tmp_path, settings, "2025-26Q1")
    with path.open("rb") as stream:
        book = load_workbook(stream)
    sheet, top, columns, bottom = area(book, "tblPlaces")
    sheet.tables["tblPlaces"].ref = f"A{top}:R{bottom + 8}"
    for row in range(top + 1, bottom + 9):
        for column, value in {**places, "provision_id": f"P{row}"}.items():
            sheet.cell(row, columns[column]).value = value
    book.save(settings.inbox_dir / "safety_valve" / path.name)
    [submission] = land_return(settings, "safety_valve", load_catalogue(settings.rules_dir), now=NOON).committed
    assert (submission.status, submission.tables["sv_place"].rows_landed) == ("accepted", 58)
    following = blank(settings, tmp_path, "2025-26Q2")
    assert area(following, "tblPlaces")[3] == 62
    sheet, top, columns, _ = area(following, "tblDemand")
    assert (top, sheet.cell(top + 1, columns["gap_places"]).value) == (65, '=IF(COUNT(D66,E66)<2,"",D66-E66)')


def test_what_cannot_be_written_is_said(settings: Settings, tmp_path: Path) -> None:
    assert template_returns() == ["safety-valve"]
    taken = tmp_path / "taken.xlsx"
    taken.touch()
    for slug, quarter, out, said in (
        ("sen2", "2025-26Q1", tmp_path, "no template of 'sen2'; there are safety-valve"),
        ("safety-valve", "2025-27Q1", tmp_path, "no quarter of a financial year"),
        ("safety-valve", "2025Q1", tmp_path, "no quarter of a financial year"),
        ("safety-valve", "2019-20Q4", tmp_path, "begins with 2021-22Q1"),
        ("safety-valve", "2025-26Q1", taken, "is there already"),
        ("safety-valve", "2025-26Q1", tmp_path / "no" / "file.xlsx", "There is no folder"),
    ):
        with pytest.raises(CornerstoneError, match=said):
            write_template(settings, slug, quarter, out)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_a_spreadsheet_program_works_the_formulas_out_as_landing_does(settings: Settings, tmp_path: Path) -> None:
    """A filled workbook, opened and saved by LibreOffice: its tables stay, and its results are those made at landing."""
    prepare_store(settings)
    path = write_return(tmp_path, settings)
    inbox = settings.inbox_dir / "safety_valve"
    subprocess.run(
        ["soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to", "xlsx",
         "--outdir", str(inbox), str(path)],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    saved = CalamineWorkbook.from_path(inbox / path.name, load_tables=True)
    assert sorted(saved.table_names or []) == sorted(ANCHORS)
    table = saved.get_table_by_name("tblFinance")
    results = {(row[0], row[1]): dict(zip(table.columns, row, strict=True)) for row in table.to_python()}
    assert results["ALL", "CLOSING"]["q1_forecast_gbp"] == CLOSING
    assert results["ALL", "CLOSING"]["agreement_gbp"] == ""
    [submission] = land_return(settings, "safety_valve", load_catalogue(settings.rules_dir), now=NOON).committed
    assert (submission.status, submission.failures) == ("accepted", {})
