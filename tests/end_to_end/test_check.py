"""`cornerstone check`: what landing would say, on a file alone."""

from pathlib import Path

import pytest

from tests.conftest import requests_csv
from tests.end_to_end.journey import Journey
from tests.invented_return import header, people, xml_text

pytestmark = [pytest.mark.end_to_end]


@pytest.fixture
def journey(tmp_path: Path) -> Journey:
    return Journey(tmp_path / "store", tmp_path / "raw")


def test_a_good_file_is_accepted_and_the_store_untouched(tmp_path: Path, journey: Journey) -> None:
    path = tmp_path / "requests.csv"
    path.write_text(requests_csv())
    ended = journey.cornerstone("check", str(path), "--format", "json")
    assert ended.exit_code == 0
    [file] = ended.result["files"]
    assert (file["verdict"], file["supplier"], file["period"], file["rows_read"]) == (
        "usable", "dfe.ehc_plans.requests", "2025", 3,
    )  # fmt: skip
    assert not journey.store.exists()
    assert list(tmp_path.iterdir()) == [path]


def test_rows_in_error_are_told_by_rule_and_place_and_never_by_value(tmp_path: Path, journey: Journey) -> None:
    path = tmp_path / "requests.csv"
    path.write_text(requests_csv() + "secret-looking-value,only two\n")
    ended = journey.cornerstone("check", str(path))
    assert ended.exit_code == 1
    assert ended.stdout.startswith("Can be used; 1 of 4 rows would be set aside: requests.csv\n")
    assert "FILE-013" in ended.stdout
    assert "row 5" in ended.stdout
    assert "\x1b" not in ended.stdout
    assert "secret-looking-value" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(("name", "content"), [("a.csv", b""), ("a.zip", b"PK\x03\x04"), ("a.csv", b"name\nAda\n")])
def test_a_file_that_cannot_be_used_is_one_sentence_and_status_2(
    tmp_path: Path, journey: Journey, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    ended = journey.cornerstone("check", str(path), "--format", "json")
    assert ended.exit_code == 2
    assert "\n" not in ended.result["files"][0]["reason"]
    assert "Traceback" not in ended.stderr


def test_a_page_is_written_and_names_children_only_when_asked(tmp_path: Path, journey: Journey) -> None:
    path, page = tmp_path / "return.xml", tmp_path / "page.html"
    path.write_text(xml_text(header(), people()))
    ended = journey.cornerstone("check", str(path), "--format", "html", "--out", str(page))
    assert (ended.exit_code, f"written to {page}" in ended.stdout) == (1, True)
    assert "zzlovelace" not in page.read_text().lower() + ended.stdout.lower() + ended.stderr.lower()
    ended = journey.cornerstone("check", str(path), "--format", "html", "--out", str(page), "--show-identifiers")
    assert "zzlovelace" in page.read_text().lower()
    assert "zzlovelace" not in ended.stdout.lower() + ended.stderr.lower()
    assert page.stat().st_mode & 0o777 == 0o600
    assert sorted(tmp_path.iterdir()) == [page, path]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "html"], "Say where to write a page: add --out and the name of a file."),
        (
            ["--format", "json", "--show-identifiers"],
            "Say where to write names of children: add --out and the name of a file.",
        ),
        (["--show-identifiers", "--out", "x"], "--show-identifiers goes with --format html or json"),
        (["--out", "no/such/folder.txt"], "make it, or choose another for --out."),
        (["--out", "FILE"], "among the files to be checked; choose another place."),
    ],
)
def test_what_cannot_be_written_is_said_before_any_work(
    tmp_path: Path, journey: Journey, options: list[str], said: str
) -> None:
    path = tmp_path / "requests.csv"
    path.write_text(requests_csv())
    options = [str(path) if option == "FILE" else option for option in options]
    ended = journey.cornerstone("check", str(path), *options)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert path.read_text() == requests_csv()


def test_a_path_that_is_no_file_is_an_error_on_standard_error(journey: Journey) -> None:
    ended = journey.cornerstone("check", "nowhere.csv")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.strip().endswith("nowhere.csv is not a file; name the files to check.")
