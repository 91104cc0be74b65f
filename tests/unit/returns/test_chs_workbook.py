"""NHS England's waiting-list workbooks: three layouts, one shape."""

from pathlib import Path
from typing import Any

import pytest

from orchestration.returns.delivered import DataFile, FileRefused, delivered_file, open_delivered
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.recognise import read_data_file
from orchestration.returns.spec import load_spec
from tests.chs_workbook import BANDS, CYP_LINES, OT, SPEECH, write_workbook

SPEC = load_spec("published_statistics")


def read(path: Path) -> ReadFile:
    [file] = open_delivered(delivered_file(path))
    assert isinstance(file, DataFile)
    return read_data_file(file, SPEC)


def refused(path: Path) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        read(path)
    return caught.value


def cells(path: Path, **wanted: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read(path).rows.to_pylist()
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


@pytest.mark.parametrize("era", [1, 2, 3])
def test_every_layout_gives_the_same_figures(tmp_path: Path, era: int) -> None:
    path = write_workbook(tmp_path / "waits.xlsx", era=era)
    name = "The Rotherham NHS Foundation Trust".upper() if era == 3 else "The Rotherham NHS Foundation Trust"
    speech = cells(
        path, org_name_raw=name, service_line_code="therapy_interventions_speech_and_language", age_group="cyp"
    )
    last = [0, 0] if era == 3 else [0]
    assert [row["value"] for row in speech] == [182, 10, 20, 50, 61, 20, 21, *last]
    assert {row["org_level"] for row in speech} == {"provider"}
    assert {row["layout_era"] for row in speech} == {era}


def test_the_organisation_levels_of_the_merged_layout_are_filled_down(tmp_path: Path) -> None:
    rows = cells(write_workbook(tmp_path / "w.xlsx", era=1), band_code="total", service_line_code="audiology")
    assert [(row["org_level"], row["org_name_raw"]) for row in rows] == [
        ("national", "England"),
        ("region", "North East and Yorkshire"),
        ("icb", "NHS South Yorkshire ICB"),
        ("provider", "The Rotherham NHS Foundation Trust"),
        ("provider", "Rotherham Doncaster and South Humber NHS FT"),
    ]


def test_the_over_52_weeks_sheet_loads_although_its_headings_were_renamed_in_the_second_layout(tmp_path: Path) -> None:
    assert (
        cells(write_workbook(tmp_path / "w.xlsx", era=2), band_code="w52_plus", service_line_raw=OT)[0]["value"] == 40
    )


def test_england_has_no_code_and_the_others_have_theirs(tmp_path: Path) -> None:
    rows = cells(write_workbook(tmp_path / "w.xlsx"), band_code="total", service_line_raw=SPEECH)
    assert (rows[0]["org_code"], rows[0]["org_name_raw"]) == (None, "England")
    assert [row["org_code"] for row in rows][1:] == ["Y63", "QF7", "RFR", "RXE"]


def test_blank_zero_and_withheld_are_three_things(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "w.xlsx")
    by_line = {
        (row["org_code"], row["service_line_code"]): (row["value"], row["value_status"])
        for row in cells(path, band_code="total", age_group="cyp")
    }
    assert by_line["RFR", "audiology"] == (0, "reported")
    assert by_line["RXE", "audiology"] == (None, "not_submitted")
    assert by_line["RFR", "safeguarding"] == (None, "suppressed")


def test_a_star_is_withheld_in_the_older_layouts(tmp_path: Path) -> None:
    rows = cells(write_workbook(tmp_path / "w.xlsx", era=2), value_text="*")
    assert {row["value_status"] for row in rows} == {"suppressed"}
    assert {row["service_line_code"] for row in rows} == {
        "adult_safeguarding",
        "looked_after_children_teams",
        "safeguarding",
    }


def test_a_cell_that_is_no_whole_number_keeps_its_text_and_has_no_value(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "w.xlsx", change={("Table 4", SPEECH): "about 180", ("Table 4", OT): -3})
    odd = [row for row in cells(path, band_code="total", org_code="RFR") if row["value_text"] in ("about 180", "-3")]
    assert [(row["value"], row["value_status"]) for row in odd] == [(None, "reported")] * 2


def test_the_month_comes_from_the_titles_and_the_file_name_only_beside_it(tmp_path: Path) -> None:
    result = read(write_workbook(tmp_path / "community_health_2025-12-11.xlsx"))
    assert (result.period, result.file_period, result.sequence) == ("2025-10", "2025-12", "2025-12-11")


def test_every_cell_of_every_band_sheet_is_read(tmp_path: Path) -> None:
    assert read(write_workbook(tmp_path / "w.xlsx")).rows_read == len(BANDS) * 5 * (len(CYP_LINES) + 1)


def test_the_row_number_is_the_one_a_spreadsheet_shows(tmp_path: Path) -> None:
    assert cells(write_workbook(tmp_path / "w.xlsx"), org_name_raw="England")[0]["source_row"] == 6


@pytest.mark.parametrize("missing", ["Table 4", "Table 4g"])
def test_a_missing_band_sheet_is_refused(tmp_path: Path, missing: str) -> None:
    error = refused(write_workbook(tmp_path / "w.xlsx", without=(missing,)))
    assert error.rule_id == "RTW-140"
    assert missing in str(error)


def test_months_that_disagree_are_refused_and_all_told(tmp_path: Path) -> None:
    error = refused(write_workbook(tmp_path / "w.xlsx", series_head="Aug-25"))
    assert error.rule_id == "RTW-143"
    assert "2025-10" in str(error)
    assert "2025-08" in str(error)


def test_an_unknown_layout_is_refused(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    path = write_workbook(tmp_path / "w.xlsx")
    book = load_workbook(path)
    book["Table 4c"]["C5"] = "Trust"
    book["Table 4c"]["A5"] = "Kind"
    book.save(path)
    error = refused(path)
    assert error.rule_id == "RTW-141"
    assert "Table 4c" in str(error)


def test_a_line_for_children_that_is_missing_is_refused(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    path = write_workbook(tmp_path / "w.xlsx")
    book = load_workbook(path)
    for row in book["Table 4"].iter_rows(min_row=5, max_row=5):
        for cell in row:
            if cell.value == SPEECH:
                cell.value = "(CYP) Something else"
    book.save(path)
    assert refused(path).rule_id == "RTW-142"


def test_a_workbook_of_something_else_is_nobodys(tmp_path: Path) -> None:
    from openpyxl import Workbook

    Workbook().save(tmp_path / "other.xlsx")
    assert refused(tmp_path / "other.xlsx").rule_id == "FILE-008"
