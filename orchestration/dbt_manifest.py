"""dbt's manifest, from which Dagster makes its assets: built when it is missing or older than a model."""

import logging
import os
import subprocess
import sys
from pathlib import Path

from orchestration.errors import CornerstoneError
from orchestration.returns import spec as specs
from orchestration.returns.kpis import aiming_return_ids, kpis_path, local_return_ids
from orchestration.settings import Settings

log = logging.getLogger("cornerstone.dbt")

KPI_STEP = "build_kpis"
DBT_EVENTS = Path(__file__).with_name("dbt_events.py")
"""The program that a build starts in the place of dbt's own: dbt that words nothing which is thrown away."""

HOLDS, JOINS = "holds", "joins"
"""Tests of dbt's that hold a model to several things at once: what is true of its columns; where their keys lead."""

_SOURCES = ("models", "macros", "seeds", "snapshots", "tests")


def dbt_executable() -> str:
    """The dbt of this environment, whether or not the environment is activated."""
    return str(Path(sys.executable).with_name("dbt"))


def manifest_path(settings: Settings) -> Path:
    """Where dbt leaves its manifest."""
    return settings.dbt_project_dir / "target" / "manifest.json"


def built_manifest(settings: Settings) -> Path:
    """Where the step that builds the KPI tables leaves dbt's manifest of what it built."""
    return settings.store / "dbt" / KPI_STEP / "manifest.json"


def dbt_environment(settings: Settings) -> dict[str, str]:
    """What dbt must be told besides its arguments: where the store is, which returns bring their KPIs, or aims, with them, and
    what its database may take."""
    limits = {f"CORNERSTONE_DBT_{name}".upper(): value for name, value in settings.database_limits.items()}
    return {
        "CORNERSTONE_STORE": str(settings.store),
        "CORNERSTONE_LOCAL_RETURNS": " ".join(local_return_ids()),
        "CORNERSTONE_AIMING_RETURNS": " ".join(aiming_return_ids()),
        **limits,
    }


def _newest_source(settings: Settings) -> float:
    """When what dbt reads last changed; the time of a folder tells of what was taken away from it."""
    project = settings.dbt_project_dir
    paths = [
        *project.glob("*.yml"),
        specs.SPECS_DIR,
        *(path for path in specs.SPECS_DIR.iterdir() if path.is_dir()),
        *(kpis_path(return_id) for return_id in local_return_ids()),
        *(path for name in _SOURCES for path in (project / name, *(project / name).rglob("*")) if path.exists()),
    ]
    return max(path.stat().st_mtime for path in paths)


def ensure_manifest(settings: Settings) -> Path:
    """Parse the dbt project if its manifest is missing or stale; some seconds then, nothing otherwise.

    Raises:
        CornerstoneError: dbt cannot parse the project; its own words follow.
    """
    path = manifest_path(settings)
    if path.is_file() and path.stat().st_mtime >= _newest_source(settings):
        return path
    log.info("reading the dbt project (once after a change, some seconds)")
    run_dbt(settings, ["parse"])
    path.touch()
    return path


def run_dbt(settings: Settings, arguments: list[str], *, warehouse: Path | None = None) -> None:
    """Run dbt in a process of its own, over the store's working database or a copy of it.

    Raises:
        CornerstoneError: dbt ended with an error.
    """
    settings.store.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [dbt_executable(), *arguments],
        cwd=settings.dbt_project_dir,
        env={
            **os.environ,
            **dbt_environment(settings),
            "CORNERSTONE_WAREHOUSE": str(warehouse or settings.warehouse_path),
            "DBT_PROFILES_DIR": str(settings.dbt_project_dir),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CornerstoneError(f"dbt {arguments[0]} failed:\n{(done.stdout + done.stderr).strip()[-2000:]}")
