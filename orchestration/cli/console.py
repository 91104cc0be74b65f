"""What every command prints to and shares: results to standard output, progress and errors to standard error."""

import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console

from orchestration.errors import CornerstoneError

NARROW, LEGIBLE = 80, 120  # columns between which running text is set
PATIENCE_SECONDS = 2.0
CELLS_NAMED = 20
WIDE = 160  # where nobody watches, tables are not cut to a window

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OutTable = Annotated[Path | None, typer.Option("--out", help="File to write to: .csv or .xlsx.")]
ByName = Annotated[
    bool,
    typer.Option(
        "--show-identifiers",
        help="List the children by name. Needs --by, --reason and --out, and is recorded; handle as the returns.",
    ),
]


class Progress(logging.Handler):
    """Progress lines with the time since the command started."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.started = time.perf_counter()
        self._held: list[str] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Print the line, or hold it while nothing is to be said yet."""
        line = f"[{time.perf_counter() - self.started:6.1f} s] {record.getMessage()}"
        if record.levelno >= logging.WARNING:
            err.print(line, style="yellow", markup=False, soft_wrap=True)
        elif self._held is not None:
            self._held.append(line)
        else:
            err.print(line, style="dim", markup=False, soft_wrap=True)

    @contextmanager
    def only_if_slow(self) -> Iterator[None]:
        """Say nothing of work that is done before anyone wonders."""
        self._held = []
        timer = threading.Timer(PATIENCE_SECONDS, self._release)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._held = None

    def _release(self) -> None:
        with self.lock or nullcontext():
            held, self._held = self._held, None
        for line in held or []:
            err.print(line, style="dim", markup=False, soft_wrap=True)


progress = Progress()


def print_json(content: Any) -> None:
    """A result, for programs."""
    out.print_json(json.dumps(content, default=str))


def require_yes(question: str, undone: str, *, is_given: bool) -> None:
    """Ask before what cannot be taken back, unless --yes is given.

    Raises:
        CornerstoneError: the answer is no (`undone` is said), or nobody can be asked.
    """
    if is_given:
        return
    try:
        is_agreed = typer.confirm(question, err=True)
    except typer.Abort:
        if sys.stdin.isatty():  # somebody who broke off
            raise
        err.print()
        raise CornerstoneError(f"{undone}: there is nobody to ask; give --yes to go on without being asked.") from None
    if not is_agreed:
        raise CornerstoneError(f"{undone}.")


@contextmanager
def written_to(path: Path | None, *, private: bool) -> Iterator[TextIO]:
    """Standard output, or a file that is there whole or not at all."""
    if path is None:
        yield sys.stdout
        return
    from orchestration.check.page import opened

    with opened(path, private=private) as stream:
        yield stream
