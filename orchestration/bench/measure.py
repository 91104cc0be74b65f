"""What a piece of work uses: time, processor time and memory, of this process or of a process with all that it starts."""

import multiprocessing
import os
import threading
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
EVERY_SECONDS = 0.1

Result = TypeVar("Result")


@dataclass(frozen=True)
class Usage:
    """Seconds by the clock and of all processors, and the highest memory in bytes (None where the system does not tell)."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int | None = None


def best_of(turns: int, work: Callable[[], Result]) -> tuple[Usage, Result]:
    """The quickest of several turns in this process; its memory is what it took above what was held before."""
    best: Usage | None = None
    for _ in range(turns):
        held = _reset_peak()
        began, cpu = time.perf_counter(), time.process_time()
        result = work()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        if best is None or seconds < best.seconds:
            best = Usage(seconds, cpu, None if held is None else max(0, _memory("VmHWM") - held))
    assert best is not None
    return best, result


def _memory(name: str) -> int:
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def _reset_peak() -> int | None:
    """Let the system forget the highest memory so far. Returns: what is held now; None where it cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return _memory("VmRSS")


class TreeWatch:
    """Looks at a process and all that it starts, until the block ends: processor time so far and memory held, by the moment.

    Memory is the sum of what each process holds; what two share, such as libraries, counts twice. Linux only: elsewhere nothing
    is seen and every usage has the clock alone.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.moments: list[float] = []
        self.cpu: list[float] = []
        self.held: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        # A process that nobody waited for takes its times with it; what it was seen to use stays counted.
        self._gone = 0.0
        self._last: dict[int, float] = {}

    def __enter__(self) -> "TreeWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self._take()
            if self._ended.wait(EVERY_SECONDS):
                return

    def _take(self) -> None:
        own = _tree(self.pid)
        if not own:
            return
        self.moments.append(time.time())
        # utime and stime are its own; what its children used that it waited for is told by the tree while they live.
        for pid in self._last.keys() - own.keys():
            self._gone += self._last[pid]
        self._last = {pid: cpu for pid, (cpu, _) in own.items()}
        self.cpu.append(self._gone + sum(self._last.values()))
        self.held.append(sum(held for _, held in own.values()))

    def usage(self, began: float, ended: float) -> Usage:
        """What the tree used between two moments (seconds since 1970)."""
        first, last = bisect_right(self.moments, began) - 1, bisect_left(self.moments, ended)
        if not self.moments:
            return Usage(ended - began, 0.0)
        cpu = self._cpu_at(ended) - self._cpu_at(began)
        return Usage(ended - began, cpu, max(self.held[max(first, 0) : last + 1], default=self.held[-1]))

    def whole(self) -> Usage:
        """What it used in all."""
        return self.usage(self.moments[0], self.moments[-1]) if self.moments else Usage(0.0, 0.0)

    def _cpu_at(self, moment: float) -> float:
        """Between two looks, in proportion to the time."""
        after = bisect_left(self.moments, moment)
        if after == 0:
            return self.cpu[0]
        if after == len(self.moments):
            return self.cpu[-1]
        [before, then], [low, high] = self.moments[after - 1 : after + 1], self.cpu[after - 1 : after + 1]
        return low + (high - low) * (moment - before) / (then - before)


def _tree(root: int) -> dict[int, tuple[float, int]]:
    """Processor seconds and memory of a process and its descendants, by process."""
    seen: dict[int, tuple[int, float, int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The command stands in brackets and can hold anything; fields after it are numbered from 3.
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        seen[int(path.parent.name)] = (
            int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS, int(fields[21]) * PAGE
        )  # fmt: skip
    children: dict[int, list[int]] = defaultdict(list)
    for pid, (parent, _, _) in seen.items():
        children[parent].append(pid)
    own: dict[int, tuple[float, int]] = {}
    left = [root] if root in seen else []
    while left:
        pid = left.pop()
        own[pid] = seen[pid][1:]
        left += children[pid]
    return own


def apart(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a process of its own, which starts with nothing imported."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


@contextmanager
def timed_functions(functions: dict[str, tuple[Any, str]], spent: dict[str, float]) -> Iterator[None]:
    """Add up, by stage, the processor seconds of this process in functions (module, name) while the block runs.

    A stage within another is not part of its time. A function that `contextmanager` made is timed where it is entered and left.
    """
    inner: list[float] = []  # one entry for each stage under way: what the stages within it took

    def timed(stage: str, function: Callable[..., Any], *, is_context: bool = False) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            inner.append(0.0)
            began = time.process_time()
            try:
                found = function(*arguments, **named)
            finally:
                took = time.process_time() - began
                spent[stage] = spent.get(stage, 0.0) + took - inner.pop()
                if inner:
                    inner[-1] += took
            return _TimedContext(found, partial(timed, stage)) if is_context else found

        return call

    with ExitStack() as undone:
        for stage, (module, name) in functions.items():
            original = getattr(module, name)
            undone.callback(setattr, module, name, original)
            is_context = hasattr(original, "__wrapped__")  # made by contextmanager
            setattr(module, name, timed(stage, original, is_context=is_context))
        yield


class _TimedContext:
    """A context whose entry and exit are timed."""

    def __init__(self, manager: Any, timed: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self._enter, self._exit = timed(manager.__enter__), timed(manager.__exit__)

    def __enter__(self) -> Any:
        return self._enter()

    def __exit__(self, *raised: object) -> Any:
        return self._exit(*raised)
