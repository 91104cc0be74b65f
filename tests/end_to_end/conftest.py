"""Stores that one real run made, once for all workers: whoever starts from a release takes a copy instead of running again."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestration.settings import PROJECT_DIR
from tests.conftest import made_once
from tests.end_to_end.demo_failure import release_sound_figures
from tests.end_to_end.journey import Journey

FIRST, SAID = "first_run.json", "first_run.txt"

PLANS_ALONE = """
import orchestration.synthetic.first_run as m
whole = m.synthesise
m.synthesise = lambda out, **asked: whole(out, **(asked | {"censuses": False, "therapy": False}))
"""
"""Python run before the command: censuses and waiting lists take minutes to land, and what is asked here is of plans or pages."""


@dataclass(frozen=True)
class Released:
    """A journey with a release behind it, and what the run that made it printed."""

    journey: Journey
    first: Any


def _copied_from(folder: Path, to: Path) -> Released:
    """Store, inbox and key of a made folder, as if the run had been made in `to`."""
    shutil.copytree(folder, to, symlinks=True, dirs_exist_ok=True)
    return Released(Journey(to / "store", to / "raw"), json.loads((to / FIRST).read_text()))


@pytest.fixture(scope="session")
def sound_figures(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Released]:
    """Copies to a folder a store that released one published table: 359 of 462 plans issued within 20 weeks."""

    def make(folder: Path) -> None:
        first = release_sound_figures(Journey(folder / "store", folder / "raw"), Console(quiet=True))
        (folder / FIRST).write_text(json.dumps(first))

    made = made_once(tmp_path_factory, "sound-figures", make)
    return lambda to: _copied_from(made, to)


@pytest.fixture(scope="session")
def bundled_figures(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Released]:
    """Copies to a folder a store that released the figures which ship with Cornerstone and nothing else; delivered, so that no
    borough is invented beside them."""

    def make(folder: Path) -> None:
        inbox = folder / "raw" / "inbox" / "published_statistics"
        shutil.copytree(PROJECT_DIR / "raw" / "seed" / "published_statistics", inbox)
        ended = Journey(folder / "store", folder / "raw").cornerstone("run", "--json")
        assert (ended.exit_code, ended.result["status"]) == (0, "released"), ended.stderr
        (folder / FIRST).write_text(ended.stdout)

    made = made_once(tmp_path_factory, "bundled-figures", make)
    return lambda to: _copied_from(made, to)


@pytest.fixture(scope="session")
def borough_of_plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store whose first run invented a borough, plans and grant alone; to be read, or to be copied before it is
    changed. What the run printed lies beside it."""

    def make(folder: Path) -> None:
        shutil.copytree(PROJECT_DIR / "raw" / "seed", folder / "raw" / "seed")
        ended = Journey(folder / "store", folder / "raw").cornerstone("run", "--json", driver=PLANS_ALONE)
        assert ended.exit_code == 0, ended.stderr
        (folder / FIRST).write_text(ended.stdout)
        (folder / SAID).write_text(ended.stderr)

    return made_once(tmp_path_factory, "borough-of-plans", make)
