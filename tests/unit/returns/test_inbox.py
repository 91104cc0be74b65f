"""A file that somebody is still writing is waited for."""

import os
import time
from pathlib import Path

import pytest

from orchestration.returns import inbox


@pytest.mark.parametrize(("seconds_old", "waits"), [(0.0, True), (1.5, True), (2.5, False)])
def test_a_file_is_given_time_when_it_was_changed_just_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds_old: float, waits: bool
) -> None:
    slept: list[float] = []
    now = time.time()
    monkeypatch.setattr(inbox, "SETTLE_SECONDS", 2.0)
    monkeypatch.setattr(inbox.time, "sleep", slept.append)
    monkeypatch.setattr(inbox.time, "time", lambda: now)
    delivered = [tmp_path / "requests.csv", tmp_path / "waits.csv"]
    for path, age in zip(delivered, (seconds_old, 3600), strict=True):
        path.touch()
        os.utime(path, (now - age, now - age))
    inbox.wait_until_settled([*delivered, tmp_path / "gone.csv"])
    assert slept == ([pytest.approx(2.0 - seconds_old, abs=0.01)] if waits else [])
