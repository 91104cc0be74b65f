"""dbt as a program that tells only what is read: its events of level info and above, as JSON lines and in its log.

dbt's own console and log put every event into words and drop it afterwards where it is below their level; of a build that is
a fifth of the time spent on its nodes. This asks for the events themselves (dbt's programmatic interface) and words those that
are kept. Dagster starts it by its path; it imports nothing of this project.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dbt.cli.main import dbtRunner
from dbt_common.events.functions import msg_to_dict

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

KEPT = {"info", "warn", "error"}


def main() -> int:
    """Run dbt with the arguments of this program. Returns: 0 good, 1 nodes failed, 2 dbt could not do it."""
    log = Path(os.environ["DBT_LOG_PATH"]) / "dbt.log"
    with suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        log.open("w").close()

    def write(line: str) -> None:
        # A disk that is full ends what dbt does, not what tells of it: the same is told on standard output.
        with suppress(OSError), log.open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")

    def tell(event: "EventMsg") -> None:
        if event.info.level in KEPT:
            told = msg_to_dict(event)
            write("{ts} [{level:<5}] {msg}".format(**told["info"]))
            sys.stdout.write(f"{json.dumps(told)}\n")

    done = dbtRunner(callbacks=[tell]).invoke(["--log-level", "none", "--log-level-file", "none", *sys.argv[1:]])
    if done.exception is not None:
        write(str(done.exception) or repr(done.exception))
        return 2
    return 0 if done.success else 1


if __name__ == "__main__":
    sys.exit(main())
