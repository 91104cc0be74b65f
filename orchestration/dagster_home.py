"""DAGSTER_HOME inside the store: run history, and the one dagster.yaml."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from orchestration.settings import Settings

SHOWN_WITH_JOBS = {".dagster/repository": "__repository__@cornerstone"}
"""Tags of a run that the command line starts: the UI shows it with the jobs of the code location that workspace.yaml names."""

ALONE = {"cornerstone/alone": "yes"}
"""Tags of jobs that write more than landed files: one of them at a time, whatever else runs."""

# One writer to the working database at a time; the lock behind WarehouseResource is what makes it safe, the pool only
# keeps waiting steps out of the way. Slots of runs that died are given back by run monitoring, which cannot tell that the
# process of a run has died: no run takes four hours, and one that seems to would keep the next waiting for ever.
_DAGSTER_YAML = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: {workers}
    tag_concurrency_limits:
      - key: {alone}
        limit: 1
  pools:
    default_limit: 1
    granularity: op
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
  max_runtime_seconds: 14400
"""


def prepare_dagster_home(settings: Settings) -> Path:
    """Write dagster.yaml and point this process, and those it starts, at the store."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    path = home / "dagster.yaml"
    [alone] = ALONE
    wanted = _DAGSTER_YAML.format(workers=settings.landing_workers, alone=alone)
    if not path.is_file() or path.read_text(encoding="utf-8") != wanted:
        path.write_text(wanted, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["CORNERSTONE_STORE"] = str(settings.store)
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    return home


@contextmanager
def fast_history() -> Iterator[None]:
    """Write the run history of this process without waiting for the disk at each of its thousand events.

    Dagster opens a database for every event and closes it again, and who closes last folds the write-ahead log back: a third of
    a small run. Held open, it is folded back now and then. A process that is killed loses nothing; a power cut may lose the last
    events of the history, which nothing is released by.
    """
    from sqlalchemy import Engine, event

    held: dict[str, sqlite3.Connection] = {}

    def connected(connection: Any, _: Any) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        connection.execute("pragma synchronous = normal")
        [(_, _, path)] = connection.execute("pragma database_list").fetchall()
        if path not in held and connection.execute("pragma journal_mode").fetchone() == ("wal",):
            held[path] = opened.enter_context(closing(sqlite3.connect(path, check_same_thread=False)))
            held[path].execute("pragma schema_version").fetchall()  # a connection counts once it has read

    with ExitStack() as opened:
        event.listen(Engine, "connect", connected)
        opened.callback(event.remove, Engine, "connect", connected)
        yield
