"""Dagster's home is as the service needs it; the run history does not wait for the disk at each event, and is whole afterwards."""

import sqlite3
from pathlib import Path

import dagster as dg
import pytest
import yaml
from sqlalchemy import NullPool, create_engine, text

from orchestration.dagster_home import SHOWN_WITH_JOBS, fast_history, prepare_dagster_home
from orchestration.settings import PROJECT_DIR, Settings

FULL, NORMAL = 2, 1


def write_event(path: Path, number: int) -> int:
    """As Dagster does: a connection for each event. How it waits for the disk."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("insert into event values (:number)"), {"number": number})
        waits: int = connection.execute(text("pragma synchronous")).scalar_one()
    engine.dispose()
    return waits


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.db"
    with sqlite3.connect(path) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table event (number integer)")
    connection.close()
    return path


def test_a_run_whose_process_died_keeps_the_next_waiting_for_hours_and_not_for_ever(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_HOME", "CORNERSTONE_STORE", "GX_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")  # which this sets, put back afterwards
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(settings))) as instance:
        assert instance.run_monitoring_enabled
        # The launcher cannot tell whether a run's process lives: only a time ends one that does not.
        assert not instance.run_launcher.supports_check_run_worker_health
        assert instance.run_monitoring_max_runtime_seconds == 4 * 3600


def test_as_many_authorities_land_at_once_as_there_are_workers_and_one_run_does_more(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_HOME", "CORNERSTONE_STORE", "GX_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")
    for workers in (1, 4):
        home = prepare_dagster_home(settings.model_copy(update={"landing_workers": workers}))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs == workers
        assert queue.tag_concurrency_limits == [{"key": "cornerstone/alone", "limit": 1}]


def test_runs_of_the_command_line_are_shown_with_the_jobs_of_the_code_location() -> None:
    [location] = yaml.safe_load((PROJECT_DIR / "workspace.yaml").read_text())["load_from"]
    label = f"__repository__@{location['python_module']['location_name']}"
    assert list(SHOWN_WITH_JOBS.values()) == [label]


def test_the_history_is_folded_back_once_at_the_end_and_holds_every_event(history: Path) -> None:
    log = history.with_name("history.db-wal")
    with fast_history():
        assert [write_event(history, number) for number in range(3)] == [NORMAL] * 3
        assert log.stat().st_size > 0
    assert not log.exists()
    with sqlite3.connect(history) as connection:
        assert connection.execute("select number from event").fetchall() == [(0,), (1,), (2,)]
    connection.close()


def test_afterwards_and_when_the_run_fails_everything_is_as_it_was(history: Path) -> None:
    with pytest.raises(RuntimeError), fast_history():
        write_event(history, 0)
        raise RuntimeError
    assert write_event(history, 1) == FULL
    assert not history.with_name("history.db-wal").exists()
