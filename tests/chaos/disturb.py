"""Inside the process that is disturbed: counts its changes to the store, and strikes at the moment it was told."""

import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import threading
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

BALLAST = "ballast"
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Disturbance:
    """What strikes, and when: after a progress line that begins with `after`, `changes` changes to the store and `delay` seconds.

    `kind` none only counts. `staged` is a folder laid out as the inbox, delivered by `deliver`.
    """

    kind: str
    store: str
    after: str = ""
    changes: int = 0
    delay: float = 0.0
    free_bytes: int = 0
    staged: str = ""
    inbox: str = ""

    def as_json(self) -> str:
        return json.dumps(asdict(self))


def fill_disk(store: Path, free_bytes: int) -> None:
    """Leave so many bytes of the disk that holds the store."""
    found = os.statvfs(store)
    wanted = found.f_bavail * found.f_frsize - free_bytes
    if wanted > 0:
        with (store / BALLAST).open("ab") as stream:
            os.posix_fallocate(stream.fileno(), stream.tell(), wanted)


def deliver(staged: Path, inbox: Path) -> None:
    """Put files into the inbox as a careful sender does: hidden until they are whole."""
    for path in sorted(path for path in staged.rglob("*") if path.is_file()):
        target = inbox / path.relative_to(staged)
        target.parent.mkdir(parents=True, exist_ok=True)
        hidden = target.with_name(f".{target.name}")
        shutil.copyfile(path, hidden)
        hidden.rename(target)


def kill_children(name: str) -> None:
    """Kill the processes that this one started whose command line names a program."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and name in stat.with_name("cmdline").read_text():
                os.kill(int(stat.parent.name), signal.SIGKILL)


class _Watch(logging.Handler):
    def __init__(self, asked: Disturbance) -> None:
        super().__init__(logging.INFO)
        self.asked = asked
        self.is_armed = asked.after == "" and asked.kind != "none"
        self.is_done = False
        self.changes = 0
        self.counted: Counter[str] = Counter()
        self.lines: set[str] = {""}

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        self.lines.add(" ".join(line.split()[:2]))
        if self.asked.after and line.startswith(self.asked.after) and not self.is_done:
            self.is_armed = True
            if self.asked.kind == "kill_dbt":
                self._strike_later()

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """One audit event of the interpreter."""
        if self.is_done:
            return
        if event == "open":
            flags = arguments[2] if isinstance(arguments[2], int) else 0
            if not flags & _WRITING:
                return
        elif event not in CHANGES:
            return
        if not os.fsdecode(os.fspath(arguments[0]) if not isinstance(arguments[0], int) else "").startswith(
            self.asked.store
        ):
            return
        for line in self.lines:
            self.counted[line] += 1
        if not self.is_armed:
            return
        self.changes += 1
        if self.changes > self.asked.changes:
            self._strike_later()

    def _strike_later(self) -> None:
        self.is_done, self.is_armed = True, False
        if self.asked.delay:
            threading.Timer(self.asked.delay, self.strike).start()
        else:
            self.strike()

    def strike(self) -> None:
        asked = self.asked
        print(f"struck: {asked.kind}", file=sys.stderr, flush=True)
        if asked.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif asked.kind == "kill_dbt":
            kill_children("dbt")
        elif asked.kind == "disk_full":
            fill_disk(Path(asked.store), asked.free_bytes)
        elif asked.kind == "deliver":
            deliver(Path(asked.staged), Path(asked.inbox))


def install(text: str) -> Counter[str]:
    """Be disturbed as `Disturbance.as_json` says. Returns: how many changes have come after each line, by its first two words."""
    watch = _Watch(Disturbance(**json.loads(text)))
    logger = logging.getLogger("cornerstone")
    logger.setLevel(logging.INFO)
    logger.addHandler(watch)
    sys.addaudithook(watch.heard)
    return watch.counted
