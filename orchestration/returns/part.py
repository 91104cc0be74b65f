"""The part of a return that a landing deals with, and the locks by which landings of parts go on beside each other."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.locking import exclusive_lock, shared_lock
from orchestration.rights.intent import require_finished
from orchestration.settings import Settings

LOCK_WAIT_SECONDS = 1800.0


@dataclass(frozen=True)
class Part:
    """What a landing deals with: all of a return, or what lies in the folder of one authority, beside which others land theirs."""

    return_id: str
    authority: str | None = None

    def __str__(self) -> str:
        return self.return_id if self.authority is None else f"{self.return_id}-{self.authority}"

    def holds(self, name: str) -> bool:
        """Whether a file, by its path below the inbox, is of it."""
        return self.authority is None or name.startswith(f"{self.authority}/")

    def spill_dir(self, settings: Settings) -> Path:
        """Where DuckDB puts work for want of memory; whoever works beside it has another."""
        return settings.vault_dir / ("spill" if self.authority is None else f"landing_{self}_spill")


@contextmanager
def landing_lock(settings: Settings, part: Part) -> Iterator[None]:
    """Alone in the store, or, of one authority, beside landings of others."""
    holder = f"landing of {part}"
    with ExitStack() as held:
        kind = exclusive_lock if part.authority is None else shared_lock
        held.enter_context(kind(settings.store / "landing.lock", wait_seconds=LOCK_WAIT_SECONDS, holder=holder))
        if part.authority is not None:
            own = settings.store / "locks" / f"{part}.lock"
            held.enter_context(exclusive_lock(own, wait_seconds=LOCK_WAIT_SECONDS, holder=holder))
        require_finished(settings)
        yield


@contextmanager
def common_lock(settings: Settings, part: Part) -> Iterator[None]:
    """Held for what landings beside each other all write: the archive, which sets wait, and what counts."""
    path = settings.store / "locks" / "common.lock"
    with exclusive_lock(path, wait_seconds=LOCK_WAIT_SECONDS, holder=f"landing of {part}"):
        yield
