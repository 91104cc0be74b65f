"""What `cornerstone run` does, done by Dagster's own commands."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from orchestration.settings import PROJECT_DIR
from tests.end_to_end.conftest import Released
from tests.end_to_end.journey import Journey, digests

DAGSTER = str(Path(sys.executable).with_name("dagster"))

pytestmark = [pytest.mark.end_to_end]


@pytest.fixture(scope="module")
def journey(bundled_figures: Callable[[Path], Released], tmp_path_factory: pytest.TempPathFactory) -> Journey:
    return bundled_figures(tmp_path_factory.mktemp("dagster")).journey


def materialise_all(journey: Journey) -> str:
    """Make every asset with Dagster's own command, as its UI does: each step in a process of its own. What it printed."""
    home = journey.cornerstone("prepare", "--print-dagster-home").stdout.strip()
    done = subprocess.run(
        [
            DAGSTER,
            "job",
            "execute",
            "-m",
            "orchestration.definitions",
            "-j",
            "__ASSET_JOB",
        ],
        env={**journey.environment, "DAGSTER_HOME": home},
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def test_dagsters_own_command_and_its_multi_process_executor_find_the_release_unchanged(journey: Journey) -> None:
    """The working database is deleted before: from what landed it is made anew, the same."""
    before = journey.releases()
    (journey.store / "warehouse.duckdb").unlink()
    printed = materialise_all(journey)
    assert "RUN_SUCCESS" in printed
    assert "multiprocess executor" in printed
    assert journey.releases() == before


def test_a_backfill_of_what_stands_writes_nothing_and_makes_no_release(journey: Journey) -> None:
    before, releases = digests(journey.store / "landed"), journey.releases()
    for periods in ("2025..2026", "all"):
        ended = journey.cornerstone("run", "--return", "published_statistics", "--period", periods, "--json")
        assert (ended.exit_code, ended.result["status"]) == (0, "nothing_new"), ended.stderr
        assert ended.result["read_again"] == {
            "return_id": "published_statistics", "periods": periods, "submissions": 2, "otherwise": 0,
        }  # fmt: skip
    assert digests(journey.store / "landed") == before
    assert journey.releases() == releases


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--return", "sen3"], "No return is called sen3; there are deprivation, "),
        (
            ["--return", "sen2", "--period", "2025-01"],
            "2025-01 is no period of the EHC plans return (SEN2): give a year as 2025",
        ),
        (
            ["--return", "sen2", "--period", "2019..2021"],
            "The archive holds nothing of the EHC plans return (SEN2) for 2019..2021",
        ),
        (["--period", "2025"], "--period needs --return"),
    ],
)
def test_a_backfill_that_cannot_be_done_says_why(journey: Journey, asked: list[str], said: str) -> None:
    ended = journey.cornerstone("run", *asked)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert said in ended.stderr


QUESTION = """{
  version
  assetNodes { groupName }
  pipelineOrError(params: {pipelineName: "refresh", repositoryName: "__repository__", repositoryLocationName: "cornerstone"}) {
    ... on Pipeline { runs { tags { key value } } }
  }
  schedulesOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "cornerstone"}) {
    ... on Schedules { results { name } }
  }
  sensorsOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "cornerstone"}) {
    ... on Sensors { results { name } }
  }
}"""


def ask(port: int) -> dict[str, Any] | None:
    """What the UI's server answers; None while it does not answer yet."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/graphql", json.dumps({"query": QUESTION}), {"Content-Type": "application/json"})
        content: dict[str, Any] = json.load(connection.getresponse())
        return content
    except (ConnectionError, TimeoutError):
        return None
    finally:
        connection.close()


# A process started in the background can have been told to ignore the signal that stops it.
LISTENING = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture
def ui(journey: Journey, tmp_path: Path) -> Iterator[int]:
    """The port of `dagster dev` over the store; it is asked to stop afterwards, and has to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    home = journey.cornerstone("prepare", "--print-dagster-home").stdout.strip()
    with (tmp_path / "dev.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", LISTENING, DAGSTER, "dev", "-w", "workspace.yaml", "-p", str(port)],
            env={**journey.environment, "DAGSTER_HOME": home},
            cwd=PROJECT_DIR,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield port
            server.send_signal(signal.SIGINT)
            server.wait(timeout=120)
        finally:
            server.kill()
            server.wait()


def test_the_ui_starts_answers_and_stops(ui: int) -> None:
    deadline = time.monotonic() + 300
    answer = None
    while answer is None and time.monotonic() < deadline:
        time.sleep(2)
        answer = ask(ui)
    assert answer is not None and "errors" not in answer, answer
    data = answer["data"]
    assert {node["groupName"][:2] for node in data["assetNodes"]} == {f"{number}_" for number in range(1, 10)}
    tags = [{tag["key"]: tag["value"] for tag in run["tags"]} for run in data["pipelineOrError"]["runs"]]
    assert "command line" in [of_run.get("cornerstone/started_by") for of_run in tags]
    assert "nightly_refresh" in [one["name"] for one in data["schedulesOrError"]["results"]]
    assert [one["name"] for one in data["sensorsOrError"]["results"]] == ["alerts", "authorities", "inbox"]


def test_dagster_finds_the_definitions_valid(journey: Journey) -> None:
    done = subprocess.run(
        [DAGSTER, "definitions", "validate"],
        env={**journey.environment, "DAGSTER_HOME": str(journey.store / "dagster")},
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
