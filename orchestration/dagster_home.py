"""DAGSTER_HOME inside the store: run history, and the one dagster.yaml."""

import os
from pathlib import Path

from orchestration.settings import Settings

# One writer to the working database at a time; the lock behind WarehouseResource is what makes it safe, the pool only
# keeps waiting steps out of the way. Slots of runs that died are given back by run monitoring.
_DAGSTER_YAML = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    default_limit: 1
    granularity: op
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
"""


def prepare_dagster_home(settings: Settings) -> Path:
    """Write dagster.yaml and point this process, and those it starts, at the store."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    path = home / "dagster.yaml"
    if not path.is_file() or path.read_text(encoding="utf-8") != _DAGSTER_YAML:
        path.write_text(_DAGSTER_YAML, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["CORNERSTONE_STORE"] = str(settings.store)
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    return home
