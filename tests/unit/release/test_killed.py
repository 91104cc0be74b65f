"""Killed at any instant, the release people read is untouched, and the next publish carries on."""

import hashlib
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.release.folders import current_release
from orchestration.release.lifecycle import list_releases, show_release
from orchestration.settings import Settings

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WEDNESDAY = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)

PROJECT = Path(__file__).parents[3]


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def publish_and_die(settings: Settings, step: str) -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed_publish.py")), str(settings.store), step],
        cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("step", "left_behind"),
    [
        ("write_evidence", "partial"),
        ("verify_built", "partial"),
        ("write_manifest", "partial"),
        ("give_name", "partial"),
        ("make_current", "complete"),
        ("point_current_to", "complete"),
    ],
)
def test_the_old_release_stays_and_the_next_publish_completes(
    publish_at: Any,
    settings: Settings,
    warehouse: duckdb.DuckDBPyConnection,
    catalogue: Any,
    step: str,
    left_behind: str,
) -> None:
    old = publish_at(MONDAY)
    before = fingerprint(old.folder)
    warehouse.execute("update kpi.kpi_value set value = 960 where kpi_value_key = '1'")
    warehouse.close()

    publish_and_die(settings, step)

    assert settings.current_link.resolve() == old.folder
    assert fingerprint(old.folder) == before
    partial = list(settings.releases_dir.glob("*.partial"))
    complete = [item.release_id for item in list_releases(settings)]
    assert (len(partial), len(complete)) == ((1, 1) if left_behind == "partial" else (0, 2))

    outcome = publish_again(settings, catalogue)

    assert outcome.status == "published"
    assert settings.current_link.resolve() == outcome.folder
    assert not list(settings.releases_dir.glob("*.partial"))
    # A release that was complete is adopted, not built a second time.
    assert outcome.release_id.startswith("20260304" if left_behind == "partial" else "20260303")
    assert len(list_releases(settings)) == 2
    assert show_release(settings, outcome.release_id, verify=True).previous_release == old.release_id
    assert fingerprint(old.folder) == before


def test_a_first_release_that_died_leaves_nothing_to_read_and_the_next_completes(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection, catalogue: Any
) -> None:
    warehouse.close()
    publish_and_die(settings, "give_name")
    assert current_release(settings) is None
    assert list_releases(settings) == []
    assert publish_again(settings, catalogue).status == "published"


def test_a_complete_release_altered_before_it_is_adopted_is_not_adopted(
    publish_at: Any, settings: Settings, warehouse: duckdb.DuckDBPyConnection, catalogue: Any
) -> None:
    old = publish_at(MONDAY)
    warehouse.execute("update kpi.kpi_value set value = 960 where kpi_value_key = '1'")
    warehouse.close()
    publish_and_die(settings, "make_current")
    killed = list_releases(settings)[0].release_id
    (settings.releases_dir / killed / "open/send_kpis.duckdb").write_bytes(b"")
    outcome = publish_again(settings, catalogue)
    assert (outcome.status, outcome.release_id == killed) == ("published", False)
    assert show_release(settings, outcome.release_id, verify=True).previous_release == old.release_id


def publish_again(settings: Settings, catalogue: Any) -> Any:
    from orchestration.release.build import publish

    with duckdb.connect(str(settings.warehouse_path)) as connection:
        return publish(settings, connection, catalogue=catalogue, code_version="1.0", run_id="next", now=WEDNESDAY)
