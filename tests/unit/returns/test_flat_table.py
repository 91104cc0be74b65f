"""Registers and directories: columns found by pattern, date taken from the name."""

import pytest

from orchestration.returns.delivered import DataFile, FileRefused
from orchestration.returns.readers.outcome import ReadFile
from orchestration.returns.recognise import read_data_file
from orchestration.returns.spec import load_spec
from tests.conftest import csv_text, requests_csv

GIAS = csv_text(
    ["URN", "LA (code)", "LA (name)", "EstablishmentName", "TypeOfEstablishment (code)", "OpenDate", "Boarders (code)"],
    [["999001", "372", "Rotherham", "Quillmoor Primary School", "01", "01-09-1975", "1"]],
)
ONSPD = csv_text(
    ["pcd", "pcds", "oslaua", "osward", "lsoa21"], [["ZZ991AA", "ZZ99 1AA", "E08000018", "E05000001", "E01999001"]]
)
IOD = csv_text(
    [
        "LSOA code (2021)",
        "LSOA name (2021)",
        "Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs)",
    ],
    [["E01999001", "Rotherham 001A", "2"]],
)


def read(content: str, name: str, return_id: str) -> ReadFile:
    return read_data_file(DataFile(name, content.encode("cp1252"), "text"), load_spec(return_id))


@pytest.mark.parametrize(
    ("return_id", "name", "content", "period", "expected"),
    [
        (
            "establishment_register",
            "edubasealldata20260105.csv",
            GIAS,
            "2026-01",
            {"urn": "999001", "open_date": "01-09-1975"},
        ),
        (
            "postcode_directory",
            "ONSPD_NOV_2025_UK.csv",
            ONSPD,
            "2025-11",
            {"postcode": "ZZ99 1AA", "lsoa_code": "E01999001"},
        ),
        ("deprivation", "File_7_IoD2025_All.csv", IOD, "2025", {"lsoa_code": "E01999001", "imd_decile": "2"}),
    ],
)
def test_each_reference_return_is_read_as_published(
    return_id: str, name: str, content: str, period: str, expected: dict[str, str]
) -> None:
    result = read(content, name, return_id)
    assert result.period == period
    [row] = result.rows.to_pylist()
    assert {column: row[column] for column in expected} == expected


def test_columns_the_spec_does_not_name_are_reported() -> None:
    assert read(GIAS, "edubasealldata20260105.csv", "establishment_register").unknown_columns == ["boarders (code)"]


def test_a_register_whose_date_nobody_says_is_refused() -> None:
    with pytest.raises(FileRefused, match="put the date in the name") as caught:
        read(GIAS, "register.csv", "establishment_register")
    assert caught.value.rule_id == "FILE-012"


def test_a_file_of_another_return_is_told_where_it_belongs() -> None:
    with pytest.raises(FileRefused, match="drop it in raw/inbox/published_statistics/") as caught:
        read(requests_csv(), "requests.csv", "establishment_register")
    assert caught.value.rule_id == "FILE-009"
