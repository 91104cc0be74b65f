"""Scenarios as they are written, and mistakes in writing them."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from orchestration.forecast.scenarios import load_scenarios

BASELINE = {"scenario_code": "baseline", "title": "As it is"}


def test_the_scenarios_that_ship_begin_with_one_that_changes_nothing() -> None:
    first, *others = load_scenarios()
    assert first.scenario_code == "baseline"
    assert all(one.new_plans_as_in or one.new_plans_change_pct for one in others)
    assert len(others) >= 2


@pytest.mark.parametrize(
    "scenarios",
    [
        [],
        [{"scenario_code": "other", "title": "Not the baseline"}],
        [BASELINE, BASELINE],
        [BASELINE | {"new_plans_as_in": 2019}],
        [BASELINE, {"scenario_code": "x", "title": "X", "new_plans_pct": {"ASD": 5}}],
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(scenarios: list[dict[str, object]], tmp_path: Path) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text(yaml.safe_dump({"scenarios": scenarios}), encoding="utf-8")
    with pytest.raises(ValidationError):
        load_scenarios(path)
