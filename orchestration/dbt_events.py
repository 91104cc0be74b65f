"""dbt as a program that tells only what is read: its events of level info and above, as JSON lines and in its log.

dbt's own console and log put every event into words and drop it afterwards where it is below their level; of a build that is
a fifth of the time spent on its nodes. This asks for the events themselves (dbt's programmatic interface) and words those that
are kept. Dagster starts it by its path; it imports nothing of this project.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dbt.cli.main import dbtRunner
from dbt_common.events.functions import msg_to_dict

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

KEPT = {"info", "warn", "error"}


def main() -> int:
    """Run dbt with the arguments of this program. Returns: 0 good, 1 nodes failed, 2 dbt could not do it."""
    folder = Path(os.environ["DBT_LOG_PATH"])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "dbt.log").open("w", encoding="utf-8") as log:

        def tell(event: "EventMsg") -> None:
            if event.info.level in KEPT:
                told = msg_to_dict(event)
                sys.stdout.write(f"{json.dumps(told)}\n")
                log.write("{ts} [{level:<5}] {msg}\n".format(**told["info"]))
                log.flush()

        done = dbtRunner(callbacks=[tell]).invoke(["--log-level", "none", "--log-level-file", "none", *sys.argv[1:]])
        if done.exception is not None:
            log.write(f"{done.exception}\n")
            return 2
    return 0 if done.success else 1


if __name__ == "__main__":
    sys.exit(main())
