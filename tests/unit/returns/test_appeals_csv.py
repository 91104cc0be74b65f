"""The tribunal appeal-rate table: a page for people, read as figures."""

from orchestration.returns.delivered import DataFile
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.recognise import read_data_file
from orchestration.returns.spec import load_spec

# Headings as published, footnote numbers and all.
HEADINGS = (
    ",,Appeals registered4,Total Appealable Decisions1,SEND Tribunal Appeal Rate2,Appeals registered4,"
    '"Total Appealable Decisions1,9",SEND Tribunal Appeal Rate2,"In development: Total Appealable Decisions1,8",'
    "In development: SEND Tribunal Appeal Rate2"
)
TABLE = f"""\
"SEND Appeal rate table 1: Special Educational Needs - Appeal rate 2023-2024",,,,,,,,
,,,,,,,,
Local Authority,LA code,2023,,,2024,,,,
{HEADINGS}
YORKSHIRE AND THE HUMBER,,,,,,,,,
Rotherham,372,52,"3,555",1.50%,98,"3,990",2.50%,"2,125",4.60%
Barnsley,370, - ,"1,000",0.00%, .. , ~ ,,,
England Total4,,"1,000","2,000",50.00%,"1,100","2,100",52.40%,,
England total excluding suppressed,,,,,900,,,"1,500",60.00%
,,,,,,,,,
Notes: ,,,,,,,,,
"1. Total Appealable Decisions, 372, and so on",,,,,,,,,
"""


def read() -> ReadFile:
    return read_data_file(DataFile("appeals.csv", TABLE.encode("utf-8-sig"), "text"), load_spec("published_statistics"))


def values(la_name: str | None, year: str) -> dict[str, str | None]:
    rows = read().rows.to_pylist()
    return {
        row["measure"]: row["value_text"]
        for row in rows
        if row["la_name"] == la_name and row["time_period"] == year and row["breakdown"] is None
    }


def test_both_published_methods_are_read_for_the_year_that_has_them() -> None:
    assert values("Rotherham", "2024") == {
        "appeals_registered": "98",
        "appealable_decisions": "3990",
        "appeal_rate_pc": "2.50",
        "appealable_decisions_in_development": "2125",
        "appeal_rate_in_development_pc": "4.60",
    }


def test_a_dash_is_the_tables_zero_and_dots_and_tilde_are_markers() -> None:
    assert values("Barnsley", "2023")["appeals_registered"] == "0"
    assert values("Barnsley", "2024") == {
        "appeals_registered": "x",
        "appealable_decisions": "c",
        "appeal_rate_pc": None,
        "appealable_decisions_in_development": None,
        "appeal_rate_in_development_pc": None,
    }


def test_englands_total_without_withheld_authorities_is_a_breakdown_of_its_own() -> None:
    rows = [row for row in read().rows.to_pylist() if row["breakdown"] == "Excluding suppressed"]
    assert {row["measure"]: row["value_text"] for row in rows} == {
        "appeals_registered": "900",
        "appealable_decisions_in_development": "1500",
        "appeal_rate_in_development_pc": "60.00",
    }
    assert values(None, "2024")["appeals_registered"] == "1100"


def test_notes_and_headings_are_no_figures() -> None:
    assert {row["la_name"] for row in read().rows.to_pylist()} == {"Rotherham", "Barnsley", None}
    assert {row["region_name"] for row in read().rows.to_pylist()} == {"Yorkshire and The Humber", None}
