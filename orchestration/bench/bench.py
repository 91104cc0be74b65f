"""The whole measurement: boroughs of several sizes, each landed by shape and carried to a release, beside the floors of its files."""

import logging
import os
import platform
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb
from pydantic import SecretStr

from orchestration.bench.floors import Floor, pandas_parquet, read_all, scan_parquet, scan_tables
from orchestration.bench.landing import Landed, floors_of, measure_landing
from orchestration.bench.measure import Usage, apart, best_of
from orchestration.bench.whole_run import Run, measure_run
from orchestration.code_version import code_version
from orchestration.errors import CornerstoneError
from orchestration.release.inventory import RELEASED_SCHEMAS, SCHEMAS_OF_GATE
from orchestration.returns.inbox import bundled_files, inbox_files
from orchestration.returns.spec import return_ids
from orchestration.returns.submission import landing_dirs, read_submissions
from orchestration.settings import PROJECT_DIR, Settings

log = logging.getLogger("cornerstone.bench")

SMALL = 0.02
"""The size at which what is measured is the tools' own fixed cost."""
TURNS = 3
COLD, NOTHING_NEW, ONE_FILE = "everything, for the first time", "nothing new", "one new school file"
LANDED_FLOOR = "landed Parquet: DuckDB"
_READ_BY_STEP = {
    "mart_gate": SCHEMAS_OF_GATE["mart"],
    "build_kpis": ("marts",),
    "kpi_gate": SCHEMAS_OF_GATE["kpi"],
    "suppress_open_tables": ("kpi",),
    "open_gate": SCHEMAS_OF_GATE["open"],
    "release: tables": RELEASED_SCHEMAS,
}
"""The schemas of the working database that a step reads; steps before these read landed files."""


@dataclass(frozen=True)
class Read:
    """What a stage reads: rows, bytes, and the quickest that the same could be read; None where nothing is comparable."""

    rows: int
    bytes: int
    floor: Usage | None


@dataclass(frozen=True)
class Measured:
    """What was measured at one size. `read`: what stages of a cold run read, by stage."""

    scale: float
    files: int
    bytes: int
    rows: int
    landings: list[Landed]
    floors: list[Floor]
    runs: list[Run]
    read: dict[str, Read]

    def run(self, name: str) -> Run:
        """One of its runs, by name."""
        return next(one for one in self.runs if one.name == name)


@dataclass(frozen=True)
class Bench:
    """A whole measurement, and of which code on which machine."""

    made_at: str
    code_version: str
    machine: dict[str, str | int]
    measured: list[Measured]


def run_bench(settings: Settings, scales: Sequence[float], work: Path) -> Bench:
    """Measure one size after the other in folders of their own below `work`, which are removed.

    Raises:
        CornerstoneError: there are no bundled figures to invent a borough from, or something that was measured failed.
    """
    return Bench(
        datetime.now(UTC).isoformat(timespec="seconds"),
        code_version(),
        _machine(),
        [_measure_scale(settings, scale, work / f"scale-{scale:g}") for scale in sorted(scales)],
    )


def _measure_scale(settings: Settings, scale: float, home: Path) -> Measured:
    # A secret of its own: the one of the settings is for what is real.
    secret = SecretStr(secrets.token_hex(32))
    own = settings.model_copy(update={"store": home / "store", "raw": home / "raw", "secret_key": secret})
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    log.info("inventing a borough %s times the authority's size; this is not measured", f"{scale:g}")
    apart(prepare, own, scale)
    from orchestration.synthetic.deliveries import deliveries, one_school

    late = one_school(own.synthetic_dir)
    held = _hold_back(late.files[0], home)
    landings = []
    for one in deliveries(own.synthetic_dir):
        log.info("landing beside its floor: %s", one.title)
        landings.append(apart(measure_landing, one, TURNS))
    delivered = {one: [*inbox_files(own, one), *bundled_files(own, one)] for one in return_ids()}
    sizes = {one: sum(path.stat().st_size for path in paths) for one, paths in delivered.items()}
    log.info("reading %s files in the quickest way", f"{sum(map(len, delivered.values())):,}")
    floors = {one: apart(floors_of, paths, home, 1) for one, paths in delivered.items() if paths}
    runs = [_run(own, COLD, "released", home)]
    read = apart(read_by_stage, own, sizes, floors)
    runs.append(_run(own, NOTHING_NEW, "nothing_new", home))
    _deliver(held, own.inbox_dir / late.return_id)
    runs.append(_run(own, ONE_FILE, "released", home))
    of_landed = apart(floors_of_landed, own)
    shutil.rmtree(home)
    return Measured(
        scale,
        sum(map(len, delivered.values())),
        sum(sizes.values()),
        sum(read[f"landed__{one}"].rows for one in delivered),
        landings,
        [floor for found in floors.values() for floor in found] + of_landed,
        runs,
        read,
    )


def prepare(settings: Settings, scale: float) -> None:
    """A store as a first run finds it, with an invented borough waiting in it.

    Raises:
        CornerstoneError: none could be invented.
    """
    from orchestration.dbt_manifest import ensure_manifest
    from orchestration.synthetic.first_run import invent_for
    from orchestration.warehouse import prepare_store

    logging.disable(logging.WARNING)
    shutil.copytree(PROJECT_DIR / "raw" / "seed", settings.seed_dir)
    prepare_store(settings)
    ensure_manifest(settings)
    if not invent_for(settings, scale):
        raise CornerstoneError("No borough could be invented to measure with: the bundled figures are missing.")


def _hold_back(path: Path, home: Path) -> Path:
    held = home / "late" / path.name
    held.parent.mkdir()
    return path.rename(held)


def _deliver(path: Path, inbox: Path) -> None:
    os.utime(path, (0, 0))  # a file that was written just now would be waited for
    path.rename(inbox / path.name)


def _run(settings: Settings, name: str, expected: str, home: Path) -> Run:
    log.info("a run: %s", name)
    return measure_run(settings, name, expected, home / f"{name}.log")


def read_by_stage(settings: Settings, sizes: dict[str, int], floors: dict[str, list[Floor]]) -> dict[str, Read]:
    """What each stage of a run reads, in rows and bytes, with the floor of the same."""
    found = {
        f"landed__{one}": Read(
            sum(submission.rows_read for submission in read_submissions(settings, one)),
            size,
            _added([floor.usage for floor in floors.get(one, []) if "pandas" not in floor.name]),
        )
        for one, size in sizes.items()
    }
    [landed, _] = floors_of_landed(settings)
    for step in ("warehouse__control", "build_marts"):
        found[step] = Read(landed.rows, landed.bytes, landed.usage)
    for step, schemas in _READ_BY_STEP.items():
        usage, counted = best_of(1, partial(scan_tables, settings.warehouse_path, schemas))
        found[step] = Read(counted.rows, counted.bytes, usage)
    return found


def floors_of_landed(settings: Settings) -> list[Floor]:
    """The quickest reading of everything landed."""
    paths = [
        path for one in return_ids() for folder in landing_dirs(settings, one) for path in folder.glob("*.parquet")
    ]
    return [
        read_all(LANDED_FLOOR, paths, scan_parquet),
        read_all("landed Parquet: pandas", paths, pandas_parquet),
    ]


def _added(usages: Sequence[Usage]) -> Usage | None:
    """Of readings one after the other."""
    if not usages:
        return None
    return Usage(
        sum(one.seconds for one in usages),
        sum(one.cpu_seconds for one in usages),
        max((one.peak_bytes or 0 for one in usages), default=None),
    )


def _machine() -> dict[str, str | int]:
    return {
        "processors": os.cpu_count() or 1,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.system(),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
    }
