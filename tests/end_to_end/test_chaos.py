"""Five seeded kills of a whole run, each over what the one before left; `make chaos` makes fifty runs of every kind of trouble."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.chaos import KILLED_RUNS, Runs, drawn
from tests.chaos.scenarios import SCENARIOS
from tests.end_to_end.conftest import Released
from tests.end_to_end.journey import digests


@pytest.mark.end_to_end
def test_a_run_killed_again_and_again_leaves_the_release_and_one_clean_run_makes_it_good(
    sound_figures: Callable[[Path], Released], tmp_path: Path
) -> None:
    sound = sound_figures(tmp_path)
    before = digests(sound.journey.current.resolve())
    runs = Runs(sound.journey)
    runs.deliver_all()
    for seed, scenario in enumerate(KILLED_RUNS, 1):
        ran = runs.disturb(seed, scenario)
        assert ran.faults == [], ran
        assert ran.happened.startswith("killed"), ran
        assert sound.journey.current.resolve().name == sound.first["release_id"]
        assert digests(sound.journey.current.resolve()) == before, ran
    assert runs.converge() == []


def test_a_seed_always_draws_the_same_and_every_scenario_has_its_turn() -> None:
    assert drawn(50, 1) == drawn(50, 1) != drawn(50, 2)
    assert {scenario for _, scenario in drawn(50, 1)} == set(SCENARIOS)
