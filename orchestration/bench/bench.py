"""The whole measurement: boroughs of several sizes, each landed by shape and carried to a release, and a census of many authorities
carried there, beside the floors of their files."""

import logging
import os
import platform
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
ENGLAND_SCALE = 1.33
"""How large the borough is that every authority is a copy of: 153 of them have about nine million pupils."""
GB = 1e9
FIXED_DISK, DISK_EACH = 2 * GB, 0.15 * GB
"""What measuring takes of the disk at most, by itself and for each authority: its files, their archive, vault, landed Parquet, the
working database, what spills, and the release."""
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
    """What was measured at one size. `read`: what stages of a cold run read, by stage.

    `scale`: of the borough beside the authority's own size; where there are `authorities`, the size of each.
    """

    scale: float
    files: int
    bytes: int
    rows: int
    landings: list[Landed]
    floors: list[Floor]
    runs: list[Run]
    read: dict[str, Read]
    authorities: int | None = None

    @property
    def size(self) -> str:
        """Of what it was, in a word or two."""
        if self.authorities is None:
            return f"size {self.scale:g}"
        return f"{self.authorities} authorit{'y' if self.authorities == 1 else 'ies'}"

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


def run_bench(settings: Settings, scales: Sequence[float], authorities: Sequence[int], work: Path) -> Iterator[Bench]:
    """Measure one size after the other in folders of their own below `work`, which are removed: boroughs with all their returns,
    then one census and one return of plans of so many authorities.

    Yields: after each size, everything that has been measured: what takes hours and fails in the end has told what it could.

    Raises:
        CornerstoneError: the disk does not hold it, there are no bundled figures to invent a borough from, or something that was
            measured failed.
    """
    if authorities:
        require_disk(max(authorities), work)
    sizes = [
        *(partial(_measure_scale, settings, scale, work / f"scale-{scale:g}") for scale in sorted(scales)),
        *(
            partial(_measure_authorities, settings, count, work / f"authorities-{count}")
            for count in sorted(authorities)
        ),
    ]
    bench = Bench(datetime.now(UTC).isoformat(timespec="seconds"), code_version(), _machine(), [])
    for measure in sizes:
        bench = replace(bench, measured=[*bench.measured, measure()])
        yield bench


def require_disk(authorities: int, work: Path) -> None:
    """Say what disk measuring so many authorities takes.

    Raises:
        CornerstoneError: there is not as much.
    """
    need, free = FIXED_DISK + authorities * DISK_EACH, shutil.disk_usage(work).free
    told = f"{authorities} authorities take about {need / GB:,.0f} GB of disk while they are measured; {work} has {free / GB:,.0f} GB free"
    if free < need:
        raise CornerstoneError(f"{told}. Name a folder on a larger disk with --work.")
    log.info("%s", told)


def _store_of_its_own(settings: Settings, home: Path) -> Settings:
    # A secret of its own: the one of the settings is for what is real.
    secret = SecretStr(secrets.token_hex(32))
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return settings.model_copy(update={"store": home / "store", "raw": home / "raw", "secret_key": secret})


def _measure_scale(settings: Settings, scale: float, home: Path) -> Measured:
    own = _store_of_its_own(settings, home)
    log.info("inventing a borough %s times the authority's size; this is not measured", f"{scale:g}")
    apart(prepare, own, scale)
    from orchestration.synthetic.deliveries import deliveries, one_school

    late = one_school(own.synthetic_dir)
    held = _hold_back(late.files[0], home)
    landings = []
    for one in deliveries(own.synthetic_dir):
        log.info("landing beside its floor: %s", one.title)
        landings.append(apart(measure_landing, one, TURNS))
    delivered, sizes, floors = _read_quickly(own, home)
    runs = [_run(own, COLD, "released", home)]
    read = apart(read_by_stage, own, sizes, floors)
    runs.append(_run(own, NOTHING_NEW, "nothing_new", home))
    _deliver(held, own.inbox_dir / late.return_id)
    runs.append(_run(own, ONE_FILE, "released", home))
    return _measured(own, home, scale, delivered, sizes, floors, runs, read, landings)


def _measure_authorities(settings: Settings, count: int, home: Path) -> Measured:
    own = _store_of_its_own(settings, home)
    log.info("writing the census of %s authorities; this is not measured", count)
    apart(prepare_authorities, own, count, home / "borough")
    delivered, sizes, floors = _read_quickly(own, home, with_pandas=False)
    runs = [_run(own, COLD, "released", home)]
    read = apart(read_by_stage, own, sizes, floors)
    runs.append(_run(own, NOTHING_NEW, "nothing_new", home))
    return _measured(own, home, ENGLAND_SCALE, delivered, sizes, floors, runs, read, [], count)


def _read_quickly(
    own: Settings, home: Path, *, with_pandas: bool = True
) -> tuple[int, dict[str, int], dict[str, list[Floor]]]:
    """How many files wait, their bytes by return, and the quickest that these can be read."""
    delivered = {one: [*inbox_files(own, one), *bundled_files(own, one)] for one in return_ids()}
    files = sum(map(len, delivered.values()))
    sizes = {one: sum(path.stat().st_size for path in paths) for one, paths in delivered.items()}
    log.info("reading %s files in the quickest way", f"{files:,}")
    floors = {one: apart(floors_of, paths, home, 1, with_pandas) for one, paths in delivered.items() if paths}
    return files, sizes, floors


def _measured(
    own: Settings,
    home: Path,
    scale: float,
    files: int,
    sizes: dict[str, int],
    floors: dict[str, list[Floor]],
    runs: list[Run],
    read: dict[str, Read],
    landings: list[Landed],
    authorities: int | None = None,
) -> Measured:
    of_landed = apart(floors_of_landed, own)
    shutil.rmtree(home)
    return Measured(
        scale,
        files,
        sum(sizes.values()),
        sum(read[f"landed__{one}"].rows for one in sizes),
        landings,
        [floor for found in floors.values() for floor in found] + of_landed,
        runs,
        read,
        authorities,
    )


def prepare_authorities(settings: Settings, count: int, borough: Path) -> None:
    """A store as a first run finds it, with one census and one return of plans of so many authorities waiting in it.

    Raises:
        CornerstoneError: no borough could be invented.
    """
    from orchestration.dbt_manifest import ensure_manifest
    from orchestration.synthetic import bundled_figures
    from orchestration.synthetic.authorities import codes_from, write_authorities
    from orchestration.synthetic.borough import FIRST_YEAR, LAST_YEAR, synthesise
    from orchestration.synthetic.first_run import SEED
    from orchestration.warehouse import prepare_store

    logging.disable(logging.WARNING)
    shutil.copytree(PROJECT_DIR / "raw" / "seed", settings.seed_dir)
    prepare_store(settings)
    ensure_manifest(settings)
    synthesise(
        borough,
        la=settings.la_code,
        figures=bundled_figures(settings),
        years=range(FIRST_YEAR, LAST_YEAR + 1),
        seed=SEED,
        scale=ENGLAND_SCALE,
        faults="none",
        shapes=("collect_csv",),
        truth=False,
        censuses=True,
    )
    write_authorities(borough, settings.synthetic_dir, codes_from(settings.la_code, count), settings.database_limits)
    shutil.rmtree(borough)


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
