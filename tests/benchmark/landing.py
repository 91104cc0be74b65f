"""How fast returns land, beside the quickest that any program could read the same files.

    python -m tests.benchmark.landing --scale 1 --scale 5 --return sen2
    python -m tests.benchmark.landing --return school_census

The floor of XML is a bare walk with `lxml.etree.iterparse` that reads every leaf and keeps nothing; that of CSV is DuckDB
reading each file as text and writing it as Parquet. For each scale the borough is invented in a process of its own; another
process then measures everything of a delivery in one run, so that a row can be compared with the rows beside it. Times are
the best of several turns; imports and the first evaluation are paid by landing a small delivery before. Processor time counts
every thread, and tells more than the clock where other programs run beside: ratios are given of both. What each part of a
landing takes, and its share, is processor time. Memory is the highest
that the process held while the row was measured, above what it held before; Linux only. One term of the census and three show
whether memory stays flat as schools are added.
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

import duckdb
from lxml import etree
from rich.console import Console
from rich.table import Table

from expectations.catalogue import load_catalogue
from orchestration.returns import assess, intake, land
from orchestration.returns.delivered import FileRefused, delivered_file
from orchestration.returns.gather import Unit, gather
from orchestration.returns.readers.records import Batch
from orchestration.returns.recognise import read_records
from orchestration.returns.spec import ReturnSpec, load_spec
from orchestration.returns.submission import Submission
from orchestration.returns.workspace import open_workspace
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.sql_text import literal
from orchestration.synthetic import synthesise
from orchestration.synthetic.borough import FIRST_YEAR
from orchestration.warehouse import prepare_store
from tests.invented_return import header, people, xml_text

FIGURES = PROJECT_DIR / "raw" / "seed" / "published_statistics" / "published_figures.csv.gz"
NEWEST = 2026
TURNS = 3
RETURNS = ("sen2", "school_census")
TERMS = ("autumn", "spring", "summer")
PERSONS = ("Person", "PupilOnRoll", "PupilNoLongerOnRoll")
FIRST = "first landing, of a small delivery"
NOON = datetime(NEWEST, 3, 1, 12, tzinfo=UTC)
MB = 1e6

# What a landing spends its time on, in the order in which it happens. A stage within another is not part of its time.
STAGES: dict[str, list[tuple[Any, str]]] = {
    "archive": [(land, "_receive_all")],
    "open workspace": [(land, "open_workspace")],
    "recognise": [(assess, "gather")],
    "read": [(intake, "read_records")],
    "type": [(intake, "read_together")],
    "rules": [(assess, "judge")],
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


@dataclass(frozen=True)
class Delivered:
    """Files of one return that are landed together, and a small delivery of the same kind that pays for imports."""

    title: str
    return_id: str
    files: tuple[Path, ...]
    small: tuple[Path, ...]

    @property
    def is_xml(self) -> bool:
        """Whether the floor is a walk of XML; else the files are CSV."""
        return self.files[0].suffix.lower() == ".xml"


@dataclass
class Benchmark:
    """One delivery's figures. `fields` are leaves of XML or cells of CSV; `stages` are the processor seconds of the parts of
    the quickest landing."""

    title: str
    scale: float
    files: int
    file_bytes: int
    fields: int
    rows: int
    measured: dict[str, Measured] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def floor(self) -> Measured:
        """The floor, which is measured first."""
        return next(iter(self.measured.values()))


def invent(folder: Path, scale: float, return_id: str) -> list[Delivered]:
    """What is measured of a return of an invented borough, `scale` times the size of the authority."""
    is_census = return_id == "school_census"
    years = range(FIRST_YEAR if is_census else NEWEST, NEWEST + 1)  # censuses go with the returns of every year
    synthesise(
        folder, la="372", figures=FIGURES, years=years, seed=1, scale=scale, faults="none", shapes=("xml",), truth=False,
        censuses=is_census,
    )  # fmt: skip
    if not is_census:
        small = folder / "small.xml"
        small.write_text(xml_text(header(), people()), encoding="utf-8")
        xml = tuple((folder / "sen2" / str(NEWEST) / "xml").iterdir())
        return [Delivered("EHC plans return, XML", return_id, xml, (small,))]
    terms = {term: _census_files(folder, f"{NEWEST - 1}-{NEWEST % 100}", term, "xml") for term in TERMS}
    csv = _census_files(folder, f"{NEWEST - 2}-{(NEWEST - 1) % 100}", "spring", "collect_csv")
    spring = terms["spring"]
    every = tuple(path for files in terms.values() for path in files)
    return [
        Delivered("School census, one term, XML", return_id, spring, spring[:1]),
        Delivered("School census, three terms, XML", return_id, every, spring[:1]),
        Delivered("School census, one term, COLLECT CSV", return_id, csv, spring[:1]),
    ]


def _census_files(folder: Path, year: str, term: str, shape: str) -> tuple[Path, ...]:
    return tuple(sorted((folder / "school_census" / year / term / shape).iterdir()))


def walk(path: Path) -> int:
    """Read the text of every leaf and let each person go: the floor. Returns: how many leaves."""
    leaves = 0
    for _, element in etree.iterparse(str(path), events=("end",)):
        if len(element) == 0:
            _ = element.text
            leaves += 1
        elif element.tag in PERSONS:
            _let_go(element)
    return leaves


def walk_by_person(path: Path) -> int:
    """The same, but the events of leaves never reach Python: quicker, where the element of a person is known."""
    leaves = 0
    for _, person in etree.iterparse(str(path), events=("end",), tag=PERSONS):
        for element in person.iter():
            if len(element) == 0:
                _ = element.text
                leaves += 1
        _let_go(person)
    return leaves


def _let_go(person: Any) -> None:
    person.clear()
    while person.getprevious() is not None:
        del person.getparent()[0]


def copy_csv(path: Path, target: Path) -> int:
    """Read a CSV file as text and write it as Parquet, all by DuckDB: the floor. Returns: how many cells."""
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")  # it would be drawn into standard output
        source = f"read_csv({literal(str(path))}, all_varchar = true)"
        connection.execute(f"copy (from {source}) to {literal(str(target))} (format parquet, compression zstd)")
        [rows] = connection.execute(f"select count(*) from read_parquet({literal(str(target))})").fetchone() or [0]
        return int(rows) * len(connection.sql(f"from read_parquet({literal(str(target))})").columns)


def _units(files: tuple[Path, ...], spec: ReturnSpec) -> list[Unit]:
    groups = gather([delivered_file(path) for path in files], spec)
    assert not any(group.refused or group.missing for group in groups)
    return [unit for group in groups for unit in group.units]


def read_only(files: tuple[Path, ...], spec: ReturnSpec) -> None:
    """Recognise and read, and drop what is read."""

    def drop(batch: Batch) -> None: ...

    for unit in _units(files, spec):
        assert isinstance(unit.found, list)
        read_records(list(zip(unit.files, unit.found, strict=True)), spec, unit.kind, drop)


def read_and_type(files: tuple[Path, ...], spec: ReturnSpec, spill: Path) -> None:
    """Recognise, read and type, without archive, rules and writing."""
    with open_workspace(spec, spill) as connection:
        units = _units(files, spec)
        for number, unit in enumerate(units):
            unit.submission_id = f"benchmark {number}"
        read = intake.read_together(connection, spec, units, "372", ())
        assert not any(isinstance(one, FileRefused) for one in read)


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
    """Add up the processor time that each stage takes by itself while the block runs."""
    inner: list[float] = []  # one entry for each stage under way: what the stages within it took

    def timed(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            inner.append(0.0)
            begun = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                took = time.process_time() - begun
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


def _landing(
    return_id: str, files: tuple[Path, ...], folder: Path
) -> tuple[Measured, dict[str, float], list[Submission]]:
    """Land files in a store of its own: from the inbox to the `landing.json` of the last of them."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(store=folder / "store", raw=folder / "raw", key_file=folder / "key" / "secret.key")
    prepare_store(settings)
    inbox = settings.inbox_dir / return_id
    for path in files:
        shutil.copyfile(path, inbox / path.name)
        os.utime(inbox / path.name, (0, 0))  # a file that was written just now would be waited for
    catalogue = load_catalogue(settings.rules_dir)
    spent: dict[str, float] = {}
    with _timed_stages(spent):
        measured, report = _best(1, lambda: land.land_return(settings, return_id, catalogue, now=NOON))
    wrong = [*report.left, *(str(one.reason) for one in report.refused), *(one.message for one in report.waiting)]
    if wrong or not report.committed:
        raise RuntimeError(f"What the benchmark delivered did not land: {'; '.join(wrong)}")
    shutil.rmtree(folder)
    return measured, spent, report.committed


