"""A delivered file is opened, or refused in one sentence."""

import gzip
import zipfile
from pathlib import Path

import pytest

from orchestration.returns.delivered import MAX_MEMBERS, DataFile, FileRefused, delivered_file, open_delivered
from tests.conftest import requests_csv, write_zip


def refusal(path: Path) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        open_delivered(delivered_file(path))
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return caught.value


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_release_zip_gives_its_data_files_and_the_year_its_guidance_names(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "release.zip",
        {
            "data/requests.csv": requests_csv(),
            "supporting-files/extra.csv": requests_csv("1"),
            "data-guidance/data-guidance.txt": "Education, health and care plans\nReporting year 2025\n",
        },
    )
    files = open_delivered(delivered_file(path))
    assert [f.source_file for f in files if isinstance(f, DataFile)] == [
        "release.zip/data/requests.csv",
        "release.zip/supporting-files/extra.csv",
    ]
    assert {f.release_year for f in files if isinstance(f, DataFile)} == {2025}


def test_the_guidance_of_2022_words_the_year_the_other_way_round(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "r.zip", {"data/a.csv": "x\n1\n", "data-guidance/data-guidance.txt": "2022 Reporting year\n"}
    )
    [file] = open_delivered(delivered_file(path))
    assert isinstance(file, DataFile)
    assert file.release_year == 2022


def test_an_empty_member_is_refused_and_the_others_are_opened(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "r.zip", {"data/a.csv": "", "data/b.csv": requests_csv()})
    refused, opened = open_delivered(delivered_file(path))
    assert isinstance(refused, FileRefused)
    assert refused.rule_id == "FILE-005"
    assert isinstance(opened, DataFile)


@pytest.mark.parametrize(
    ("name", "content", "rule_id"),
    [
        ("empty.csv", b"", "FILE-005"),
        ("report.pdf", b"%PDF-1.7 ...", "FILE-004"),
        ("page.csv", b"<!doctype html><html></html>", "FILE-004"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100, "FILE-004"),
        ("photo.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00", "FILE-004"),
        ("release.zip", b"this is not a zip", "FILE-001"),
        ("release.zip", b"PK\x03\x04 cut short", "FILE-001"),
        ("waits.xlsx", b"PK\x03\x04 cut short", "FILE-003"),
        ("waits.xlsx", b"plain text", "FILE-003"),
        ("figures.csv.gz", b"\x1f\x8b\x08 cut short", "FILE-001"),
    ],
)
def test_what_cannot_be_opened_is_refused_by_its_rule(tmp_path: Path, name: str, content: bytes, rule_id: str) -> None:
    assert refusal(write(tmp_path / name, content)).rule_id == rule_id


def test_a_member_damaged_inside_an_archive_is_refused_alone(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "r.zip", {"data/a.csv": requests_csv(), "data/b.csv": requests_csv("1")})
    content = bytearray(path.read_bytes())
    first_data = content.find(b"data/a.csv") + len("data/a.csv") + 20
    content[first_data : first_data + 8] = b"\xff" * 8
    refused, opened = open_delivered(delivered_file(write(path, bytes(content))))
    assert isinstance(refused, FileRefused)
    assert refused.rule_id == "FILE-001"
    assert isinstance(opened, DataFile)


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    whole = write_zip(tmp_path / "r.zip", {"data/a.csv": requests_csv()}).read_bytes()
    assert refusal(write(tmp_path / "cut.zip", whole[: len(whole) // 2])).rule_id == "FILE-001"


def test_a_zip_bomb_is_not_opened(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "bomb.zip", {"data/a.csv": b"0" * (60 * 1024**2)})
    assert refusal(path).rule_id == "FILE-002"


def test_an_archive_of_too_many_files_is_not_opened(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "many.zip", {f"{i}.csv": "a\n1\n" for i in range(MAX_MEMBERS + 1)})
    assert refusal(path).rule_id == "FILE-002"


def test_a_member_that_leaves_the_archive_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "slip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside.csv", "a\n1\n")
    assert refusal(path).rule_id == "FILE-002"


@pytest.mark.parametrize(("cell", "table"), [("XFD60000", "A1:B2"), ("B2", "A1:XFD1048576")])
def test_a_workbook_that_memory_cannot_hold_is_not_opened(tmp_path: Path, cell: str, table: str) -> None:
    sheet = f'<worksheet><dimension ref="A1:XFD1048576"/><sheetData><c r="A1"/><c r="{cell}"/></sheetData></worksheet>'
    members = {"xl/workbook.xml": "<workbook/>", "xl/worksheets/sheet1.xml": sheet}
    path = write_zip(tmp_path / "far.xlsx", members | {"xl/tables/table1.xml": f'<table name="t" ref="{table}"/>'})
    refused = refusal(path)
    assert (refused.rule_id, "reaches to cell XFD" in str(refused)) == ("FILE-002", True)


@pytest.mark.parametrize(
    ("name", "member", "says"),
    [("a.ods", "content.xml", "save it as .xlsx"), ("a.xlsb", "xl/workbook.bin", "save it as .xlsx")],
)
def test_another_kind_of_spreadsheet_is_refused_in_one_sentence(
    tmp_path: Path, name: str, member: str, says: str
) -> None:
    refused = refusal(write_zip(tmp_path / name, {"meta.xml": "<a/>", member: "<b/>"}))
    assert (refused.rule_id, says in str(refused)) == ("FILE-004", True)


def test_a_workbook_with_a_password_is_told_so(tmp_path: Path) -> None:
    assert "password" in str(refusal(write(tmp_path / "a.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600))))


def test_a_zip_without_a_data_file_is_refused(tmp_path: Path) -> None:
    assert refusal(write_zip(tmp_path / "r.zip", {"notes.txt": "nothing"})).rule_id == "FILE-005"


def test_gzip_is_opened_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    [file] = open_delivered(delivered_file(write(tmp_path / "figures.csv", gzip.compress(b"a,b\n1,2\n"))))
    assert isinstance(file, DataFile)
    assert file.content == b"a,b\n1,2\n"
