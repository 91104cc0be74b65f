"""Landing, linkage and control tables in a process of its own that can be killed: all of a run that is not dbt, gates or release."""

import json
import logging
import os
import sys
from datetime import UTC, datetime, timedelta

from tests.chaos.disturb import install

log = logging.getLogger("cornerstone.chaos")
PRELOADED = [
    "tests.chaos.landing", "orchestration.rebuild", "orchestration.linkage.quality", "orchestration.linkage.probable",
    "orchestration.warehouse", "orchestration.cli", "expectations.gate", "great_expectations", "splink", "openpyxl",
]  # fmt: skip


def land_everything(shift: timedelta) -> None:
    """What the steps of a run before dbt do, in their order."""
    from expectations.catalogue import load_catalogue
    from orchestration.linkage.child_key import link_children
    from orchestration.linkage.quality import measure_links
    from orchestration.rebuild import finish_rebuild
    from orchestration.returns.land import land_return
    from orchestration.returns.spec import return_ids
    from orchestration.settings import load_settings
    from orchestration.store_lock import store_lock
    from orchestration.warehouse import open_warehouse, prepare_store, write_control_tables

    settings = load_settings()
    prepare_store(settings)
    catalogue = load_catalogue(settings.rules_dir)
    with store_lock(settings, "another run"):
        finish_rebuild(settings)
        for return_id in return_ids():
            land_return(settings, return_id, catalogue, now=datetime.now(UTC) + shift)
        log.info("linking children")
        link_children(settings)
        measure_links(settings)
        log.info("control tables")
        with open_warehouse(settings.warehouse_path, "chaos", settings.database_limits) as connection:
            write_control_tables(connection, settings)


def run_disturbed(
    variables: dict[str, str], disturbance: str, shift_seconds: int, said: str, user: int | None = None
) -> None:
    """The body of the process. Its progress, and how it ends, go to the file `said` as the command would print them; beside it,
    as JSON, how many changes came after each line."""
    stream = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    counts = os.open(f"{said}.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    os.environ.update(variables)
    if user is not None:
        os.setgid(user)
        os.setuid(user)
    from orchestration.cli import guarded
    from orchestration.cli.console import progress
    from orchestration.returns import inbox

    inbox.SETTLE_SECONDS = 0.0
    logging.getLogger("cornerstone").addHandler(progress)
    logging.getLogger("cornerstone").propagate = False
    counted = install(disturbance)
    code = guarded(lambda: land_everything(timedelta(seconds=shift_seconds)))
    os.write(counts, json.dumps(counted).encode())
    sys.stderr.flush()
    os._exit(code)  # a forked process does not tidy up what it was forked from
