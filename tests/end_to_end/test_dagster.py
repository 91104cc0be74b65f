"""What `cornerstone run` does, done by Dagster's own commands."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_DIR
from tests.end_to_end.conftest import Released
from tests.end_to_end.journey import Journey

pytestmark = [pytest.mark.end_to_end]


@pytest.fixture(scope="module")
def journey(bundled_figures: Callable[[Path], Released], tmp_path_factory: pytest.TempPathFactory) -> Journey:
    return bundled_figures(tmp_path_factory.mktemp("dagster")).journey


def dagster(journey: Journey, job: str) -> str:
    """Run a job with Dagster's own command; what it printed."""
    home = journey.cornerstone("prepare", "--print-dagster-home").stdout.strip()
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("dagster")),
            "job",
            "execute",
            "-m",
            "orchestration.definitions",
            "-j",
            job,
        ],
        env={**journey.environment, "DAGSTER_HOME": home},
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def test_dagsters_own_command_does_the_work_and_finds_the_release_unchanged(journey: Journey) -> None:
    before = journey.releases()
    assert "RUN_SUCCESS" in dagster(journey, "refresh")
    assert journey.releases() == before


def test_the_multi_process_executor_does_it_too(journey: Journey) -> None:
    before = journey.releases()
    printed = dagster(journey, "__ASSET_JOB")
    assert "RUN_SUCCESS" in printed
    assert "multiprocess executor" in printed
    assert journey.releases() == before
