"""Inventing a borough for the tests of what is added to its returns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from orchestration.settings import Settings
from orchestration.synthetic import borough, bundled_figures, synthesise

FIGURES = bundled_figures(Settings())


def invent(out: Path, maker: Callable[..., Any], *, scale: float, **asked_for: bool) -> dict[str, Any]:
    """Write a borough of all years at a scale; gives what `maker`, a function it is made with, was asked and what it made.

    `asked_for`: what is added to the returns (`censuses`, `therapy`). Keys of the answer: given, named, made.
    """
    asked: dict[str, Any] = {}

    def remembers(*given: Any, **named: Any) -> Any:
        asked.update(given=given, named=named, made=maker(*given, **named))
        return asked["made"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(borough, maker.__name__, remembers)
        # counted against the published tables in the tests of the returns
        patch.setattr(borough, "calibration", lambda *given: pd.DataFrame({"status": [], "reason": []}))
        synthesise(
            out,
            la="372",
            figures=FIGURES,
            years=range(2023, 2027),
            seed=3,
            scale=scale,
            faults="none",
            shapes=("xml",),
            **asked_for,
        )
    return asked
