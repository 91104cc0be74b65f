"""The dbt that a build starts tells what is read, in words and as data, and nothing of what dbt does beside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.dbt_manifest import DBT_EVENTS, dbt_environment
from orchestration.settings import PROJECT_DIR, Settings

FULL = Path("/dev/full")


def run_dbt_events(tmp_path: Path, *arguments: str) -> tuple[int, list[dict[str, str]]]:
    """How it ended, and what it told on standard output."""
    variables = {
        "DBT_LOG_PATH": str(tmp_path / "log"),
        "DBT_PROFILES_DIR": str(PROJECT_DIR / "dbt_project"),
        **dbt_environment(Settings(store=tmp_path, raw=tmp_path / "raw")),
    }
    done = subprocess.run(
        [sys.executable, "-P", str(DBT_EVENTS), *arguments],
        cwd=PROJECT_DIR / "dbt_project",
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, [json.loads(line)["info"] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(("arguments", "status", "told"), [(["debug"], 0, "All checks passed!"), (["wish"], 2, "wish")])
def test_it_ends_as_dbt_does_and_logs_what_dbt_says(
    tmp_path: Path, arguments: list[str], status: int, told: str
) -> None:
    ended, events = run_dbt_events(tmp_path, *arguments)
    assert ended == status
    assert told in (tmp_path / "log" / "dbt.log").read_text(encoding="utf-8")
    assert {event["level"] for event in events} <= {"info", "warn", "error"}
    assert bool(events) == (status == 0)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_a_log_on_a_full_disk_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "dbt.log").symlink_to(FULL)
    ended, events = run_dbt_events(tmp_path, "debug")
    assert ended == 0
    assert any("All checks passed!" in event["msg"] for event in events)
