"""The `cornerstone` command, one module for each kind of work.

Exit status: 0 good, 1 the data has errors, 2 the file or the set-up cannot be used. Results go to standard output,
progress and errors to standard error.
"""

import logging
import sys
from collections.abc import Callable

from orchestration.cli.console import err, progress
from orchestration.cli.tree import app
from orchestration.errors import CornerstoneError, system_fault

# Each adds its commands to the tree, in the order in which help shows them.
# isort: off
from orchestration.cli import journey, upkeep, files, children, telling, releases, rights, measuring

__all__ = [
    "app",
    "children",
    "files",
    "guarded",
    "journey",
    "main",
    "measuring",
    "releases",
    "rights",
    "telling",
    "upkeep",
]


def guarded(command: Callable[[], None]) -> int:
    """The exit status of a command; an error that a person can do something about is told in one sentence."""
    try:
        command()
    except CornerstoneError as error:
        told = error
    except OSError as error:
        fault = system_fault(error)
        if fault is None:
            raise
        told = fault
    else:
        return 0
    err.print(f"error: {told}", style="red", markup=False, soft_wrap=True)
    return told.exit_code


def main() -> None:
    """Entry point: errors as one clear sentence, no traceback."""
    logging.getLogger("cornerstone").addHandler(progress)
    logging.getLogger("cornerstone").setLevel(logging.INFO)
    logging.getLogger("cornerstone").propagate = False
    sys.exit(guarded(app))
