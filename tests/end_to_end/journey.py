"""Drive the `cornerstone` command in a process of its own, as a person would."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.settings import PROJECT_DIR


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Journey:
    """A store and a raw folder of one's own, and what else of the environment is one's own."""

    store: Path
    raw: Path
    show_progress: bool = False
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def inbox(self) -> Path:
        """The inbox of published statistics."""
        return self.raw / "inbox" / "published_statistics"

    @property
    def current(self) -> Path:
        """The release people read."""
        return self.store / "current"

    @property
    def environment(self) -> dict[str, str]:
        """What moves the command to this store."""
        return {
            **os.environ,
            "CORNERSTONE_STORE": str(self.store),
            "CORNERSTONE_RAW": str(self.raw),
            "CORNERSTONE_KEY_FILE": str(self.store.parent / "configuration" / "secret.key"),
            "COLUMNS": "200",
            **self.variables,
        }

    def cornerstone(self, *arguments: str, driver: str | None = None) -> Ended:
        """Run the command; `driver` is Python run first in its process, for instance to kill it at a certain point."""
        code = f"{driver or ''}\nimport sys\nfrom orchestration.cli import main\nsys.argv = ['cornerstone', *sys.argv[1:]]\nmain()"
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=self.environment,
            cwd=PROJECT_DIR,
            stdout=subprocess.PIPE,
            stderr=None if self.show_progress else subprocess.PIPE,
            text=True,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr or "")

    def releases(self) -> list[str]:
        """The releases that `cornerstone release list` names."""
        return [release["release_id"] for release in self.cornerstone("release", "list", "--json").result]

    def drop(self, name: str, content: str | bytes) -> None:
        """Put a file in the inbox."""
        self.inbox.mkdir(parents=True, exist_ok=True)
        (self.inbox / name).write_bytes(content.encode() if isinstance(content, str) else content)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
