"""The working database says in one sentence why it cannot be used."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration import warehouse
from orchestration.errors import Busy, CornerstoneError
from orchestration.warehouse import open_warehouse


def test_a_disk_that_fills_while_it_is_written_is_told_as_that(tmp_path: Path) -> None:
    with (
        pytest.raises(CornerstoneError, match="The disk is full"),
        open_warehouse(tmp_path / "warehouse.duckdb", holder="a test"),
    ):
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")


def test_one_that_another_program_has_open_may_be_free_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse, "OPEN_WAIT_SECONDS", 0.0)
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    path = tmp_path / "warehouse.duckdb"
    holder = subprocess.Popen([sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        with pytest.raises(Busy, match="another program has it open"), open_warehouse(path, holder="a test"):
            pass
    finally:
        holder.communicate()


def test_one_that_is_damaged_will_not_be_free_later(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(b"no database")
    with pytest.raises(CornerstoneError, match="it is damaged") as caught, open_warehouse(path, holder="a test"):
        pass
    assert not isinstance(caught.value, Busy)
