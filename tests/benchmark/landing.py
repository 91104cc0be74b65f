"""How fast an EHC plans return lands, beside the quickest that any program could read the same XML file.

    python -m tests.benchmark.landing --scale 1 --scale 5 --scale 15

The floor is a bare walk with `lxml.etree.iterparse` that reads every leaf and keeps nothing. For each scale the borough is
invented in a process of its own; another process then measures everything in one run, so that a row can be compared with
the rows beside it. Times are the best of several turns; imports and the first evaluation are paid by landing a small file
before. Processor time counts every thread, and tells more than the clock where other programs run beside; the ratio is of
the clock. Memory is the highest that the process held while the row was measured, above what it held before; Linux only.
"""

import argparse
import gc
import json
import logging
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from lxml import etree
from rich.console import Console
from rich.table import Table

from expectations.catalogue import load_catalogue
from orchestration.returns import assess, land
from orchestration.returns.delivered import DataFile, FileRefused, delivered_file, open_delivered
from orchestration.returns.readers.records import Batch, HeldRecords
from orchestration.returns.recognise import read_records, recognise_data_file
from orchestration.returns.spec import ReturnSpec, load_spec
from orchestration.returns.workspace import open_workspace
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.synthetic import synthesise
from orchestration.warehouse import prepare_store
from tests.invented_return import header, people, xml_text

FIGURES = PROJECT_DIR / "raw" / "seed" / "published_statistics" / "published_figures.csv.gz"
NEWEST = 2026
TURNS = 3
NOON = datetime(NEWEST, 3, 1, 12, tzinfo=UTC)
MB = 1e6

# What a landing spends its time on, in the order in which it happens. A stage within another is not part of its time.
STAGES: dict[str, list[tuple[Any, str]]] = {
    "archive": [(land, "_receive_all")],
    "open workspace": [(land, "open_workspace")],
    "recognise": [(assess, "_grouped")],
    "read": [(assess, "read_records")],
    "type": [(assess, "_typed")],
    "rules": [(assess, "_judge")],
    "row keys": [(land, "make_row_keys")],
    "vault and landed Parquet": [(land, "_commit")],
    "everything else": [(land, "land_return")],
}

Result = TypeVar("Result")


@dataclass
class Measured:
    """One row: seconds of the best turn by the clock and of all processors, and the highest memory above what was held
    before, in MB."""

    seconds: float
    cpu_seconds: float = 0.0
    peak_mb: float | None = None


@dataclass
class Benchmark:
    """One file's figures. `stages` are parts of the quickest landing."""

    scale: float
    file_bytes: int
    leaves: int
    rows: int
    status: str
    measured: dict[str, Measured] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def floor(self) -> float:
        """Seconds of the bare walk."""
        return self.measured["bare walk"].seconds


def invent(folder: Path, scale: float) -> Path:
    """The XML return of the newest year of an invented borough, `scale` times the size of the authority."""
    synthesise(folder, la="372", figures=FIGURES, years=range(NEWEST, NEWEST + 1), seed=1, scale=scale, faults="none")
    [made] = (folder / "sen2" / str(NEWEST) / "xml").iterdir()
    return made


def walk(path: Path) -> int:
    """Read the text of every leaf and let each person go: the floor. Returns: how many leaves."""
    leaves = 0
    for _, element in etree.iterparse(str(path), events=("end",)):
        if len(element) == 0:
            _ = element.text
            leaves += 1
        elif element.tag == "Person":
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    return leaves


def walk_by_person(path: Path) -> int:
    """The same, but the events of leaves never reach Python: quicker, where the element of a person is known."""
    leaves = 0
    for _, person in etree.iterparse(str(path), events=("end",), tag="Person"):
        for element in person.iter():
            if len(element) == 0:
                _ = element.text
                leaves += 1
        person.clear()
        while person.getprevious() is not None:
            del person.getparent()[0]
    return leaves


def read_only(path: Path, spec: ReturnSpec) -> None:
    """Recognise and read, and drop what is read."""

    def drop(batch: Batch) -> None: ...

    [data] = open_delivered(delivered_file(path))
    assert isinstance(data, DataFile)
    kind, found = recognise_data_file(data, spec)
    assert isinstance(found, HeldRecords)
    read_records([(data, found)], spec, kind, drop)


def read_and_type(path: Path, spec: ReturnSpec, spill: Path) -> None:
    """Recognise, read and type, without archive, rules and writing."""
    with open_workspace(spec, spill) as connection:
        [data] = open_delivered(delivered_file(path))
        assert isinstance(data, DataFile)
        kind, found = recognise_data_file(data, spec)
        assert isinstance(found, HeldRecords)
        unit = assess._Unit(kind, [found], [data], submission_id="benchmark")
        [read] = assess._read_together(connection, spec, [unit], "372", ())
        assert not isinstance(read, FileRefused)


def _best(turns: int, measure: Callable[[], Result]) -> tuple[Measured, Result]:
    best = Measured(float("inf"))
    for _ in range(turns):
        held = _reset_peak()
        begun, cpu = time.perf_counter(), time.process_time()
        result = measure()
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        peak = None if held is None else _memory_mb("VmHWM") - held
        if seconds < best.seconds:
            best = Measured(seconds, cpu, peak)
    return best, result


