"""What a piece of work used is what the system says, of a process with all that it starts."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from orchestration.bench.measure import TreeWatch, Usage, apart, best_of, timed_functions

BUSY = "import time; end = time.process_time() + {seconds}\nwhile time.process_time() < end: pass"
GRANDCHILD = f"""
import subprocess, sys
held = bytearray(80_000_000)
subprocess.run([sys.executable, "-c", {BUSY.format(seconds=0.4)!r}])
"""


def test_a_tree_is_watched_with_the_processes_that_it_starts() -> None:
    began = time.time()
    process = subprocess.Popen([sys.executable, "-c", GRANDCHILD])
    with TreeWatch(process.pid) as watch:
        process.wait()
        ended = time.time()
    used = watch.usage(began, ended)
    assert used.seconds == pytest.approx(ended - began)
    assert 0.3 < used.cpu_seconds < 2
    assert used.peak_bytes is not None
    assert 80e6 < used.peak_bytes < 500e6


def test_usage_between_two_moments_is_in_proportion() -> None:
    watch = TreeWatch(0)
    watch.moments, watch.cpu, watch.held = [10.0, 12.0, 14.0, 16.0], [0.0, 1.0, 1.0, 3.0], [5, 50, 7, 6]
    assert watch.usage(11.0, 15.0) == Usage(
        4.0, pytest.approx(1.5), 50
    )  # 0.5 of the first second, half of the last two
    assert watch.usage(14.5, 15.5) == Usage(1.0, pytest.approx(1.0), 7)
    assert watch.usage(0.0, 99.0) == Usage(99.0, 3.0, 50)


def test_what_a_process_used_that_is_gone_stays_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    trees = iter([{1: (1.0, 10), 2: (4.0, 10)}, {1: (1.5, 10)}, {}])
    monkeypatch.setattr("orchestration.bench.measure._tree", lambda _: next(trees))
    watch = TreeWatch(1)
    for _ in range(3):
        watch._take()
    assert watch.cpu == [5.0, 5.5]


def test_the_best_of_several_turns_counts() -> None:
    waits = iter([0.2, 0.01, 0.1])
    used, _ = best_of(3, lambda: time.sleep(next(waits)))
    assert 0.01 <= used.seconds < 0.1


def test_a_stage_within_another_is_not_part_of_its_time_and_functions_are_put_back() -> None:
    def busy(seconds: float) -> None:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    @contextlib.contextmanager
    def opened() -> Iterator[str]:
        busy(0.05)
        yield "open"

    def outer() -> str:
        busy(0.05)
        with module.opened() as found:
            module.inner()
        return str(found)

    module = SimpleNamespace(outer=outer, inner=lambda: busy(0.1), opened=opened)
    before = dict(vars(module))
    spent: dict[str, float] = {}
    with timed_functions({"outer": (module, "outer"), "inner": (module, "inner"), "open": (module, "opened")}, spent):
        assert module.outer() == "open"
    assert spent == {
        "outer": pytest.approx(0.05, abs=0.03), "inner": pytest.approx(0.1, abs=0.03), "open": pytest.approx(0.05, abs=0.03)
    }  # fmt: skip
    assert vars(module) == before


def test_a_function_runs_apart_in_a_process_that_has_imported_nothing() -> None:
    assert apart(sum, [1, 2]) == 3
