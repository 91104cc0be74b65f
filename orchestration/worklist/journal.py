"""Who was handed names of children, when and why: a journal in the vault that is only ever added to and names no child."""

from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration.durable import append_to_journal, read_journal_entries
from orchestration.settings import Settings

JOURNAL = "worklist_journal.jsonl"
PRIVATE_MODE = 0o600


@dataclass(frozen=True)
class Handover:
    """One list that was handed over. `at` is UTC; `school` none means all; `sha256` is of the file."""

    at: str
    by: str
    reason: str
    release_id: str
    census: int
    school: str | None
    children: int
    unresolved: int
    sha256: str


def journal_path(settings: Settings) -> Path:
    """Where the journal lies."""
    return settings.vault_dir / JOURNAL


def record_handover(settings: Settings, handover: Handover) -> None:
    """Add a line to the journal and flush it to disk."""
    append_to_journal(journal_path(settings), asdict(handover), mode=PRIVATE_MODE)


def read_journal(settings: Settings) -> list[Handover]:
    """Every handover, the oldest first.

    Raises:
        CornerstoneError: a line is none that Cornerstone wrote.
    """
    return read_journal_entries(journal_path(settings), Handover)
