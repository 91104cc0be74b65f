"""A run is measured as it is made: in a process of its own, over a store that has released."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.bench.whole_run import OUTSIDE, measure_run
from orchestration.settings import Settings
from tests.end_to_end.conftest import Released

pytestmark = pytest.mark.end_to_end


def test_a_run_that_finds_nothing_new_is_measured(bundled_figures: Callable[[Path], Released], tmp_path: Path) -> None:
    store = bundled_figures(tmp_path / "home").journey.store
    settings = Settings(store=store, raw=store.parent / "raw", key_file=store.parent / "configuration" / "secret.key")
    run = measure_run(settings, "nothing new", "nothing_new", tmp_path / "said.log")
    assert list(run.stages) == ["looking for new files", OUTSIDE]
    assert sum(one.seconds for one in run.stages.values()) == pytest.approx(run.whole.seconds)
    assert run.whole.cpu_seconds > 0.1
    assert run.whole.peak_bytes is not None
    assert run.whole.peak_bytes > 50e6