def benchmark(delivered: Delivered, scale: float, turns: int = TURNS) -> Benchmark:
    """Measure one delivery, all in this process."""
    logging.disable(logging.WARNING)
    spec = load_spec(delivered.return_id)
    files = delivered.files
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, *_ = _landing(delivered.return_id, delivered.small, folder / "landing")
        gc.collect()
        gc.freeze()  # what imports left behind is not gone through again while the floor is timed
        measured: dict[str, Measured] = {}
        if delivered.is_xml:
            measured["bare walk"], fields = _best(turns, lambda: sum(map(walk, files)))
            measured["bare walk by person"], _ = _best(turns, lambda: sum(map(walk_by_person, files)))
        else:
            target = folder / "floor.parquet"
            measured["DuckDB, CSV to Parquet"], fields = _best(
                turns, lambda: sum(copy_csv(path, target) for path in files)
            )
        measured["reader"], _ = _best(turns, lambda: read_only(files, spec))
        measured["reader and typing"], _ = _best(turns, lambda: read_and_type(files, spec, folder / "spill"))
        landings = [_landing(delivered.return_id, files, folder / "landing") for _ in range(turns)]
    landing, stages, submissions = min(landings, key=lambda landed: landed[0].seconds)
    measured["whole landing"] = landing
    measured[FIRST] = first
    ordered = {stage: stages[stage] for stage in STAGES if stage in stages}
    size = sum(path.stat().st_size for path in files)
    rows = sum(one.rows_read for one in submissions)
    return Benchmark(delivered.title, scale, len(files), size, fields, rows, measured, ordered)


