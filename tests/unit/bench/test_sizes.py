"""Which sizes can be measured, and that a disk that does not hold them is told of before anything is made."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from orchestration.bench import bench
from orchestration.cli import app
from orchestration.errors import CornerstoneError


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--scale", "5"], "--authorities measures several authorities"),
        (["--scale", "0"], "above nought"),
        (["--authorities", "154"], "from 1 to 153"),
        (["--quick", "--england"], "--quick is a size by itself"),
    ],
)
def test_a_size_that_there_is_not_is_refused(asked: list[str], words: str) -> None:
    outcome = CliRunner().invoke(app, ["bench", *asked])
    assert isinstance(outcome.exception, CornerstoneError)
    assert words in str(outcome.exception)


def test_the_disk_that_england_takes_is_told_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bench, "FIXED_DISK", 2e9)
    monkeypatch.setattr(bench, "DISK_EACH", 0.3e9)
    monkeypatch.setattr(bench.shutil, "disk_usage", lambda _: SimpleNamespace(free=48e9))
    with caplog.at_level(logging.INFO, logger="cornerstone.bench"):
        bench.require_disk(153, tmp_path)
    assert "153 authorities take about 48 GB of disk" in caplog.text
    monkeypatch.setattr(bench.shutil, "disk_usage", lambda _: SimpleNamespace(free=47e9))
    with pytest.raises(CornerstoneError, match="has 47 GB free"):
        bench.require_disk(153, tmp_path)
