"""Killed at any moment, the current release stays valid, and the next run completes."""

import signal
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.release.lifecycle import show_release
from orchestration.settings import Settings
from tests.conftest import requests_csv
from tests.end_to_end.conftest import Released
from tests.end_to_end.journey import Journey, digests

pytestmark = [pytest.mark.end_to_end]

# Python run before the command: what is replaced by death, or by death a moment later.
KILL = "import os, signal\ndef die(*_, **__):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
MOMENTS = {
    "landing": KILL + "import orchestration.returns.land as m\nm.write_landing = die",
    "dbt": KILL
    + "import threading, orchestration.resources as m\noriginal = m.WarehouseResource.lock\n"
    + "def lock(self):\n    threading.Timer(4.0, die).start()\n    return original(self)\n"
    + "m.WarehouseResource.lock = lock",
    "building the release": KILL + "import orchestration.release.build as m\nm.write_evidence = die",
    "just before the link flips": KILL + "import orchestration.release.build as m\nm.point_current_to = die",
}


def assert_current_is_whole(journey: Journey, release_id: str) -> None:
    folder = journey.current.resolve()
    assert folder.name == release_id
    show_release(Settings(store=journey.store, raw=journey.raw), release_id, verify=True)
    with duckdb.connect(str(folder / "open" / "send_kpis.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from kpi.kpi_value").fetchone() != (0,)


def test_a_run_killed_at_each_stage_leaves_the_release_and_the_next_run_completes(
    sound_figures: Callable[[Path], Released], tmp_path: Path
) -> None:
    sound = sound_figures(tmp_path)
    journey, first = sound.journey, sound.first["release_id"]
    before = digests(journey.current.resolve())
    journey.drop("requests.csv", requests_csv())
    for moment, driver in MOMENTS.items():
        ended = journey.cornerstone("run", driver=driver)
        assert ended.exit_code == -signal.SIGKILL, (moment, ended)
        assert_current_is_whole(journey, first)
        assert digests(journey.current.resolve()) == before, moment
    outcome = journey.cornerstone("run", "--json").result
    assert outcome["status"] == "released"
    assert_current_is_whole(journey, outcome["release_id"])
    with duckdb.connect(str(journey.current / "open" / "send_kpis.duckdb"), read_only=True) as connection:
        [value] = connection.execute(
            "select value from kpi.kpi_value where kpi_id = 'ehc_requests_received' and la_code = '372' and time_period = '2024'"
            " and breakdown_topic = 'Total'"
        ).fetchone() or [None]
    assert value == 959
    assert not list(journey.store.glob("releases/*.partial"))
    assert not list(journey.store.glob("landed/.partial/*/*"))
