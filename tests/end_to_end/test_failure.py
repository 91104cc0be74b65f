"""A release that must not happen does not, and says why."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from tests.end_to_end.conftest import Released
from tests.end_to_end.demo_failure import Demonstration, plant_a_fault

pytestmark = [pytest.mark.end_to_end]


@pytest.fixture(scope="module")
def shown(sound_figures: Callable[[Path], Released], tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    sound = sound_figures(tmp_path_factory.mktemp("failure"))
    return plant_a_fault(sound.journey, sound.first, Console(quiet=True))


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