def _memory_mb(name: str) -> float:
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024 / MB


def _reset_peak() -> float | None:
    """Let the system forget the highest memory so far. Returns: what is held now, in MB; None where it cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return _memory_mb("VmRSS")


@contextmanager
def _timed_stages(spent: dict[str, float]) -> Iterator[None]:
    """Add up what each stage takes by itself while the block runs."""
    inner: list[float] = []  # one entry for each stage under way: what the stages within it took

    def timed(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            inner.append(0.0)
            begun = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                took = time.perf_counter() - begun
                spent[stage] = spent.get(stage, 0.0) + took - inner.pop()
                if inner:
                    inner[-1] += took

        return call

    def timed_entry(stage: str, opener: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def opened(*arguments: Any, **named: Any) -> Iterator[Any]:
            manager = opener(*arguments, **named)
            yield_value = timed(stage, manager.__enter__)()
            try:
                yield yield_value
            finally:
                timed(stage, manager.__exit__)(None, None, None)

        return opened

    with ExitStack() as stack:
        for stage, functions in STAGES.items():
            for module, name in functions:
                wrap = timed_entry if name == "open_workspace" else timed
                stack.enter_context(patch.object(module, name, wrap(stage, getattr(module, name))))
        yield


def _landing(path: Path, folder: Path) -> tuple[Measured, dict[str, float], int, str]:
    """Land a file in a store of its own: from the inbox to its `submission.json`."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "key" / "secret.key")
    prepare_store(settings)
    delivered = settings.inbox_dir / "sen2" / path.name
    delivered.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, delivered)
    os.utime(delivered, (0, 0))  # a file that was written just now would be waited for
    catalogue = load_catalogue(settings.rules_dir)
    spent: dict[str, float] = {}
    with _timed_stages(spent):
        measured, report = _best(1, lambda: land.land_return(settings, "sen2", catalogue, now=NOON))
    [submission] = report.committed
    if submission.status != "accepted" or delivered.exists():
        raise RuntimeError(f"The benchmark's return did not land: {submission.reason}")
    shutil.rmtree(folder)
    return measured, spent, submission.rows_read, submission.status


def benchmark(path: Path, scale: float, turns: int = TURNS) -> Benchmark:
    """Measure one file, all in this process."""
    logging.disable(logging.WARNING)
    spec = load_spec("sen2")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = folder / "small.xml"
        small.write_text(xml_text(header(), people()), encoding="utf-8")
        first, *_ = _landing(small, folder / "landing")
        gc.collect()
        gc.freeze()  # what imports left behind is not gone through again while the walks are timed
        bare, leaves = _best(turns, lambda: walk(path))
        measured = {"bare walk": bare}
        measured["bare walk by person"], _ = _best(turns, lambda: walk_by_person(path))
        measured["reader"], _ = _best(turns, lambda: read_only(path, spec))
        measured["reader and typing"], _ = _best(turns, lambda: read_and_type(path, spec, folder / "spill"))
        landings = [_landing(path, folder / "landing") for _ in range(turns)]
    landing, stages, rows, status = min(landings, key=lambda landed: landed[0].seconds)
    measured["whole landing"] = landing
    measured["first landing, 19 rows"] = first
    ordered = {stage: stages[stage] for stage in STAGES if stage in stages}
    return Benchmark(scale, path.stat().st_size, leaves, rows, status, measured, ordered)


def _apart(function: Callable[..., Result], *arguments: Any) -> Result:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def table_of(found: Benchmark) -> Table:
    """The figures as a table; the ratio is the speed beside that of the bare walk."""
    megabytes = found.file_bytes / MB
    title = f"Scale {found.scale:g}: {megabytes:.1f} MB of XML, {found.leaves:,} leaves, {found.rows:,} rows"
    table = Table("", "seconds", "processor s", "MB/s", "ratio to the walk", "memory, MB", title=title)
    for column in table.columns[1:]:
        column.justify = "right"

    for name, measured in found.measured.items():
        speed = ratio = ""
        if "rows" not in name:  # it is of another file
            speed, ratio = f"{megabytes / measured.seconds:.1f}", f"{found.floor / measured.seconds:.2f}"
        peak = "" if measured.peak_mb is None else f"{measured.peak_mb:.0f}"
        table.add_row(name, f"{measured.seconds:.3f}", f"{measured.cpu_seconds:.3f}", speed, ratio, peak)
        if name == "whole landing":
            for stage, seconds in found.stages.items():
                table.add_row(f"  {stage}", f"{seconds:.3f}", "", "", "", "")
    return table


def main() -> None:
    """Measure every scale asked for, and print tables or JSON."""
    parser = argparse.ArgumentParser(description="Landing beside a bare walk of the same XML file.")
    parser.add_argument("--scale", type=float, action="append", help="times the authority's own size; repeatable")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    chosen = parser.parse_args()
    found = []
    for scale in chosen.scale or [1.0]:
        with tempfile.TemporaryDirectory() as name:
            path = _apart(invent, Path(name), scale)
            found.append(_apart(benchmark, path, scale))
    console = Console()
    if chosen.json:
        console.print_json(json.dumps([asdict(one) for one in found]))
        return
    for one in found:
        console.print(table_of(one))


if __name__ == "__main__":
    main()
