"""Publish in a process that is killed when it reaches a named step: `killed_publish.py STORE STEP`.

Not a test: `test_killed.py` starts it. The step is a function that `orchestration.release.build` calls.
"""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from conftest import SampleCatalogue, pass_gates

from orchestration.release import build
from orchestration.settings import Settings

TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


def die(*_: object, **__: object) -> None:
    """What a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    store, step = sys.argv[1:]
    settings = Settings(store=Path(store), release_approval="none")
    if not hasattr(build, step):
        raise SystemExit(f"publish has no step {step}")
    setattr(build, step, die)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        pass_gates(connection, SampleCatalogue())
        build.publish(
            settings, connection, catalogue=SampleCatalogue(), code_version="1.0", run_id="killed", now=TUESDAY
        )
