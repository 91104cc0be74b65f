"""Where a rule fails, in words that whoever sent the file can follow."""

import pytest

from expectations.landing import LandingFailure
from orchestration.returns.places import Place, place_of, said_places, spreadsheet_row
from orchestration.returns.spec import ReturnSpec, load_spec

VALVE, PLANS = load_spec("safety_valve"), load_spec("sen2")
SHEETS = {"sv_cover": "Cover", "sv_finance": "Financial_Position"}


def failure(
    spec: ReturnSpec, table: str, row: int | None, cell: str | None = None, rule: str = "R-1"
) -> LandingFailure:
    assert table in spec.tables
    return LandingFailure(rule, "block", "refuse", table, "s", "file", row, cell)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (("sv_cover", None, "sv_finance.budget_gbp, row 7"), Place("sv_finance", 7, "budget_gbp")),
        (("sv_cover", None, "sv_finance.q1_actual_gbp, row 9 (SB EXPENDITURE): 5 became 6"),
         Place("sv_finance", 9, "q1_actual_gbp (SB EXPENDITURE): 5 became 6")),
        (("sv_cover", None, "sv_cover.prepared_on, row 1"), Place("sv_cover", None, "prepared_on")),
        (("sv_finance", 7, "budget_gbp"), Place("sv_finance", 7, "budget_gbp")),
        (("sv_unit_cost", None, "NMISS"), Place("sv_unit_cost", None, "NMISS")),
        (("sv_cover", None, "other.column, row 7"), Place("sv_cover", None, "other.column, row 7")),
        (("sv_cover", None, None), Place("sv_cover", None, None)),
    ],
)  # fmt: skip
def test_a_rule_about_a_whole_return_can_name_a_cell(given: tuple[str, int | None, str | None], meant: Place) -> None:
    assert place_of(VALVE, *given) == meant


def test_a_workbook_is_looked_up_by_sheet_row_and_column() -> None:
    failures = [failure(VALVE, "sv_finance", row, "q1_forecast_gbp") for row in (5, 6, 6, 7, 8)]
    failures += [failure(VALVE, "sv_cover", None, None, "R-2"), failure(VALVE, "sv_cover", None, None, "R-3")]
    failures += [failure(VALVE, "sv_cover", None, "sv_finance.plan_gbp, row 9 (ALL OPENING): 5 became 6", "R-4")]
    failures += [failure(VALVE, "sv_finance", 10, "plan_gbp", "R-5")]
    said = said_places(VALVE, "record_workbook", SHEETS, failures, {"R-2": ("la_code", "la_ons_code")})
    assert said == (
        "Where: R-1: sheet Financial_Position, row 5, q1_forecast_gbp; sheet Financial_Position, row 6, q1_forecast_gbp;"
        " sheet Financial_Position, row 7, q1_forecast_gbp; and 1 more. R-2: sheet Cover, la_code, la_ons_code."
        " R-4: sheet Financial_Position, row 9, plan_gbp (ALL OPENING)."
    )


def test_records_of_xml_and_rows_of_csv_files_are_told_by_number() -> None:
    """A row of a CSV file is numbered as a spreadsheet shows it, below its headings; no value of the row is said."""
    failures = [failure(PLANS, "sen2_person", 12), failure(PLANS, "sen2_person", 13)]
    columns = {"R-1": ("upn", "birth_date")}
    assert said_places(PLANS, "record_xml", {}, failures, columns).startswith("Where: R-1: Person, record 12, ")
    assert said_places(PLANS, "record_csv", {}, failures, columns).startswith("Where: R-1: Person, row 13, ")
    assert (spreadsheet_row("record_xml", 12), spreadsheet_row("record_csv", 12)) == (None, 13)


def test_a_fault_of_the_whole_file_has_no_place() -> None:
    assert said_places(VALVE, "record_workbook", SHEETS, [failure(VALVE, "sv_finance", None)], {}) == ""
    of_file = failure(VALVE, "sv_finance", None)._replace(table_name="submission_file")
    assert said_places(VALVE, "record_workbook", SHEETS, [of_file], {}) == ""
