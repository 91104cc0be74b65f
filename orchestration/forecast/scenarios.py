"""Scenarios: settings of the forecast that change what begins."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

SCENARIOS_PATH = Path(__file__).with_name("scenarios.yaml")
BASELINE = "baseline"


class Scenario(BaseModel):
    """One scenario; a factor of 1 where a setting is not given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenario_code: str
    title: str
    new_plans_as_in: int | None = None
    new_plans_change_pct: dict[str, float] = Field(default_factory=dict)


class Scenarios(BaseModel):
    """All of them; the baseline changes nothing and comes first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenarios: tuple[Scenario, ...]

    @model_validator(mode="after")
    def _begins_with_the_baseline(self) -> "Scenarios":
        codes = [one.scenario_code for one in self.scenarios]
        if not codes or codes[0] != BASELINE or len(set(codes)) < len(codes):
            raise ValueError(f"the first scenario is {BASELINE}, and each code stands once; found {codes}")
        first = self.scenarios[0]
        if first.new_plans_as_in is not None or first.new_plans_change_pct:
            raise ValueError(f"{BASELINE} changes nothing; give a scenario of its own what it changes")
        return self


def load_scenarios(path: Path = SCENARIOS_PATH) -> tuple[Scenario, ...]:
    """The scenarios of a file.

    Raises:
        pydantic.ValidationError: a setting that is not known, or no baseline at the top.
    """
    return Scenarios.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)).scenarios
