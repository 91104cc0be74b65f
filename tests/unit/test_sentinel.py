"""The search for planted identifiers finds them where a search of bytes would not."""

from pathlib import Path

import pytest

from tests.sentinel import UnreadableError, plant_control, scan


def test_it_finds_one_in_every_kind_of_file(tmp_path: Path) -> None:
    controls = plant_control(tmp_path, "Zzsentinel")
    assert {found.path for found in scan(tmp_path, ["zzSENTINEL"])} == {str(path) for path in controls}
    hidden = [path for path in controls if b"Zzsentinel" not in path.read_bytes()]
    assert {path.suffix for path in hidden} >= {".xlsx", ".gz", ".zip", ".txt", ".db"}


def test_it_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    plant_control(tmp_path, "Zzsentinel")
    assert scan(tmp_path, ["Another"]) == []


def test_a_folder_left_out_is_not_looked_into(tmp_path: Path) -> None:
    plant_control(tmp_path / "vault", "Zzsentinel")
    assert scan(tmp_path, ["Zzsentinel"], leave_out=[tmp_path / "vault"]) == []


def test_a_name_of_a_file_counts(tmp_path: Path) -> None:
    (tmp_path / "letter to Zzsentinel.txt").write_text("Dear parent")
    assert [found.place for found in scan(tmp_path, ["Zzsentinel"])] == ["its name"]


def test_a_file_that_cannot_be_decoded_is_no_proof(tmp_path: Path) -> None:
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(UnreadableError):
        scan(tmp_path, ["Zzsentinel"])