def _apart(function: Callable[..., Result], *arguments: Any) -> Result:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def table_of(found: Benchmark) -> Table:
    """The figures as a table; a ratio is the speed beside that of the floor, by the clock and by processor time."""
    megabytes = found.file_bytes / MB
    title = (
        f"{found.title}, scale {found.scale:g}: {found.files} file(s), {megabytes:.1f} MB, {found.fields:,} fields,"
        f" {found.rows:,} rows"
    )
    table = Table("", "seconds", "processor s", "MB/s", "ratio", "processor ratio", "share", "memory, MB", title=title)
    for column in table.columns[1:]:
        column.justify = "right"

    for name, measured in found.measured.items():
        beside = ["", "", ""]
        if name != FIRST:  # it is of another file
            clock, processor = measured.seconds, measured.cpu_seconds
            ratios = found.floor.seconds / clock, found.floor.cpu_seconds / processor
            beside = [f"{megabytes / clock:.1f}", *(f"{ratio:.2f}" for ratio in ratios)]
        peak = "" if measured.peak_mb is None else f"{measured.peak_mb:.0f}"
        table.add_row(name, f"{measured.seconds:.3f}", f"{measured.cpu_seconds:.3f}", *beside, "", peak)
        if name == "whole landing":
            for stage, seconds in found.stages.items():
                share = f"{seconds / measured.cpu_seconds:.0%}"
                table.add_row(f"  {stage}", "", f"{seconds:.3f}", "", "", "", share, "")
    return table


def main() -> None:
    """Measure every return and scale asked for, and print tables or JSON."""
    parser = argparse.ArgumentParser(description="Landing beside the quickest reading of the same files.")
    parser.add_argument(
        "--return", dest="returns", choices=RETURNS, action="append", help="repeatable; both if left out"
    )
    parser.add_argument("--scale", type=float, action="append", help="times the authority's own size; repeatable")
    parser.add_argument("--turns", type=int, default=TURNS, help="of which the best counts")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    chosen = parser.parse_args()
    found = []
    for return_id in chosen.returns or RETURNS:
        for scale in chosen.scale or [1.0]:
            with tempfile.TemporaryDirectory() as name:
                for delivered in _apart(invent, Path(name), scale, return_id):
                    found.append(_apart(benchmark, delivered, scale, chosen.turns))
    console = Console()
    if chosen.json:
        console.print_json(json.dumps([asdict(one) for one in found]))
        return
    for one in found:
        console.print(table_of(one))


if __name__ == "__main__":
    main()
