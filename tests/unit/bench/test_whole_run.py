"""What a run used is divided by its stages, and nothing of it is lost."""

from pathlib import Path

import pytest

from orchestration.bench.measure import TreeWatch, Usage
from orchestration.bench.whole_run import OUTSIDE, divided, measure_run, usage_by_stage
from orchestration.errors import CornerstoneError
from orchestration.release.build import AUDITING, DRAWING
from orchestration.settings import Settings


def watched() -> TreeWatch:
    watch = TreeWatch(0)
    watch.moments, watch.cpu, watch.held = [100.0, 110.0, 120.0], [0.0, 10.0, 12.0], [1, 3, 2]
    return watch


def test_stages_and_what_lies_outside_them_come_to_the_whole() -> None:
    found = usage_by_stage({"land": (101.0, 106.0), "build": (110.0, 115.0)}, watched(), 100.0, 120.0)
    assert found == {
        "land": Usage(5.0, pytest.approx(5.0), 3), "build": Usage(5.0, pytest.approx(1.0), 3),
        OUTSIDE: Usage(10.0, pytest.approx(6.0)),
    }  # fmt: skip


def test_a_release_is_divided_into_tables_portal_and_audit() -> None:
    spans = {"land": (1.0, 2.0), "release": (2.0, 9.0)}
    said = [(1.5, "landed"), (4.0, DRAWING), (7.0, AUDITING)]
    assert divided(spans, said) == {
        "land": (1.0, 2.0), "release: tables": (2.0, 4.0), "release: portal": (4.0, 7.0), "release: audit": (7.0, 9.0)
    }  # fmt: skip
    assert divided(spans, said[:1]) == spans  # nothing was released


def test_a_run_that_fails_says_where_it_said_why(settings: Settings, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    log_file = tmp_path / "said.log"
    with pytest.raises(
        CornerstoneError, match=r"The run to be measured \(nothing new\) ended with an error.*said\.log"
    ):
        measure_run(settings.model_copy(update={"store": blocked}), "nothing new", "nothing_new", log_file)
    assert "CORNERSTONE_STORE" in log_file.read_text()
