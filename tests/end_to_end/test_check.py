"""`cornerstone check`: what landing would say, on a file alone."""

from pathlib import Path

import pytest

from tests.conftest import requests_csv
from tests.end_to_end.journey import Journey

pytestmark = [pytest.mark.end_to_end]


@pytest.fixture
def journey(tmp_path: Path) -> Journey:
    return Journey(tmp_path / "store", tmp_path / "raw")


def test_a_good_file_is_accepted_and_the_store_untouched(tmp_path: Path, journey: Journey) -> None:
    path = tmp_path / "requests.csv"
    path.write_text(requests_csv())
    ended = journey.cornerstone("check", str(path), "--json")
    assert ended.exit_code == 0
    [file] = ended.result["files"]
    assert (file["status"], file["supplier"], file["period"], file["rows_read"]) == (
        "accepted", "dfe.ehc_plans.requests", "2025", 3,
    )  # fmt: skip
    assert not journey.store.exists()


def test_rows_in_error_are_told_by_rule_and_place_and_never_by_value(tmp_path: Path, journey: Journey) -> None:
    path = tmp_path / "requests.csv"
    path.write_text(requests_csv() + "secret-looking-value,only two\n")
    ended = journey.cornerstone("check", str(path))
    assert ended.exit_code == 1
    assert "FILE-013" in ended.stdout
    assert "row 4" in ended.stdout
    assert "secret-looking-value" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(("name", "content"), [("a.csv", b""), ("a.zip", b"PK\x03\x04"), ("a.csv", b"name\nAda\n")])
def test_a_file_that_cannot_be_used_is_one_sentence_and_status_2(
    tmp_path: Path, journey: Journey, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    ended = journey.cornerstone("check", str(path), "--json")
    assert ended.exit_code == 2
    assert "\n" not in ended.result["files"][0]["reason"]
    assert "Traceback" not in ended.stderr


def test_a_path_that_is_no_file_is_an_error_on_standard_error(journey: Journey) -> None:
    ended = journey.cornerstone("check", "nowhere.csv")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.strip().endswith("nowhere.csv is not a file; name the files to check.")
