"""The command's own manners."""

import errno
import logging
import time
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestration import run
from orchestration.cli import app, console, guarded
from orchestration.errors import CornerstoneError
from orchestration.privacy.keys import load_keys
from orchestration.settings import Settings


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


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk is full."),
        (errno.EROFS, "can only be read"),
        (errno.EACCES, "store/run.lock may not be read or written"),
        (errno.EIO, "The disk failed at"),
    ],
)
def test_a_fault_of_the_machine_is_one_sentence_and_exit_status_2(
    capsys: pytest.CaptureFixture[str], number: int, words: str
) -> None:
    def fail() -> None:
        raise OSError(number, "in the words of the system", "store/run.lock")

    assert guarded(fail) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def test_a_defect_of_ours_is_not_passed_off_as_a_fault_of_the_machine() -> None:
    def fail() -> None:
        raise FileNotFoundError(errno.ENOENT, "no such file", "somewhere")

    with pytest.raises(FileNotFoundError):
        guarded(fail)


def test_an_empty_period_is_no_period_and_not_all(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("CORNERSTONE_STORE", str(settings.store))
    monkeypatch.setenv("CORNERSTONE_RAW", str(settings.raw))
    monkeypatch.setenv("CORNERSTONE_ALERT_DISK_FREE_GIB", "0")
    ended = CliRunner().invoke(app, ["run", "--return", "sen2", "--period", ""])
    assert "No period is given" in str(ended.exception)


@pytest.mark.parametrize(
    ("status", "where"), [("pending", "releases/20260105T120000Z-1a2b3c4d"), ("released", "current")]
)
def test_a_run_says_where_to_look_at_what_it_made(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, status: Any, where: str
) -> None:
    """What waits for approval is not what people read yet."""
    monkeypatch.setenv("CORNERSTONE_STORE", str(settings.store))
    outcome = run.RunOutcome(status, "Made.", "20260105T120000Z-1a2b3c4d")
    monkeypatch.setattr(run, "run_journey", lambda *_: outcome)
    said = CliRunner().invoke(app, ["run"]).stdout
    assert f"look at  {settings.store}/{where}/evidence/index.html" in said


@pytest.mark.parametrize("command", [["rebuild"], ["rotate-key", "--by", "A. Lead", "--reason", "seen"]])
def test_a_question_that_nobody_answers_is_one_sentence_that_names_yes(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, command: list[str]
) -> None:
    monkeypatch.setenv("CORNERSTONE_STORE", str(settings.store))
    monkeypatch.setenv("CORNERSTONE_KEY_FILE", str(settings.key_file))
    settings.archive_dir.mkdir(parents=True)
    load_keys(settings)
    ended = CliRunner().invoke(app, command, input="")
    assert isinstance(ended.exception, CornerstoneError), ended.exception
    assert str(ended.exception) == (
        "Nothing was changed: there is nobody to ask; give --yes to go on without being asked."
    )
    assert ended.exception.exit_code == 2
    assert str(CliRunner().invoke(app, command, input="n\n").exception) == "Nothing was changed."
