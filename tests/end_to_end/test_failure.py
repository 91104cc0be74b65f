"""A release that must not happen does not, and says why."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tests.end_to_end.conftest import Released
from tests.end_to_end.demo_failure import Demonstration, plant_a_fault
from tests.servers import WebServer, web_server

pytestmark = [pytest.mark.end_to_end]


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture(scope="module")
def shown(
    sound_figures: Callable[[Path], Released], web: WebServer, tmp_path_factory: pytest.TempPathFactory
) -> Demonstration:
    sound = sound_figures(tmp_path_factory.mktemp("failure"))
    journey = replace(sound.journey, variables={"CORNERSTONE_ALERT_WEBHOOK_URL": web.url})
    return plant_a_fault(journey, sound.first, Console(quiet=True))


def test_sound_figures_are_released(shown: Demonstration) -> None:
    assert shown.first["status"] == "released"


def test_a_planted_fault_blocks_the_release_and_names_rule_and_owner(shown: Demonstration) -> None:
    assert (shown.second["status"], shown.exit_code) == ("blocked", 1)
    assert shown.second["release_id"] == shown.first["release_id"]
    assert all(
        rule["label"] and rule["owner"] and rule["action"] and rule["failing_rows"]
        for rule in shown.second["failed_rules"]
    )


def test_the_old_release_is_byte_for_byte_what_it_was(shown: Demonstration) -> None:
    assert shown.before == shown.after
    assert len(shown.before) > 10


def test_the_dagster_run_failed_at_that_check(shown: Demonstration) -> None:
    assert shown.run_status == "FAILURE"
    assert shown.failed_checks == sorted(rule["rule_id"].replace("-", "_") for rule in shown.second["failed_rules"])


def test_whom_it_concerns_is_told_which_rules_and_which_release_stands(shown: Demonstration, web: WebServer) -> None:
    [posted] = web.posted
    [blocked] = [one for one in posted["new"] if one["kind"] == "gate_blocked"]
    rules = sorted({rule["rule_id"] for rule in shown.second["failed_rules"]})
    assert blocked["title"] == f"release blocked by {', '.join(rules)}"
    assert shown.second["run_id"] in blocked["what"]
    assert shown.first["release_id"] in blocked["stands"]
    assert blocked["owner"] == ", ".join(dict.fromkeys(rule["owner"] for rule in shown.second["failed_rules"]))
    assert blocked["action"].endswith("Then type `cornerstone run`.")
