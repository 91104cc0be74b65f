"""The command's own manners."""

import logging
import time

import pytest

from orchestration.cli import console


@pytest.mark.parametrize(("patience", "is_told"), [(0.01, True), (60.0, False)])
def test_progress_of_a_check_is_told_only_when_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], patience: float, is_told: bool
) -> None:
    monkeypatch.setattr(console, "PATIENCE_SECONDS", patience)
    progress = console.Progress()
    with progress.only_if_slow():
        progress.handle(logging.makeLogRecord({"msg": "reading a file", "levelno": logging.INFO}))
        time.sleep(0.3)
    assert ("reading a file" in capsys.readouterr().err) is is_told
    progress.handle(logging.makeLogRecord({"msg": "something else", "levelno": logging.INFO}))
    assert "something else" in capsys.readouterr().err
